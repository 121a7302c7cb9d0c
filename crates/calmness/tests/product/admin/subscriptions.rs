//! Time that an admin gives or takes: once per key, told to the customer, and never lost by what others do.

use application::Role;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, Customer, Staff, World};

const DAY: i64 = 86_400;

async fn grant(world: &World, admin: &Staff, customer: &Customer, key: &str, days: i64) -> Answer {
    let body =
        json!({ "user_id": customer.id, "days": days, "reason": "a thank you", "idempotency_key": key });
    world.confirmed(admin, "POST", "/api/admin/subscriptions/grant", &body).await
}

async fn extend(world: &World, admin: &Staff, id: &str, key: &str, days: i64) -> Answer {
    let body = json!({ "days": days, "reason": "the channel was down", "idempotency_key": key });
    world.confirmed(admin, "POST", &format!("/api/admin/subscriptions/{id}/extend"), &body).await
}

async fn revoke(world: &World, admin: &Staff, id: &str, period: Option<&Value>) -> Answer {
    let mut body = json!({ "reason": "resold the signals" });
    if let Some(period) = period {
        body["period_id"] = period.clone();
    }
    world.confirmed(admin, "POST", &format!("/api/admin/subscriptions/{id}/revoke"), &body).await
}

async fn subscription_id(world: &World, customer: &Customer) -> String {
    let rows = world.rows(&format!("SELECT id FROM subscriptions WHERE user_id = '{}'", customer.id)).await;
    rows[0]["id"].as_str().unwrap().to_owned()
}

/// So many days are left, but for what the test itself has taken of them.
async fn has_days_left(world: &World, customer: &Customer, days: i64) {
    let left = world.subscription(customer).await["seconds_left"].as_i64().unwrap();
    assert!((days * DAY - 60..=days * DAY).contains(&left), "{left} s are not {days} days");
}

#[tokio::test]
async fn a_grant_gives_time_once_per_key_and_the_customer_is_told() {
    let world = World::new().await;
    let customer = world.customer().await;
    let admin = world.staff("boss", Role::Admin).await;
    let given = grant(&world, &admin, &customer, "g", 7).await.expect(201);
    assert_eq!(given.body["periods"][0]["granted_for"], "a thank you");
    assert_eq!(given.body["periods"][0]["granted_by"], json!(admin.person.id));
    let again = grant(&world, &admin, &customer, "g", 7).await.expect(200);
    assert_eq!(again.body["periods"].as_array().unwrap().len(), 1);
    let other = grant(&world, &admin, &customer, "g", 8).await;
    assert_eq!(other.problem(), (422, "idempotency_key_reused"));
    has_days_left(&world, &customer, 7).await;
    world.drain().await;
    let told = world.subjects_to(&customer.email).await;
    assert_eq!(
        told.iter().filter(|subject| subject.contains("Du temps vous est offert")).count(),
        1,
        "{told:?}"
    );
    let audited = "SELECT count(*) FROM audit_logs WHERE action = 'subscription.granted'
                   AND details->>'reason' = 'a thank you' AND actor_kind = 'user'";
    assert_eq!(world.count(audited).await, 1);
    world.finish().await;
}

#[tokio::test]
async fn twenty_grants_under_one_key_at_once_give_one_period() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let admin = world.staff("boss", Role::Admin).await;
    let body = json!({ "user_id": customer.id, "days": 3, "reason": "r", "idempotency_key": "g" });
    let mut tokens = Vec::new();
    for _ in 0..20 {
        tokens.push(world.step_up(&admin, "POST", "/api/admin/subscriptions/grant", &body.to_string()).await);
    }
    let calls = tokens.iter().map(|token| {
        let call = world.call("POST", "/api/admin/subscriptions/grant").by(&admin.person);
        call.header("Step-Up", token).header("Content-Type", "application/json").body(body.to_string()).send()
    });
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 19);
    assert_eq!(world.count("SELECT count(*) FROM periods").await, 1);
    world.finish().await;
}

#[tokio::test]
async fn revoking_takes_only_what_lies_ahead_and_nobody_elses_days() {
    let world = World::new().await;
    let customer = world.customer().await;
    let admin = world.staff("boss", Role::Admin).await;
    world.buy(&customer, "k", "signaux-monthly").await;
    let id = subscription_id(&world, &customer).await;
    let extended = extend(&world, &admin, &id, "e", 10).await.expect(201);
    has_days_left(&world, &customer, 40).await;
    world.advance(Duration::days(5)).await;
    let paid = &extended.body["periods"][0];
    assert!(paid["payment_id"].is_string(), "{}", extended.text);
    let shown = revoke(&world, &admin, &id, Some(&paid["id"])).await.expect(200);
    assert_eq!(shown.body["periods"][0]["withdrawn_for"], "resold the signals");
    has_days_left(&world, &customer, 10).await;
    revoke(&world, &admin, &id, None).await.expect(200);
    assert_eq!(world.subscription(&customer).await["status"], "ended");
    let nothing = revoke(&world, &admin, &id, None).await;
    assert_eq!(nothing.problem(), (409, "nothing_to_revoke"));
    world.drain().await;
    let told = world.subjects_to(&customer.email).await;
    assert!(told.iter().any(|subject| subject.contains("Du temps a été retiré")), "{told:?}");
    world.finish().await;
}

#[tokio::test]
async fn what_an_admin_took_no_later_word_about_the_payment_brings_back() {
    let world = World::new().await;
    let customer = world.customer().await;
    let admin = world.staff("boss", Role::Admin).await;
    let payment = world.buy(&customer, "k", "signaux-monthly").await;
    let id = subscription_id(&world, &customer).await;
    revoke(&world, &admin, &id, None).await.expect(200);
    for outcome in ["dispute_open", "dispute_won"] {
        world.act(&payment, outcome).await;
        world.drain().await;
        assert_eq!(world.subscription(&customer).await["status"], "ended", "{outcome}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_revoked_member_leaves_the_channel_and_a_grant_lets_them_in_again() {
    let world = World::new().await;
    let member = world.member("awa", 7_001).await;
    let admin = world.staff("boss", Role::Admin).await;
    let id = subscription_id(&world, &member).await;
    revoke(&world, &admin, &id, None).await.expect(200);
    world.drain().await;
    assert!(!world.is_inside(7_001).await);
    grant(&world, &admin, &member, "g", 1).await.expect(201);
    world.drain().await;
    world.join(&member, 7_001).await;
    assert!(world.is_inside(7_001).await);
    let path = format!("/api/admin/subscriptions/{id}");
    let shown = world.get_by(&admin.person, &path).await.expect(200);
    assert_eq!(
        (&shown.body["access"]["telegram_user_id"], &shown.body["access"]["member"]),
        (&json!(7_001), &json!(true))
    );
    world.finish().await;
}

#[tokio::test]
async fn time_given_to_a_frozen_account_waits_until_the_freeze_is_lifted() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let admin = world.staff("boss", Role::Admin).await;
    world.freeze(&admin, &customer).await.expect(204);
    let given = grant(&world, &admin, &customer, "g", 7).await.expect(201);
    assert_eq!(given.body["status"], "suspended");
    world.advance(Duration::days(3)).await;
    world.unfreeze(&admin, &customer).await.expect(204);
    let customer = world.log_in(&customer.email).await;
    has_days_left(&world, &customer, 7).await;
    world.finish().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_grant_is_said_with_its_place() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let admin = world.staff("boss", Role::Admin).await;
    let good = json!({ "user_id": customer.id, "days": 7, "reason": "r", "idempotency_key": "g" });
    let nobody = json!("018f2b7e-0000-7000-8000-000000000000");
    let cases = [
        ("days", json!(0), "/days"),
        ("days", json!(3_661), "/days"),
        ("reason", json!("  "), "/reason"),
        ("reason", json!("x".repeat(501)), "/reason"),
        ("plan_code", json!("No Plan"), "/plan_code"),
        ("plan_code", json!("no-plan"), "/plan_code"),
        ("channel", json!("no-channel"), "/channel"),
        ("user_id", nobody, "/user_id"),
        ("user_id", json!("me"), "/user_id"),
    ];
    for (member, value, pointer) in cases {
        let mut body = good.clone();
        body[member] = value;
        let refused = world.confirmed(&admin, "POST", "/api/admin/subscriptions/grant", &body).await;
        assert_eq!(refused.problem(), (422, "validation_failed"), "{body}");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.text);
    }
    let keyless = json!({ "user_id": customer.id, "days": 7, "reason": "r" });
    let refused = world.confirmed(&admin, "POST", "/api/admin/subscriptions/grant", &keyless).await;
    assert_eq!(refused.problem(), (400, "idempotency_key_missing"));
    assert_eq!(world.count("SELECT count(*) FROM subscriptions").await, 0);
    world.finish().await;
}
