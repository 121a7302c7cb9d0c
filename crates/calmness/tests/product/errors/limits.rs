//! Request limits (SEC-48, 50, 51): only what abuse looks like counts, and the refusal says when to come back.

use application::Context;
use application::settings::Key;
use serde_json::json;
use web::middleware::limits::Limit;
use web::{LimitSettings, TrustedProxies, WebOptions};

use crate::support::{Answer, PASSWORD, World, signed_at};

const FEDAPAY: &str = r#"{"secret_key":"sk_sandbox_tests","webhook_secrets":["wh_sandbox_the-tests-fedapay-0123456789"],"currencies":["XOF"],"mode":"test"}"#;

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
async fn sec_48_a_flood_in_one_providers_name_from_many_addresses_blocks_nothing_genuine_and_no_other_provider() {
    let trust = |web: &mut WebOptions| {
        web.trusted_proxies = TrustedProxies::parse(["127.0.0.0/8"]).unwrap();
    };
    let limits = LimitSettings { unverified_of_provider: FEW, ..LimitSettings::default() };
    let world = World::setup().with_limits(limits).with_web(trust).start().await;
    world.app.set_setting(&Context::operator(), Key::Fedapay, FEDAPAY).await.unwrap();
    let forge = async |provider: &str, last: u32| {
        let call = world.call("POST", &format!("/api/webhooks/{provider}"));
        let call = call.header("X-Forwarded-For", &format!("198.51.100.{last}"));
        call.header("X-Signature", "t=1,v1=00").body("{}").send().await
    };
    for last in 1..=4 {
        forge("hmac_psp", last).await.expect(401);
    }
    for last in 5..=20 {
        is_refused(&forge("hmac_psp", last).await, "unverified-of-provider");
    }
    for number in 0..10 {
        let body = json!({ "id": format!("evt_{number}"), "type": "service.hello" }).to_string();
        let signature = signed_at(crate::support::WEBHOOK_SECRET, world.wall().unix_timestamp(), &body);
        world.deliver_signed(&body, &signature).await.expect(200);
    }
    for last in 1..=4 {
        forge("fedapay", last).await.expect(401);
    }
    is_refused(&forge("fedapay", 5).await, "unverified-of-provider");
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

/// As seen behind a proxy of ours.
fn behind_a_proxy(options: &mut WebOptions) {
    options.trusted_proxies = TrustedProxies::parse(["127.0.0.0/8"]).unwrap();
}

#[tokio::test]
async fn sec_51_a_user_is_limited_across_devices_addresses_and_keys() {
    let user = Limit { burst: 6, per_minute: 1 };
    let limits = LimitSettings { user, ..LimitSettings::default() };
    let world = World::setup().with_limits(limits).with_web(behind_a_proxy).start().await;
    let one = world.made_customer("one").await;
    let key = world.api_key(&one, &["profile:read"]).await;
    let telephone = world.log_in(&one.email).await;
    let other = world.made_customer("other").await;
    // A login looks at the profile, and the key was asked for: three are used.
    for (token, address) in
        [(&one.access_token, "192.0.2.1"), (&telephone.access_token, "192.0.2.2"), (&key, "192.0.2.3")]
    {
        let call = world.call("GET", "/api/me").bearer(token).header("X-Forwarded-For", address);
        call.send().await.expect(200);
    }
    for token in [&one.access_token, &telephone.access_token, &key] {
        let refused = world.call("GET", "/api/me").bearer(token).send().await;
        assert_eq!(refused.problem(), (429, "rate_limited"));
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert_eq!(refused.header("ratelimit"), Some(&*format!("\"user\";r=0;t={wait}")));
        assert_eq!(refused.header("ratelimit-policy"), Some("\"user\";q=6;w=360"));
    }
    world.get_by(&other, "/api/me").await.expect(200);
    world.get("/api/billing/plans").await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn sec_50_a_network_of_ipv6_counts_as_one_address() {
    let none = LimitSettings::default();
    let wrong = json!({ "email": "unknown@example.com", "password": "not the right password" });
    let mail = json!({ "email": "unknown@example.com" });
    for (name, limits, method, path, body) in [
        ("address", LimitSettings { address: FEW, ..none }, "GET", "/api/billing/plans", &json!({})),
        ("login-failures", LimitSettings { login_failures: FEW, ..none }, "POST", "/api/auth/login", &wrong),
        ("mails", LimitSettings { mails: FEW, ..none }, "POST", "/api/auth/email/resend", &mail),
        ("mails", LimitSettings { mails: FEW, ..none }, "POST", "/api/auth/password/forgot", &mail),
    ] {
        let world = World::setup().with_limits(limits).with_web(behind_a_proxy).start().await;
        let ask = async |address: &str| {
            world.call(method, path).header("X-Forwarded-For", address).json(body).send().await
        };
        for host in 0..4 {
            // The waits of one account are another limit.
            world.sql("DELETE FROM guess_counters").await;
            ask(&format!("2001:db8:1:2:{host:x}::{host:x}")).await;
        }
        is_refused(&ask("2001:db8:1:2:ffff:ffff:ffff:ffff").await, name);
        let elsewhere = ask("2001:db8:1:3::1").await;
        assert_ne!(elsewhere.status, 429, "{name}: the neighbouring network");
        world.finish().await;
    }
}

#[tokio::test]
async fn sec_50_an_ipv4_address_written_as_ipv6_is_the_same() {
    let limits = LimitSettings { address: FEW, ..LimitSettings::default() };
    let world = World::setup().with_limits(limits).with_web(behind_a_proxy).start().await;
    let ask = async |address: &str| {
        let call = world.call("GET", "/api/billing/plans").header("X-Forwarded-For", address);
        call.send().await
    };
    for address in ["192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207"] {
        ask(address).await.expect(200);
    }
    is_refused(&ask("192.0.2.7").await, "address");
    ask("192.0.2.8").await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn sec_51_sign_ups_resends_and_forgotten_passwords_share_one_limit_of_mails() {
    let limits = LimitSettings { mails: FEW, ..LimitSettings::default() };
    let world = World::setup().with_limits(limits).start().await;
    let known = world.made_customer("known").await;
    for email in [known.email.as_str(), "unknown@example.com"] {
        world.post("/api/auth/password/forgot", &json!({ "email": email })).await.expect(202);
    }
    world.register("new@example.com", PASSWORD).await;
    for (path, body) in [
        ("/api/auth/password/forgot", json!({ "email": known.email })),
        ("/api/auth/password/forgot", json!({ "email": "unknown@example.com" })),
        ("/api/auth/email/resend", json!({ "email": "new@example.com" })),
        ("/api/auth/register", json!({ "email": "more@example.com", "password": PASSWORD })),
    ] {
        is_refused(&world.post(path, &body).await, "mails");
    }
    assert_eq!(world.count("SELECT count(*) FROM registrations").await, 1);
    world.finish().await;
}
