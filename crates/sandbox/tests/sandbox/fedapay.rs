//! FedaPay: transactions, their pages, and signed events.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{Stage, Told, mac, send};

async fn call(stage: &Stage, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let mut request = stage.request(method, &format!("/fedapay/v1{path}")).bearer_auth("sk_sandbox_test");
    if let Some(body) = body {
        request = request.json(&body);
    }
    send(request).await
}

fn terms(stage: &Stage, reference: &str) -> Value {
    json!({
        "description": "Signaux", "amount": 15000, "currency": { "iso": "XOF" }, "merchant_reference": reference,
        "callback_url": format!("{}/back?a=1", stage.product_url), "customer": { "email": "awa@example.com" },
    })
}

async fn created(stage: &Stage, reference: &str) -> Value {
    let (status, answer) = call(stage, Method::POST, "/transactions", Some(terms(stage, reference))).await;
    assert_eq!(status, 200, "{answer}");
    answer["v1/transaction"].clone()
}

/// Time and validity of an event's signature.
fn check(told: &Told) -> (i64, bool) {
    let header = told.headers["x-fedapay-signature"].to_str().unwrap();
    let (t, s) = header.strip_prefix("t=").unwrap().split_once(",s=").unwrap();
    let message = format!("{t}.{}", std::str::from_utf8(&told.raw).unwrap());
    (t.parse().unwrap(), mac("wh_test", &message) == s)
}

#[tokio::test]
async fn a_transaction_gets_a_page_and_is_told_in_fedapays_words() {
    let stage = Stage::new().await;
    assert_eq!(call(&stage, Method::GET, "/transactions/merchant/p1", None).await.0, 404);
    let transaction = created(&stage, "p1").await;
    assert_eq!(
        (&transaction["status"], &transaction["merchant_reference"]),
        (&json!("pending"), &json!("p1"))
    );
    let id = transaction["id"].as_i64().unwrap();

    let (status, page) =
        call(&stage, Method::POST, &format!("/transactions/{id}/token"), Some(json!({}))).await;
    assert_eq!(
        (status, page["url"].as_str().unwrap()),
        (200, format!("{}/psp/checkout/p1", stage.base).as_str())
    );
    let pressed = stage
        .client
        .post(page["url"].as_str().unwrap())
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("outcome=pay")
        .send()
        .await
        .unwrap();
    let back = pressed.headers()["location"].to_str().unwrap();
    assert_eq!(back, format!("{}/back?a=1&id={id}&status=approved", stage.product_url));

    for path in [format!("/transactions/{id}"), "/transactions/merchant/p1".to_owned()] {
        let found = call(&stage, Method::GET, &path, None).await.1["v1/transaction"].clone();
        assert_eq!(
            (&found["id"], &found["status"], &found["amount"]),
            (&json!(id), &json!("approved"), &json!(15000))
        );
        assert_eq!(found.get("currency"), None);
        let currency =
            call(&stage, Method::GET, &format!("/currencies/{}", found["currency_id"]), None).await.1;
        assert_eq!(currency["v1/currency"]["iso"], "XOF");
    }
    stage.until("both were told", || stage.product.told().len() == 2).await;
    let told = stage.product.told();
    for (one, name, status) in
        [(&told[0], "transaction.created", "pending"), (&told[1], "transaction.approved", "approved")]
    {
        let (t, valid) = check(one);
        assert!(valid && (t - stage.now()).abs() <= 5);
        let entity = &one.body["entity"];
        assert_eq!((&one.body["name"], &entity["status"]), (&json!(name), &json!(status)));
        assert_eq!(
            (&entity["merchant_reference"], &entity["currency"]["iso"]),
            (&json!("p1"), &json!("XOF"))
        );
    }
    let again = call(&stage, Method::POST, &format!("/transactions/{id}/token"), None).await;
    assert_eq!(again.0, 400, "{}", again.1);
}

#[tokio::test]
async fn each_end_has_its_word_and_refunds_show_in_the_status() {
    for (outcome, status, name) in [
        ("refuse", "declined", "transaction.declined"),
        ("expire", "expired", "transaction.expired"),
        ("cancel", "canceled", "transaction.canceled"),
    ] {
        let stage = Stage::new().await;
        created(&stage, "p1").await;
        stage.act("p1", outcome).await;
        let found = call(&stage, Method::GET, "/transactions/merchant/p1", None).await.1;
        assert_eq!(found["v1/transaction"]["status"], status);
        stage.until("it was told", || stage.product.told().len() == 2).await;
        assert_eq!(stage.product.told()[1].body["name"], name);
    }
    let stage = Stage::new().await;
    created(&stage, "p1").await;
    stage.act("p1", "pay").await;
    stage.post("/psp/checkouts/p1", json!({ "outcome": "refund", "amount": 1 })).await;
    stage.act("p1", "refund").await;
    stage.until("all were told", || stage.product.told().len() == 4).await;
    let found = call(&stage, Method::GET, "/transactions/merchant/p1", None).await.1;
    assert_eq!(found["v1/transaction"]["status"], "refunded");
    assert_eq!(stage.product.told()[3].body["name"], "transaction.updated");
}

#[tokio::test]
async fn forged_stale_and_wrong_events_can_be_ordered() {
    let stage = Stage::new().await;
    created(&stage, "p1").await;
    stage.until("it was told", || stage.product.told().len() == 1).await;
    for fault in ["wrong_signature", "stale_timestamp", "wrong_amount"] {
        stage
            .fault(json!({ "peer": "psp_webhooks", "provider": "fedapay", "fault": fault, "times": 1 }))
            .await;
    }
    stage.product.answer_next(&[401, 401]);
    stage.act("p1", "pay").await;
    stage.until("three attempts", || stage.product.told().len() == 4).await;
    let told = stage.product.told();
    assert!(!check(&told[1]).1);
    assert!(check(&told[2]).1 && stage.now() - check(&told[2]).0 > 300);
    assert!(check(&told[3]).1);
    assert_eq!(told[3].body["entity"]["amount"], 15001);
}

#[tokio::test]
async fn wrong_keys_and_terms_are_refused_with_a_message() {
    let stage = Stage::new().await;
    for key in ["", "sk_sandbox_other"] {
        let request = stage.request(Method::GET, "/fedapay/v1/transactions/1").bearer_auth(key);
        let (status, refused) = send(request).await;
        assert_eq!((status, refused["message"].is_string()), (401, true));
    }
    for (field, value) in [
        ("currency", json!({ "iso": "EUR" })),
        ("amount", json!(0)),
        ("amount", json!("1")),
        ("customer", json!({ "email": "awa" })),
    ] {
        let mut body = terms(&stage, "p1");
        body[field] = value;
        let (status, refused) = call(&stage, Method::POST, "/transactions", Some(body)).await;
        assert!(matches!(status, 400 | 422) && refused["message"].is_string(), "{field}: {status} {refused}");
    }
    created(&stage, "p1").await;
    let (status, refused) = call(&stage, Method::POST, "/transactions", Some(terms(&stage, "p1"))).await;
    assert_eq!((status, &refused["errors"]["merchant_reference"]), (400, &json!(["is taken"])));
    for path in ["/transactions/1", "/transactions/p1", "/transactions/merchant/p2", "/currencies/9"] {
        assert_eq!(call(&stage, Method::GET, path, None).await.0, 404, "{path}");
    }
}
