//! `/api/auth/register` and `/api/auth/email/resend`.

use crypto::token::OpaqueToken;
use serde_json::json;

use crate::support::{PASSWORD, World, hex};

#[tokio::test]
async fn a_new_address_and_a_known_one_get_the_same_answer() {
    let world = World::new().await;
    world.customer().await;
    let mut answers = Vec::new();
    for email in ["awa@example.com", "AWA@example.com", "nobody@example.com"] {
        let answer = world.post("/api/auth/register", &json!({ "email": email, "password": PASSWORD })).await;
        answers.push((answer.status, answer.text));
    }
    assert_eq!(answers, vec![(202, String::new()); 3]);
    world.drain().await;
    assert_eq!(world.subjects_to("nobody@example.com").await.len(), 1);
    let told = world.mails_to("awa@example.com").await;
    assert_eq!(told.len(), 2, "the verification, and once that the account exists already");
    assert!(world.mailed_tokens("awa@example.com").await.len() == 1, "no second token for a known address");
    world.finish().await;
}

#[tokio::test]
async fn a_registration_is_not_a_user_yet() {
    let world = World::new().await;
    world.register("awa@example.com", PASSWORD).await;
    world.drain().await;
    assert_eq!(world.count("SELECT count(*) FROM users").await, 0);
    let refused =
        world.post("/api/auth/login", &json!({ "email": "awa@example.com", "password": PASSWORD })).await;
    assert_eq!(refused.problem(), (401, "invalid_credentials"));
    world.finish().await;
}

#[tokio::test]
async fn the_mailed_link_speaks_the_language_that_was_asked_for() {
    let world = World::new().await;
    let bodies = [
        (json!({ "email": "fr@example.com", "password": PASSWORD }), None),
        (json!({ "email": "en@example.com", "password": PASSWORD }), Some("en-GB,fr;q=0.5")),
        (json!({ "email": "chosen@example.com", "password": PASSWORD, "locale": "en" }), Some("fr")),
    ];
    for (body, language) in bodies {
        let call = world.call("POST", "/api/auth/register").json(&body);
        let call =
            if let Some(language) = language { call.header("Accept-Language", language) } else { call };
        call.send().await.expect(202);
    }
    world.drain().await;
    let subjects = [
        world.subjects_to("fr@example.com").await,
        world.subjects_to("en@example.com").await,
        world.subjects_to("chosen@example.com").await,
    ];
    assert!(subjects.iter().all(|subjects| subjects.len() == 1), "{subjects:?}");
    assert_ne!(subjects[0], subjects[1]);
    assert_eq!(subjects[1], subjects[2]);
    let mail = &world.mails_to("fr@example.com").await[0];
    assert_eq!(mail["headers"]["auto-submitted"], "auto-generated");
    assert!(mail["text"].is_string() && mail["html"].is_string(), "both forms: {mail}");
    world.finish().await;
}

#[tokio::test]
async fn the_token_of_a_link_is_readable_nowhere_in_the_database() {
    let world = World::new().await;
    world.register("awa@example.com", PASSWORD).await;
    let before = world.rows("SELECT * FROM notifications").await;
    world.drain().await;
    let token = world.mailed_token("awa@example.com").await;
    assert_eq!(token.len(), 43);
    for rows in [
        before,
        world.rows("SELECT * FROM notifications").await,
        world.rows("SELECT * FROM registrations").await,
    ] {
        assert!(!format!("{rows:?}").contains(&token));
    }
    assert_eq!(world.count("SELECT count(*) FROM notifications WHERE secret_encrypted IS NOT NULL").await, 0);
    world.finish().await;
}

#[tokio::test]
async fn what_is_no_address_or_no_password_is_refused_with_its_place() {
    let world = World::new().await;
    let bodies = [
        (json!({ "email": "awa", "password": PASSWORD }), "/email"),
        (json!({ "email": "awa@example.com", "password": "too short" }), "/password"),
        (json!({ "email": "awa@example.com", "password": "x".repeat(1_025) }), "/password"),
    ];
    for (body, pointer) in bodies {
        let refused = world.post("/api/auth/register", &body).await;
        assert_eq!(refused.problem(), (422, "validation_failed"), "{body}");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    let fourteen = json!({ "email": "awa@example.com", "password": "é".repeat(14) });
    let fifteen = json!({ "email": "awa@example.com", "password": "é".repeat(15) });
    world.post("/api/auth/register", &fourteen).await.expect(422);
    world.post("/api/auth/register", &fifteen).await.expect(202);
    world.finish().await;
}

#[tokio::test]
async fn asking_for_the_link_again_replaces_it_and_tells_nothing() {
    let world = World::new().await;
    world.register("awa@example.com", PASSWORD).await;
    world.drain().await;
    for email in ["awa@example.com", "nobody@example.com"] {
        let again = world.post("/api/auth/email/resend", &json!({ "email": email })).await;
        assert_eq!((again.status, again.text.as_str()), (202, ""));
    }
    world.drain().await;
    let tokens = world.mailed_tokens("awa@example.com").await;
    assert_eq!(tokens.len(), 2);
    assert_eq!(world.mails_to("nobody@example.com").await.len(), 0);
    let verify = async |token: &str| {
        world.post("/api/auth/email/verify", &json!({ "token": token, "password": PASSWORD })).await.status
    };
    assert_eq!(verify(&tokens[0]).await, 422);
    assert_eq!(verify(&tokens[1]).await, 204);
    world.finish().await;
}

#[tokio::test]
async fn nobody_fills_a_strangers_mailbox() {
    let world = World::new().await;
    for _ in 0..8 {
        world.register("victim@example.com", PASSWORD).await;
    }
    for _ in 0..8 {
        world.post("/api/auth/email/resend", &json!({ "email": "victim@example.com" })).await.expect(202);
    }
    world.drain().await;
    let mails = world.mails_to("victim@example.com").await.len();
    // Five registrations wait at most, and three of them get a new link a minute.
    assert!((8..=11).contains(&mails), "{mails}");
    let token = world.mailed_token("victim@example.com").await;
    let verify = json!({ "token": token, "password": PASSWORD });
    world.post("/api/auth/email/verify", &verify).await.expect(204);
    world.finish().await;
}

#[tokio::test]
async fn sec_4_a_registration_of_a_users_own_address_is_useless_even_to_whoever_had_its_link() {
    let world = World::new().await;
    let customer = world.customer().await;
    world.register("AWA@example.com", "the password of an impostor").await;
    assert_eq!(world.count("SELECT count(*) FROM registrations").await, 1);
    world.drain().await;
    let subjects = world.subjects_to(&customer.email).await;
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert_eq!(world.mailed_tokens(&customer.email).await.len(), 1, "the owner's own, of before");
    // Had the link leaked all the same:
    let token = "A".repeat(43);
    let hash = hex(&OpaqueToken::parse(&token).unwrap().hash());
    world.sql(&format!("UPDATE registrations SET token_hash = decode('{hash}', 'hex')")).await;
    let verify = json!({ "token": token, "password": "the password of an impostor" });
    let refused = world.post("/api/auth/email/verify", &verify).await;
    assert_eq!(refused.problem(), (422, "token_invalid"));
    world.try_login(&customer.email, "the password of an impostor").await.expect(401);
    world.log_in(&customer.email).await;
    assert_eq!(world.count("SELECT count(*) FROM users").await, 1);
    world.finish().await;
}
