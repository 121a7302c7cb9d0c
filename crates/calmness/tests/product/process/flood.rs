//! A flood of logins at the real program with real hashing.

use std::thread::available_parallelism;
use std::time::Duration;

use crypto::password::{Hasher, PasswordParams};
use crypto::random::{SystemRandom, bytes};
use futures_util::future::join_all;
use secrecy::SecretString;
use serde_json::json;

use super::program::Server;
use crate::support::{PASSWORD, World};

const LOGINS: usize = 200;
/// What all of them may take beside the hashing itself.
const SLACK_KIB: u64 = 64 * 1_024;

#[tokio::test]
async fn sec_5_two_hundred_logins_at_once_keep_memory_and_everybody_else_alive() {
    let world = World::new().await;
    let params = PasswordParams::default();
    let hasher = Hasher::new(params, &SystemRandom).unwrap();
    let hash = hasher.hash(&SecretString::from(PASSWORD), bytes(&SystemRandom)).unwrap();
    world
        .sql(&format!(
            "INSERT INTO users (id, email, email_key, password_hash, created_at)
             SELECT gen_random_uuid(), 'u' || n || '@example.com', 'u' || n || '@example.com', '{hash}', now()
             FROM generate_series(1, {LOGINS}) AS n"
        ))
        .await;
    let server = Server::start(&world, &["--no-worker"]).await;
    server.log_in("u1@example.com").await;
    let before = server.highest_memory_kib();
    let logins = join_all((1..=LOGINS).map(|number| {
        let body = json!({ "email": format!("u{number}@example.com"), "password": PASSWORD });
        let call = server.call("POST", "/api/auth/login").json(&body);
        async move { call.send().await }
    }));
    let others = async {
        for _ in 0..20 {
            server.call("GET", "/api/billing/plans").send().await.expect(200);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let (answers, ()) = tokio::join!(logins, others);
    let let_in = answers.iter().filter(|answer| answer.status == 200).count();
    let busy: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
    assert_eq!(let_in + busy.len(), LOGINS, "everybody is let in or told to come back");
    assert!(let_in > 0);
    assert!(busy.iter().all(|answer| answer.header("retry-after").is_some()));
    let permits = available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let grown = server.highest_memory_kib() - before;
    let allowed = permits * u64::from(params.memory_kib) + SLACK_KIB;
    assert!(grown <= allowed, "{grown} KiB more than before, and {allowed} are allowed");
    world.finish().await;
}
