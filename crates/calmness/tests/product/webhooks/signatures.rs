//! Nothing is believed that the service did not sign just now (SEC-34, 35).

use serde_json::json;

use crate::support::{WEBHOOK_SECRET, World, hmac_hex, signed_at};

#[tokio::test]
async fn what_is_not_signed_by_the_service_just_now_is_refused_and_not_stored() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-monthly").await;
    let body = world.event("evt_1", "payment.succeeded", &payment).to_string();
    let now = world.wall().unix_timestamp();
    let mac = hmac_hex(WEBHOOK_SECRET, &format!("{now}.{body}"));
    let refused = [
        String::new(),
        "x".to_owned(),
        format!("t={now}"),
        format!("v1={mac}"),
        format!("t={now},v1="),
        format!("t={now},v1={},v1=", "0".repeat(64)),
        format!("t={now},v2={mac}"),
        format!("t={},v1={mac}", now + 1),
        format!("t={now},v1={}", mac.to_uppercase()),
        signed_at("", now, &body),
        signed_at("another-secret-of-somebody", now, &body),
        signed_at(WEBHOOK_SECRET, now, &body.replace("succeeded", "failed")),
        signed_at(WEBHOOK_SECRET, now - 305, &body),
        signed_at(WEBHOOK_SECRET, now + 305, &body),
        "t=99999999999999999999,v1=00".to_owned(),
    ];
    for signature in refused {
        let answer = world.deliver_signed(&body, &signature).await;
        assert_eq!(answer.problem(), (401, "signature_invalid"), "{signature}");
    }
    let unsigned = world.post("/api/webhooks/hmac_psp", &json!({ "id": "evt_1" })).await;
    assert_eq!(unsigned.problem(), (401, "signature_invalid"));
    assert_eq!(world.count("SELECT count(*) FROM webhook_events").await, 0);
    assert_eq!(world.status_of(&customer, &payment).await, "pending");
    world.finish().await;
}

#[tokio::test]
async fn five_minutes_of_difference_and_a_secret_in_rotation_are_taken() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-monthly").await;
    let now = world.wall().unix_timestamp();
    for (number, at) in [now - 295, now + 295].into_iter().enumerate() {
        let body = world.event(&format!("evt_{number}"), "payment.succeeded", &payment).to_string();
        world.deliver_signed(&body, &signed_at(WEBHOOK_SECRET, at, &body)).await.expect(200);
    }
    let body = world.event("evt_9", "payment.succeeded", &payment).to_string();
    let both = format!(
        "{},v1={}",
        signed_at("the-next-secret-of-the-service", now, &body),
        hmac_hex(WEBHOOK_SECRET, &format!("{now}.{body}"))
    );
    world.deliver_signed(&body, &both).await.expect(200);
    assert_eq!(world.count("SELECT count(*) FROM webhook_events").await, 3);
    world.finish().await;
}

#[tokio::test]
async fn the_raw_bytes_are_what_is_signed() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-monthly").await;
    let event = world.event("evt_1", "payment.succeeded", &payment);
    let now = world.wall().unix_timestamp();
    let (plain, spaced) = (event.to_string(), serde_json::to_string_pretty(&event).unwrap());
    let signature = signed_at(WEBHOOK_SECRET, now, &plain);
    world.deliver_signed(&spaced, &signature).await.expect(401);
    world.deliver_signed(&spaced, &signed_at(WEBHOOK_SECRET, now, &spaced)).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn a_signed_body_that_is_no_event_is_malformed() {
    let world = World::new().await;
    for body in [
        "",
        "x",
        "[]",
        "{}",
        r#"{"id":"","type":"a"}"#,
        r#"{"id":"evt 1","type":"a"}"#,
        r#"{"id":"e","type":"a b"}"#,
    ] {
        let signature = signed_at(WEBHOOK_SECRET, world.wall().unix_timestamp(), body);
        assert_eq!(
            world.deliver_signed(body, &signature).await.problem(),
            (400, "malformed_body"),
            "{body:?}"
        );
    }
    assert_eq!(world.count("SELECT count(*) FROM webhook_events").await, 0);
    world.post("/api/webhooks/stripe", &json!({})).await.expect(404);
    world.call("GET", "/api/webhooks/hmac_psp").send().await.expect(405);
    world.finish().await;
}

#[tokio::test]
async fn refusals_are_told_by_one_audit_entry_a_minute_with_their_count() {
    let mut world = World::setup().with_worker().start().await;
    for _ in 0..20 {
        world.deliver_signed("{}", "t=1,v1=00").await.expect(401);
    }
    world.stop_worker().await;
    let entries = world
        .rows("SELECT actor_kind, subject_id, details FROM audit_logs WHERE action = 'webhook.refused'")
        .await;
    // Two where the minute ended in between.
    assert!((1..=2).contains(&entries.len()), "{entries:?}");
    let told: i64 = entries.iter().map(|entry| entry["details"]["count"].as_i64().unwrap()).sum();
    assert_eq!((told, &entries[0]["details"]["network"]), (20, &json!("127.0.0.0/24")));
    world.finish().await;
}
