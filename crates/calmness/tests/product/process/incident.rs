//! `calmness incident …` on the machine, beside instances that serve.

use std::time::{Duration, Instant};

use super::program::{Program, Server};
use crate::support::World;

/// What the end of a session may take to be known everywhere (SEC-20).
const SOON: Duration = Duration::from_secs(1);

#[tokio::test]
async fn i1_a_command_ends_every_session_on_every_instance_within_a_second() {
    let world = World::new().await;
    let other = Server::beside(&world, world.config().database.url.as_ref().unwrap()).await;
    let customer = world.made_customer("awa").await;
    let there = async |token: &str| other.call("GET", "/api/me").bearer(token).send().await.status;
    assert_eq!(there(&customer.access_token).await, 200);
    let run =
        Program::command_of(&world, &["incident", "revoke-sessions", "--reason", "a leaked backup"]).await;
    let ended = Instant::now();
    assert_eq!((run.code, run.stdout.trim()), (0, "1 sessions and 0 API keys have ended"), "{}", run.stderr);
    world
        .until("both refuse", async || {
            let here = world.get_by(&customer, "/api/me").await.status;
            [here, there(&customer.access_token).await] == [401, 401]
        })
        .await;
    assert!(ended.elapsed() < SOON, "{:?}", ended.elapsed());
    let back = world.log_in(&customer.email).await;
    assert_eq!(there(&back.access_token).await, 200, "a new session is believed on both");
    let without = Program::command_of(&world, &["incident", "revoke-sessions"]).await;
    assert_eq!(without.code, 2, "a reason is needed");
    world.finish().await;
}

#[tokio::test]
async fn i2_the_commands_of_a_bad_day_say_what_they_did() {
    let world = World::new().await;
    let other = Server::beside(&world, world.config().database.url.as_ref().unwrap()).await;
    let customer = world.made_customer("awa").await;
    let incident = async |arguments: &[&str]| {
        let run = Program::command_of(&world, &[&["incident"], arguments].concat()).await;
        assert_eq!(run.code, 0, "{arguments:?}: {}", run.stderr);
        run.stdout
    };
    let why = ["--reason", "a wrong address"];
    assert_eq!(incident(&["pause-purchases", why[0], why[1]]).await, "purchases are paused\n");
    let body =
        serde_json::json!({ "plan_code": "signaux-weekly", "provider": "hmac_psp", "currency": "EUR" });
    let init = |server: &Server| {
        let call = server.call("POST", "/api/billing/payments/init").bearer(&customer.access_token);
        call.header("Idempotency-Key", "k").json(&body).send()
    };
    assert_eq!(init(&other).await.problem(), (503, "purchases_paused"));
    assert!(incident(&["status"]).await.contains(": a wrong address"));
    assert_eq!(incident(&["resume-purchases", why[0], why[1]]).await, "purchases are open again\n");
    init(&other).await.expect(201);
    let rotated = incident(&["rotate-keys", why[0], why[1]]).await;
    assert!(rotated.contains("signs access tokens") && rotated.contains("SECRET_KEY_PREVIOUS"), "{rotated}");
    assert!(
        incident(&["freeze", &customer.email, why[0], why[1]]).await.starts_with("the account is frozen")
    );
    let period = ["--from", "2026-01-01T00:00:00Z", "--to", "2999-01-01T00:00:00Z"];
    let replayed = incident(&[&["replay", "--dry-run"], &period[..], &why[..]].concat()).await;
    assert_eq!(replayed, "0 callbacks would be processed again\n");
    world.drain().await;
    world.finish_with_work_left().await;
}

#[tokio::test]
async fn i2_evidence_is_verified_offline_and_a_changed_archive_is_refused() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-weekly").await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (archive, changed, keys) = (file("evidence.tar.gz"), file("changed.tar.gz"), file("keys.json"));
    let log = file("server.log");
    let line = |at: &str| format!("{{\"timestamp\":\"{at}\",\"user.id\":\"{}\"}}\n", customer.id);
    std::fs::write(&log, line("2026-01-01T00:00:00Z") + "no JSON\n").unwrap();
    let gather = ["incident", "evidence", "--user", &customer.email, "--log", &log, "--output", &archive];
    let gather = [&gather[..], &["--reason", "a complaint"]].concat();
    let run = Program::command_of(&world, &gather).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("log.jsonl") && run.stdout.contains("payments.jsonl"), "{}", run.stdout);
    let again = Program::command_of(&world, &gather).await;
    assert_eq!(again.code, 1, "nothing is overwritten");
    let published = Program::command_of(&world, &["incident", "status", "--evidence-keys"]).await.stdout;
    std::fs::write(&keys, published).unwrap();

    let program = Program::new();
    let verify =
        async |archive: &str| program.say(&["incident", "verify-evidence", archive, "--keys", &keys]).await;
    let genuine = verify(&archive).await;
    assert_eq!(genuine.code, 0, "{}", genuine.stderr);
    assert!(genuine.stdout.starts_with("The evidence is genuine and whole."), "{}", genuine.stdout);
    let mut bytes = std::fs::read(&archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&changed, bytes).unwrap();
    let refused = verify(&changed).await;
    assert_eq!(refused.code, 1, "{}", refused.stdout);
    world.finish().await;
}
