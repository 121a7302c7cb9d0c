//! One reminder for each last period, two days before its end (S3).

use futures_util::future::join_all;
use serde_json::json;
use time::Duration;

use crate::support::World;

const REMINDERS: &str = "SELECT count(*) FROM notifications WHERE kind = 'reminder'";

#[tokio::test]
async fn a_reminder_comes_two_days_before_the_end_and_once() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-weekly").await;
    world.advance(Duration::days(5) - Duration::minutes(2)).await;
    assert_eq!(world.subjects_to(&customer.email).await.len(), 1, "not yet");
    world.advance(Duration::minutes(3)).await;
    assert_eq!(world.subjects_to(&customer.email).await.len(), 2);
    for _ in 0..4 {
        world.advance(Duration::hours(11)).await;
    }
    assert_eq!(world.subjects_to(&customer.email).await.len(), 2);
    let mail = &world.mails_to(&customer.email).await[1];
    assert!(mail["text"].as_str().unwrap().contains(&format!("{}/dashboard", world.base)), "{mail}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_workers_that_sweep_at_the_same_moment_remind_once() {
    let world = World::new().await;
    for number in 0..5 {
        let customer = world.made_customer(&format!("awa{number}")).await;
        world.buy(&customer, "k1", "signaux-weekly").await;
    }
    world.move_clock(Duration::days(6)).await;
    for swept in join_all((0..4).map(|_| world.app.sweep_subscriptions())).await {
        swept.unwrap();
    }
    assert_eq!(world.count(REMINDERS).await, 5);
    world.app.sweep_subscriptions().await.unwrap();
    let drains = join_all((0..4).map(|_| world.app.drain_work())).await;
    assert!(drains.iter().all(Result::is_ok));
    world.drain().await;
    for number in 0..5 {
        assert_eq!(world.subjects_to(&format!("awa{number}@example.com")).await.len(), 2);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_renewal_after_the_reminder_earns_a_new_one_at_its_own_end() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-weekly").await;
    world.advance(Duration::days(6)).await;
    assert_eq!(world.count(REMINDERS).await, 1);
    world.buy(&customer, "k2", "signaux-weekly").await;
    world.advance(Duration::days(5)).await;
    assert_eq!(world.count(REMINDERS).await, 1, "the end of the first week is no end any more");
    world.advance(Duration::days(2)).await;
    assert_eq!(world.count(REMINDERS).await, 2);
    world.finish().await;
}

#[tokio::test]
async fn a_clock_that_jumps_past_the_end_brings_no_late_reminder() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-weekly").await;
    world.advance(Duration::days(60)).await;
    assert_eq!(world.count(REMINDERS).await, 0);
    let kinds = world.rows("SELECT kind FROM notifications ORDER BY id").await;
    assert_eq!(kinds, [json!({ "kind": "payment_confirmed" }), json!({ "kind": "subscription_ended" })]);
    world.finish().await;
}
