//! `/api/auth/api-keys`: keys of machines.

use application::{Context, Role};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Customer, PASSWORD, World};

/// Every scope that a customer can give to a key.
const ALL: [&str; 7] = [
    "profile:read",
    "profile:write",
    "payments:read",
    "payments:write",
    "subscriptions:read",
    "telegram:read",
    "telegram:write",
];

fn wanted(scopes: &[&str]) -> Value {
    json!({ "name": "accounting", "scopes": scopes, "days": 90, "password": PASSWORD })
}

async fn create(world: &World, customer: &Customer, body: &Value) -> Answer {
    world.by(customer, "POST", "/api/auth/api-keys", body).await
}

async fn key(world: &World, customer: &Customer, scopes: &[&str]) -> String {
    create(world, customer, &wanted(scopes)).await.expect(201).text_of("key").to_owned()
}

async fn get(world: &World, key: &str, path: &str) -> Answer {
    world.call("GET", path).bearer(key).send().await
}

async fn keys(world: &World, customer: &Customer) -> Vec<Value> {
    let list = world.get_by(customer, "/api/auth/api-keys").await.expect(200);
    list.body["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_key_is_shown_once_and_kept_as_a_hash() {
    let world = World::new().await;
    let customer = world.customer().await;
    let created = create(&world, &customer, &wanted(&["payments:read", "profile:read"])).await.expect(201);
    let key = created.text_of("key").to_owned();
    assert!(key.starts_with("cfi_") && key.len() > 40, "{key}");
    let list = world.get_by(&customer, "/api/auth/api-keys").await.expect(200);
    let shown = &list.body["items"][0];
    assert_eq!(
        (&shown["name"], &shown["scopes"]),
        (&json!("accounting"), &json!(["profile:read", "payments:read"]))
    );
    assert_eq!(shown["starts_with"], key[..10]);
    assert!(!list.text.contains(&key[10..]));
    let kept = format!("{:?}", world.rows("SELECT *, encode(key_hash, 'escape') FROM api_keys").await);
    assert!(kept.contains(&key[..10]) && !kept.contains(&key[10..]), "{kept}");
    world.drain().await;
    assert_eq!(world.subjects_to(&customer.email).await.last().unwrap(), "Une clé d’accès a été créée");
    world.finish().await;
}

#[tokio::test]
async fn a_key_opens_what_its_scopes_name_and_nothing_that_guards_the_account() {
    let world = World::new().await;
    let customer = world.customer().await;
    let reader = key(&world, &customer, &["profile:read"]).await;
    get(&world, &reader, "/api/me").await.expect(200);
    for path in ["/api/billing/payments", "/api/billing/subscriptions", "/api/telegram/link"] {
        assert_eq!(get(&world, &reader, path).await.problem(), (403, "insufficient_scope"), "{path}");
    }
    let everything = key(&world, &customer, &ALL).await;
    get(&world, &everything, "/api/billing/payments").await.expect(200);
    let init = world.call("POST", "/api/billing/payments/init").bearer(&everything);
    let body = json!({ "plan_code": "signaux-monthly", "provider": "hmac_psp", "currency": "EUR" });
    init.header("Idempotency-Key", "k1").json(&body).send().await.expect(201);
    for (method, path) in [
        ("GET", "/api/auth/sessions"),
        ("DELETE", "/api/auth/sessions"),
        ("GET", "/api/auth/factors"),
        ("GET", "/api/auth/api-keys"),
        ("GET", "/api/me/export"),
        ("POST", "/api/auth/logout-all"),
        ("GET", "/api/admin/users"),
    ] {
        let refused = world.call(method, path).bearer(&everything).send().await;
        assert_eq!(refused.problem(), (403, "insufficient_scope"), "{method} {path}");
    }
    let more = world.call("POST", "/api/auth/api-keys").bearer(&everything).json(&wanted(&ALL)).send().await;
    assert_eq!(more.problem(), (403, "insufficient_scope"), "a key makes no keys");
    assert!(
        world
            .count(
                "SELECT count(*) FROM audit_logs WHERE action = 'access.denied' AND actor_kind = 'api_key'"
            )
            .await
            > 5
    );
    world.finish().await;
}

#[tokio::test]
async fn a_key_gets_at_most_what_its_owner_has_and_never_what_guards_people_or_keys() {
    let world = World::new().await;
    let customer = world.customer().await;
    for refused in
        [&["security"][..], &["users:write"], &["users:read"], &["admin"], &["profile:read", "security"], &[]]
    {
        let answer = create(&world, &customer, &wanted(refused)).await;
        assert_eq!(answer.problem(), (422, "validation_failed"), "{refused:?}");
        assert_eq!(answer.body["errors"][0]["pointer"], "/scopes");
    }
    for (member, value) in
        [("days", json!(0)), ("days", json!(366)), ("name", json!(" ")), ("name", json!("a\nb"))]
    {
        let mut body = wanted(&["profile:read"]);
        body[member] = value.clone();
        assert_eq!(create(&world, &customer, &body).await.problem(), (422, "key_not_allowed"), "{value}");
    }
    let mut body = wanted(&["profile:read"]);
    body["password"] = json!("not my own password");
    assert_eq!(create(&world, &customer, &body).await.problem(), (401, "password_wrong"));
    let (app, _) = world.enrol_app(&customer).await;
    let mut body = wanted(&["profile:read"]);
    assert_eq!(create(&world, &customer, &body).await.problem(), (403, "code_required"));
    body["code"] = json!(app.code(&world));
    create(&world, &customer, &body).await.expect(201);
    assert_eq!(world.count("SELECT count(*) FROM api_keys").await, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_key_ends_at_once_when_it_is_revoked_and_by_its_owner_only() {
    let world = World::new().await;
    let (customer, other) = (world.customer().await, world.customer_named("moussa").await);
    let key = key(&world, &customer, &["profile:read"]).await;
    let path = format!("/api/auth/api-keys/{}", keys(&world, &customer).await[0]["id"].as_str().unwrap());
    let foreign = world.call("DELETE", &path).by(&other).send().await;
    assert_eq!(foreign.problem(), (404, "not_found"));
    get(&world, &key, "/api/me").await.expect(200);
    world.call("DELETE", &path).by(&customer).send().await.expect(204);
    assert_eq!(get(&world, &key, "/api/me").await.problem(), (401, "unauthorized"));
    assert_eq!(keys(&world, &customer).await.len(), 0);
    assert_eq!(world.call("DELETE", &path).by(&customer).send().await.status, 404);
    world.finish().await;
}

#[tokio::test]
async fn a_key_is_dead_after_its_day_while_its_owner_is_frozen_and_when_it_is_none() {
    let world = World::new().await;
    let customer = world.customer().await;
    let key = key(&world, &customer, &["profile:read"]).await;
    let refused = async |why: &str| {
        assert_eq!(get(&world, &key, "/api/me").await.problem(), (401, "unauthorized"), "{why}");
    };
    get(&world, &key, "/api/me").await.expect(200);
    world.sql("UPDATE users SET frozen_at = now()").await;
    refused("frozen").await;
    world.sql("UPDATE users SET frozen_at = NULL").await;
    get(&world, &key, "/api/me").await.expect(200);
    world.sql("UPDATE api_keys SET expires_at = now()").await;
    refused("expired").await;
    assert_eq!(keys(&world, &customer).await.len(), 0);
    for forged in
        ["cfi_", "cfi_x", &format!("cfi_{}", "A".repeat(43)), &key.replace("cfi_", ""), &format!("{key}A")]
    {
        assert_eq!(get(&world, forged, "/api/me").await.problem(), (401, "unauthorized"), "{forged}");
    }
    // A key is no refresh token and opens no session.
    world.post("/api/auth/refresh", &json!({ "refresh_token": key })).await.expect(401);
    world.finish().await;
}

#[tokio::test]
async fn a_key_loses_what_a_demotion_takes_from_its_owner() {
    let world = World::new().await;
    let made = world.made_customer("staff").await;
    let email = made.email.parse().unwrap();
    let give = async |role| world.app.set_role(&Context::operator(), &email, role).await.unwrap();
    give(Role::Support).await;
    let session = world.log_in(&made.email).await;
    let body = wanted(&["users:read", "profile:read"]);
    let without_factor = create(&world, &session, &body).await;
    assert_eq!(
        without_factor.problem(),
        (422, "validation_failed"),
        "a session without a second factor is a user's"
    );
    let (app, _) = world.enrol_app(&session).await;
    let session = world.log_in_with(&made, &app).await;
    world.free_codes().await;
    let mut body = body;
    body["code"] = json!(app.code(&world));
    let created = create(&world, &session, &body).await.expect(201);
    let key = created.text_of("key");
    get(&world, key, "/api/admin/users").await.expect(200);
    give(Role::User).await;
    assert_eq!(get(&world, key, "/api/admin/users").await.problem(), (403, "insufficient_scope"));
    get(&world, key, "/api/me").await.expect(200);
    give(Role::Admin).await;
    get(&world, key, "/api/admin/users").await.expect(200);
    let freeze = world.call("POST", &format!("/api/admin/users/{}/freeze", made.id)).bearer(key);
    assert_eq!(freeze.json(&json!({ "reason": "x" })).send().await.problem(), (403, "insufficient_scope"));
    world.finish().await;
}

#[tokio::test]
async fn the_list_tells_when_a_key_was_last_used() {
    let world = World::new().await;
    let customer = world.customer().await;
    let key = key(&world, &customer, &["profile:read"]).await;
    assert_eq!(keys(&world, &customer).await[0]["last_used_at"], Value::Null);
    get(&world, &key, "/api/billing/payments").await.expect(403);
    let first = keys(&world, &customer).await[0]["last_used_at"].clone();
    assert!(first.is_string());
    get(&world, &key, "/api/me").await.expect(200);
    assert_eq!(keys(&world, &customer).await[0]["last_used_at"], first, "to within a minute");
    world.sql("UPDATE api_keys SET last_used_at = last_used_at - interval '61 seconds'").await;
    get(&world, &key, "/api/me").await.expect(200);
    assert!(keys(&world, &customer).await[0]["last_used_at"].as_str() >= first.as_str());
    world.finish().await;
}

#[tokio::test]
async fn the_owner_is_told_once_a_week_before_a_key_ends() {
    let world = World::setup().with_worker().start().await;
    let customer = world.customer().await;
    key(&world, &customer, &["profile:read"]).await;
    let mut short = wanted(&["profile:read"]);
    short["days"] = json!(1);
    create(&world, &customer, &short).await.expect(201);
    let warned = "SELECT count(*) FROM api_keys WHERE warned_at IS NOT NULL";
    let mails = async || {
        let kept = "SELECT count(*) FROM notifications WHERE kind = 'api_key_ending' AND due_at IS NULL";
        world.count(kept).await
    };
    world.sql("UPDATE api_keys SET created_at = created_at - interval '83 days 1 hour', expires_at = expires_at - interval '83 days 1 hour' WHERE expires_at > now() + interval '2 days'").await;
    world.move_clock(time::Duration::seconds(2)).await;
    world.until("the mail is out", async || mails().await == 1).await;
    assert_eq!(world.count(warned).await, 1, "one that lives for a day is not warned about at its birth");
    world.move_clock(time::Duration::days(1)).await;
    world.move_clock(time::Duration::days(1)).await;
    world.drain().await;
    assert_eq!(mails().await, 1);
    let mail = world.mails_to(&customer.email).await;
    let mail = mail.iter().find(|mail| mail.to_string().contains("accounting"));
    assert!(mail.is_some(), "the mail names the key");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_has_more_than_twenty_keys() {
    let world = World::new().await;
    let customer = world.customer().await;
    let body = wanted(&["profile:read"]);
    let answers = join_all((0..24).map(|_| create(&world, &customer, &body))).await;
    let of = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((of(201), of(422)), (20, 4), "{answers:?}");
    assert_eq!(keys(&world, &customer).await.len(), 20);
    world.finish().await;
}
