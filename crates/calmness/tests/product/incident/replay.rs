//! `/replay`: kept callbacks of a period, again.

use application::Context;
use application::incident::ReplayRequest;
use serde_json::{Value, json};
use time::Duration;
use time::format_description::well_known::Rfc3339;

use crate::support::World;

const REPLAY: &str = "/api/admin/incident/replay";

async fn periods(world: &World) -> Vec<Value> {
    world.rows("SELECT id, starts_at, ends_at, state FROM periods ORDER BY id").await
}

fn today(world: &World, reason: &str) -> Value {
    let at = |shift: Duration| (world.wall() + shift).format(&Rfc3339).unwrap();
    json!({ "from": at(-Duration::HOUR), "to": at(Duration::HOUR), "reason": reason })
}

#[tokio::test]
async fn i2_a_replayed_period_counts_nothing_twice_and_goes_on_past_what_it_cannot_read() {
    let world = World::new().await;
    let admin = world.admin().await;
    let awa = world.made_customer("awa").await;
    let first = world.buy(&awa, "k1", "signaux-weekly").await;
    world.buy(&awa, "k2", "signaux-monthly").await;
    let before = periods(&world).await;
    let mut request = today(&world, "after an outage");
    request["dry_run"] = json!(true);
    let counted = world.confirmed(&admin, "POST", REPLAY, &request).await.expect(200).body;
    assert_eq!((&counted["matching"], &counted["processed"]), (&json!(2), &json!(0)));
    assert_eq!(world.count("SELECT count(*) FROM audit_logs WHERE action = 'webhook.replayed'").await, 0);

    let id = first["id"].as_str().unwrap();
    world.sql(&format!("UPDATE webhook_events SET body_encrypted = '' WHERE payment_id = '{id}'")).await;
    let done =
        world.confirmed(&admin, "POST", REPLAY, &today(&world, "after an outage")).await.expect(200).body;
    assert_eq!(done["processed"], 2);
    assert_eq!(done["outcomes"], json!({ "already_applied": 1 }));
    assert_eq!(done["failed"].as_array().unwrap().len(), 1);
    assert_eq!(done["next_cursor"], Value::Null);
    assert_eq!(periods(&world).await, before);
    assert_eq!(world.count("SELECT count(*) FROM audit_logs WHERE action = 'webhook.replayed'").await, 1);
    let acts = "SELECT count(*) FROM audit_logs WHERE action = 'incident.webhooks_replayed'";
    assert_eq!(world.count(acts).await, 1);
    world.finish().await;
}

#[tokio::test]
async fn i2_a_callback_that_found_no_payment_counts_when_its_period_is_replayed() {
    let world = World::new().await;
    let admin = world.admin().await;
    let awa = world.made_customer("awa").await;
    let payment = world.open(&awa, "k1", "signaux-weekly").await;
    let id = payment["id"].as_str().unwrap().to_owned();
    // As after a restore of an older backup: the callback is kept, what it did is not.
    let event = world.event("evt_1", "payment.succeeded", &payment);
    world.deliver(&event).await.expect(200);
    world.drain().await;
    world.sql(&format!("DELETE FROM periods WHERE payment_id = '{id}'")).await;
    world.sql("DELETE FROM subscriptions").await;
    let undone = "settled_at = NULL, recorded_at = NULL, status = 'pending', check_due_at = created_at + interval '1 day'";
    world.sql(&format!("UPDATE payments SET {undone} WHERE id = '{id}'")).await;
    let done = world.confirmed(&admin, "POST", REPLAY, &today(&world, "restored")).await.expect(200).body;
    assert_eq!(done["outcomes"], json!({ "applied": 1 }));
    assert_eq!(world.status_of(&awa, &payment).await, "succeeded");
    assert_eq!(world.subscription(&awa).await["status"], "active");
    world.finish_with_work_left().await;
}

#[tokio::test]
async fn a_period_goes_in_batches_that_meet_each_callback_once() {
    let world = World::new().await;
    let awa = world.made_customer("awa").await;
    for number in 0..5 {
        world.buy(&awa, &format!("k{number}"), "signaux-weekly").await;
    }
    let mut request = ReplayRequest {
        from: world.wall() - Duration::HOUR,
        to: world.wall() + Duration::HOUR,
        provider: Some("hmac_psp".to_owned()),
        outcome: None,
        dry_run: false,
        after: None,
        limit: 2,
        reason: "a drill".to_owned(),
    };
    let mut sizes = Vec::new();
    loop {
        let batch = world.app.replay_range(&Context::operator(), &request).await.unwrap();
        sizes.push(batch.processed);
        match batch.next {
            Some(next) => request.after = Some(next),
            None => break,
        }
    }
    assert_eq!(sizes, [2, 2, 1]);
    assert_eq!(world.rows("SELECT DISTINCT attempts FROM webhook_events").await, [json!({ "attempts": 2 })]);
    let acts = "SELECT count(*) FROM audit_logs WHERE action = 'incident.webhooks_replayed'";
    assert_eq!(world.count(acts).await, 1, "the batches are one act");
    world.finish().await;
}
