//! Refresh tokens that come back after they were exchanged (SEC-18, SEC-61).

use serde_json::{Value, json};
use web::{TrustedProxies, WebOptions};

use crate::support::{Answer, COMPANY, Customer, PASSWORD, World};

const HOME: &str = "203.0.113.7";
const NEXT_DOOR: &str = "203.0.113.200";
const ABROAD: &str = "198.51.100.7";

fn behind_a_proxy(options: &mut WebOptions) {
    options.trusted_proxies = TrustedProxies::parse(["127.0.0.1"]).unwrap();
}

async fn log_in_from(world: &World, customer: &Customer, address: &str) -> Customer {
    let call = world.call("POST", "/api/auth/login").header("X-Forwarded-For", address);
    let body = json!({ "email": customer.email, "password": PASSWORD });
    customer.with(&call.json(&body).send().await.expect(200))
}

async fn refresh_from(world: &World, token: &str, address: &str) -> Answer {
    let call = world.call("POST", "/api/auth/refresh").header("X-Forwarded-For", address);
    call.json(&json!({ "refresh_token": token })).send().await
}

/// The owner exchanges their token twice; then the first comes back from an address.
async fn steal(world: &World, owner: &Customer, from: &str) {
    let child = refresh_from(world, &owner.refresh_token, HOME).await.expect(200);
    let head = refresh_from(world, child.text_of("refresh_token"), HOME).await.expect(200);
    let stolen = refresh_from(world, &owner.refresh_token, from).await;
    assert_eq!(stolen.problem(), (401, "unauthorized"));
    let head = owner.with(&head);
    world.until_refused(&head).await;
    refresh_from(world, &head.refresh_token, HOME).await.expect(401);
    world.drain().await;
}

async fn frozen(world: &World) -> Vec<Value> {
    world.rows("SELECT frozen_at IS NOT NULL AS frozen, frozen_by AS by FROM users").await
}

#[tokio::test]
async fn sec_18_a_token_older_than_the_parent_ends_its_family_and_is_told() {
    let world = World::setup().with_web(behind_a_proxy).start().await;
    let made = world.made_customer("awa").await;
    let (owner, elsewhere) = (log_in_from(&world, &made, HOME).await, log_in_from(&world, &made, HOME).await);
    steal(&world, &owner, NEXT_DOOR).await;
    assert_eq!(frozen(&world).await, [json!({ "frozen": false, "by": null })], "the same network");
    world.get_by(&elsewhere, "/api/me").await.expect(200);
    log_in_from(&world, &owner, HOME).await;
    let told = world.subjects_to(&owner.email).await;
    assert_eq!(
        told.iter().filter(|subject| *subject == "Une session suspecte a été fermée").count(),
        1,
        "{told:?}"
    );
    let stolen = world.rows("SELECT details FROM audit_logs WHERE action = 'session.stolen'").await;
    assert_eq!(stolen, [json!({ "details": { "other_network": false } })]);
    // What is dead tells nothing more, however often it is shown.
    refresh_from(&world, &owner.refresh_token, ABROAD).await.expect(401);
    assert_eq!(frozen(&world).await[0]["frozen"], false);
    world.finish().await;
}

#[tokio::test]
async fn sec_61_a_token_that_comes_back_from_another_network_freezes_the_account_and_takes_nothing_away() {
    let world = World::setup().with_web(behind_a_proxy).start().await;
    let member = world.member("awa", 7_001).await;
    let before = world.subscription(&member).await;
    let (owner, elsewhere) =
        (log_in_from(&world, &member, HOME).await, log_in_from(&world, &member, ABROAD).await);
    let waiting = world.open(&member, "open before", "signaux-monthly").await;
    steal(&world, &owner, ABROAD).await;
    assert_eq!(frozen(&world).await, [json!({ "frozen": true, "by": "rule" })]);
    world.until_refused(&elsewhere).await;
    world.until_refused(&member).await;
    refresh_from(&world, &elsewhere.refresh_token, HOME).await.expect(401);
    world.try_login(&owner.email, PASSWORD).await.expect(401);
    let told = world.subjects_to(&owner.email).await;
    assert!(told.contains(&"Votre compte est gelé".to_owned()), "{told:?}");
    assert_eq!(world.count("SELECT count(*) FROM alerts WHERE kind = 'account_frozen'").await, 1);
    assert!(!world.mails_to(COMPANY).await.is_empty());

    // The place in the channel and the paid time go on as if nothing were.
    world.advance(time::Duration::days(2)).await;
    assert!(world.is_inside(7_001).await);
    world.sql("UPDATE users SET frozen_at = NULL, frozen_by = NULL, frozen_for = NULL").await;
    let again = world.log_in(&owner.email).await;
    let after = world.subscription(&again).await;
    assert_eq!((&after["ends_at"], &after["status"]), (&before["ends_at"], &before["status"]));
    assert_eq!(world.status_of(&again, &waiting).await, "expired");
    world.finish().await;
}

#[tokio::test]
async fn sec_61_a_client_that_moves_between_networks_is_no_thief() {
    let world = World::setup().with_web(behind_a_proxy).start().await;
    let made = world.made_customer("awa").await;
    let mut token = log_in_from(&world, &made, HOME).await.refresh_token;
    for address in [ABROAD, "2001:db8::1", HOME, ABROAD] {
        let first = refresh_from(&world, &token, address).await.expect(200);
        // The answer was lost, and the train has gone on to the next cell.
        let again = refresh_from(&world, &token, "192.0.2.9").await.expect(200);
        assert_eq!(first.text_of("refresh_token"), again.text_of("refresh_token"));
        token = first.text_of("refresh_token").to_owned();
    }
    assert_eq!(frozen(&world).await[0]["frozen"], false);
    world.finish().await;
}

#[tokio::test]
async fn sec_55_the_last_admin_is_logged_out_by_the_rule_but_not_frozen() {
    let world = World::setup().with_web(behind_a_proxy).start().await;
    let made = world.made_customer("awa").await;
    world.sql("UPDATE users SET role = 'admin'").await;
    let (owner, elsewhere) = (log_in_from(&world, &made, HOME).await, log_in_from(&world, &made, HOME).await);
    steal(&world, &owner, ABROAD).await;
    assert_eq!(frozen(&world).await[0]["frozen"], false);
    world.until_refused(&elsewhere).await;
    assert_eq!(world.count("SELECT count(*) FROM alerts WHERE kind = 'account_frozen'").await, 1);
    let again = log_in_from(&world, &made, HOME).await;

    world.made_customer("moussa").await;
    world.sql("UPDATE users SET role = 'admin'").await;
    steal(&world, &again, ABROAD).await;
    let frozen = "SELECT count(*) FROM users WHERE frozen_by = 'rule' AND email = 'awa@example.com'";
    assert_eq!(world.count(frozen).await, 1, "another admin can act");
    world.finish().await;
}
