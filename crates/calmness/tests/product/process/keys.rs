//! The keys of access tokens: rotated with an overlap, revoked at once in an emergency, readable by nobody (SEC-16).

use std::time::{Duration, Instant};

use application::Context;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use calmness::wiring::{self, ClockKind};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::program::{Program, Server};
use crate::support::{Customer, Database, World};

/// The name of the key that signed a token.
fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// The time of every key passes.
async fn age(world: &World, seconds: u32) {
    let earlier = |column: &str| format!("{column} = {column} - interval '{seconds} seconds'");
    world.sql(&format!("UPDATE jwt_keys SET {}, {}", earlier("created_at"), earlier("signs_from"))).await;
}

async fn refresh(world: &World, customer: &Customer) -> Customer {
    let body = json!({ "refresh_token": customer.refresh_token });
    let tokens = world.post("/api/auth/refresh", &body).await.expect(200);
    Customer {
        access_token: tokens.text_of("access_token").to_owned(),
        refresh_token: tokens.text_of("refresh_token").to_owned(),
        ..customer.clone()
    }
}

#[tokio::test]
async fn sec_16_a_key_that_was_followed_is_believed_for_half_an_hour_and_then_never() {
    let world = World::new().await;
    let (old, other) = (world.made_customer("awa").await, world.made_customer("ben").await);
    let new_kid = world.app.rotate_jwt_key(&Context::operator(), false).await.unwrap();
    assert_ne!(kid(&old.access_token), new_kid);
    let still = world.log_in(&other.email).await;
    assert_eq!(kid(&still.access_token), kid(&old.access_token), "until every instance knows the new one");
    age(&world, 5).await;
    let turned = async || kid(&world.log_in(&other.email).await.access_token) == new_kid;
    world.until("the new key signs", turned).await;
    world.get_by(&old, "/api/me").await.expect(200);
    age(&world, 30 * 60 - 60).await;
    let new = world.log_in(&other.email).await;
    world.get_by(&old, "/api/me").await.expect(200);
    age(&world, 60).await;
    world
        .until("the old key is believed no more", async || world.get_by(&old, "/api/me").await.status == 401)
        .await;
    world.get_by(&new, "/api/me").await.expect(200);
    let renewed = refresh(&world, &old).await;
    assert_eq!(kid(&renewed.access_token), new_kid);
    world.get_by(&renewed, "/api/me").await.expect(200);
    let audited = "SELECT actor_kind, subject_id, details FROM audit_logs WHERE action = 'jwt_key.rotated'";
    let details = json!({ "emergency": false, "revoked": 0 });
    assert_eq!(
        world.rows(audited).await,
        [json!({ "actor_kind": "operator", "subject_id": new_kid, "details": details })]
    );
    world.finish().await;
}

#[tokio::test]
async fn sec_16_a_command_rotates_the_key_of_serving_instances_within_seconds() {
    let world = World::new().await;
    let other = Server::beside(&world, world.config().database.url.as_ref().unwrap()).await;
    let customer = world.made_customer("awa").await;
    let run = Program::command_of(&world, &["keys", "rotate", "jwt"]).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    let new_kid = run.stdout.split_whitespace().next().unwrap().to_owned();
    world
        .until("both instances sign with the new key", async || {
            let here = world.log_in(&customer.email).await.access_token;
            kid(&here) == new_kid && kid(&other.log_in(&customer.email).await) == new_kid
        })
        .await;
    world.get_by(&customer, "/api/me").await.expect(200);
    let call = other.call("GET", "/api/me").bearer(&customer.access_token);
    call.send().await.expect(200);
    let listed = Program::command_of(&world, &["keys", "list"]).await;
    assert!(listed.stdout.contains(&new_kid) && listed.stdout.contains(&kid(&customer.access_token)));
    world.finish().await;
}

#[tokio::test]
async fn sec_16_in_an_emergency_no_earlier_token_is_believed_anywhere_a_second_later() {
    let world = World::new().await;
    let mut other = Server::beside(&world, world.config().database.url.as_ref().unwrap()).await;
    let old = world.made_customer("awa").await;
    let there = |token: &str| other.call("GET", "/api/me").bearer(token).send();
    there(&old.access_token).await.expect(200);
    let run = Program::command_of(&world, &["keys", "rotate", "jwt", "--emergency"]).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    let at = Instant::now();
    world
        .until("nobody believes it", async || {
            let here = world.get_by(&old, "/api/me").await.status;
            [here, there(&old.access_token).await.status] == [401, 401]
        })
        .await;
    assert!(at.elapsed() < Duration::from_secs(1), "{:?}", at.elapsed());
    // Whoever is logged in stays so, and the new tokens are believed on both at once.
    let new = refresh(&world, &old).await;
    world.get_by(&new, "/api/me").await.expect(200);
    there(&new.access_token).await.expect(200);
    other.kill().await;
    other.start_again(&["--no-worker"]).await;
    for (token, status) in [(&old.access_token, 401), (&new.access_token, 200)] {
        other.call("GET", "/api/me").bearer(token).send().await.expect(status);
    }
    let revoked =
        world.rows("SELECT revoked_at IS NOT NULL AS revoked FROM jwt_keys ORDER BY created_at").await;
    assert_eq!(revoked, [json!({ "revoked": true }), json!({ "revoked": false })]);
    world.finish().await;
}

#[tokio::test]
async fn sec_16_the_worker_makes_the_next_key_when_its_time_has_come() {
    let world = World::new().await;
    world.made_customer("awa").await;
    let keys = "SELECT count(*) FROM jwt_keys";
    let _young = Server::start(&world, &[]).await;
    assert_eq!(world.count(keys).await, 1);
    age(&world, 30 * 86_400).await;
    let _old = Server::start(&world, &[]).await;
    world.until("there is a next key", async || world.count(keys).await == 2).await;
    world.finish_with_work_left().await;
}

#[tokio::test]
async fn sec_27_the_worker_makes_the_next_data_key_when_it_is_old_or_has_sealed_often() {
    let world = World::new().await;
    let keys = "SELECT count(*) FROM data_keys";
    let _young = Server::start(&world, &[]).await;
    assert_eq!(world.count(keys).await, 1);
    let quarter = "interval '90 days'";
    world
        .sql(&format!(
            "UPDATE data_keys SET created_at = created_at - {quarter}, seals_from = seals_from - {quarter}"
        ))
        .await;
    let _old = Server::start(&world, &[]).await;
    world.until("there is a next key", async || world.count(keys).await == 2).await;
    world.sql("UPDATE data_keys SET seals = 2147483648 WHERE retired_at IS NULL").await;
    let _often = Server::start(&world, &[]).await;
    world.until("there is a third key", async || world.count(keys).await == 3).await;
    let audited =
        world.rows("SELECT actor_kind, actor_id FROM audit_logs WHERE action = 'data_key.rotated'").await;
    assert_eq!(audited, vec![json!({ "actor_kind": "system", "actor_id": "key_rotation" }); 2]);
    world.finish_with_work_left().await;
}

#[tokio::test]
async fn sec_32_the_command_tells_every_key_and_shows_none() {
    let world = World::new().await;
    let told = Program::command_of(&world, &["keys", "status"]).await;
    assert_eq!(told.code, 0, "{}", told.stderr);
    for purpose in ["calmness/1/key-encryption", "calmness/1/refresh-token", "key service  local: answers"] {
        assert!(told.stdout.contains(purpose), "{purpose}: {}", told.stdout);
    }
    let json = Program::command_of(&world, &["keys", "status", "--json"]).await;
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(json["data_keys"][0]["rows"].as_i64().unwrap() >= 3, "{json}");
    let rewrapped = Program::command_of(&world, &["keys", "rewrap"]).await;
    assert_eq!(rewrapped.code, 0, "{}", rewrapped.stderr);
    assert!(rewrapped.stdout.contains("0 moved under data key"), "{}", rewrapped.stdout);
    let in_use = json["data_keys"][0]["id"].as_str().unwrap();
    let revoked = Program::command_of(&world, &["keys", "revoke", in_use]).await;
    assert!(revoked.code == 1 && revoked.stderr.contains("is in use"), "{}", revoked.stderr);
    world.finish().await;
}

/// Were the key stored as it is, or in base64, some part of the column would sign as it does.
#[tokio::test]
async fn sec_16_keys_are_encrypted_and_bound_to_their_row() {
    let world = World::new().await;
    let token = world.made_customer("awa").await.access_token;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let stored: Vec<u8> =
        sqlx::query_scalar("SELECT key_encrypted FROM jwt_keys").fetch_one(&world.owner).await.unwrap();
    let signs = |key: &[u8]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        hmac::sign(&key, signed.as_bytes()).as_ref() == signature
    };
    for length in 32..=64 {
        assert!(!stored.windows(length).any(signs));
    }
    assert!(!stored.windows(44).any(|text| STANDARD.decode(text).is_ok_and(|key| signs(&key))));
    world.app.rotate_jwt_key(&Context::operator(), false).await.unwrap();
    let swap = "UPDATE jwt_keys AS one SET key_encrypted = two.key_encrypted FROM jwt_keys AS two WHERE one.kid <> two.kid";
    assert_eq!(world.sql(swap).await, 2);
    let run = Program::command_of(&world, &["keys", "list"]).await;
    assert_ne!(run.code, 0, "a key in another's row is not taken: {}", run.stdout);
    world.abandon().await;
}

#[tokio::test]
async fn instances_that_start_together_on_a_new_database_make_one_key() {
    let world = World::new().await;
    for _ in 0..3 {
        let database = Database::new().await;
        let mut config = world.config().clone();
        config.database.url = Some(database.url());
        config.database.max_connections = 3;
        let together = join_all((0..6).map(|_| wiring::wire(&config, ClockKind::System))).await;
        let apps: Vec<_> = together.into_iter().map(|wired| wired.unwrap().app).collect();
        for app in &apps {
            assert_eq!(app.jwt_keys().await.unwrap(), apps[0].jwt_keys().await.unwrap());
        }
        assert_eq!(apps[0].jwt_keys().await.unwrap().len(), 1);
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM data_keys").fetch_one(apps[0].db());
        assert_eq!(count.await.unwrap(), 1, "and one data key");
        for app in apps {
            app.db().close().await;
        }
    }
    world.finish().await;
}
