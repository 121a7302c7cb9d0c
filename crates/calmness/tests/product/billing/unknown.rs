//! A provider that times out, fails, hangs up or answers late: *unknown* is a state, and one charge is the limit.

use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, World};

/// Opens a payment while the provider misbehaves.
async fn opened_under(fault: Value) -> (World, crate::support::Customer, Answer) {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.fault(fault).await;
    let opened = world.init(&customer, "k1", "signaux-monthly").await;
    (world, customer, opened)
}

#[tokio::test]
async fn whatever_happens_to_the_call_the_payment_is_sent_and_then_resolved_with_one_charge() {
    let world = World::new().await;
    let faults = ["time_out", "error_500", "error_500_after", "reset"];
    for fault in faults {
        let customer = world.made_customer(&fault.replace('_', "-")).await;
        world
            .fault(json!({ "peer": "psp_api", "fault": fault, "ms": 20, "times": 1, "operation": "open" }))
            .await;
        let opened = world.init(&customer, "k1", "signaux-monthly").await.expect(201);
        assert_eq!(
            (&opened.body["phase"], &opened.body["status"]),
            (&json!("sent"), &json!("pending")),
            "{fault}"
        );
        assert_eq!(
            (&opened.body["checkout_url"], opened.header("retry-after")),
            (&json!(null), Some("5")),
            "{fault}"
        );
        // Five seconds later the check asks, with the same key.
        world.advance(Duration::seconds(6)).await;
        let payment = world.payment(&customer, &opened.body).await;
        assert_eq!(
            (&payment["phase"], &payment["status"]),
            (&json!("awaiting"), &json!("pending")),
            "{fault}"
        );
        assert!(payment["checkout_url"].is_string(), "{fault}");
        world.pay(&payment).await;
        world.drain().await;
        let (status, charges) =
            (world.status_of(&customer, &payment).await, world.charges_of(&payment).await);
        assert_eq!((status.as_str(), charges), ("succeeded", 1), "{fault}");
    }
    let openings = world.sandbox_get("/log?kind=psp.opened").await;
    assert_eq!(openings["items"].as_array().unwrap().len(), faults.len());
    world.finish().await;
}

#[tokio::test]
async fn a_replay_asks_again_with_the_same_key_once_the_first_request_is_over() {
    let fault = json!({ "peer": "psp_api", "fault": "error_500_after", "times": 1, "operation": "open" });
    let (world, customer, opened) = opened_under(fault).await;
    assert_eq!(opened.body["phase"], "sent");
    let replay = world.init(&customer, "k1", "signaux-monthly").await.expect(201);
    assert_eq!(replay.header("idempotency-replayed"), Some("true"));
    assert_eq!((&replay.body["phase"], &replay.body["id"]), (&json!("awaiting"), &opened.body["id"]));
    let again = world.init(&customer, "k1", "signaux-monthly").await.expect(201);
    assert_eq!(again.text, replay.text, "once the outcome is known the answer stays");
    world.finish().await;
}

#[tokio::test]
async fn while_the_first_request_is_at_work_another_one_is_told_to_come_back() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.fault(json!({ "peer": "psp_api", "fault": "slow", "times": 1, "ms": 400 })).await;
    let second = async {
        world
            .until("the first is at work", async || world.count("SELECT count(*) FROM payments").await == 1)
            .await;
        world.init(&customer, "k1", "signaux-monthly").await
    };
    let (first, second) = tokio::join!(world.init(&customer, "k1", "signaux-monthly"), second);
    assert_eq!(second.problem(), (409, "idempotency_in_progress"));
    assert_eq!(second.header("retry-after"), Some("1"));
    first.expect(201);
    world.finish().await;
}

#[tokio::test]
async fn a_request_that_died_at_work_is_taken_over_after_its_lease() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    // What a crash between our commit and the provider's answer leaves: `created`, and a lease that runs.
    world.fault(json!({ "peer": "psp_api", "fault": "reset", "times": 1 })).await;
    let opened = world.init(&customer, "k1", "signaux-monthly").await.expect(201);
    world.sql("UPDATE payments SET phase = 'created'").await;
    world.sql("UPDATE idempotency_keys SET lease_until = now() + interval '30 seconds'").await;
    let early = world.init(&customer, "k1", "signaux-monthly").await;
    assert_eq!(early.problem(), (409, "idempotency_in_progress"));
    world.sql("UPDATE idempotency_keys SET lease_until = now() - interval '1 second'").await;
    let taken_over = world.init(&customer, "k1", "signaux-monthly").await.expect(201);
    assert_eq!((&taken_over.body["id"], &taken_over.body["phase"]), (&opened.body["id"], &json!("awaiting")));
    world.pay(&taken_over.body).await;
    assert_eq!(world.charges_of(&taken_over.body).await, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_crash_before_the_provider_was_asked_is_completed_by_the_check() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.fault(json!({ "peer": "psp_api", "fault": "reset", "times": 1 })).await;
    let opened = world.init(&customer, "k1", "signaux-monthly").await.expect(201);
    world.sql("UPDATE payments SET phase = 'created'").await;
    world.advance(Duration::seconds(6)).await;
    let payment = world.payment(&customer, &opened.body).await;
    assert_eq!((&payment["phase"], payment["checkout_url"].is_string()), (&json!("awaiting"), true));
    world.finish().await;
}

#[tokio::test]
async fn a_payment_that_the_provider_never_heard_of_expires_with_its_quote() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.fault(json!({ "peer": "psp_api", "fault": "reset" })).await;
    let opened = world.init(&customer, "k1", "signaux-monthly").await.expect(201);
    world.advance(Duration::minutes(20)).await;
    assert_eq!(world.status_of(&customer, &opened.body).await, "pending", "unknown is no failure");
    world.clear_faults().await;
    world.move_clock(Duration::minutes(11)).await;
    world.drain().await;
    assert_eq!(world.status_of(&customer, &opened.body).await, "expired");
    world.finish().await;
}

#[tokio::test]
async fn a_lost_webhook_costs_minutes() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-monthly").await;
    world.fault(json!({ "peer": "psp_webhooks", "fault": "drop", "times": 1 })).await;
    world.pay(&payment).await;
    world.drain().await;
    assert_eq!(world.status_of(&customer, &payment).await, "pending");
    world.advance(Duration::minutes(3)).await;
    assert_eq!(world.status_of(&customer, &payment).await, "succeeded");
    world.subscription(&customer).await;
    world.finish().await;
}
