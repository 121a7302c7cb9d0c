//! Mail servers that are down, busy, or hang up at the worst moment.

use serde_json::json;
use time::Duration;

use crate::support::{COMPANY, World};

#[tokio::test]
async fn with_the_mail_server_down_for_an_hour_each_mail_is_sent_once_after() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.fault(json!({ "peer": "smtp", "fault": "down" })).await;
    world.buy(&customer, "k1", "signaux-weekly").await;
    for _ in 0..12 {
        world.advance(Duration::minutes(5)).await;
    }
    assert_eq!(world.mails_to(&customer.email).await.len(), 0);
    assert_eq!(world.subscription(&customer).await["status"], "active", "access does not wait for mail");
    world.clear_faults().await;
    world.advance(Duration::minutes(11)).await;
    world.advance(Duration::hours(1)).await;
    let mails = world.mails_to(&customer.email).await;
    assert_eq!(mails.len(), 1);
    let id =
        world.rows("SELECT id FROM notifications WHERE kind = 'payment_confirmed'").await[0]["id"].clone();
    assert_eq!(mails[0]["message_id"], format!("<{}@127.0.0.1>", id.as_str().unwrap()));
    assert_eq!(world.mails_to(COMPANY).await.len(), 1, "and the company is told that mail did not go out");
    world.finish().await;
}

#[tokio::test]
async fn a_mail_whose_answer_was_lost_is_repeated_under_the_same_message_id() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.fault(json!({ "peer": "smtp", "fault": "drop_after_data", "times": 1 })).await;
    world.buy(&customer, "k1", "signaux-weekly").await;
    world.advance(Duration::minutes(1)).await;
    let mails = world.mails_to(&customer.email).await;
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0]["message_id"], mails[1]["message_id"]);
    assert_eq!(world.count("SELECT count(*) FROM audit_logs WHERE action = 'notification.sent'").await, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_a_refused_address_is_not() {
    let world = World::new().await;
    let (busy, refused) = (world.made_customer("busy").await, world.made_customer("refused").await);
    world.fault(json!({ "peer": "smtp", "fault": "temporary_451", "times": 2 })).await;
    world.buy(&busy, "k1", "signaux-weekly").await;
    for mails in [0, 1] {
        world.advance(Duration::minutes(1)).await;
        assert_eq!(world.mails_to(&busy.email).await.len(), mails);
    }
    world.fault(json!({ "peer": "smtp", "fault": "permanent_550", "times": 1 })).await;
    world.buy(&refused, "k1", "signaux-weekly").await;
    world.advance(Duration::hours(2)).await;
    assert_eq!(world.mails_to(&refused.email).await.len(), 0);
    let given_up =
        "SELECT count(*) FROM notifications WHERE given_up_at IS NOT NULL AND kind = 'payment_confirmed'";
    assert_eq!(world.count(given_up).await, 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn workers_that_meet_on_the_same_mails_send_each_once() {
    let world = World::new().await;
    for number in 0..20 {
        world.register(&format!("u{number}@example.com"), crate::support::PASSWORD).await;
    }
    let drains = futures_util::future::join_all((0..6).map(|_| world.app.drain_work())).await;
    assert!(drains.iter().all(Result::is_ok));
    world.drain().await;
    for number in 0..20 {
        assert_eq!(world.mails_to(&format!("u{number}@example.com")).await.len(), 1);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_dead_workers_mail_comes_back_when_its_lease_ends() {
    let world = World::new().await;
    world.register("awa@example.com", crate::support::PASSWORD).await;
    world
        .sql("UPDATE notifications SET attempts = 1, lease_token = gen_random_uuid(), lease_until = now() + interval '1 minute'")
        .await;
    assert_eq!(world.drain_once().await, 0, "somebody is at work on it");
    world.sql("UPDATE notifications SET lease_until = now() - interval '1 second'").await;
    world.drain().await;
    assert_eq!(world.mails_to("awa@example.com").await.len(), 1);
    world.finish().await;
}
