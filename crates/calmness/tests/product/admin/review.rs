//! What contradicts waits for an admin, who accepts or rejects it; what was kept can be processed again.

use application::Role;
use serde_json::json;

use crate::support::World;

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
    let replayed = world.call("POST", &path).by(&admin.person).send().await.expect(200);
    assert_eq!(replayed.text_of("outcome"), "already_applied");
    assert_eq!(world.subscription(&customer).await["ends_at"], ends);
    let events = world.get_by(&admin.person, "/api/admin/webhook-events").await.expect(200);
    assert_eq!(events.body["items"][0]["attempts"], 2);
    world.finish().await;
}
