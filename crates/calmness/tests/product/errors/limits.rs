//! Request limits (SEC-48, 50, 51): only what abuse looks like counts, and the refusal says when to come back.

use serde_json::json;
use web::middleware::limits::Limit;
use web::{LimitSettings, TrustedProxies, WebOptions};

use crate::support::{Answer, PASSWORD, World, signed_at};

const FEW: Limit = Limit { burst: 3, per_minute: 1 };

#[track_caller]
fn is_refused(answer: &Answer, name: &str) {
    assert_eq!(answer.problem(), (429, "rate_limited"));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    assert_eq!(answer.header("ratelimit"), Some(&*format!("\"{name}\";r=0;t={wait}")));
    assert_eq!(answer.header("ratelimit-policy"), Some(&*format!("\"{name}\";q=3;w=180")));
}

async fn log_in(world: &World, email: &str, password: &str) -> Answer {
    world.post("/api/auth/login", &json!({ "email": email, "password": password })).await
}

#[tokio::test]
async fn only_failed_logins_of_an_address_count_for_known_and_unknown_alike() {
    let world = World::setup()
        .with_limits(LimitSettings { login_failures: FEW, ..LimitSettings::default() })
        .start()
        .await;
    world.made_customer("awa").await;
    for _ in 0..10 {
        log_in(&world, "awa@example.com", PASSWORD).await.expect(200);
    }
    for email in ["awa@example.com", "unknown@example.com", "awa@example.com", "unknown@example.com"] {
        log_in(&world, email, "not the right password").await.expect(401);
    }
    is_refused(&log_in(&world, "awa@example.com", "not the right password").await, "login-failures");
    is_refused(&log_in(&world, "unknown@example.com", "not the right password").await, "login-failures");
    let guess = json!({ "token": "A".repeat(43), "password": PASSWORD });
    is_refused(&world.post("/api/auth/email/verify", &guess).await, "login-failures");
    world.get("/api/billing/plans").await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn mails_that_an_address_can_cause_are_limited() {
    let world =
        World::setup().with_limits(LimitSettings { mails: FEW, ..LimitSettings::default() }).start().await;
    for number in 0..2 {
        world.register(&format!("u{number}@example.com"), PASSWORD).await;
    }
    let resend = json!({ "email": "u0@example.com" });
    world.post("/api/auth/email/resend", &resend).await.expect(202);
    is_refused(&world.post("/api/auth/email/resend", &resend).await, "mails");
    let register = json!({ "email": "u9@example.com", "password": PASSWORD });
    is_refused(&world.post("/api/auth/register", &register).await, "mails");
    assert_eq!(world.count("SELECT count(*) FROM registrations").await, 2);
    world.finish().await;
}

#[tokio::test]
async fn payments_are_limited_by_user() {
    let world = World::setup()
        .with_limits(LimitSettings { init_user: FEW, ..LimitSettings::default() })
        .start()
        .await;
    let (awa, moussa) = (world.made_customer("awa").await, world.made_customer("moussa").await);
    for _ in 0..3 {
        world.init(&awa, "k1", "signaux-weekly").await.expect(201);
    }
    is_refused(&world.init(&awa, "k1", "signaux-weekly").await, "init-user");
    world.init(&moussa, "k1", "signaux-weekly").await.expect(201);
    world.finish().await;
}

#[tokio::test]
async fn a_flood_of_forged_callbacks_does_not_push_the_verified_ones_out() {
    let limits = LimitSettings { unverified_webhooks: FEW, address: FEW, ..LimitSettings::default() };
    let world = World::setup().with_limits(limits).start().await;
    for _ in 0..4 {
        world.deliver_signed("{}", "t=1,v1=00").await.expect(401);
    }
    is_refused(&world.deliver_signed("{}", "t=1,v1=00").await, "unverified-webhooks");
    for number in 0..10 {
        let body = json!({ "id": format!("evt_{number}"), "type": "service.hello" }).to_string();
        let signature = signed_at(crate::support::WEBHOOK_SECRET, world.wall().unix_timestamp(), &body);
        world.deliver_signed(&body, &signature).await.expect(200);
    }
    world.finish().await;
}

#[tokio::test]
async fn the_address_behind_a_trusted_proxy_is_the_one_that_counts() {
    let trust = |web: &mut WebOptions| {
        web.trusted_proxies = TrustedProxies::parse(["127.0.0.0/8", "10.0.0.0/8"]).unwrap();
    };
    let limits = LimitSettings { address: FEW, ..LimitSettings::default() };
    let world = World::setup().with_limits(limits).with_web(trust).start().await;
    let ask = async |forwarded: &str| {
        world.call("GET", "/healthz").header("X-Forwarded-For", forwarded).send().await
    };
    for _ in 0..3 {
        ask("198.51.100.7").await.expect(200);
    }
    is_refused(&ask("198.51.100.7").await, "address");
    is_refused(&ask("6.6.6.6, 198.51.100.7, 10.1.2.3").await, "address");
    ask("198.51.100.8").await.expect(200);
    // IPv6 counts by /64.
    for last in 1..=3 {
        ask(&format!("2001:db8:1:2::{last}")).await.expect(200);
    }
    is_refused(&ask("2001:db8:1:2:ffff::9").await, "address");
    ask("2001:db8:1:3::1").await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn a_strangers_forwarded_for_changes_nothing() {
    let world =
        World::setup().with_limits(LimitSettings { address: FEW, ..LimitSettings::default() }).start().await;
    let ask = async |forwarded: &str| {
        world.call("GET", "/healthz").header("X-Forwarded-For", forwarded).send().await
    };
    for last in 0..3 {
        ask(&format!("198.51.100.{last}")).await.expect(200);
    }
    is_refused(&ask("198.51.100.9").await, "address");
    world.finish().await;
}
