//! Errors are `application/problem+json` (RFC 9457), in the caller's language, without internals.

use serde_json::json;

use crate::support::{Answer, World};

/// One answer of each kind of error.
async fn one_of_each(world: &World, language: &str) -> Vec<Answer> {
    let customer = world.made_customer(&language[..2]).await;
    let call = |method: &str, path: &str| world.call(method, path).header("Accept-Language", language);
    let login = |content_type: &str, body: &str| {
        call("POST", "/api/auth/login").header("Content-Type", content_type).body(body.to_owned()).send()
    };
    vec![
        login("application/json", "{").await.expect(400),
        call("GET", "/api/me").send().await.expect(401),
        call("GET", "/api/nothing/here").send().await.expect(404),
        call("DELETE", "/api/auth/login").send().await.expect(405),
        login("application/json", &format!("{{\"email\":\"{}\"}}", "x".repeat(5_000))).await.expect(413),
        login("text/plain", "x").await.expect(415),
        login("application/json", "{\"email\":1}").await.expect(422),
        call("POST", "/api/billing/payments/init").by(&customer).json(&json!({})).send().await.expect(422),
        call("GET", "/nothing/here").send().await.expect(404),
    ]
}

#[tokio::test]
async fn every_error_is_a_problem_document_with_the_requests_number() {
    let world = World::new().await;
    for answer in one_of_each(&world, "en").await {
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.text);
        assert_eq!(answer.body["status"], answer.status);
        let members = ["type", "title", "detail", "code", "request_id"];
        assert!(
            members.iter().all(|name| answer.body[name].as_str().is_some_and(|text| !text.is_empty())),
            "{}",
            answer.text
        );
        assert_eq!(answer.header("x-request-id"), Some(answer.text_of("request_id")));
        assert!(answer.text_of("type").ends_with(&answer.text_of("code").replace('_', "-")));
    }
    world.finish().await;
}

#[tokio::test]
async fn errors_speak_the_callers_language() {
    let world = World::new().await;
    let (french, english) =
        (one_of_each(&world, "fr-CA, en;q=0.5").await, one_of_each(&world, "de, en;q=0.8, fr;q=0.1").await);
    for (french, english) in french.iter().zip(&english) {
        assert_eq!(french.body["code"], english.body["code"]);
        assert_ne!(french.body["title"], english.body["title"], "{}", french.text);
        assert_ne!(french.body["detail"], english.body["detail"], "{}", french.text);
    }
    insta::assert_snapshot!(french[6].shown(), @r#"
    422
    {
      code: "validation_failed"
      detail: "Certains champs ne peuvent pas être acceptés\u{202f}; la liste «\u{a0}errors\u{a0}» dit lesquels et pourquoi."
      errors: [
        {
          code: "wrong_type"
          message: "Ce champ n’a pas le bon type."
          pointer: "/email"
        }
      ]
      request_id: [random]
      status: 422
      title: "Données non valables"
      type: "https://calmness.dev/problems/validation-failed"
    }
    "#);
    insta::assert_snapshot!(english[6].shown(), @r#"
    422
    {
      code: "validation_failed"
      detail: "Some fields can’t be accepted; the “errors” list says which and why."
      errors: [
        {
          code: "wrong_type"
          message: "This field has the wrong type."
          pointer: "/email"
        }
      ]
      request_id: [random]
      status: 422
      title: "Invalid data"
      type: "https://calmness.dev/problems/validation-failed"
    }
    "#);
    let unasked = world.get("/api/me").await;
    assert_eq!(unasked.body["title"], french[1].body["title"], "French by default");
    world.finish().await;
}

#[tokio::test]
async fn a_person_with_a_browser_gets_a_page_instead() {
    let world = World::new().await;
    let page = world.call("GET", "/nothing/here").header("Accept", "text/html,*/*").send().await.expect(404);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text.contains(page.header("x-request-id").unwrap()), "the page names the request too");
    let api = world.call("GET", "/api/nothing").header("Accept", "text/html,*/*").send().await.expect(404);
    assert_eq!(api.header("content-type"), Some("application/problem+json"), "programs live under /api");
    world.finish().await;
}

#[tokio::test]
async fn each_request_has_a_number_of_its_own_and_never_the_clients() {
    let world = World::new().await;
    let mut numbers = Vec::new();
    for _ in 0..3 {
        let answer = world.call("GET", "/healthz").header("X-Request-Id", "mine").send().await.expect(200);
        numbers.push(answer.header("x-request-id").unwrap().to_owned());
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert!(numbers.len() == 3 && !numbers.contains(&"mine".to_owned()), "{numbers:?}");
    world.finish().await;
}

#[tokio::test]
async fn the_request_number_is_in_the_audit_log() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let opened = world.init(&customer, "k1", "signaux-weekly").await.expect(201);
    let entries = world.rows("SELECT request_id, content::jsonb ->> 'address' AS address, actor_kind, actor_id FROM audit_logs JOIN audit_personal ON entry_id = id WHERE action = 'payment.created'").await;
    let expected = json!({
        "request_id": opened.header("x-request-id").unwrap(), "address": "127.0.0.1", "actor_kind": "user", "actor_id": customer.id,
    });
    assert_eq!(entries, [expected]);
    world.finish().await;
}
