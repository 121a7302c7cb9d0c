//! The fast path (a callback, one statement) and the slow path (our own question, a transaction) write the same.

use serde_json::{Value, json};
use time::Duration;

use crate::support::{Customer, World};

/// Everything that a settlement writes, without ids and instants.
async fn written(world: &World, customer: &Customer, payment: &Value) -> Value {
    let (user, id) = (customer.id, payment["id"].as_str().unwrap());
    let payments = format!(
        "SELECT status, phase, provider_reference IS NOT NULL AS has_reference, settled_at IS NOT NULL AS settled,
                recorded_at = (SELECT bought_at FROM periods WHERE payment_id = payments.id) AS recorded_when_extended,
                refunded_minor, dispute, closed, failure_reason, is_open, quarantined_at, check_due_at, lease_until
         FROM payments WHERE id = '{id}'"
    );
    let periods = format!(
        "SELECT position, length_us, used_before_us, state, plan_code, ends_at - starts_at AS span,
                starts_at = bought_at AS starts_when_bought
         FROM periods WHERE payment_id = '{id}'"
    );
    let subscriptions = format!(
        "SELECT plan_code, ends_at - remind_at AS reminded_before, end_due_at = ends_at AS ends_with_its_time,
                ends_at = (SELECT max(ends_at) FROM periods WHERE subscription_id = subscriptions.id) AS ends_with_its_period
         FROM subscriptions WHERE user_id = '{user}'"
    );
    let audit = format!(
        "SELECT action, actor_kind, actor_id, subject_kind, user_id IS NOT NULL AS has_user, address IS NOT NULL AS has_address,
                details - 'payment' - 'ends_at_us' AS details
         FROM audit_logs
         WHERE user_id = '{user}' AND action IN ('payment.settled', 'subscription.extended') ORDER BY id"
    );
    let notifications = format!(
        "SELECT kind, medium, recipient, payload - 'payment' - 'ends_at_us' AS payload, sent_at IS NOT NULL AS sent,
                dedupe_key = 'payment_confirmed:{id}' AS owed_once
         FROM notifications WHERE user_id = '{user}' AND kind = 'payment_confirmed'"
    );
    let memberships = format!(
        "SELECT observed, invited_at IS NOT NULL AS invited, due_at, attempts
         FROM memberships JOIN bindings USING (telegram_user_id) WHERE user_id = '{user}'"
    );
    json!({
        "payments": world.rows(&payments).await,
        "periods": world.rows(&periods).await,
        "subscriptions": world.rows(&subscriptions).await,
        "audit": world.rows(&audit).await,
        "notifications": world.rows(&notifications).await,
        "memberships": world.rows(&memberships).await,
    })
}

#[tokio::test]
async fn a_callback_and_our_own_question_write_the_same_rows() {
    let world = World::new().await;
    let (told, asked) = (world.made_customer("told").await, world.made_customer("asked").await);
    world.link_telegram(&told, 7_001).await;
    world.link_telegram(&asked, 7_002).await;
    let by_callback = world.open(&told, "k1", "signaux-weekly").await;
    let by_question = world.open(&asked, "k1", "signaux-weekly").await;
    world.pay(&by_callback).await;
    world.fault(json!({ "peer": "psp_webhooks", "fault": "drop" })).await;
    world.pay(&by_question).await;
    world.advance(Duration::seconds(6)).await;
    let (fast, slow) =
        (written(&world, &told, &by_callback).await, written(&world, &asked, &by_question).await);
    for (table, rows) in fast.as_object().unwrap() {
        let mut slow = slow[table].clone();
        if table == "audit" {
            // Only a request has an address.
            for entry in slow.as_array_mut().unwrap() {
                entry["has_address"] = json!(true);
            }
        }
        assert!(!rows.as_array().unwrap().is_empty(), "{table}");
        assert_eq!(rows, &slow, "{table}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_success_opens_the_time_that_was_bought_and_tells_the_payer_once() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.buy(&customer, "k1", "signaux-weekly").await;
    let subscription = world.get_by(&customer, "/api/billing/subscription").await;
    insta::assert_snapshot!(subscription.shown().replace("604799", "604800"), @r#"
    200
    {
      channel: "signaux"
      ends_at: [instant]
      periods: [
        {
          ends_at: [instant]
          id: [id]
          payment_id: [id]
          plan_code: "signaux-weekly"
          starts_at: [instant]
          state: "live"
        }
      ]
      plan_code: "signaux-weekly"
      seconds_left: 604800
      starts_at: [instant]
      status: "active"
    }
    "#);
    assert_eq!(world.status_of(&customer, &payment).await, "succeeded");
    let subjects = world.subjects_to(&customer.email).await;
    assert_eq!(subjects.len(), 1, "{subjects:?}");
    world.finish().await;
}

#[tokio::test]
async fn a_late_callback_after_our_own_question_changes_nothing() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-weekly").await;
    world.fault(json!({ "peer": "psp_webhooks", "fault": "hold" })).await;
    world.act_with(&payment, json!({ "outcome": "pay" })).await;
    world.move_clock(Duration::seconds(6)).await;
    world.drain_once().await;
    assert_eq!(world.status_of(&customer, &payment).await, "succeeded");
    let before = world.subscription(&customer).await["ends_at"].clone();
    world.clear_faults().await;
    world.drain().await;
    assert_eq!(world.subscription(&customer).await["ends_at"], before);
    assert_eq!(
        world.rows("SELECT outcome FROM webhook_events").await,
        [json!({ "outcome": "already_applied" })]
    );
    world.finish().await;
}

#[tokio::test]
async fn the_raw_statement_is_kept_and_readable_by_nobody() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-weekly").await;
    let mut event = world.event("evt_1", "payment.succeeded", &payment);
    event["data"]["payer_name"] = json!("a-name-that-must-not-leak");
    world.deliver(&event).await.expect(200);
    let rows = world.rows("SELECT encode(body_encrypted, 'escape') AS body FROM webhook_events").await;
    assert_eq!(rows.len(), 1);
    assert!(!rows[0]["body"].as_str().unwrap().contains("must-not-leak"));
    world.finish().await;
}
