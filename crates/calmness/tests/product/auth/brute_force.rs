//! Guessing passwords (SEC-48): counted before they are tried, and slower with each failure.

use std::sync::Arc;

use application::Context;
use application::clock::ManualClock;
use application::database::{self, Rights};
use application::identity::{Client, Device, Email, IdentityError};
use calmness::wiring;
use crypto::password::PasswordParams;
use futures_util::future::join_all;
use secrecy::SecretString;
use serde_json::json;

use crate::support::{PASSWORD, World};

const WRONG: &str = "not my own password";
const TOLD: &str = "Des essais de mot de passe sur votre compte";

#[tokio::test]
async fn sec_48_from_the_third_failure_on_each_doubles_the_wait_up_to_an_hour() {
    let world = World::new().await;
    let customer = world.customer().await;
    let mut waits = Vec::new();
    for _ in 0..17 {
        let refused = world.try_login(&customer.email, WRONG).await;
        assert_eq!(refused.problem(), (401, "invalid_credentials"));
        let wait = "SELECT extract(epoch FROM retry_at - counted_at)::bigint FROM guess_counters";
        waits.push(world.count(wait).await);
        world.end_waits().await;
    }
    let doubling = [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 3_600, 3_600, 3_600];
    assert_eq!(waits, doubling);
    world.log_in(&customer.email).await;
    assert_eq!(world.count("SELECT count(*) FROM guess_counters").await, 0, "success forgives");
    world.finish().await;
}

#[tokio::test]
async fn sec_51_who_must_wait_is_told_how_long() {
    let world = World::new().await;
    let customer = world.customer().await;
    for _ in 0..6 {
        world.end_waits().await;
        world.try_login(&customer.email, WRONG).await.expect(401);
    }
    world.prolong_waits().await;
    let refused = world.try_login(&customer.email, WRONG).await;
    assert_eq!(refused.problem(), (429, "too_many_tries"));
    let seconds: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((3_600..=3_609).contains(&seconds), "{seconds}");
    let told = refused.header("ratelimit").unwrap();
    assert!(told.starts_with("\"failures\";r=0;t="), "{told}");
    assert_eq!(refused.header("ratelimit-policy"), Some("\"failures\";q=1;w=1"));
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    world.finish().await;
}

#[tokio::test]
async fn sec_4_failures_of_an_unknown_address_are_counted_alike() {
    let world = World::new().await;
    world.customer().await;
    let mut seen = Vec::new();
    for emails in [["awa@example.com", "AWA@Example.com"], ["nobody@example.com", "NOBODY@example.com"]] {
        let mut answers = Vec::new();
        for (place, over) in [false, false, false, false, true, false, true].into_iter().enumerate() {
            if over {
                world.end_waits().await;
            } else {
                world.prolong_waits().await;
            }
            let answer = world.try_login(emails[place % 2], WRONG).await;
            let has = |name: &str| answer.header(name).is_some();
            answers.push((answer.shown(), has("retry-after"), has("ratelimit")));
        }
        // So that the next address is not waited for.
        world.end_waits().await;
        seen.push(answers);
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0][3].0.contains("too_many_tries"));
    let keys = world.rows("SELECT encode(key, 'escape') AS key FROM guess_counters").await;
    assert_eq!(keys.len(), 2);
    assert!(!format!("{keys:?}").contains("example"), "nobody reads who was attacked");
    world.finish().await;
}

/// Three are tried before the first wait, of a second: on a busy machine some more may come after it.
#[track_caller]
fn assert_few(tried: usize) {
    assert!((3..=5).contains(&tried), "{tried} were tried");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_48_of_many_guesses_at_once_few_are_tried() {
    let world = World::new().await;
    let customer = world.customer().await;
    let answers = join_all((0..64).map(|_| world.try_login(&customer.email, WRONG))).await;
    let of = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_few(of(401));
    assert_eq!(of(401) + of(429), 64);
    assert_eq!(world.failures().await, [i64::try_from(of(401)).unwrap()]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_48_a_wait_holds_on_every_instance_and_after_a_restart() {
    let world = World::new().await;
    let customer = world.customer().await;
    let service = database::connect(world.config().database.url.as_ref().unwrap(), Rights::OfService, 4);
    let cheap = PasswordParams { memory_kib: 64, passes: 1, lanes: 1 };
    let clock = Arc::<ManualClock>::clone(&world.clock);
    let other = wiring::wire_with(world.config(), clock, cheap, service.await.unwrap()).await.unwrap().app;
    let email: Email = customer.email.parse().unwrap();
    let (context, device) = (Context::operator(), Device::default());
    let there = async |password: &str| {
        let password = SecretString::from(password);
        other.login(&context, &email, &password, Client::Program, &device).await
    };
    let (here, others) = tokio::join!(
        join_all((0..16).map(|_| world.try_login(&customer.email, WRONG))),
        join_all((0..16).map(|_| there(WRONG))),
    );
    let tried_here = here.iter().filter(|answer| answer.status == 401).count();
    let elsewhere =
        others.iter().filter(|tried| matches!(tried, Err(IdentityError::InvalidCredentials))).count();
    assert_few(tried_here + elsewhere);
    world.prolong_waits().await;
    let refused = there(PASSWORD).await;
    assert!(matches!(refused, Err(IdentityError::TooManyTries { .. })), "{refused:?}");
    world.try_login(&customer.email, PASSWORD).await.expect(429);
    other.db().close().await;
    world.finish().await;
}

#[tokio::test]
async fn sec_4_the_right_password_is_not_even_looked_at_during_a_wait() {
    let world = World::new().await;
    let customer = world.customer().await;
    for _ in 0..3 {
        world.try_login(&customer.email, WRONG).await.expect(401);
    }
    world.prolong_waits().await;
    let before = world.count("SELECT count(*) FROM audit_logs WHERE action LIKE 'login.%'").await;
    for password in [PASSWORD, WRONG, PASSWORD] {
        assert_eq!(world.try_login(&customer.email, password).await.problem(), (429, "too_many_tries"));
    }
    let after = world.count("SELECT count(*) FROM audit_logs WHERE action LIKE 'login.%'").await;
    assert_eq!(before, after, "nothing was tried");
    world.end_waits().await;
    world.log_in(&customer.email).await;
    world.finish().await;
}

#[tokio::test]
async fn sec_48_after_a_hundred_failures_only_a_known_device_or_a_mailed_link_helps() {
    let world = World::new().await;
    let customer = world.customer().await;
    let known = world.try_login(&customer.email, PASSWORD).await.expect(200);
    let device = known.text_of("device_token");
    world.try_login(&customer.email, WRONG).await.expect(401);
    world.sql("UPDATE guess_counters SET failures = 99").await;
    world.try_login(&customer.email, WRONG).await.expect(401);
    world.end_waits().await;
    let refused = world.try_login(&customer.email, PASSWORD).await;
    assert_eq!(refused.problem(), (429, "too_many_tries"));
    assert_eq!(refused.header("retry-after"), Some("3600"));
    assert_eq!(world.failures().await, [100], "and none more");
    world.try_login_from(device, &customer.email, PASSWORD).await.expect(200);
    assert_eq!(world.failures().await, [100], "elsewhere it stays");
    world.finish().await;
}

#[tokio::test]
async fn the_owner_hears_once_that_somebody_keeps_trying() {
    let world = World::new().await;
    let customer = world.customer().await;
    let told = async || {
        world.drain().await;
        world.subjects_to(&customer.email).await.iter().filter(|subject| *subject == TOLD).count()
    };
    for round in 0..2 {
        for failure in 1..=11 {
            world.end_waits().await;
            world.try_login(&customer.email, WRONG).await.expect(401);
            world.try_login("nobody@example.com", WRONG).await;
            if round == 0 && failure == 9 {
                assert_eq!(told().await, 0);
            }
        }
        assert_eq!(told().await, 1, "once a day");
        world.end_waits().await;
        world.log_in(&customer.email).await;
    }
    assert_eq!(world.mails_to("nobody@example.com").await.len(), 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_right_password_on_many_devices_at_once_gets_every_one_in() {
    let world = World::new().await;
    let customer = world.customer().await;
    for _ in 0..3 {
        let answers = join_all((0..16).map(|_| world.try_login(&customer.email, PASSWORD))).await;
        for answer in answers {
            answer.expect(200);
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn nobody_waits_for_the_failures_of_others() {
    let world = World::new().await;
    let (attacked, other) = (world.customer().await, world.customer_named("moussa").await);
    for _ in 0..3 {
        world.try_login(&attacked.email, WRONG).await.expect(401);
    }
    world.log_in(&other.email).await;
    let said = json!({ "email": attacked.email, "password": "x".repeat(1_025) });
    // What can be nobody's password costs nothing, not even a failure.
    assert_eq!(world.post("/api/auth/login", &said).await.problem(), (401, "invalid_credentials"));
    world.finish().await;
}
