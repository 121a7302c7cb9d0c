//! What the bodies of authentication may be.

use serde_json::json;

use crate::support::{PASSWORD, World};

#[tokio::test]
async fn unknown_fields_are_refused_with_their_place() {
    let world = World::new().await;
    let body = json!({ "email": "awa@example.com", "password": PASSWORD, "role": "admin" });
    let refused = world.post("/api/auth/register", &body).await;
    insta::assert_snapshot!(refused.shown(), @r#"
    422
    {
      code: "validation_failed"
      detail: "Certains champs ne peuvent pas être acceptés\u{202f}; la liste «\u{a0}errors\u{a0}» dit lesquels et pourquoi."
      errors: [
        {
          code: "unknown_field"
          message: "Ce champ n’existe pas."
          pointer: "/role"
        }
      ]
      request_id: [random]
      status: 422
      title: "Données non valables"
      type: "https://calmness.dev/problems/validation-failed"
    }
    "#);
    let body = json!({ "email": "awa@example.com", "password": PASSWORD, "is_verified": true });
    assert_eq!(world.post("/api/auth/login", &body).await.status, 422);
    world.finish().await;
}

#[tokio::test]
async fn missing_and_mistyped_fields_are_refused_with_their_place() {
    let world = World::new().await;
    for (body, pointer, code) in [
        (json!({ "email": "awa@example.com" }), "/password", "required"),
        (json!({ "email": 1, "password": PASSWORD }), "/email", "wrong_type"),
        (json!(null), "", "wrong_type"),
        (json!([]), "", "wrong_type"),
    ] {
        let refused = world.post("/api/auth/login", &body).await;
        assert_eq!(refused.problem(), (422, "validation_failed"), "{body}");
        let error = &refused.body["errors"][0];
        assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{body}");
    }
    world.finish().await;
}

#[tokio::test]
async fn sec_52_bodies_of_more_than_4_kib_are_refused() {
    let world = World::new().await;
    let long = |length: usize| json!({ "email": "awa@example.com", "password": "x".repeat(length) });
    assert_eq!(world.post("/api/auth/login", &long(3_900)).await.status, 401);
    assert_eq!(world.post("/api/auth/login", &long(4_100)).await.problem(), (413, "payload_too_large"));
    world.finish().await;
}

#[tokio::test]
async fn only_json_is_read() {
    let world = World::new().await;
    let body = json!({ "email": "awa@example.com", "password": PASSWORD }).to_string();
    for (content_type, status) in [
        ("application/json; charset=utf-8", 401),
        ("Application/JSON", 401),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/jsonp", 415),
    ] {
        let call =
            world.call("POST", "/api/auth/login").header("Content-Type", content_type).body(body.clone());
        assert_eq!(call.send().await.status, status, "{content_type}");
    }
    let unnamed = world.call("POST", "/api/auth/login").body(body).send().await;
    assert_eq!(unnamed.problem(), (415, "unsupported_media_type"));
    world.finish().await;
}

#[tokio::test]
async fn what_is_no_json_is_malformed() {
    let world = World::new().await;
    let twice = r#"{"email":"awa@example.com","password":"x"} {}"#;
    for body in ["", "{", "{\"email\":\"a\"", twice, "\u{feff}{}"] {
        let call = world.call("POST", "/api/auth/login").header("Content-Type", "application/json");
        assert_eq!(call.body(body).send().await.problem(), (400, "malformed_body"), "{body:?}");
    }
    let bytes = world.call("POST", "/api/auth/login").header("Content-Type", "application/json");
    bytes.body(&b"{\"email\":\"\xff\"}"[..]).send().await.expect(400);
    world.finish().await;
}
