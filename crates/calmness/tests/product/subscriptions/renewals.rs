//! Renewal is a purchase, and no paid second is lost.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::support::World;

fn instant(value: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(value.as_str().unwrap(), &Rfc3339).unwrap()
}

#[tokio::test]
async fn a_renewal_before_the_end_loses_no_time() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-weekly").await;
    let first = world.subscription(&customer).await;
    for (key, days) in [("k2", 1), ("k3", 5), ("k4", 12)] {
        world.advance(Duration::days(days)).await;
        world.buy(&customer, key, "signaux-weekly").await;
    }
    let renewed = world.subscription(&customer).await;
    assert_eq!(renewed["starts_at"], first["starts_at"]);
    assert_eq!(instant(&renewed["ends_at"]) - instant(&renewed["starts_at"]), Duration::days(28));
    let periods = renewed["periods"].as_array().unwrap();
    assert!(periods.windows(2).all(|pair| pair[0]["ends_at"] == pair[1]["starts_at"]), "{renewed}");
    world.finish().await;
}

#[tokio::test]
async fn a_renewal_after_the_end_starts_when_it_is_paid() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-weekly").await;
    world.advance(Duration::days(10)).await;
    assert_eq!(world.subscription(&customer).await["status"], "ended");
    world.buy(&customer, "k2", "signaux-weekly").await;
    let renewed = world.subscription(&customer).await;
    assert_eq!(renewed["status"], "active");
    assert_eq!(instant(&renewed["ends_at"]) - instant(&renewed["starts_at"]), Duration::days(7));
    assert!((world.now().await - instant(&renewed["starts_at"])).abs() < Duration::MINUTE);
    world.finish().await;
}

#[tokio::test]
async fn a_member_who_renews_in_time_is_never_removed() {
    let world = World::new().await;
    let customer = world.member("awa", 7_001).await;
    for month in 1..4 {
        world.advance(Duration::days(29)).await;
        world.buy(&customer, &format!("month{month}"), "signaux-monthly").await;
        assert!(world.is_inside(7_001).await);
    }
    assert_eq!(world.calls_of("unbanChatMember").await.len(), 0);
    let ended = "SELECT count(*) FROM notifications WHERE kind IN ('subscription_ended', 'bot_removed')";
    assert_eq!(world.count(ended).await, 0);
    world.finish().await;
}

#[tokio::test]
async fn nothing_is_shown_to_somebody_who_never_bought() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    for path in [
        "subscription",
        "subscription?channel=signaux",
        "subscription?channel=other",
        "subscription?channel=NO%20KEY",
    ] {
        let answer = world.get_by(&customer, &format!("/api/billing/{path}")).await;
        assert_eq!(answer.problem(), (404, "not_found"), "{path}");
    }
    world.get_by(&customer, "/api/billing/subscription?canal=signaux").await.expect(422);
    assert_eq!(world.get_by(&customer, "/api/billing/subscriptions").await.body, json!({ "items": [] }));
    world.buy(&customer, "k1", "signaux-weekly").await;
    let one = world.subscription(&customer).await;
    assert_eq!(
        world.get_by(&customer, "/api/billing/subscriptions").await.body["items"].as_array().unwrap().len(),
        1
    );
    assert_eq!(
        world.get_by(&customer, "/api/billing/subscription?channel=signaux").await.body["ends_at"],
        one["ends_at"]
    );
    world.finish().await;
}
