//! `/api/auth/login`.

use serde_json::json;

use crate::support::{PASSWORD, World};

#[tokio::test]
async fn unknown_wrong_unverified_and_frozen_get_one_and_the_same_answer() {
    let world = World::new().await;
    world.customer_named("known").await;
    world.customer_named("frozen").await;
    world.register("unverified@example.com", PASSWORD).await;
    world.sql("UPDATE users SET frozen_at = now() WHERE email = 'frozen@example.com'").await;
    let tries = [
        ("unknown@example.com", PASSWORD),
        ("known@example.com", "not the right password"),
        ("known@example.com", ""),
        ("unverified@example.com", PASSWORD),
        ("frozen@example.com", PASSWORD),
        ("known@example.com", &*"x".repeat(3_000)),
    ];
    let mut shown = Vec::new();
    for (email, password) in tries {
        let refused = world.post("/api/auth/login", &json!({ "email": email, "password": password })).await;
        shown.push((refused.shown(), refused.header("www-authenticate").map(ToOwned::to_owned)));
    }
    assert!(shown.iter().all(|answer| *answer == shown[0]), "{shown:#?}");
    insta::assert_snapshot!(shown[0].0, @r#"
    401
    {
      code: "invalid_credentials"
      detail: "Cette adresse et ce mot de passe n’ouvrent pas de compte. Si l’adresse n’est pas encore confirmée, demandez un nouveau lien de confirmation."
      request_id: [random]
      status: 401
      title: "Identifiants refusés"
      type: "https://calmness.dev/problems/invalid-credentials"
    }
    "#);
    world.finish().await;
}

#[tokio::test]
async fn a_login_answers_a_pair_of_tokens() {
    let world = World::new().await;
    world.customer().await;
    let tokens =
        world.post("/api/auth/login", &json!({ "email": "awa@example.com", "password": PASSWORD })).await;
    insta::assert_snapshot!(tokens.shown(), @r#"
    200
    {
      access_token: [random]
      device_token: [random]
      expires_in: 1800
      refresh_token: [random]
      token_type: "Bearer"
    }
    "#);
    assert_eq!(tokens.header("cache-control"), Some("no-store"));
    world.finish().await;
}

#[tokio::test]
async fn only_a_token_of_ours_opens_an_account() {
    let world = World::new().await;
    let customer = world.customer().await;
    let token = customer.access_token.as_str();
    let (head, signature) = token.rsplit_once('.').unwrap();
    let flipped: String = signature.chars().rev().collect();
    let forged = format!("{head}.{flipped}");
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{}.", token.split('.').nth(1).unwrap());
    for bad in ["", "x", &forged, &none, &customer.refresh_token, &format!("{token}x")] {
        let refused = world.call("GET", "/api/me").bearer(bad).send().await;
        assert_eq!(refused.problem(), (401, "unauthorized"), "{bad}");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    }
    for (scheme, status) in [("Bearer", 200), ("bearer", 200), ("Basic", 401), ("", 401)] {
        let header = format!("{scheme} {token}");
        let answer = world.call("GET", "/api/me").header("Authorization", header.trim()).send().await;
        assert_eq!(answer.status, status, "{scheme}");
    }
    world.get("/api/me").await.expect(401);
    world.finish().await;
}
