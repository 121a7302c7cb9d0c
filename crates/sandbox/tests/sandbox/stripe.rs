//! Stripe's API and events, over the shared books.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{Stage, mac, send};

const KEY: &str = "sk_test_sandbox0123456789";

fn terms(stage: &Stage, payment: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("mode", "payment")
        .append_pair("client_reference_id", payment)
        .append_pair("success_url", &format!("{}/back", stage.product_url))
        .append_pair("expires_at", &(stage.now() + 3_600).to_string())
        .append_pair("customer_creation", "always")
        .append_pair("line_items[0][quantity]", "1")
        .append_pair("line_items[0][price_data][currency]", "eur")
        .append_pair("line_items[0][price_data][unit_amount]", "5999")
        .append_pair("line_items[0][price_data][product_data][name]", "Signaux");
    form.finish()
}

async fn post(stage: &Stage, path: &str, key: &str, form: &str) -> (u16, Value) {
    let request = stage.request(Method::POST, &format!("/stripe/v1/{path}"));
    send(request.bearer_auth(KEY).header("Idempotency-Key", key).body(form.to_owned())).await
}

async fn get(stage: &Stage, path: &str) -> (u16, Value) {
    send(stage.request(Method::GET, &format!("/stripe/v1/{path}")).bearer_auth(KEY)).await
}

#[tokio::test]
async fn a_session_is_opened_paid_and_refunded_and_told_with_stripes_signature() {
    let stage = Stage::new().await;
    let form = terms(&stage, "p1");
    let (status, opened) = post(&stage, "checkout/sessions", "p1", &form).await;
    assert_eq!((status, &opened["status"]), (200, &json!("open")), "{opened}");
    assert_eq!(opened["url"], format!("{}/psp/checkout/p1", stage.base));
    assert_eq!(post(&stage, "checkout/sessions", "p1", &form).await.1, opened, "replayed");
    let id = opened["id"].as_str().unwrap();
    assert_eq!(stage.act("p1", "pay").await.0, 200);

    let (_, told) =
        get(&stage, &format!("checkout/sessions/{id}?expand%5B0%5D=payment_intent.latest_charge")).await;
    assert_eq!((&told["status"], &told["payment_status"]), (&json!("complete"), &json!("paid")));
    assert!(told["customer"].as_str().unwrap().starts_with("cus_"));
    let intent = told["payment_intent"]["id"].as_str().unwrap();
    let form = format!("payment_intent={intent}&amount=1000&metadata[refund_id]=r1&expand[0]=charge");
    let (status, refund) = post(&stage, "refunds", "r1", &form).await;
    assert_eq!((status, &refund["charge"]["amount_refunded"]), (200, &json!(1000)), "{refund}");
    let (_, again) = get(&stage, &format!("refunds/{}", refund["id"].as_str().unwrap())).await;
    assert_eq!((&again["status"], &again["payment_intent"]), (&json!("succeeded"), &json!(intent)));

    stage.until("three events came", || stage.product.told().len() == 3).await;
    let mut types = stage.product.types();
    types.sort();
    assert_eq!(types, ["charge.refunded", "checkout.session.completed", "refund.created"]);
    for told in stage.product.told() {
        let header = told.headers["stripe-signature"].to_str().unwrap();
        let (t, v1) = header.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
        let body = std::str::from_utf8(&told.raw).unwrap();
        assert_eq!(v1, mac("whsec_sandbox0123456789abcdef", &format!("{t}.{body}")));
        assert_eq!(told.body["data"]["object"]["metadata"]["payment_id"], "p1");
    }
}

#[tokio::test]
async fn refunds_are_listed_and_their_keys_are_forgotten_after_a_day() {
    let stage = Stage::new().await;
    let form = terms(&stage, "p1");
    post(&stage, "checkout/sessions", "p1", &form).await;
    stage.act("p1", "pay").await;
    let books = stage.get("/psp/ledger?payment_id=p1&format=json").await.1;
    let intent = books["items"][0]["charges"][0]["id"].as_str().unwrap().to_owned();
    let form = format!("payment_intent={intent}&amount=1000&metadata[refund_id]=r1");
    let (_, first) = post(&stage, "refunds", "r1", &form).await;
    assert_eq!(post(&stage, "refunds", "r1", &form).await.1, first, "replayed");
    stage.post("/clock", json!({ "advance_seconds": 25 * 3_600 })).await;
    let (status, second) = post(&stage, "refunds", "r1", &form).await;
    assert_eq!(status, 200);
    assert_ne!(second["id"], first["id"], "the key is forgotten: it is another refund");
    let (_, page) = get(&stage, &format!("refunds?payment_intent={intent}&limit=1")).await;
    assert_eq!((&page["data"][0]["id"], &page["has_more"]), (&second["id"], &json!(true)));
    let after = page["data"][0]["id"].as_str().unwrap();
    let (_, page) = get(&stage, &format!("refunds?payment_intent={intent}&starting_after={after}")).await;
    assert_eq!((&page["data"][0]["id"], &page["has_more"]), (&first["id"], &json!(false)));
    assert_eq!(get(&stage, "refunds").await.0, 400);
}

#[tokio::test]
async fn refusals_are_in_stripes_own_words() {
    let stage = Stage::new().await;
    let form = terms(&stage, "p1");
    let unsigned = stage.request(Method::POST, "/stripe/v1/checkout/sessions").body(form.clone());
    assert_eq!(send(unsigned).await.0, 401);
    let unknown = format!("{form}&payment_method_types[0]=card");
    let (status, refused) = post(&stage, "checkout/sessions", "p1", &unknown).await;
    assert_eq!((status, &refused["error"]["code"]), (400, &json!("parameter_unknown")));
    let (_, opened) = post(&stage, "checkout/sessions", "p1", &form).await;
    let other = form.replace("5999", "1");
    let (status, refused) = post(&stage, "checkout/sessions", "p1", &other).await;
    assert_eq!((status, &refused["error"]["type"]), (400, &json!("idempotency_error")));
    let expire = format!("checkout/sessions/{}/expire", opened["id"].as_str().unwrap());
    let (status, expired) = post(&stage, &expire, "e1", "").await;
    assert_eq!((status, &expired["status"], &expired["url"]), (200, &json!("expired"), &Value::Null));
    let (status, refused) = post(&stage, &expire, "e2", "").await;
    assert_eq!((status, &refused["error"]["type"]), (400, &json!("invalid_request_error")));
    let (status, refused) = get(&stage, "checkout/sessions/cs_test_0").await;
    assert_eq!((status, &refused["error"]["code"]), (404, &json!("resource_missing")));
}
