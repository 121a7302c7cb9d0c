//! `/api/auth/password/forgot` and `/api/auth/password/reset` (SEC-6).

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Answer, PASSWORD, World, proof_with};

const NEW: &str = "another horse, another battery";

async fn forgot(world: &World, email: &str) -> Answer {
    world.post("/api/auth/password/forgot", &json!({ "email": email })).await
}

async fn reset(world: &World, token: &str, password: &str) -> Answer {
    world.post("/api/auth/password/reset", &json!({ "token": token, "password": password })).await
}

/// Asks for a link as if for the first time; its token.
async fn link(world: &World, email: &str) -> String {
    world.sql("UPDATE password_resets SET created_at = created_at - interval '61 seconds'").await;
    forgot(world, email).await.expect(202);
    world.drain().await;
    world.mailed_reset(email).await
}

#[tokio::test]
async fn sec_4_forgetting_answers_alike_and_writes_to_users_only_in_their_language() {
    let world = World::new().await;
    world.customer().await;
    world.register("waiting@example.com", PASSWORD).await;
    for email in ["awa@example.com", "nobody@example.com", "waiting@example.com"] {
        let call = world.call("POST", "/api/auth/password/forgot").header("Accept-Language", "en");
        let answer = call.json(&json!({ "email": email })).send().await;
        assert_eq!((answer.status, answer.text.as_str()), (202, ""), "{email}");
    }
    world.drain().await;
    assert_eq!(world.mails_to("nobody@example.com").await.len(), 0);
    assert_eq!(world.subjects_to("waiting@example.com").await.len(), 1, "its verification alone");
    let subjects = world.subjects_to("awa@example.com").await;
    assert_eq!(subjects.last().unwrap(), "Choisissez un nouveau mot de passe", "the owner reads French");
    world.finish().await;
}

#[tokio::test]
async fn sec_6_a_link_chooses_a_password_once_and_ends_every_session_without_logging_in() {
    let world = World::new().await;
    let (customer, elsewhere) = (world.customer().await, world.log_in("awa@example.com").await);
    let token = link(&world, &customer.email).await;
    let done = reset(&world, &token, NEW).await.expect(204);
    assert_eq!((done.text.as_str(), done.header("set-cookie")), ("", None));
    for session in [&customer, &elsewhere] {
        world.until_refused(session).await;
        world.post("/api/auth/refresh", &json!({ "refresh_token": session.refresh_token })).await.expect(401);
    }
    assert_eq!(reset(&world, &token, PASSWORD).await.problem(), (422, "token_invalid"));
    world.try_login(&customer.email, PASSWORD).await.expect(401);
    world.try_login(&customer.email, NEW).await.expect(200);
    world.drain().await;
    assert_eq!(world.subjects_to(&customer.email).await.last().unwrap(), "Votre mot de passe a été remplacé");
    world.finish().await;
}

#[tokio::test]
async fn sec_6_of_many_who_show_one_link_at_once_one_succeeds() {
    let world = World::new().await;
    let customer = world.customer().await;
    let token = link(&world, &customer.email).await;
    let passwords: Vec<String> = (0..20).map(|number| format!("{NEW} {number}")).collect();
    let answers = join_all(passwords.iter().map(|password| reset(&world, &token, password))).await;
    let won: Vec<usize> = (0..20).filter(|place| answers[*place].status == 204).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    world.try_login(&customer.email, &passwords[won[0]]).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn sec_6_a_link_lives_for_ten_minutes_and_its_use_ends_the_others() {
    let world = World::new().await;
    let customer = world.customer().await;
    let age = async |seconds: u32| {
        let by = format!("interval '{seconds} seconds'");
        world
            .sql(&format!(
                "UPDATE password_resets SET created_at = created_at - {by}, expires_at = expires_at - {by}"
            ))
            .await;
    };
    let token = link(&world, &customer.email).await;
    age(600).await;
    assert_eq!(reset(&world, &token, NEW).await.problem(), (422, "token_invalid"));
    let first = link(&world, &customer.email).await;
    let second = link(&world, &customer.email).await;
    assert_ne!(first, second);
    age(500).await;
    reset(&world, &first, NEW).await.expect(204);
    assert_eq!(reset(&world, &second, PASSWORD).await.problem(), (422, "token_invalid"));
    world.finish().await;
}

#[tokio::test]
async fn sec_6_a_link_leads_to_the_configured_host_whatever_the_request_says() {
    let world = World::new().await;
    let customer = world.customer().await;
    let call = world.call("POST", "/api/auth/password/forgot").header("Host", "thief.example");
    let call = call.header("X-Forwarded-Host", "thief.example").header("Forwarded", "host=thief.example");
    call.json(&json!({ "email": customer.email })).send().await.expect(202);
    world.drain().await;
    let mails = world.mails_to(&customer.email).await;
    let mail = mails.last().unwrap().to_string();
    assert!(mail.contains(&format!("{}/password/reset?token=", world.base)), "{mail}");
    assert!(!mail.contains("thief"), "{mail}");
    world.finish().await;
}

#[tokio::test]
async fn sec_6_a_link_that_is_merely_fetched_or_answered_badly_is_not_used_up() {
    let world = World::new().await;
    let customer = world.customer().await;
    let token = link(&world, &customer.email).await;
    for method in ["GET", "HEAD", "GET"] {
        world.call(method, &format!("/password/reset?token={token}")).send().await;
    }
    reset(&world, &token, "too short").await.expect(422);
    reset(&world, &token, &customer.email).await.expect(422);
    reset(&world, &token, NEW).await.expect(204);
    world.finish().await;
}

#[tokio::test]
async fn nobody_fills_a_mailbox_with_links() {
    let world = World::new().await;
    let customer = world.customer().await;
    let links = async || {
        let subjects = world.subjects_to(&customer.email).await;
        subjects.iter().filter(|subject| *subject == "Choisissez un nouveau mot de passe").count()
    };
    join_all((0..8).map(|_| forgot(&world, "AWA@example.com"))).await;
    world.drain().await;
    assert_eq!(links().await, 1);
    world.sql("UPDATE password_resets SET created_at = created_at - interval '59 seconds'").await;
    forgot(&world, &customer.email).await.expect(202);
    world.drain().await;
    assert_eq!(links().await, 1);
    world.sql("UPDATE password_resets SET created_at = created_at - interval '2 seconds'").await;
    forgot(&world, &customer.email).await.expect(202);
    world.drain().await;
    assert_eq!(links().await, 2);
    world.finish().await;
}

#[tokio::test]
async fn sec_6_a_link_never_replaces_the_second_factor() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (app, _) = world.enrol_app(&customer).await;
    let waiting = world.first_step(&customer.email).await;
    let token = link(&world, &customer.email).await;
    reset(&world, &token, "k7Qzw2.n").await.expect(204);
    // What had begun with the old password has ended with it.
    assert_eq!(
        world.second_step(&waiting, "totp", &app.code(&world)).await.problem(),
        (401, "challenge_ended")
    );
    let asked = world.try_login(&customer.email, "k7Qzw2.n").await.expect(200);
    assert_eq!(asked.body["mfa_required"], true);
    world.second_step(asked.text_of("mfa_token"), "totp", &app.code(&world)).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn sec_48_a_mailed_link_ends_the_wait_for_passwords_but_not_for_codes() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (app, _) = world.enrol_app(&customer).await;
    let asked = world.first_step(&customer.email).await;
    for _ in 0..2 {
        world.second_step(&asked, "totp", &app.wrong_code(&world)).await.expect(401);
    }
    for _ in 0..3 {
        world.try_login(&customer.email, "not my own password").await.expect(401);
        world.end_waits().await;
        let wrong = json!({ "password": "not my own password", "code": app.code(&world) });
        world.by(&customer, "DELETE", "/api/auth/totp", &wrong).await.expect(401);
    }
    world.sql("UPDATE guess_counters SET failures = 100, retry_at = now() + interval '1 hour' WHERE failures > 2").await;
    assert_eq!(world.try_login(&customer.email, PASSWORD).await.problem(), (429, "too_many_tries"));
    let proof = proof_with(&app.code(&world));
    assert_eq!(
        world.by(&customer, "DELETE", "/api/auth/totp", &proof).await.problem(),
        (429, "too_many_tries")
    );
    let token = link(&world, &customer.email).await;
    reset(&world, &token, NEW).await.expect(204);
    world.try_login(&customer.email, NEW).await.expect(200);
    assert_eq!(world.failures().await, [2], "the codes' alone");
    world.finish().await;
}

#[tokio::test]
async fn sec_61_a_link_opens_no_frozen_account() {
    let world = World::new().await;
    let customer = world.customer().await;
    let token = link(&world, &customer.email).await;
    world.sql("UPDATE users SET frozen_at = now()").await;
    assert_eq!(reset(&world, &token, NEW).await.problem(), (422, "token_invalid"));
    world.finish().await;
}
