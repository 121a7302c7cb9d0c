//! What contradicts waits for an admin, who accepts or rejects it; what was kept can be processed again.

use application::settings::Key;
use application::{Context, Role};
use serde_json::json;

use crate::support::{FEDAPAY_WEBHOOK, World, hmac_hex};

const FEDAPAY: &str = r#"{"secret_key":"sk_sandbox_tests","webhook_secrets":["wh_sandbox_the-tests-fedapay-0123456789"],"currencies":["XOF"],"mode":"test"}"#;

#[tokio::test]
async fn sec_45_a_wrong_amount_waits_and_settles_only_when_an_admin_accepts_it() {
    let world = World::new().await;
    let customer = world.customer().await;
    let admin = world.staff("boss", Role::Admin).await;
    let payment = world.open(&customer, "k", "signaux-monthly").await;
    world.act(&payment, "wrong_amount").await;
    world.drain().await;
    assert_eq!(world.status_of(&customer, &payment).await, "pending");
    let cases = world.get_by(&admin.person, "/api/admin/quarantine").await.expect(200);
    let items = cases.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{}", cases.text);
    assert_eq!(
        (items[0]["code"].as_str(), items[0]["payment_id"].as_str()),
        (Some("amount_mismatch"), payment["id"].as_str())
    );
    assert_eq!(items[0]["stated"]["amount"], 2_999);
    let path = format!("/api/admin/quarantine/{}/accept", items[0]["id"].as_str().unwrap());
    let accepted =
        world.confirmed(&admin, "POST", &path, &json!({ "reason": "the rest came in cash" })).await;
    accepted.expect(204);
    world.drain().await;
    assert_eq!(world.status_of(&customer, &payment).await, "succeeded");
    assert_eq!(world.subscription(&customer).await["status"], "active");
    let again = world.confirmed(&admin, "POST", &path, &json!({ "reason": "again" })).await;
    assert_eq!(again.problem(), (409, "not_decidable"));
    let waiting = world.get_by(&admin.person, "/api/admin/quarantine").await.expect(200);
    assert_eq!(waiting.body["items"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn a_rejected_case_changes_nothing_and_is_remembered() {
    let world = World::new().await;
    let customer = world.customer().await;
    let admin = world.staff("boss", Role::Admin).await;
    let payment = world.open(&customer, "k", "signaux-monthly").await;
    world.act(&payment, "wrong_currency").await;
    world.drain().await;
    let cases = world.get_by(&admin.person, "/api/admin/quarantine").await.expect(200);
    let path = format!("/api/admin/quarantine/{}/reject", cases.body["items"][0]["id"].as_str().unwrap());
    world.confirmed(&admin, "POST", &path, &json!({ "reason": "sent back by hand" })).await.expect(204);
    assert_eq!(world.status_of(&customer, &payment).await, "pending");
    let all = world.get_by(&admin.person, "/api/admin/quarantine?all=true").await.expect(200);
    assert_eq!(all.body["items"][0]["resolution"], "rejected");
    world.finish().await;
}

#[tokio::test]
async fn a_kept_event_is_processed_again_without_a_second_effect() {
    let world = World::new().await;
    let customer = world.customer().await;
    let admin = world.staff("boss", Role::Admin).await;
    let payment = world.buy(&customer, "k", "signaux-monthly").await;
    let ends = world.subscription(&customer).await["ends_at"].clone();
    let events = world.get_by(&admin.person, "/api/admin/webhook-events").await.expect(200);
    let event = &events.body["items"][0];
    assert_eq!(
        (event["outcome"].as_str(), event["payment_id"].as_str()),
        (Some("applied"), payment["id"].as_str())
    );
    let path = format!("/api/admin/webhook-events/{}/replay", event["id"].as_str().unwrap());
    let reason = json!({ "reason": "the worker was down" });
    let replayed = world.confirmed(&admin, "POST", &path, &reason).await.expect(200);
    assert_eq!(replayed.text_of("outcome"), "already_applied");
    assert_eq!(world.subscription(&customer).await["ends_at"], ends);
    let events = world.get_by(&admin.person, "/api/admin/webhook-events").await.expect(200);
    assert_eq!(events.body["items"][0]["attempts"], 2);
    world.finish().await;
}

#[tokio::test]
async fn a_replay_never_lets_one_provider_speak_of_anothers_payment() {
    let world = World::new().await;
    world.app.set_setting(&Context::operator(), Key::Fedapay, FEDAPAY).await.unwrap();
    let customer = world.customer().await;
    let admin = world.staff("boss", Role::Admin).await;
    let payment = world.open(&customer, "k", "signaux-monthly").await;
    let body = json!({ "id": "evt_1", "name": "transaction.approved", "entity": {
        "id": 1, "merchant_reference": payment["id"], "amount": 5_999, "currency": { "iso": "EUR" }, "status": "approved",
    }})
    .to_string();
    let unix = world.wall().unix_timestamp();
    let signature = format!("t={unix},s={}", hmac_hex(FEDAPAY_WEBHOOK, &format!("{unix}.{body}")));
    let call = world.call("POST", "/api/webhooks/fedapay").header("Content-Type", "application/json");
    call.header("X-FEDAPAY-SIGNATURE", &signature).body(body).send().await.expect(200);
    let events = world.get_by(&admin.person, "/api/admin/webhook-events?provider=fedapay").await.expect(200);
    let path =
        format!("/api/admin/webhook-events/{}/replay", events.body["items"][0]["id"].as_str().unwrap());
    let replayed = world.confirmed(&admin, "POST", &path, &json!({ "reason": "try" })).await;
    // Where the event says too little to be a statement it only asks; either way nothing is settled.
    assert!([200, 409].contains(&replayed.status), "{}", replayed.text);
    world.drain().await;
    assert_eq!(world.status_of(&customer, &payment).await, "pending");
    world.finish().await;
}

#[tokio::test]
async fn a_case_is_over_when_its_event_could_be_applied_after_all() {
    let world = World::new().await;
    let customer = world.customer().await;
    let admin = world.staff("boss", Role::Admin).await;
    let payment = world.open(&customer, "k", "signaux-monthly").await;
    let event = world.event("evt_early", "payment.succeeded", &payment);
    // The quote as it stands in the database is not what was paid; then it is.
    world.sql("UPDATE payments SET amount_minor = 1").await;
    world.deliver(&event).await.expect(200);
    let cases = world.get_by(&admin.person, "/api/admin/quarantine").await.expect(200);
    assert_eq!(cases.body["items"].as_array().unwrap().len(), 1);
    world.sql("UPDATE payments SET amount_minor = 5999").await;
    let id = cases.body["items"][0]["webhook_event_id"].as_str().unwrap();
    let path = format!("/api/admin/webhook-events/{id}/replay");
    let replayed = world.confirmed(&admin, "POST", &path, &json!({ "reason": "mended" })).await.expect(200);
    assert_eq!(replayed.text_of("outcome"), "applied");
    let all = world.get_by(&admin.person, "/api/admin/quarantine?all=true").await.expect(200);
    assert_eq!(all.body["items"][0]["resolution"], "replayed");
    assert_eq!(world.status_of(&customer, &payment).await, "succeeded");
    world.drain().await;
    // Its books know of no charge: the event was made by the test.
    world.abandon().await;
}
