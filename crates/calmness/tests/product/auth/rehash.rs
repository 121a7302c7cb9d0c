//! SEC-3: hashes follow the parameters of the day.

use crypto::password::{Hasher, PasswordParams};
use crypto::random::SeededRandom;
use futures_util::future::join_all;
use secrecy::SecretString;

use crate::support::{PASSWORD, World};

/// Gives somebody a hash from when less was asked of it.
async fn weaken(world: &World, email: &str) {
    let weak = PasswordParams { memory_kib: 8, passes: 1, lanes: 1 };
    let hasher = Hasher::new(weak, &SeededRandom::new(7)).unwrap();
    let hash = hasher.hash(&SecretString::from(PASSWORD), [7; 16]).unwrap();
    world.sql(&format!("UPDATE users SET password_hash = '{hash}' WHERE email = '{email}'")).await;
}

async fn hashes_like(world: &World, parameters: &str) -> i64 {
    world.count(&format!("SELECT count(*) FROM users WHERE password_hash LIKE '%{parameters}%'")).await
}

#[tokio::test]
async fn sec_3_a_login_replaces_a_hash_that_has_become_too_weak() {
    let world = World::new().await;
    let customer = world.customer().await;
    weaken(&world, &customer.email).await;
    world.try_login(&customer.email, "not my own password").await.expect(401);
    assert_eq!(hashes_like(&world, "m=8,").await, 1);
    world.log_in(&customer.email).await;
    assert_eq!((hashes_like(&world, "m=8,").await, hashes_like(&world, "m=64,").await), (0, 1));
    world.log_in(&customer.email).await;
    // A stronger hash of the same password is no new password.
    world.get_by(&customer, "/api/me").await.expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_3_many_logins_at_once_over_a_weak_hash_all_succeed() {
    let world = World::new().await;
    let customer = world.customer().await;
    for _ in 0..3 {
        weaken(&world, &customer.email).await;
        let answers = join_all((0..16).map(|_| world.try_login(&customer.email, PASSWORD))).await;
        for answer in answers {
            answer.expect(200);
        }
        assert_eq!(hashes_like(&world, "m=64,").await, 1);
    }
    world.finish().await;
}
