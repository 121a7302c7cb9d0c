//! "Where is my money": for the payer in five steps, for staff with everything that is known.

use application::Role;
use serde_json::{Value, json};

use crate::support::World;

fn instants(steps: &Value) -> Vec<(&str, bool)> {
    let steps = steps.as_array().unwrap();
    steps.iter().map(|step| (step["name"].as_str().unwrap(), step["at"].is_string())).collect()
}

#[tokio::test]
async fn every_step_of_a_payment_has_its_instant() {
    let world = World::new().await;
    let admin = world.staff("boss", Role::Admin).await;
    let member = world.member("awa", 7_001).await;
    let payment = &world.get_by(&member, "/api/billing/payments").await.expect(200).body["items"][0].clone();
    let own = world.payment(&member, payment).await;
    let five = ["created", "accepted", "settled", "extended", "access"];
    assert_eq!(instants(&own["steps"]), five.map(|name| (name, true)));
    let path = format!("/api/admin/payments/{}", payment["id"].as_str().unwrap());
    let refund = json!({ "reason": "asked for", "amount": 500, "idempotency_key": "r" });
    world.confirmed(&admin, "POST", &format!("{path}/refund"), &refund).await.expect(202);
    world.drain().await;
    let whole = world.get_by(&admin.person, &path).await.expect(200).body;
    let eight = ["created", "asked", "accepted", "settled", "recorded", "extended", "invited", "joined"];
    assert_eq!(instants(&whole["steps"]), eight.map(|name| (name, true)));
    assert_eq!(whole["refunds"][0]["state"], "succeeded");
    assert_eq!(
        (&whole["movements"][0]["kind"], &whole["movements"][0]["amount"]),
        (&json!("refund"), &json!(-500))
    );
    assert!(whole["webhook_events"].as_array().unwrap().iter().any(|event| event["outcome"] == "applied"));
    assert!(whole["mails"][0]["sent_at"].is_string(), "{whole}");
    assert_eq!(whole["quarantine"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn a_payment_that_waits_for_a_decision_says_why() {
    let world = World::new().await;
    let admin = world.staff("boss", Role::Admin).await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k", "signaux-monthly").await;
    world.act(&payment, "wrong_amount").await;
    world.drain().await;
    let path = format!("/api/admin/payments/{}", payment["id"].as_str().unwrap());
    let whole = world.get_by(&admin.person, &path).await.expect(200).body;
    assert_eq!(whole["quarantine"][0]["code"], "amount_mismatch");
    assert_eq!(whole["webhook_events"][0]["outcome"], "quarantined");
    let steps = instants(&whole["steps"]);
    assert_eq!((steps[2], steps[3]), (("accepted", true), ("settled", false)));
    world.finish().await;
}
