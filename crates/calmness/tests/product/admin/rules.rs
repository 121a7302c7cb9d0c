//! A rule freezes an account that tries card after card. A suspicion takes nothing that was paid for (SEC-61).

use application::{Context, Role};
use domain::ids::UserId;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{COMPANY, Customer, World};

async fn refused_payments(world: &World, customer: &Customer, keys: std::ops::Range<u32>) {
    for key in keys {
        let payment = world.open(customer, &format!("refused{key}"), "signaux-weekly").await;
        let mut event = world.event(&format!("evt_{}_{key}", customer.id), "payment.failed", &payment);
        event["data"]["reason"] = json!("card_declined");
        world.deliver(&event).await.expect(200);
    }
    world.drain().await;
}

async fn freezes(world: &World) -> Vec<Value> {
    world.rows("SELECT id, frozen_by FROM users WHERE frozen_at IS NOT NULL").await
}

#[tokio::test]
async fn sec_61_twenty_refused_payments_within_an_hour_freeze_and_leave_membership_and_time_alone() {
    let world = World::new().await;
    let customer = world.member("awa", 7_001).await;
    let earlier = world.open(&customer, "earlier", "signaux-monthly").await;
    refused_payments(&world, &customer, 0..19).await;
    assert_eq!(freezes(&world).await, Vec::<Value>::new());
    refused_payments(&world, &customer, 19..20).await;
    assert_eq!(freezes(&world).await, [json!({ "id": customer.id, "frozen_by": "rule" })]);
    world.until_refused(&customer).await;
    let subjects = world.subjects_to(&customer.email).await;
    assert_eq!(
        subjects.iter().filter(|subject| *subject == "Votre compte est gelé").count(),
        1,
        "{subjects:?}"
    );
    assert_eq!(world.mails_to(COMPANY).await.len(), 1);
    assert_eq!(world.rows("SELECT kind FROM alerts").await, [json!({ "kind": "account_frozen" })]);

    assert!(world.is_inside(7_001).await, "still inside");
    let days_left = async || {
        let channel = "signaux".parse().unwrap();
        let found = world.app.subscription(UserId::from_uuid(customer.id), &channel).await.unwrap().unwrap();
        assert_eq!((found.status.as_str(), found.seconds_withheld), ("active", 0));
        (found.seconds_left + 60) / 86_400
    };
    assert_eq!(days_left().await, 30);
    world.advance(Duration::days(2)).await;
    assert_eq!(days_left().await, 28, "time runs as it did");
    assert!(world.is_inside(7_001).await);
    world.deliver(&world.event("evt_late", "payment.succeeded", &earlier)).await.expect(200);
    world.drain().await;
    assert_eq!(days_left().await, 58, "money that arrives buys time");
    world.finish().await;
}

#[tokio::test]
async fn sec_61_refusals_of_another_hour_or_of_somebody_else_do_not_add_up() {
    let world = World::new().await;
    let (one, other) = (world.made_customer("one").await, world.made_customer("other").await);
    refused_payments(&world, &one, 0..15).await;
    refused_payments(&world, &other, 0..15).await;
    world.advance(Duration::minutes(61)).await;
    refused_payments(&world, &one, 15..30).await;
    assert_eq!(freezes(&world).await, Vec::<Value>::new());
    world.finish().await;
}

#[tokio::test]
async fn sec_61_an_admin_can_make_a_rules_freeze_their_own_and_lift_it() {
    let world = World::new().await;
    let (admin, customer) = (world.admin().await, world.member("awa", 7_001).await);
    refused_payments(&world, &customer, 0..20).await;
    world.freeze(&admin, &customer).await.expect(204);
    world.drain().await;
    assert!(!world.is_inside(7_001).await, "an admin's freeze withholds");
    assert_eq!(freezes(&world).await, [json!({ "id": customer.id, "frozen_by": "admin" })]);
    world.unfreeze(&admin, &customer).await.expect(204);
    world.drain().await;
    let customer = world.log_in(&customer.email).await;
    assert_eq!(world.subscription(&customer).await["status"], "active");
    world.finish().await;
}

#[tokio::test]
async fn sec_55_no_rule_freezes_the_last_admin_and_the_company_hears_of_it() {
    let world = World::new().await;
    let admin = world.person_of("admin", Role::Admin).await;
    refused_payments(&world, &admin, 0..20).await;
    assert_eq!(freezes(&world).await, Vec::<Value>::new());
    let alerts = "SELECT kind, details->>'frozen' AS frozen FROM alerts";
    assert_eq!(world.rows(alerts).await, [json!({ "kind": "account_frozen", "frozen": "false" })]);
    // Whoever sat there has to log in again.
    world.until_refused(&admin).await;
    let admin = world.log_in(&admin.email).await;
    world.person_of("another", Role::Admin).await;
    refused_payments(&world, &admin, 20..21).await;
    assert_eq!(freezes(&world).await, [json!({ "id": admin.id, "frozen_by": "rule" })]);
    let user = UserId::from_uuid(admin.id);
    world.app.unfreeze(&Context::operator(), user, "their own cards").await.unwrap();
    world.log_in(&admin.email).await;
    world.finish().await;
}
