//! What becomes of paid time: refunds, disputes, late money, several payments at once.

use futures_util::future::join_all;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::support::{COMPANY, World};

fn instant(value: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(value.as_str().unwrap(), &Rfc3339).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn payments_of_one_user_that_settle_at_the_same_moment_all_count() {
    for round in 0..3 {
        let world = World::setup().with_links().start().await;
        let customer = world.made_customer("awa").await;
        let mut events = Vec::new();
        for plan in ["signaux-weekly", "signaux-monthly"] {
            for currency in ["EUR", "XOF", "XAF"] {
                let body = json!({ "plan_code": plan, "provider": "hmac_psp", "currency": currency });
                let key = format!("{plan}-{currency}");
                let payment = world.init_with(&customer, &key, &body).await.expect(201).body;
                events.push(world.event(&key, "payment.succeeded", &payment));
            }
        }
        for answer in join_all(events.iter().map(|event| world.deliver(event))).await {
            answer.expect(200);
        }
        let subscription = world.subscription(&customer).await;
        let length = instant(&subscription["ends_at"]) - instant(&subscription["starts_at"]);
        assert_eq!(length, Duration::days(3 * 7 + 3 * 30), "round {round}: {subscription}");
        assert_eq!(subscription["periods"].as_array().unwrap().len(), 6);
        world.finish().await;
    }
}

#[tokio::test]
async fn a_full_refund_takes_the_rest_and_removes_the_member() {
    let world = World::new().await;
    let customer = world.member("awa", 7_001).await;
    world.advance(Duration::days(3)).await;
    let payment = world.get_by(&customer, "/api/billing/payments").await.body["items"][0].clone();
    world.act(&payment, "refund").await;
    world.drain().await;
    assert_eq!(world.status_of(&customer, &payment).await, "refunded");
    let subscription = world.subscription(&customer).await;
    assert_eq!((&subscription["status"], &subscription["seconds_left"]), (&json!("ended"), &json!(0)));
    let used = instant(&subscription["ends_at"]) - instant(&subscription["starts_at"]);
    assert_eq!(used.whole_days(), 3, "used time is never taken back");
    assert!(!world.is_inside(7_001).await && !world.is_banned(7_001).await);
    world.finish().await;
}

#[tokio::test]
async fn a_partial_refund_changes_no_date() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.buy(&customer, "k1", "signaux-monthly").await;
    let before = world.subscription(&customer).await["ends_at"].clone();
    for amount in [1_000, 4_998] {
        world.act_with(&payment, json!({ "outcome": "refund", "amount": amount })).await;
        world.drain().await;
        assert_eq!(world.status_of(&customer, &payment).await, "partially_refunded");
    }
    assert_eq!(world.payment(&customer, &payment).await["refunded_amount"], 5_998);
    assert_eq!(world.subscription(&customer).await["ends_at"], before);
    world.finish().await;
}

#[tokio::test]
async fn revoking_one_payment_loses_nothing_of_another_one() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let week = world.buy(&customer, "k1", "signaux-weekly").await;
    world.buy(&customer, "k2", "signaux-monthly").await;
    world.advance(Duration::days(2)).await;
    world.act(&week, "refund").await;
    world.drain().await;
    let subscription = world.subscription(&customer).await;
    assert_eq!(subscription["status"], "active");
    let left = subscription["seconds_left"].as_i64().unwrap();
    assert!((30 * 86_400 - 60..=30 * 86_400).contains(&left), "the month starts now: {left}");
    world.finish().await;
}

#[tokio::test]
async fn an_open_dispute_withholds_the_rest_and_winning_gives_it_back() {
    let world = World::new().await;
    let customer = world.member("awa", 7_001).await;
    let payment = world.get_by(&customer, "/api/billing/payments").await.body["items"][0].clone();
    world.advance(Duration::days(10)).await;
    world.act(&payment, "dispute_open").await;
    world.drain().await;
    assert_eq!(world.status_of(&customer, &payment).await, "disputed");
    assert_eq!(world.subscription(&customer).await["status"], "suspended");
    assert!(!world.is_inside(7_001).await);
    assert_eq!(world.mails_to(COMPANY).await.len(), 1);
    world.advance(Duration::days(40)).await;
    assert_eq!(
        world.subscription(&customer).await["status"],
        "suspended",
        "what is withheld does not run out"
    );
    world.act(&payment, "dispute_won").await;
    world.drain().await;
    let subscription = world.subscription(&customer).await;
    let left = subscription["seconds_left"].as_i64().unwrap();
    assert_eq!(
        (&subscription["status"], world.status_of(&customer, &payment).await.as_str()),
        (&json!("active"), "succeeded")
    );
    assert!((20 * 86_400 - 60..=20 * 86_400).contains(&left), "{left}");
    assert_eq!(world.subjects_to(&customer.email).await.len(), 1, "no mail says that it ended");
    world.finish().await;
}

#[tokio::test]
async fn a_lost_dispute_takes_the_rest() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.buy(&customer, "k1", "signaux-monthly").await;
    world.act(&payment, "dispute_open").await;
    world.act(&payment, "dispute_lost").await;
    world.drain().await;
    assert_eq!(world.status_of(&customer, &payment).await, "charged_back");
    assert_eq!(world.subscription(&customer).await["status"], "ended");
    world.advance(Duration::days(40)).await;
    assert_eq!(world.subscription(&customer).await["status"], "ended");
    world.finish().await;
}

#[tokio::test]
async fn money_that_comes_after_the_expiry_counts_and_is_shown_to_the_company() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-weekly").await;
    world.advance(Duration::minutes(31)).await;
    assert_eq!(world.status_of(&customer, &payment).await, "expired");
    world.act(&payment, "pay_late").await;
    world.drain().await;
    let shown = world.payment(&customer, &payment).await;
    assert_eq!((&shown["status"], &shown["late"]), (&json!("succeeded"), &json!(true)));
    assert_eq!(world.subscription(&customer).await["status"], "active");
    assert_eq!(world.rows("SELECT kind FROM alerts").await, [json!({ "kind": "settled_late" })]);
    world.finish().await;
}

#[tokio::test]
async fn money_after_a_refusal_counts_too() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-weekly").await;
    world.act(&payment, "refuse").await;
    assert_eq!(world.status_of(&customer, &payment).await, "failed");
    let second = world.open(&customer, "k2", "signaux-weekly").await;
    world.act(&payment, "pay_late").await;
    world.pay(&second).await;
    world.drain().await;
    for payment in [&payment, &second] {
        assert_eq!(world.status_of(&customer, payment).await, "succeeded");
    }
    let subscription = world.subscription(&customer).await;
    assert_eq!(instant(&subscription["ends_at"]) - instant(&subscription["starts_at"]), Duration::days(14));
    world.finish().await;
}
