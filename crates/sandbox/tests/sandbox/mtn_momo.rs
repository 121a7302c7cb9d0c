//! MTN MoMo: tokens, requests to pay, refunds, and the one callback.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::stage::{Stage, send};

const REFERENCE: &str = "4b26f77d-b027-47da-b59b-1326b6816420";
const REFUND: &str = "8f0f6c1e-2a55-4c7b-9d43-0a4a3a1b2c3d";
const PAY: &str = "/mtn_momo/collection/v1_0/requesttopay";
const SEND_BACK: &str = "/mtn_momo/disbursement/v1_0/refund";

fn asked_token(stage: &Stage, product: &str, password: &str, key: &str) -> RequestBuilder {
    stage
        .request(Method::POST, &format!("/mtn_momo/{product}/token/"))
        .basic_auth("momo-user", Some(password))
        .header("Ocp-Apim-Subscription-Key", key)
        .header("Content-Length", "0")
}

async fn token(stage: &Stage, product: &str) -> String {
    let (status, answer) = send(asked_token(stage, product, "momo-key", &format!("{product}-key"))).await;
    assert_eq!((status, &answer["expires_in"]), (200, &json!(3600)), "{answer}");
    answer["access_token"].as_str().unwrap().to_owned()
}

/// A call as its clients make it.
async fn call(
    stage: &Stage,
    method: Method,
    path: &str,
    reference: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let product = if path.contains("collection") { "collection" } else { "disbursement" };
    let mut request = stage
        .request(method, path)
        .bearer_auth(token(stage, product).await)
        .header("Ocp-Apim-Subscription-Key", format!("{product}-key"))
        .header("X-Target-Environment", "sandbox")
        .header("X-Reference-Id", reference)
        .header("X-Callback-Url", format!("{}/momo", stage.product_url));
    if let Some(body) = body {
        request = request.json(&body);
    }
    send(request).await
}

fn terms(payment_id: &str, msisdn: &str) -> Value {
    json!({
        "amount": "59.99", "currency": "EUR", "externalId": payment_id,
        "payer": { "partyIdType": "MSISDN", "partyId": msisdn }, "payerMessage": "Signaux", "payeeNote": "note",
    })
}

async fn asked(stage: &Stage, payment_id: &str, msisdn: &str) -> (u16, Value) {
    call(stage, Method::POST, PAY, REFERENCE, Some(terms(payment_id, msisdn))).await
}

async fn status(stage: &Stage) -> (u16, Value) {
    call(stage, Method::GET, &format!("{PAY}/{REFERENCE}"), REFERENCE, None).await
}

#[tokio::test]
async fn a_payer_approves_on_their_telephone_and_the_shop_is_told_once() {
    let stage = Stage::new().await;
    assert_eq!(status(&stage).await.1["code"], "RESOURCE_NOT_FOUND");
    assert_eq!(asked(&stage, "p1", "237670000000").await, (202, Value::Null));
    assert_eq!(status(&stage).await.1["status"], "PENDING");

    let phones = stage.request(Method::GET, "/mtn_momo/phones").send().await.unwrap().text().await.unwrap();
    assert!(phones.contains("+237670000000") && phones.contains("/psp/checkout/p1"), "{phones}");
    stage.product.answer_next(&[500]);
    assert_eq!(stage.act("p1", "pay").await.0, 200);

    let told = status(&stage).await.1;
    assert_eq!(
        (&told["status"], &told["amount"], &told["externalId"]),
        (&json!("SUCCESSFUL"), &json!("59.99"), &json!("p1"))
    );
    let events = stage.until_json("/psp/events", |events| events["items"][0]["state"] == "given_up").await;
    assert_eq!(events["items"][0]["attempts"].as_array().unwrap().len(), 1);
    let callback = stage.product.told().remove(0);
    assert_eq!(callback.body, told, "the callback says what the API says");
    assert!(callback.headers.keys().all(|name| !name.as_str().contains("signature")));
    let phones = stage.request(Method::GET, "/mtn_momo/phones").send().await.unwrap().text().await.unwrap();
    assert!(!phones.contains("/psp/checkout/p1"));
}

#[tokio::test]
async fn a_reference_is_taken_once_whatever_comes_with_it() {
    let stage = Stage::new().await;
    asked(&stage, "p1", "237670000000").await;
    for payment_id in ["p1", "p2"] {
        let (status, refused) = asked(&stage, payment_id, "237670000000").await;
        assert_eq!((status, &refused["code"]), (409, &json!("RESOURCE_ALREADY_EXIST")));
    }
    for reference in ["", "p1", "4b26f77d-b027-17da-b59b-1326b6816420"] {
        let answer = call(&stage, Method::POST, PAY, reference, Some(terms("p3", "237670000000"))).await;
        assert_eq!((answer.0, answer.1.get("code")), (400, None), "{reference}");
    }
}

#[tokio::test]
async fn a_prompt_runs_out_and_a_refusal_says_why() {
    let stage = Stage::new().await;
    asked(&stage, "p1", "237670000000").await;
    stage.post("/clock", json!({ "advance_seconds": 301 })).await;
    let told = status(&stage).await.1;
    assert_eq!((&told["status"], &told["reason"]), (&json!("FAILED"), &json!("EXPIRED")));
    stage.until("it was told", || stage.product.told().len() == 1).await;
}

#[tokio::test]
async fn the_numbers_of_mtns_sandbox_decide_by_themselves() {
    for (msisdn, code) in [("46733123455", "PAYER_NOT_FOUND"), ("46733123460", "INVALID_CURRENCY")] {
        let stage = Stage::new().await;
        let (answered, refused) = asked(&stage, "p1", msisdn).await;
        assert_eq!((answered, &refused["code"]), (500, &json!(code)));
        assert_eq!(status(&stage).await.0, 404);
    }
    for (msisdn, reason) in
        [("46733123451", "APPROVAL_REJECTED"), ("46733123463", "COULD_NOT_PERFORM_TRANSACTION")]
    {
        let stage = Stage::new().await;
        assert_eq!(asked(&stage, "p1", msisdn).await.0, 202);
        let told = status(&stage).await.1;
        assert_eq!((&told["status"], &told["reason"]), (&json!("FAILED"), &json!(reason)));
    }
}

#[tokio::test]
async fn nobody_calls_without_subscription_user_and_token_of_the_product() {
    let stage = Stage::new().await;
    assert_eq!(send(asked_token(&stage, "collection", "wrong", "collection-key")).await.0, 401);
    assert_eq!(send(asked_token(&stage, "collection", "momo-key", "disbursement-key")).await.0, 401);
    assert_eq!(send(asked_token(&stage, "remittance", "momo-key", "collection-key")).await.0, 404);
    let elsewhere = token(&stage, "disbursement").await;
    for bearer in ["token_0", elsewhere.as_str()] {
        let request = stage
            .request(Method::POST, PAY)
            .bearer_auth(bearer)
            .header("Ocp-Apim-Subscription-Key", "collection-key")
            .json(&terms("p1", "237670000000"));
        assert_eq!(send(request).await.0, 401);
    }
    assert_eq!(asked(&stage, "p1", "237670000000").await.0, 202, "nothing was opened before");
}

#[tokio::test]
async fn money_goes_back_through_the_other_product() {
    let stage = Stage::new().await;
    asked(&stage, "p1", "237670000000").await;
    stage.act("p1", "pay").await;
    let body = |amount: &str| json!({ "amount": amount, "currency": "EUR", "externalId": "r1", "referenceIdToRefund": REFERENCE });
    let stage = &stage;
    let back = async |reference: &str, amount: &str| {
        call(stage, Method::POST, SEND_BACK, reference, Some(body(amount))).await
    };
    assert_eq!(back(REFUND, "10").await.0, 202);
    assert_eq!(back(REFUND, "10").await.1["code"], "RESOURCE_ALREADY_EXIST");
    let how = |reference: &'static str| async move {
        call(stage, Method::GET, &format!("{SEND_BACK}/{reference}"), reference, None).await
    };
    assert_eq!(how(REFUND).await.1["status"], "SUCCESSFUL");
    let ledger = stage.get("/psp/ledger?provider=mtn_momo").await.1;
    assert_eq!(ledger["items"][0]["refunded_amount"], 1000, "{ledger}");

    let too_much = "11111111-1111-4111-8111-111111111111";
    assert_eq!(back(too_much, "60").await.0, 202, "MTN takes it first and decides then");
    assert_eq!(how(too_much).await.1["status"], "FAILED");
    assert_eq!(how("22222222-2222-4222-8222-222222222222").await.0, 404);
}
