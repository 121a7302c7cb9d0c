//! Statements come late, twice and in any order, and end in one state.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{World, shuffle};

const STREAMS: u64 = 60;

/// Every kind of statement about one payment, each at an instant of its own: refused, expired, paid all the same, given
/// back in two parts, disputed, won, disputed again, won again.
fn story(world: &World, payment: &Value, prefix: &str) -> Vec<Value> {
    let steps: [(&str, Value); 10] = [
        ("payment.failed", json!({ "outcome": "card_declined" })),
        ("payment.expired", json!({})),
        ("payment.succeeded", json!({})),
        ("payment.refunded", json!({ "amount": 1_000 })),
        ("dispute.opened", json!({})),
        ("payment.refunded", json!({ "amount": 2_500 })),
        ("dispute.closed", json!({ "outcome": "won" })),
        ("dispute.opened", json!({})),
        ("dispute.closed", json!({ "outcome": "won" })),
        ("customer.updated", json!({})),
    ];
    let began = world.wall().unix_timestamp() - 100;
    let told = steps.into_iter().zip(0_i64..).map(|((kind, data), number)| {
        let mut event = world.event(&format!("{prefix}_{number}"), kind, payment);
        event["created"] = json!(began + number);
        for (name, value) in data.as_object().unwrap() {
            event["data"][name] = value.clone();
        }
        event
    });
    told.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn shuffled_and_doubled_streams_of_statements_end_in_one_state() {
    let world = World::setup().with_links().start().await;
    let stream = async |seed: u64| {
        let customer = world.made_customer(&format!("awa{seed}")).await;
        let payment = world.open(&customer, "k1", "signaux-monthly").await;
        let told = story(&world, &payment, &format!("evt_{seed}"));
        let mut stream = [told.clone(), told].concat();
        // The first stream is the story as it happened.
        if seed > 0 {
            shuffle(&mut stream, seed);
        }
        for event in &stream {
            world.deliver(event).await.expect(200);
        }
    };
    let seeds: Vec<u64> = (0..STREAMS).collect();
    for some in seeds.chunks(6) {
        join_all(some.iter().map(|seed| stream(*seed))).await;
    }
    world.drain().await;
    println!("{STREAMS} streams of 20 statements");
    let states = world
        .rows(
            "SELECT DISTINCT payments.status, phase, settled_at - (SELECT min(settled_at) FROM payments) < interval '1 minute' AS settled,
                    refunded_minor, dispute, closed, failure_reason, is_open, quarantined_at, periods.state,
                    used_before_us + (extract(epoch FROM ends_at - starts_at) * 1000000)::bigint = length_us AS whole,
                    (SELECT count(*) FROM audit_logs
                     WHERE action = 'payment.settled' AND subject_id = payments.id::text) AS settlements,
                    (SELECT count(*) FROM notifications
                     WHERE dedupe_key = 'payment_confirmed:' || payments.id) AS confirmations
             FROM payments LEFT JOIN periods ON periods.payment_id = payments.id",
        )
        .await;
    assert_eq!(states.len(), 1, "{states:#?}");
    insta::assert_snapshot!(crate::support::masked(&states[0]), @r#"
    {
      closed: "failed"
      confirmations: 1
      dispute: "won"
      failure_reason: "card_declined"
      is_open: false
      phase: "awaiting"
      quarantined_at: null
      refunded_minor: 2500
      settled: true
      settlements: 1
      state: "live"
      status: "partially_refunded"
      whole: true
    }
    "#);
    assert_eq!(world.count("SELECT count(*) FROM payments").await, STREAMS.cast_signed());
    assert_eq!(world.count("SELECT count(*) FROM webhook_events").await, STREAMS.cast_signed() * 10);
    world.finish().await;
}

#[tokio::test]
async fn a_refund_that_comes_before_the_money_counts_once_the_money_is_there() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-monthly").await;
    world.deliver(&world.event("evt_2", "payment.refunded", &payment)).await.expect(200);
    assert_eq!(world.status_of(&customer, &payment).await, "pending");
    assert!(!world.due().await.is_empty(), "the provider is asked at once");
    world.deliver(&world.event("evt_1", "payment.succeeded", &payment)).await.expect(200);
    assert_eq!(world.status_of(&customer, &payment).await, "refunded");
    let subscription = world.subscription(&customer).await;
    assert_eq!((&subscription["status"], &subscription["seconds_left"]), (&json!("ended"), &json!(0)));
    world.finish().await;
}

#[tokio::test]
async fn the_services_own_faults_of_delivery_do_no_harm() {
    let faults = [
        json!({ "fault": "duplicate", "copies": 8 }),
        json!({ "fault": "wrong_signature", "times": 2 }),
        json!({ "fault": "stale_timestamp", "times": 2 }),
        json!({ "fault": "reorder", "count": 2, "times": 2 }),
        json!({ "fault": "delay", "ms": 50 }),
    ];
    let world = World::new().await;
    for (number, mut fault) in faults.into_iter().enumerate() {
        let customer = world.made_customer(&format!("awa{number}")).await;
        let payment = world.open(&customer, "k1", "signaux-monthly").await;
        fault["peer"] = json!("psp_webhooks");
        world.fault(fault.clone()).await;
        world.act_with(&payment, json!({ "outcome": "pay" })).await;
        world.act_with(&payment, json!({ "outcome": "refund", "amount": 100 })).await;
        world.drain().await;
        world.clear_faults().await;
        assert_eq!(world.status_of(&customer, &payment).await, "partially_refunded", "{fault}");
    }
    world.finish().await;
}
