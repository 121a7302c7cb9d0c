//! `/revoke-sessions` and `/rotate-keys`: everybody is out within a second, and everybody comes back.

use serde_json::{Value, json};

use crate::support::{COMPANY, World};

const REVOKE: &str = "/api/admin/incident/revoke-sessions";
const ROTATE: &str = "/api/admin/incident/rotate-keys";

#[tokio::test]
async fn i1_one_call_ends_everybodys_sessions_within_a_second_and_everybody_comes_back() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (awa, ben) = (world.made_customer("awa").await, world.made_customer("ben").await);
    let key = world.api_key(&awa, &["profile:read"]).await;
    world.buy(&awa, "k1", "signaux-weekly").await;
    let paid = world.subscription(&awa).await["ends_at"].clone();
    world.enrol_app(&ben).await;
    let waiting = world.first_step(&ben.email).await;

    let body = json!({ "reason": "tokens in a public log" });
    let ended = world.confirmed(&admin, "POST", REVOKE, &body).await.expect(200);
    assert_eq!(ended.body["api_keys"], 0);
    assert!(ended.body["sessions"].as_i64().unwrap() >= 3, "{}", ended.text);
    for customer in [&awa, &ben, &admin.person] {
        world.until_refused(customer).await;
        let refresh = json!({ "refresh_token": customer.refresh_token });
        let refreshed = world.post("/api/auth/refresh", &refresh).await;
        assert_eq!(refreshed.problem(), (401, "unauthorized"));
    }
    let step = json!({ "mfa_token": waiting, "method": "totp", "code": "000000" });
    let late = world.post("/api/auth/mfa/verify", &step).await;
    assert_eq!(late.problem(), (401, "challenge_ended"), "a login that waited for its second step");
    world.call("GET", "/api/me").bearer(&key).send().await.expect(200);

    let back = world.log_in(&awa.email).await;
    for _ in 0..3 {
        world.get_by(&back, "/api/me").await.expect(200);
    }
    assert_eq!(world.subscription(&back).await["ends_at"], paid, "paid time does not change");
    let listed = world.get_by(&back, "/api/auth/sessions").await.expect(200);
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 1, "{}", listed.text);
    world.drain().await;
    told(&world, "sessions_revoked", "Toutes les sessions ont été fermées").await;
    world.finish().await;
}

/// The audit log has one entry, the company one alert, the admin one mail.
async fn told(world: &World, act: &str, subject: &str) {
    let entries = format!("SELECT count(*) FROM audit_logs WHERE action = 'incident.{act}'");
    assert_eq!(world.count(&entries).await, 1);
    assert_eq!(world.count("SELECT count(*) FROM alerts WHERE kind = 'incident_act'").await, 1);
    let subjects = world.subjects_to("admin@example.com").await;
    assert_eq!(subjects.iter().filter(|known| *known == subject).count(), 1, "{subjects:?}");
    assert!(!world.mails_to(COMPANY).await.is_empty());
}

#[tokio::test]
async fn i1_keys_of_machines_end_with_the_sessions_if_asked() {
    let world = World::new().await;
    let admin = world.admin().await;
    let awa = world.made_customer("awa").await;
    let key = world.api_key(&awa, &["profile:read"]).await;
    let body = json!({ "reason": "a stolen backup", "api_keys": true });
    let ended = world.confirmed(&admin, "POST", REVOKE, &body).await.expect(200);
    assert_eq!(ended.body["api_keys"], 1);
    let refused = world.call("GET", "/api/me").bearer(&key).send().await;
    assert_eq!(refused.problem(), (401, "unauthorized"));
    world.finish().await;
}

#[tokio::test]
async fn a_login_after_the_end_lives_also_where_a_clock_is_behind() {
    let world = World::new().await;
    let before = world.made_customer("awa").await;
    world.sql("UPDATE session_cutoff SET not_before = now() + interval '1 hour'").await;
    world.until_refused(&before).await;
    let after = world.log_in(&before.email).await;
    let again = json!({ "refresh_token": after.refresh_token });
    let renewed = after.with(&world.post("/api/auth/refresh", &again).await.expect(200));
    world.get_by(&renewed, "/api/me").await.expect(200);
    world.get_by(&before, "/api/me").await.expect(401);
    world.finish().await;
}

#[tokio::test]
async fn i1_rotating_keys_tells_what_is_done_and_what_only_people_can_renew() {
    let world = World::new().await;
    let admin = world.admin().await;
    let awa = world.made_customer("awa").await;
    let body = json!({ "reason": "SECRET_KEY in a chat", "revoke_sessions": true });
    let rotated = world.confirmed(&admin, "POST", ROTATE, &body).await.expect(200);
    assert!(rotated.body["sessions_revoked"]["sessions"].as_i64().unwrap() >= 2);
    let left: Vec<&Value> = rotated.body["renewals"].as_array().unwrap().iter().collect();
    let settings: Vec<String> = left.iter().map(|renewal| renewal["settings"].to_string()).collect();
    for setting in ["SECRET_KEY", "providers.hmac_psp.webhook_secrets", "telegram.bot_token", "mail.smtp_url"]
    {
        assert!(settings.iter().any(|known| known.contains(setting)), "{setting}: {settings:?}");
    }
    world.until_refused(&awa).await;
    let back = world.log_in(&awa.email).await;
    world.get_by(&back, "/api/me").await.expect(200);
    let kept = world.rows("SELECT kid FROM jwt_keys WHERE revoked_at IS NULL").await;
    assert_eq!(kept, [json!({ "kid": rotated.body["jwt_key"] })]);
    world.finish().await;
}

#[tokio::test]
async fn an_act_without_a_reason_does_nothing() {
    let world = World::new().await;
    let admin = world.admin().await;
    let now = "2026-01-01T00:00:00Z";
    let acts = [
        (REVOKE, json!({ "reason": " " })),
        (ROTATE, json!({ "reason": "" })),
        ("/api/admin/incident/pause-purchases", json!({ "reason": "x".repeat(501) })),
        ("/api/admin/incident/resume-purchases", json!({ "reason": "" })),
        ("/api/admin/incident/replay", json!({ "reason": "", "from": now, "to": now })),
        ("/api/admin/incident/evidence", json!({ "reason": "", "user_id": admin.person.id })),
    ];
    for (path, body) in acts {
        let refused = world.confirmed(&admin, "POST", path, &body).await;
        assert_eq!(refused.problem(), (422, "validation_failed"), "{path}");
        assert_eq!(refused.body["errors"][0]["pointer"], "/reason", "{path}");
    }
    world.get_by(&admin.person, "/api/me").await.expect(200);
    assert_eq!(world.count("SELECT count(*) FROM audit_logs WHERE action LIKE 'incident.%'").await, 0);
    let status = world.get_by(&admin.person, "/api/admin/incident").await.expect(200).body;
    assert_eq!((&status["purchases_paused"], &status["sessions_ended_at"]), (&Value::Null, &Value::Null));
    world.finish().await;
}
