//! Nothing that a stranger sends breaks anything.

use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn strange_requests_are_refused_and_never_answered_5xx() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let long = "x".repeat(7_000);
    let paths = [
        "/%00",
        "/%ff%fe",
        "/api/billing/payments/%00",
        "/api/billing/payments/%F0%9F%92%A5",
        "/api/billing/payments?cursor=%00&limit=1",
        "/api/billing/payments?limit=1&limit=2",
        "/api/billing/subscription?channel=%ff",
        "/api/billing/subscription?channel=%00",
        "/api/webhooks/%00",
        "/api/webhooks/..%2f..%2fetc",
        "//api//me",
        "/api/me/",
        "/verify?token=%00%ff",
        "/login?next=%0d%0aSet-Cookie:%20a=b",
        "/payments/%ff",
        "/assets/..%2f..%2fCargo.toml",
        "/language/%00",
        &format!("/{long}"),
        &format!("/api/billing/payments?cursor={long}"),
    ];
    for path in paths {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "PROPFIND"] {
            let answer = world.call(method, path).by(&customer).send().await;
            assert!(answer.status < 500, "{method} {path}: {}", answer.status);
            assert!(answer.header("set-cookie").is_none_or(|cookie| !cookie.contains("a=b")), "{path}");
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn strange_bodies_are_refused_and_never_answered_5xx() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let deep = format!("{}{}", "[".repeat(3_000), "]".repeat(3_000));
    let bodies = [
        "",
        "null",
        "0",
        "\"",
        "{\"",
        "{}",
        "[]",
        "[[[[",
        &deep,
        "{\"a\":1e999}",
        "{\"plan_code\":\"\\ud800\"}",
        "{\"plan_code\":\"\\u0000\",\"provider\":\"\\u0000\",\"idempotency_key\":\"\\u0000\"}",
        "{\"email\":\"a\\u0000@b.cc\",\"password\":\"0123456789012345\"}",
        "{\"email\":\"\u{202e}@example.com\",\"password\":\"0123456789012345\"}",
        "{\"refresh_token\":\"\\u0000\"}",
        "{\"token\":\"\\u0000\",\"password\":\"x\"}",
    ];
    let paths = [
        "/api/auth/register",
        "/api/auth/login",
        "/api/auth/refresh",
        "/api/auth/email/verify",
        "/api/auth/email/resend",
        "/api/billing/payments/init",
        "/api/telegram/link",
        "/api/webhooks/hmac_psp",
        "/api/webhooks/telegram",
        "/signup",
        "/login",
    ];
    for path in paths {
        for body in bodies {
            let call = world.call("POST", path).by(&customer).header("Content-Type", "application/json");
            let answer = call.body(body.to_owned()).send().await;
            assert!(answer.status < 500, "{path} {body:.60}: {}", answer.text);
        }
    }
    let long = json!({ "plan_code": "x".repeat(70_000) });
    let refused = world.init_with(&customer, "k1", &long).await;
    assert_eq!(refused.problem(), (413, "payload_too_large"));
    world.finish().await;
}
