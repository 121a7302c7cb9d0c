//! Devices that have been inside before (SEC-49): an attack from elsewhere does not keep them out.

use crate::support::{Customer, PASSWORD, World};

const WRONG: &str = "not my own password";

/// Somebody's device token, and a wait that stands before their account.
async fn attacked(world: &World, customer: &Customer) -> String {
    let known = world.try_login(&customer.email, PASSWORD).await.expect(200);
    for _ in 0..3 {
        world.try_login(&customer.email, WRONG).await.expect(401);
    }
    world.prolong_waits().await;
    world.try_login(&customer.email, PASSWORD).await.expect(429);
    known.text_of("device_token").to_owned()
}

#[tokio::test]
async fn sec_49_the_owner_gets_in_from_a_known_device_while_the_account_is_attacked() {
    let world = World::new().await;
    let customer = world.customer().await;
    let device = attacked(&world, &customer).await;
    let inside = world.try_login_from(&device, &customer.email, PASSWORD).await.expect(200);
    world.call("GET", "/api/me").bearer(inside.text_of("access_token")).send().await.expect(200);
    world.try_login(&customer.email, PASSWORD).await.expect(429);
    let renewed = inside.text_of("device_token");
    world.try_login_from(renewed, &customer.email, PASSWORD).await.expect(200);
    assert_eq!(world.count("SELECT count(DISTINCT device_id) FROM sessions").await, 2, "the same device");
    world.finish().await;
}

#[tokio::test]
async fn sec_49_failures_on_a_known_device_are_counted_too() {
    let world = World::new().await;
    let customer = world.customer().await;
    let device = attacked(&world, &customer).await;
    for _ in 0..3 {
        world.try_login_from(&device, &customer.email, WRONG).await.expect(401);
    }
    world.prolong_waits().await;
    assert_eq!(world.try_login_from(&device, &customer.email, PASSWORD).await.status, 429);
    assert_eq!(world.count("SELECT count(*) FROM guess_counters WHERE failures = 3").await, 2);
    world.finish().await;
}

#[tokio::test]
async fn sec_49_only_a_token_of_ours_for_this_very_user_makes_a_device_known() {
    let world = World::new().await;
    let (customer, other) = (world.customer().await, world.customer_named("moussa").await);
    let theirs = world.try_login(&other.email, PASSWORD).await.expect(200);
    let device = attacked(&world, &customer).await;
    let mut changed = device.clone().into_bytes();
    changed[10] = if changed[10] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(changed).unwrap();
    let strangers =
        [theirs.text_of("device_token"), &forged, "", "x", &device[1..], &"A".repeat(device.len())];
    for stranger in strangers {
        let refused = world.try_login_from(stranger, &customer.email, PASSWORD).await;
        assert_eq!(refused.problem(), (429, "too_many_tries"), "{stranger}");
    }
    // Nor does it say more than it should: whose device it is decides nothing about the password.
    assert_eq!(world.try_login_from(&device, &other.email, WRONG).await.status, 401);
    world.try_login_from(&device, &customer.email, PASSWORD).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn sec_49_a_password_chosen_by_a_mailed_link_makes_every_device_a_stranger() {
    let world = World::new().await;
    let customer = world.customer().await;
    let device = attacked(&world, &customer).await;
    let body = serde_json::json!({ "email": customer.email });
    world.post("/api/auth/password/forgot", &body).await.expect(202);
    world.drain().await;
    let token = world.mailed_reset(&customer.email).await;
    let body = serde_json::json!({ "token": token, "password": "another horse, another battery" });
    world.post("/api/auth/password/reset", &body).await.expect(204);
    for _ in 0..2 {
        world.try_login(&customer.email, WRONG).await.expect(401);
        world.end_waits().await;
        world.try_login_from(&device, &customer.email, WRONG).await.expect(401);
        world.end_waits().await;
    }
    assert_eq!(world.failures().await, [4], "counted as anybody's");
    world.finish().await;
}
