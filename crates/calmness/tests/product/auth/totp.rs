//! `/api/auth/totp`: an authenticator app from its enrolment to its end.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Authenticator, Customer, PASSWORD, World, proof, proof_with};

async fn enrol(world: &World, customer: &Customer, proof: &Value) -> Answer {
    world.by(customer, "POST", "/api/auth/totp/enroll", proof).await
}

async fn confirm(world: &World, customer: &Customer, code: &str) -> Answer {
    world.by(customer, "POST", "/api/auth/totp/confirm", &json!({ "code": code })).await
}

async fn remove(world: &World, customer: &Customer, proof: &Value) -> Answer {
    world.by(customer, "DELETE", "/api/auth/totp", proof).await
}

async fn factors(world: &World, customer: &Customer) -> Value {
    world.get_by(customer, "/api/auth/factors").await.expect(200).body
}

#[tokio::test]
async fn an_app_is_enrolled_for_a_proof_and_guards_the_account_once_it_has_shown_a_code() {
    let world = World::new().await;
    let customer = world.customer().await;
    let wrong = json!({ "password": "not my own password" });
    assert_eq!(enrol(&world, &customer, &wrong).await.problem(), (401, "password_wrong"));
    assert_eq!(enrol(&world, &customer, &json!({})).await.problem(), (422, "validation_failed"));
    let enrolled = enrol(&world, &customer, &proof()).await.expect(200);
    let secret = enrolled.text_of("secret");
    assert_eq!(secret.len(), 32);
    let address = enrolled.text_of("otpauth_url");
    assert!(address.starts_with("otpauth://totp/") && address.contains(secret), "{address}");
    assert!(address.contains("awa%40example.com"), "{address}");
    assert!(enrolled.text_of("qr_svg").starts_with("<svg"));
    assert_eq!(enrolled.header("cache-control"), Some("no-store"));

    // Nothing is asked for yet.
    world.log_in(&customer.email).await;
    assert_eq!(
        factors(&world, &customer).await,
        json!({ "totp": null, "sms": null, "recovery_codes_left": 0 })
    );
    let app = Authenticator::typing(secret);
    assert_eq!(confirm(&world, &customer, &app.wrong_code(&world)).await.problem(), (401, "code_invalid"));
    let confirmed = confirm(&world, &customer, &app.code(&world)).await.expect(200);
    let codes = confirmed.body["recovery_codes"].as_array().unwrap();
    assert_eq!(codes.len(), 10);
    world.first_step(&customer.email).await;
    let factors = factors(&world, &customer).await;
    assert!(factors["totp"]["confirmed_at"].is_string() && factors["recovery_codes_left"] == 10, "{factors}");
    world.drain().await;
    let told = world.subjects_to(&customer.email).await;
    assert_eq!(told.last().unwrap(), "Application d’authentification ajoutée");
    world.finish().await;
}

#[tokio::test]
async fn sec_9_the_code_that_confirmed_an_app_is_used_up() {
    let world = World::new().await;
    let customer = world.customer().await;
    let enrolled = enrol(&world, &customer, &proof()).await.expect(200);
    let app = Authenticator::typing(enrolled.text_of("secret"));
    let code = app.code(&world);
    confirm(&world, &customer, &code).await.expect(200);
    let asked = world.first_step(&customer.email).await;
    assert_eq!(world.second_step(&asked, "totp", &code).await.problem(), (401, "code_invalid"));
    world.finish().await;
}

#[tokio::test]
async fn an_enrolment_waits_half_an_hour_and_a_second_one_takes_its_place() {
    let world = World::new().await;
    let customer = world.customer().await;
    assert_eq!(confirm(&world, &customer, "123456").await.problem(), (409, "nothing_to_confirm"));
    let first = enrol(&world, &customer, &proof()).await.expect(200);
    let first = Authenticator::typing(first.text_of("secret"));
    let second = enrol(&world, &customer, &proof()).await.expect(200);
    let second = Authenticator::typing(second.text_of("secret"));
    assert_eq!(confirm(&world, &customer, &first.code(&world)).await.problem(), (401, "code_invalid"));
    world.sql("UPDATE totp_factors SET created_at = created_at - interval '30 minutes'").await;
    let late = confirm(&world, &customer, &second.code(&world)).await;
    assert_eq!(late.problem(), (409, "nothing_to_confirm"));
    world.sql("UPDATE totp_factors SET created_at = created_at + interval '1 minute'").await;
    confirm(&world, &customer, &second.code(&world)).await.expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_confirmations_at_once_one_hands_out_recovery_codes() {
    let world = World::new().await;
    let customer = world.customer().await;
    let enrolled = enrol(&world, &customer, &proof()).await.expect(200);
    let app = Authenticator::typing(enrolled.text_of("secret"));
    let code = app.code(&world);
    let answers = join_all((0..20).map(|_| confirm(&world, &customer, &code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 409 | 429)), "{answers:?}");
    assert_eq!(world.count("SELECT count(*) FROM totp_factors").await, 1);
    assert_eq!(world.count("SELECT count(*) FROM recovery_codes").await, 10);
    world.finish().await;
}

#[tokio::test]
async fn a_new_app_takes_the_place_of_the_old_one_when_it_is_confirmed_and_not_before() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (old, recovery) = world.enrol_app(&customer).await;
    assert_eq!(enrol(&world, &customer, &proof()).await.problem(), (403, "code_required"));
    let enrolled = enrol(&world, &customer, &proof_with(&old.code(&world))).await.expect(200);
    let new = Authenticator::typing(enrolled.text_of("secret"));
    world.free_codes().await;
    let asked = world.first_step(&customer.email).await;
    world.second_step(&asked, "totp", &old.code(&world)).await.expect(200);

    let confirmed = confirm(&world, &customer, &new.code(&world)).await.expect(200);
    assert_eq!(confirmed.body["recovery_codes"], json!([]), "those of before stay");
    world.free_codes().await;
    let asked = world.first_step(&customer.email).await;
    assert_eq!(world.second_step(&asked, "totp", &old.code(&world)).await.problem(), (401, "code_invalid"));
    world.second_step(&asked, "totp", &new.code(&world)).await.expect(200);
    let asked = world.first_step(&customer.email).await;
    world.second_step(&asked, "recovery_code", &recovery[0]).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn sec_7_an_app_is_removed_for_a_proof_with_its_code_and_takes_what_hangs_on_it_along() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (app, recovery) = world.enrol_app(&customer).await;
    world.enrol_phone(&customer, &app, "+2250102030442").await;
    let asked = world.first_step(&customer.email).await;
    assert_eq!(remove(&world, &customer, &proof()).await.problem(), (403, "code_required"));
    let wrong = proof_with(&app.wrong_code(&world));
    assert_eq!(remove(&world, &customer, &wrong).await.problem(), (401, "code_invalid"));
    world.free_codes().await;
    remove(&world, &customer, &proof_with(&app.code(&world))).await.expect(204);
    assert_eq!(
        factors(&world, &customer).await,
        json!({ "totp": null, "sms": null, "recovery_codes_left": 0 })
    );
    for (method, code) in [("totp", app.code(&world)), ("recovery_code", recovery[0].clone())] {
        let late = world.second_step(&asked, method, &code).await;
        assert_eq!(late.problem(), (401, "challenge_ended"), "{method}");
    }
    world.log_in(&customer.email).await;
    let sessions = world.get_by(&customer, "/api/auth/sessions").await.expect(200);
    let shown = sessions.body["items"].as_array().unwrap();
    assert!(shown.iter().all(|session| session["second_factor"] == false), "{}", sessions.text);
    assert_eq!(remove(&world, &customer, &proof()).await.problem(), (409, "nothing_to_confirm"));
    world.drain().await;
    let told = world.subjects_to(&customer.email).await;
    assert!(told.contains(&"Application d’authentification retirée".to_owned()), "{told:?}");
    world.finish().await;
}

#[tokio::test]
async fn sec_1_an_app_stays_until_the_password_is_long_enough_to_guard_the_account_alone() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (app, _) = world.enrol_app(&customer).await;
    let body = json!({ "current_password": PASSWORD, "new_password": "k7Qzw2.n", "code": app.code(&world) });
    let tokens = world.by(&customer, "POST", "/api/auth/password/change", &body).await.expect(200);
    let customer = customer.with(&tokens);
    world.free_codes().await;
    let short = json!({ "password": "k7Qzw2.n", "code": app.code(&world) });
    let refused = remove(&world, &customer, &short).await.expect(422);
    assert_eq!(refused.body["errors"][0]["code"], "password_too_short");
    let body = json!({ "current_password": "k7Qzw2.n", "new_password": PASSWORD, "code": app.code(&world) });
    let tokens = world.by(&customer, "POST", "/api/auth/password/change", &body).await.expect(200);
    world.free_codes().await;
    remove(&world, &customer.with(&tokens), &proof_with(&app.code(&world))).await.expect(204);
    world.finish().await;
}

#[tokio::test]
async fn a_lost_telephone_is_replaced_with_a_recovery_code() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (_, recovery) = world.enrol_app(&customer).await;
    let proof = json!({ "password": PASSWORD, "method": "recovery_code", "code": recovery[0] });
    let enrolled = enrol(&world, &customer, &proof).await.expect(200);
    let app = Authenticator::typing(enrolled.text_of("secret"));
    confirm(&world, &customer, &app.code(&world)).await.expect(200);
    world.log_in_with(&customer, &app).await;
    assert_eq!(enrol(&world, &customer, &proof).await.problem(), (401, "code_invalid"));
    world.finish().await;
}

#[tokio::test]
async fn sec_13_the_secret_is_readable_in_no_row() {
    let world = World::new().await;
    let customer = world.customer().await;
    let waiting = enrol(&world, &customer, &proof()).await.expect(200);
    let waiting = waiting.text_of("secret").to_owned();
    let rows = async |secret: &str| {
        let app = Authenticator::typing(secret);
        let rows = world.rows("SELECT secret_encrypted::text AS bytes, encode(secret_encrypted, 'escape') AS text FROM totp_factors");
        let rows = format!("{:?}", rows.await);
        assert!(rows.contains("bytes"), "there is one");
        for spelling in app.spellings() {
            assert!(!rows.contains(&spelling), "{spelling}");
        }
    };
    rows(&waiting).await;
    let (app, _) = world.enrol_app(&customer).await;
    rows(&app.secret).await;
    world.finish().await;
}
