//! `/api/auth/email/verify`.

use serde_json::json;

use crate::support::{Answer, PASSWORD, World};

async fn verify(world: &World, token: &str, password: &str) -> Answer {
    world.post("/api/auth/email/verify", &json!({ "token": token, "password": password })).await
}

#[tokio::test]
async fn a_link_makes_a_user_once() {
    let world = World::new().await;
    world.register("Awa.Diop@Example.com", PASSWORD).await;
    world.drain().await;
    let token = world.mailed_token("Awa.Diop@Example.com").await;
    verify(&world, &token, PASSWORD).await.expect(204);
    assert_eq!(verify(&world, &token, PASSWORD).await.problem(), (422, "token_invalid"));
    let customer = world.log_in("awa.diop@EXAMPLE.com").await;
    let me = world.get_by(&customer, "/api/me").await;
    insta::assert_snapshot!(me.shown(), @r#"
    200
    {
      created_at: [instant]
      email: "Awa.Diop@Example.com"
      erases_at: null
      id: [id]
      locale: "fr"
      role: "user"
      scopes: [
        "profile:read"
        "profile:write"
        "payments:read"
        "payments:write"
        "subscriptions:read"
        "telegram:read"
        "telegram:write"
        "security"
      ]
    }
    "#);
    world.finish().await;
}

#[tokio::test]
async fn a_mailed_link_that_is_merely_fetched_consumes_nothing() {
    let world = World::new().await;
    world.register("awa@example.com", PASSWORD).await;
    world.drain().await;
    let token = world.mailed_token("awa@example.com").await;
    for method in ["GET", "HEAD", "GET"] {
        world.call(method, &format!("/verify?token={token}")).send().await.expect(200);
    }
    assert_eq!(world.count("SELECT count(*) FROM users").await, 0);
    verify(&world, &token, PASSWORD).await.expect(204);
    world.finish().await;
}

#[tokio::test]
async fn nobody_activates_somebody_elses_registration() {
    let world = World::new().await;
    world.register("awa@example.com", PASSWORD).await;
    world.register("awa@example.com", "the password of an impostor").await;
    world.drain().await;
    let tokens = world.mailed_tokens("awa@example.com").await;
    assert_eq!(tokens.len(), 2, "registrations do not replace each other");
    // The owner of the mailbox follows the impostor's link with their own password.
    assert_eq!(verify(&world, &tokens[1], PASSWORD).await.problem(), (422, "token_invalid"));
    verify(&world, &tokens[0], PASSWORD).await.expect(204);
    assert_eq!(
        verify(&world, &tokens[1], "the password of an impostor").await.problem(),
        (422, "token_invalid")
    );
    world.log_in("awa@example.com").await;
    world.finish().await;
}

#[tokio::test]
async fn of_two_links_followed_at_once_one_makes_the_user() {
    let world = World::new().await;
    for email in ["awa@example.com", "Awa@example.com", "AWA@EXAMPLE.COM"] {
        world.register(email, PASSWORD).await;
    }
    world.drain().await;
    let tokens = world.mailed_tokens("awa@example.com").await;
    assert_eq!(tokens.len(), 3);
    let (one, two, three) = tokio::join!(
        verify(&world, &tokens[0], PASSWORD),
        verify(&world, &tokens[1], PASSWORD),
        verify(&world, &tokens[2], PASSWORD)
    );
    let mut statuses = [one.status, two.status, three.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 422, 422]);
    assert_eq!(world.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(world.count("SELECT count(*) FROM registrations").await, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_wrong_token_a_wrong_password_and_an_old_link_get_one_answer() {
    let world = World::new().await;
    world.register("awa@example.com", PASSWORD).await;
    world.register("old@example.com", PASSWORD).await;
    world.drain().await;
    let (token, old) =
        (world.mailed_token("awa@example.com").await, world.mailed_token("old@example.com").await);
    // Wall time is not moved by anybody, so the registration is aged.
    let age = "UPDATE registrations SET created_at = created_at - interval '1 day', expires_at = expires_at - interval '1 day'";
    world.sql(&format!("{age} WHERE email_key = 'old@example.com'")).await;
    let mut answers = Vec::new();
    let never_mailed = "A".repeat(43);
    for (token, password) in [
        (token.as_str(), "another long password"),
        (old.as_str(), PASSWORD),
        (never_mailed.as_str(), PASSWORD),
        ("x", PASSWORD),
    ] {
        answers.push(verify(&world, token, password).await.shown());
    }
    let detail = &answers[0];
    assert!(answers.iter().all(|answer| answer == detail), "{answers:#?}");
    assert!(detail.contains("token_invalid"));
    verify(&world, &token, PASSWORD).await.expect(204);
    world.finish().await;
}
