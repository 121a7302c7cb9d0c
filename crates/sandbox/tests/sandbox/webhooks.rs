//! Events on their way to the product, straight and with faults.

use serde_json::{Value, json};

use crate::stage::{Stage, Told, mac};

/// Time and validity of a webhook's signature.
fn check(told: &Told) -> (i64, bool) {
    let header = told.headers["x-signature"].to_str().unwrap();
    let (t, v1) = header.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let message = format!("{t}.{}", std::str::from_utf8(&told.raw).unwrap());
    (t.parse().unwrap(), mac("webhook", &message) == v1)
}

#[tokio::test]
async fn each_act_is_told_signed_and_in_order() {
    let stage = Stage::new().await;
    let reference = stage.open("p1").await.1["reference"].clone();
    stage.post("/clock", json!({ "advance_seconds": 86_400 })).await;
    for outcome in ["pay", "dispute_open", "dispute_won"] {
        assert_eq!(stage.act("p1", outcome).await.0, 200);
    }
    stage.post("/psp/checkouts/p1", json!({ "outcome": "refund", "amount": 1000 })).await;
    stage.act("p1", "refund").await;
    let types =
        ["payment.succeeded", "dispute.opened", "dispute.closed", "payment.refunded", "payment.refunded"];
    stage.until("all events came", || stage.product.types() == types).await;
    let told = stage.product.told();
    for one in &told {
        let (t, valid) = check(one);
        assert!(valid && (t - stage.now()).abs() <= 5, "signed with wall time");
        let created = one.body["created"].as_i64().unwrap();
        assert!((created - stage.now() - 86_400).abs() <= 5, "created is business time");
    }
    let data =
        json!({ "payment_id": "p1", "provider_reference": reference, "amount": 5999, "currency": "EUR" });
    assert_eq!(told[0].body["data"], data);
    assert_eq!(told[2].body["data"]["outcome"], "won");
    assert_eq!(
        (&told[3].body["data"]["amount"], &told[4].body["data"]["amount"]),
        (&json!(1000), &json!(5999))
    );
}

#[tokio::test]
async fn an_event_is_repeated_until_it_is_taken_and_each_attempt_is_logged() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    stage.product.answer_next(&[500, 401, 302]);
    stage.act("p1", "pay").await;
    stage.act("p1", "dispute_open").await;
    stage.until("five calls", || stage.product.told().len() == 5).await;
    assert_eq!(stage.product.types()[3..], ["payment.succeeded", "dispute.opened"], "later events wait");
    let events = stage
        .until_json("/psp/events?payment_id=p1", |events| events["items"][1]["state"] == "delivered")
        .await;
    let statuses: Vec<_> =
        events["items"][0]["attempts"].as_array().unwrap().iter().map(|a| a["status"].clone()).collect();
    assert_eq!(json!(statuses), json!([500, 401, 302, 200]));
    let log = stage.get("/log?kind=webhook.attempt").await.1;
    let logged: Vec<_> =
        log["items"].as_array().unwrap().iter().map(|entry| entry["data"]["status"].clone()).collect();
    assert_eq!(json!(logged), json!([500, 401, 302, 200, 200]));
}

#[tokio::test]
async fn an_event_nobody_takes_is_given_up_and_can_be_sent_again() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    stage.product.answer_next(&[500; 6]);
    stage.act("p1", "pay").await;
    let events = stage.until_json("/psp/events", |events| events["items"][0]["state"] == "given_up").await;
    let path = format!("/psp/events/{}/resend", events["items"][0]["event_id"].as_str().unwrap());
    let (status, sent) = stage.post(&path, json!({})).await;
    assert_eq!((status, &sent["delivered"], &sent["attempt"]["status"]), (200, &json!(true), &json!(200)));
    assert_eq!(stage.get("/psp/events").await.1["items"][0]["state"], "delivered");
}

#[tokio::test]
async fn a_duplicate_is_the_same_event_again() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    stage.fault(json!({ "peer": "psp_webhooks", "fault": "duplicate", "copies": 50, "times": 1 })).await;
    stage.act("p1", "pay").await;
    stage.until("all copies came", || stage.product.told().len() == 50).await;
    let told = stage.product.told();
    assert!(told.iter().all(|one| one.raw == told[0].raw && check(one).1));
}

#[tokio::test]
async fn reordered_events_come_backwards() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    stage.fault(json!({ "peer": "psp_webhooks", "fault": "reorder", "count": 3, "times": 3 })).await;
    for outcome in ["pay", "dispute_open", "dispute_lost"] {
        stage.act("p1", outcome).await;
    }
    let backwards = ["dispute.closed", "dispute.opened", "payment.succeeded"];
    stage.until("all came", || stage.product.types() == backwards).await;
}

#[tokio::test]
async fn clearing_a_reorder_lets_go_what_it_collected() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    let id = stage.fault(json!({ "peer": "psp_webhooks", "fault": "reorder", "count": 9 })).await;
    stage.act("p1", "pay").await;
    stage.until_json("/log?kind=webhook.collected", |log| log["items"][0]["seq"].is_u64()).await;
    assert_eq!(stage.delete(&format!("/faults/{id}")).await.0, 204);
    stage.until("it came", || stage.product.types() == ["payment.succeeded"]).await;
}

#[tokio::test]
async fn a_held_event_comes_when_the_hold_is_cleared() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    stage.fault(json!({ "peer": "psp_webhooks", "fault": "hold" })).await;
    stage.act("p1", "pay").await;
    stage.until_json("/log?kind=webhook.held", |log| log["items"][0]["seq"].is_u64()).await;
    assert_eq!(stage.product.told().len(), 0);
    assert_eq!(stage.delete("/faults").await.0, 204);
    stage.until("it came", || stage.product.types() == ["payment.succeeded"]).await;
}

#[tokio::test]
async fn a_fault_of_events_can_be_kept_to_one_provider() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    let order = json!({ "peer": "psp_webhooks", "fault": "drop", "provider": "hmac_psp", "times": 1 });
    stage.fault(order).await;
    stage.act("p1", "pay").await;
    stage.act("p1", "dispute_open").await;
    stage.until("the second came", || stage.product.types() == ["dispute.opened"]).await;
}

#[tokio::test]
async fn a_dropped_event_never_comes() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    stage.fault(json!({ "peer": "psp_webhooks", "fault": "drop", "times": 1 })).await;
    stage.act("p1", "pay").await;
    stage.act("p1", "dispute_open").await;
    stage.until("the second came", || stage.product.types() == ["dispute.opened"]).await;
    assert_eq!(stage.get("/psp/events").await.1["items"][0]["state"], "dropped");
}

#[tokio::test]
async fn forged_and_stale_signatures_are_followed_by_a_good_one() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    stage.fault(json!({ "peer": "psp_webhooks", "fault": "wrong_signature", "times": 1 })).await;
    stage.fault(json!({ "peer": "psp_webhooks", "fault": "stale_timestamp", "times": 1 })).await;
    stage.product.answer_next(&[401, 401]);
    stage.act("p1", "pay").await;
    stage.until("three attempts", || stage.product.told().len() == 3).await;
    let told: Vec<(i64, bool)> = stage.product.told().iter().map(check).collect();
    assert!(!told[0].1);
    assert!(told[1].1 && stage.now() - told[1].0 > 300);
    assert!(told[2].1 && (stage.now() - told[2].0).abs() <= 5);
}

#[tokio::test]
async fn a_wrong_amount_is_told_under_a_good_signature() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    stage.fault(json!({ "peer": "psp_webhooks", "fault": "wrong_amount", "amount": 1, "times": 1 })).await;
    stage.act("p1", "pay").await;
    stage.until("it came", || stage.product.told().len() == 1).await;
    let told = stage.product.told();
    assert!(check(&told[0]).1);
    assert_eq!(told[0].body["data"]["amount"], 1);
    assert_eq!(stage.ask("p1").await.1["paid_amount"], 5999, "the books know better");
}

#[tokio::test]
async fn a_delayed_event_comes_late() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    stage.fault(json!({ "peer": "psp_webhooks", "fault": "delay", "ms": 300, "times": 1 })).await;
    let acted = tokio::time::Instant::now();
    stage.act("p1", "pay").await;
    stage.until("it came", || stage.product.told().len() == 1).await;
    assert!(acted.elapsed().as_millis() >= 300);
    let log: Value = stage.get("/log").await.1;
    assert!(log["last_seq"].as_u64().unwrap() > 0);
}
