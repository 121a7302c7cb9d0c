//! The payment service's API and its books.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{Stage, mac, send, sign};

#[tokio::test]
async fn an_opened_payment_is_told_as_pending_with_its_terms() {
    let stage = Stage::new().await;
    let (status, opened) = stage.open("p1").await;
    assert_eq!(status, 201);
    assert_eq!(opened["checkout_url"], format!("{}/psp/checkout/p1", stage.base));
    assert_eq!(opened["status"], "pending");
    let (status, mut told) = stage.ask("p1").await;
    let updated_at = told.as_object_mut().unwrap().remove("updated_at").unwrap();
    assert!((updated_at.as_i64().unwrap() - stage.now()).abs() <= 5);
    assert_eq!(status, 200);
    assert_eq!(
        told,
        json!({
            "payment_id": "p1", "reference": opened["reference"], "status": "pending", "amount": 5999, "currency": "EUR",
            "paid_amount": 0, "refunded_amount": 0, "dispute": null,
            "paid_at": null,
        })
    );
    assert_eq!(stage.ask("p2").await.0, 404);
}

#[tokio::test]
async fn unsigned_and_badly_signed_calls_are_refused_and_change_nothing() {
    let stage = Stage::new().await;
    let terms = stage.terms("p1");
    let body = terms.to_string();
    let now = stage.now();
    let good = sign("request", now, &body);
    for (name, header) in [
        ("none", None),
        ("other secret", Some(sign("webhook", now, &body))),
        ("other body", Some(sign("request", now, "{}"))),
        ("too old", Some(sign("request", now - 400, &body))),
        ("too young", Some(sign("request", now + 400, &body))),
        (
            "the scheme without body",
            Some(format!("t={now},v2={}", mac("request", &format!("{now}.POST /psp/payments")))),
        ),
        ("nonsense", Some("hello".to_owned())),
    ] {
        let mut request =
            stage.request(Method::POST, "/psp/payments").header("Idempotency-Key", "p1").body(body.clone());
        if let Some(header) = header {
            request = request.header("X-Signature", header);
        }
        let (status, problem) = send(request).await;
        assert_eq!((status, &problem["code"]), (401, &json!("bad_signature")), "{name}");
    }
    let question = stage.request(Method::GET, "/psp/payments/p1").header("X-Signature", good);
    assert_eq!(send(question).await.0, 401);
    assert_eq!(stage.get("/psp/ledger").await.1, json!({ "items": [] }));
}

#[tokio::test]
async fn a_key_is_used_for_one_body_and_replayed_for_it() {
    let stage = Stage::new().await;
    let first = stage.open("p1").await;
    let again = stage.signed("/psp/payments", "p1", &stage.terms("p1")).send().await.unwrap();
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!((again.status().as_u16(), again.json::<Value>().await.unwrap()), first);
    let mut other = stage.terms("p1");
    other["amount"] = json!(1);
    let (status, problem) = send(stage.signed("/psp/payments", "p1", &other)).await;
    assert_eq!((status, &problem["code"]), (422, &json!("idempotency_key_reused")));
    let (status, _) = send(stage.signed("/psp/payments", "p2", &stage.terms("p1"))).await;
    assert_eq!(status, 422, "the key is the payment's id");
    assert_eq!(stage.get("/psp/ledger").await.1["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_at_work_is_a_conflict_and_free_again_afterwards() {
    let stage = Stage::new().await;
    stage.fault(json!({ "peer": "psp_api", "fault": "slow", "times": 1, "ms": 600_000 })).await;
    let slow = stage.signed("/psp/payments", "p1", &stage.terms("p1"));
    let slow = tokio::spawn(slow.send());
    stage.until_json("/faults", |faults| faults["items"] == json!([])).await;
    let (status, problem) = stage.open("p1").await;
    assert_eq!((status, &problem["code"]), (409, &json!("key_at_work")));
    // The first caller hangs up: its key must not stay at work for ever.
    slow.abort();
    for _ in 0..500 {
        if stage.open("p1").await.0 == 201 {
            return;
        }
    }
    panic!("the key stays at work");
}

#[tokio::test]
async fn terms_that_no_service_takes_are_refused() {
    let stage = Stage::new().await;
    for (field, value) in [
        ("amount", json!(0)),
        ("amount", json!(-5)),
        ("amount", json!("5999")),
        ("currency", json!("eur")),
        ("return_url", json!("javascript:alert(1)")),
        ("webhook_url", json!("nowhere")),
        ("expires_at", json!("tomorrow")),
        ("surprise", json!(1)),
    ] {
        let mut terms = stage.terms("p1");
        terms[field] = value;
        let (status, problem) = send(stage.signed("/psp/payments", "p1", &terms)).await;
        assert_eq!((status, problem["status"].as_u64()), (422, Some(422)), "{field}: {problem}");
    }
    let mut terms = stage.terms("a/b");
    terms["payment_id"] = json!("a/b");
    assert_eq!(send(stage.signed("/psp/payments", "a/b", &terms)).await.0, 422);
}

#[tokio::test]
async fn a_paid_payment_is_never_charged_again() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    let (status, paid) = stage.act("p1", "pay").await;
    assert_eq!((status, &paid["status"], &paid["paid_amount"]), (200, &json!("succeeded"), &json!(5999)));
    for outcome in ["pay", "pay_late", "wrong_amount", "wrong_currency", "refuse", "expire"] {
        assert_eq!(stage.act("p1", outcome).await.0, 409, "{outcome}");
    }
    let books = stage.get("/psp/ledger?payment_id=p1").await.1;
    assert_eq!(books["items"][0]["charges"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn parallel_payers_are_charged_once() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    let answers = futures_util::future::join_all((0..32).map(|_| stage.act("p1", "pay"))).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 200).count(), 1);
    assert_eq!(answers.iter().filter(|(status, _)| *status == 409).count(), 31);
    assert_eq!(stage.ask("p1").await.1["paid_amount"], 5999);
}

#[tokio::test]
async fn a_closed_checkout_is_only_paid_late() {
    let stage = Stage::new().await;
    for (payment_id, closing, status) in [("p1", "refuse", "failed"), ("p2", "expire", "expired")] {
        stage.open(payment_id).await;
        stage.act(payment_id, closing).await;
        assert_eq!(stage.ask(payment_id).await.1["status"], status);
        assert_eq!(stage.act(payment_id, "pay").await.0, 409);
        let late = stage.act(payment_id, "pay_late").await.1;
        assert_eq!((&late["status"], &late["charges"][0]["late"]), (&json!("succeeded"), &json!(true)));
    }
}

#[tokio::test]
async fn wrong_amounts_and_currencies_show_in_the_answer() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    stage.post("/psp/checkouts/p1", json!({ "outcome": "wrong_amount", "amount": 100 })).await;
    let told = stage.ask("p1").await.1;
    assert_eq!((&told["amount"], &told["paid_amount"]), (&json!(5999), &json!(100)));
    stage.open("p2").await;
    stage.act("p2", "wrong_currency").await;
    assert_eq!(stage.ask("p2").await.1["currency"], "USD");
}

#[tokio::test]
async fn refunds_are_idempotent_and_never_exceed_what_was_paid() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    let refund = |id: &str, amount: i64| {
        let body = json!({ "refund_id": id, "amount": amount });
        send(stage.signed("/psp/payments/p1/refunds", id, &body))
    };
    assert_eq!(refund("r1", 1000).await.0, 409, "not paid yet");
    stage.act("p1", "pay").await;
    let first = refund("r1", 1000).await;
    assert_eq!((first.0, &first.1["refunded_amount"]), (201, &json!(1000)));
    assert_eq!(refund("r1", 1000).await, first);
    assert_eq!(refund("r1", 2000).await.0, 422, "other body");
    assert_eq!(refund("r2", 5000).await.0, 422, "more than is left");
    assert_eq!(refund("r3", 4999).await.0, 201);
    assert_eq!(stage.ask("p1").await.1["refunded_amount"], 5999);
    stage.open("p2").await;
    stage.act("p2", "pay").await;
    let elsewhere =
        stage.signed("/psp/payments/p2/refunds", "r1", &json!({ "refund_id": "r1", "amount": 1000 }));
    assert_eq!(send(elsewhere).await.0, 422, "a key belongs to one payment");
}

#[tokio::test]
async fn a_dispute_opens_on_a_paid_payment_and_closes_once() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    assert_eq!(stage.act("p1", "dispute_open").await.0, 409);
    stage.act("p1", "pay").await;
    assert_eq!(stage.act("p1", "dispute_won").await.0, 409);
    stage.act("p1", "dispute_open").await;
    assert_eq!(stage.ask("p1").await.1["dispute"], "open");
    stage.act("p1", "dispute_lost").await;
    assert_eq!(stage.ask("p1").await.1["dispute"], "lost");
    assert_eq!(stage.act("p1", "dispute_open").await.0, 409);
}

#[tokio::test]
async fn unknown_payments_outcomes_and_events_are_refused() {
    let stage = Stage::new().await;
    assert_eq!(stage.act("nobody", "pay").await.0, 404);
    assert_eq!(stage.post("/psp/checkouts/p1", json!({ "outcome": "steal" })).await.0, 422);
    assert_eq!(stage.post("/psp/events/evt_0/resend", json!({})).await.0, 404);
}

#[tokio::test]
async fn a_checkout_expires_with_business_time() {
    let stage = Stage::new().await;
    let mut terms = stage.terms("p1");
    terms["expires_at"] = json!(sandbox_time(&stage, 3600));
    assert_eq!(send(stage.signed("/psp/payments", "p1", &terms)).await.0, 201);
    stage.post("/clock", json!({ "advance_seconds": 3599 - 60 })).await;
    assert_eq!(stage.ask("p1").await.1["status"], "pending");
    stage.post("/clock", json!({ "advance_seconds": 120 })).await;
    assert_eq!(stage.ask("p1").await.1["status"], "expired");
    stage.until("the expiry is told", || stage.product.types() == ["payment.expired"]).await;
}

#[tokio::test]
async fn the_books_are_asked_by_provider_and_by_any_name_of_a_payment_there() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    stage.open("p2").await;
    let paid = stage.act("p1", "pay").await.1;
    assert_eq!(paid["provider"], "hmac_psp");
    stage.act("p2", "pay").await;
    for name in [&paid["reference"], &paid["charges"][0]["id"]] {
        let query = format!("provider=hmac_psp&reference={}", name.as_str().unwrap());
        let books = stage.get(&format!("/psp/ledger?{query}")).await.1;
        assert_eq!(books["items"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&books["items"][0]["payment_id"], &books["items"][0]["provider"]),
            (&json!("p1"), &json!("hmac_psp"))
        );
        let events = stage.get(&format!("/psp/events?{query}")).await.1;
        assert_eq!(events["items"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&events["items"][0]["payment_id"], &events["items"][0]["provider"]),
            (&json!("p1"), &json!("hmac_psp"))
        );
    }
    assert_eq!(
        stage.get("/psp/ledger?reference=p1").await.1,
        json!({ "items": [] }),
        "that is the product's name"
    );
}

#[tokio::test]
async fn a_payment_that_the_shop_cancels_is_told_as_failed() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    assert_eq!(stage.act("p1", "cancel").await.1["status"], "canceled");
    assert_eq!(stage.ask("p1").await.1["status"], "failed");
    stage.until("it is told", || stage.product.types() == ["payment.failed"]).await;
    assert_eq!(stage.act("p1", "pay").await.0, 409);
}

fn sandbox_time(stage: &Stage, ahead: i64) -> String {
    let at = time::OffsetDateTime::from_unix_timestamp(stage.now() + ahead).unwrap();
    at.format(&time::format_description::well_known::Rfc3339).unwrap()
}
