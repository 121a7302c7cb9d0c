//! Security headers (SEC-57) and origins (X2).

use web::WebOptions;

use crate::support::World;

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let world = World::new().await;
    for (path, status) in [
        ("/", 200),
        ("/login", 200),
        ("/healthz", 200),
        ("/api/billing/plans", 200),
        ("/api/me", 401),
        ("/api/nothing", 404),
        ("/nothing", 404),
    ] {
        let answer = world.get(path).await.expect(status);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe") && !policy.contains('*'),
            "{path}: {policy}"
        );
        assert_eq!(answer.header("strict-transport-security"), None, "not over plain HTTP");
        assert_eq!(answer.header("server"), None);
    }
    world.finish().await;
}

#[tokio::test]
async fn behind_https_browsers_are_told_to_stay_there() {
    let world = World::setup().with_web(|web: &mut WebOptions| web.https = true).start().await;
    let answer = world.get("/login").await.expect(200);
    let told = answer.header("strict-transport-security").unwrap();
    let seconds: u64 = told.split(['=', ';']).nth(1).unwrap().parse().unwrap();
    assert!(seconds >= 31_536_000 && told.contains("includeSubDomains"), "{told}");
    let cookie = answer.header("set-cookie").unwrap();
    assert!(
        cookie.starts_with("__Host-") && cookie.contains("; Secure") && cookie.contains("; HttpOnly"),
        "{cookie}"
    );
    world.finish().await;
}

#[tokio::test]
async fn only_the_named_origins_may_read_answers() {
    let allow = |web: &mut WebOptions| web.cors_origins = vec!["https://app.example".to_owned()];
    let world = World::setup().with_web(allow).start().await;
    let ask = async |method: &str, origin: &str| {
        let call = world.call(method, "/api/billing/plans").header("Origin", origin);
        let call = call.header("Access-Control-Request-Method", "GET");
        let answer =
            call.header("Access-Control-Request-Headers", "authorization, idempotency-key").send().await;
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        answer.header("access-control-allow-origin").map(ToOwned::to_owned)
    };
    for method in ["GET", "OPTIONS"] {
        assert_eq!(ask(method, "https://app.example").await.as_deref(), Some("https://app.example"));
        for hostile in [
            "null",
            "https://evil.example",
            "http://app.example",
            "https://app.example:8443",
            "https://app.example.evil.example",
            "https://evil-app.example",
            "https://sub.app.example",
            "https://APP.example",
            "*",
        ] {
            assert_eq!(ask(method, hostile).await, None, "{method} {hostile}");
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn without_a_list_no_other_origin_is_let_in() {
    let world = World::new().await;
    for origin in ["https://app.example", "null", &*world.base.clone()] {
        let answer =
            world.call("GET", "/api/billing/plans").header("Origin", origin).send().await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
    }
    world.finish().await;
}
