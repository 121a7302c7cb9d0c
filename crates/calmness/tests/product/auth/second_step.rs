//! `/api/auth/mfa/verify`: the code after the password (SEC-9, 10, 11).

use application::Context;
use application::identity::{Client, Device, IdentityError, LoggedIn, Method};
use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::support::{Answer, PASSWORD, World};

async fn verify_from(world: &World, device: &str, token: &str, code: &str) -> Answer {
    let body = json!({ "mfa_token": token, "method": "totp", "code": code, "device_token": device });
    world.post("/api/auth/mfa/verify", &body).await
}

#[tokio::test]
async fn a_login_asks_for_a_code_and_opens_nothing_before_it() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (app, _) = world.enrol_app(&customer).await;
    let before = world.count("SELECT count(*) FROM sessions").await;
    let asked = world.try_login(&customer.email, PASSWORD).await;
    insta::assert_snapshot!(asked.shown(), @r#"
    200
    {
      methods: [
        "totp"
        "recovery_code"
      ]
      mfa_required: true
      mfa_token: [random]
    }
    "#);
    let token = asked.text_of("mfa_token");
    world.call("GET", "/api/me").bearer(token).send().await.expect(401);
    assert_eq!(world.count("SELECT count(*) FROM sessions").await, before);
    let refused = world.second_step(token, "totp", &app.wrong_code(&world)).await;
    assert_eq!(refused.problem(), (401, "code_invalid"));
    for (method, code) in [("sms", "123456"), ("recovery_code", "123456"), ("totp", ""), ("totp", "1234567")]
    {
        assert_eq!(world.second_step(token, method, code).await.problem(), (401, "code_invalid"), "{method}");
    }
    assert_eq!(world.second_step(token, "fax", "123456").await.problem(), (422, "validation_failed"));
    assert_eq!(world.count("SELECT count(*) FROM sessions").await, before);
    let asked = world.first_step(&customer.email).await;
    let tokens = world.second_step(&asked, "totp", &app.code(&world)).await.expect(200);
    insta::assert_snapshot!(tokens.shown(), @r#"
    200
    {
      access_token: [random]
      device_token: [random]
      expires_in: 1800
      refresh_token: [random]
      token_type: "Bearer"
    }
    "#);
    let sessions = world.get_by(&customer.with(&tokens), "/api/auth/sessions").await.expect(200);
    assert_eq!(sessions.body["items"][0]["second_factor"], true);
    world.free_codes().await;
    let again = world.second_step(&asked, "totp", &app.code(&world)).await;
    assert_eq!(again.problem(), (401, "challenge_ended"), "a challenge is answered once");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_9_of_fifty_who_show_one_code_at_once_one_gets_in() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    // From known devices, so that no count of failures stands in the way of the fifty.
    let logins = join_all((0..50).map(|_| world.try_login(&customer.email, PASSWORD))).await;
    let devices: Vec<String> =
        logins.iter().map(|login| login.clone().expect(200).text_of("device_token").to_owned()).collect();
    let (app, _) = world.enrol_app(&customer).await;
    let mut challenges = join_all((0..50).map(|_| world.first_step(&customer.email))).await;
    for _ in 0..100 {
        let code = app.code(&world);
        let tries = devices.iter().zip(&challenges);
        let answers = join_all(tries.map(|(device, token)| verify_from(&world, device, token, &code))).await;
        let of = |status: u16| {
            let answered = |place: &usize| answers[*place].status == status;
            (0..50).filter(answered).collect::<Vec<usize>>()
        };
        let (entered, refused) = (of(200), of(401));
        assert_eq!((entered.len(), refused.len()), (1, 49));
        challenges[entered[0]] = world.first_step(&customer.email).await;
        world.sql("UPDATE challenges SET tries = 0").await;
        world.sql("DELETE FROM guess_counters").await;
        world.free_codes().await;
    }
    assert_eq!(world.count("SELECT count(*) FROM sessions WHERE second_factor_at IS NOT NULL").await, 101);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_9_strangers_who_guess_at_once_are_slowed_and_one_code_lets_one_in() {
    let world = World::new().await;
    for number in 0..3 {
        let customer = world.made_customer(&format!("awa{number}")).await;
        let (app, _) = world.enrol_app(&customer).await;
        let challenges = join_all((0..50).map(|_| world.first_step(&customer.email))).await;
        let code = app.code(&world);
        let answers = join_all(challenges.iter().map(|token| world.second_step(token, "totp", &code))).await;
        let of = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!(of(200), 1);
        assert_eq!(of(401) + of(429), 49);
        assert!(of(401) < 10, "{} were tried", of(401));
    }
    world.finish().await;
}

#[tokio::test]
async fn sec_9_a_code_that_was_used_is_refused_on_every_other_challenge() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (app, _) = world.enrol_app(&customer).await;
    let (one, two) = (world.first_step(&customer.email).await, world.first_step(&customer.email).await);
    let code = app.code(&world);
    world.second_step(&one, "totp", &code).await.expect(200);
    assert_eq!(world.second_step(&two, "totp", &code).await.problem(), (401, "code_invalid"));
    world.finish().await;
}

#[tokio::test]
async fn sec_10_the_code_of_the_step_before_is_taken_never_that_of_the_next() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (app, _) = world.enrol_app(&customer).await;
    for (steps, taken) in [(-1, true), (0, true), (1, false), (-2, false), (2, false)] {
        // Tried again where the half minute went by in between.
        let status = loop {
            world.free_codes().await;
            world.sql("DELETE FROM guess_counters").await;
            let asked = world.first_step(&customer.email).await;
            let step = world.step();
            let answer = world.second_step(&asked, "totp", &app.code_in(&world, steps)).await;
            if world.step() == step {
                break answer.status;
            }
        };
        assert_eq!(status == 200, taken, "{steps} steps from now: {status}");
    }
    world.finish().await;
}

#[tokio::test]
async fn sec_10_once_a_code_was_used_the_one_before_it_is_worth_nothing() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (app, _) = world.enrol_app(&customer).await;
    let asked = world.first_step(&customer.email).await;
    let (before, now) = (app.code_in(&world, -1), app.code(&world));
    world.second_step(&asked, "totp", &now).await.expect(200);
    let asked = world.first_step(&customer.email).await;
    assert_eq!(world.second_step(&asked, "totp", &before).await.problem(), (401, "code_invalid"));
    world.finish().await;
}

#[tokio::test]
async fn sec_11_five_wrong_codes_end_a_challenge() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (app, recovery) = world.enrol_app(&customer).await;
    let asked = world.first_step(&customer.email).await;
    for _ in 0..5 {
        let refused = world.second_step(&asked, "totp", &app.wrong_code(&world)).await;
        assert_eq!(refused.problem(), (401, "code_invalid"));
    }
    world.end_waits().await;
    for (method, code) in [("totp", app.code(&world)), ("recovery_code", recovery[0].clone())] {
        assert_eq!(world.second_step(&asked, method, &code).await.problem(), (401, "challenge_ended"));
        world.end_waits().await;
    }
    let asked = world.first_step(&customer.email).await;
    for _ in 0..4 {
        world.end_waits().await;
        world.second_step(&asked, "totp", &app.wrong_code(&world)).await.expect(401);
    }
    world.end_waits().await;
    world.second_step(&asked, "totp", &app.code(&world)).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn sec_11_wrong_codes_count_over_challenges_and_the_password_forgives_none() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (app, _) = world.enrol_app(&customer).await;
    for round in 1..=3 {
        let asked = world.first_step(&customer.email).await;
        for _ in 0..2 {
            world.second_step(&asked, "totp", &app.wrong_code(&world)).await.expect(401);
        }
        assert_eq!(world.failures().await, [2 * round]);
    }
    world.drain().await;
    let told = world.subjects_to(&customer.email).await;
    let subject = "Quelqu’un connaît votre mot de passe";
    assert_eq!(told.iter().filter(|told| *told == subject).count(), 1, "{told:?}");
    world.prolong_waits().await;
    let asked = world.first_step(&customer.email).await;
    let refused = world.second_step(&asked, "totp", &app.code(&world)).await;
    assert_eq!(refused.problem(), (429, "too_many_tries"));
    assert!(refused.header("retry-after").is_some());
    world.end_waits().await;
    world.second_step(&asked, "totp", &app.code(&world)).await.expect(200);
    assert_eq!(world.failures().await, Vec::<i64>::new());
    world.finish().await;
}

#[tokio::test]
async fn sec_49_whoever_guesses_codes_keeps_no_known_device_out() {
    let world = World::new().await;
    let customer = world.customer().await;
    let known = world.try_login(&customer.email, PASSWORD).await.expect(200);
    let (app, _) = world.enrol_app(&customer).await;
    let asked = world.first_step(&customer.email).await;
    world.second_step(&asked, "totp", &app.wrong_code(&world)).await.expect(401);
    world.sql("UPDATE guess_counters SET failures = 100").await;
    assert_eq!(world.second_step(&asked, "totp", &app.code(&world)).await.status, 429);
    verify_from(&world, known.text_of("device_token"), &asked, &app.code(&world)).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn a_challenge_ends_after_ten_minutes_and_with_whatever_it_rested_on() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (app, _) = world.enrol_app(&customer).await;
    let ended = async |after: &str| {
        let asked = world.first_step(&customer.email).await;
        world.sql(after).await;
        let refused = world.second_step(&asked, "totp", &app.code(&world)).await;
        assert_eq!(refused.problem(), (401, "challenge_ended"), "{after}");
    };
    ended("UPDATE challenges SET expires_at = expires_at - interval '10 minutes'").await;
    ended("UPDATE users SET frozen_at = now()").await;
    world.sql("UPDATE users SET frozen_at = NULL").await;

    let asked = world.first_step(&customer.email).await;
    let body = json!({
        "current_password": PASSWORD, "new_password": "another horse, another battery", "code": app.code(&world),
    });
    world.by(&customer, "POST", "/api/auth/password/change", &body).await.expect(200);
    world.free_codes().await;
    let refused = world.second_step(&asked, "totp", &app.code(&world)).await;
    assert_eq!(refused.problem(), (401, "challenge_ended"));
    world.finish().await;
}

#[tokio::test]
async fn sec_61_a_freeze_between_the_password_and_the_code_keeps_the_door_shut() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (app, _) = world.enrol_app(&customer).await;
    let asked = world.first_step(&customer.email).await;
    // The code is believed already, and the session about to be opened, when the freeze comes.
    let mut admin = world.owner.begin().await.unwrap();
    sqlx::query("UPDATE users SET frozen_at = now()").execute(&mut *admin).await.unwrap();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let code = app.code(&world);
    let (answer, ()) = tokio::join!(world.second_step(&asked, "totp", &code), async {
        world.until("the login waits", async || world.count(waiting).await == 1).await;
        admin.commit().await.unwrap();
    });
    assert_eq!(answer.problem(), (401, "invalid_credentials"));
    assert_eq!(world.count("SELECT count(*) FROM sessions WHERE second_factor_at IS NOT NULL AND created_at = second_factor_at").await, 0);
    world.finish().await;
}

#[tokio::test]
async fn what_a_browser_was_asked_no_program_answers_and_the_other_way_round() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (app, _) = world.enrol_app(&customer).await;
    let (context, device) = (Context::operator(), Device::default());
    let (email, password) = (customer.email.parse().unwrap(), SecretString::from(PASSWORD));
    let led_to = world.app.login(&context, &email, &password, Client::Browser, &device).await.unwrap();
    let LoggedIn::SecondFactor(asked) = led_to else { panic!("a code is asked for") };
    let refused = world.second_step(asked.token.expose_secret(), "totp", &app.code(&world)).await;
    assert_eq!(refused.problem(), (401, "challenge_ended"));
    let programs = SecretString::from(world.first_step(&customer.email).await);
    let answer = async |token: &SecretString| {
        let code = SecretString::from(app.code(&world));
        world.app.login_with_code(&context, token, Method::Totp, &code, Client::Browser, &device).await
    };
    assert!(matches!(answer(&programs).await, Err(IdentityError::ChallengeEnded)));
    answer(&asked.token).await.unwrap();
    world.finish().await;
}
