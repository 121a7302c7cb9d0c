//! `/api/auth/sms`: a telephone beside the app (SEC-12), with the simulated Twilio behind it.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Authenticator, Customer, PASSWORD, World, proof, proof_with};

const PHONE: &str = "+2250102030442";

/// Somebody with an app and a telephone.
async fn with_phone(world: &World) -> (Customer, Authenticator) {
    let customer = world.made_customer("awa").await;
    let (app, _) = world.enrol_app(&customer).await;
    world.enrol_phone(&customer, &app, PHONE).await;
    (customer, app)
}

/// Asks for a text for a login that waits.
async fn send(world: &World, mfa_token: &str) -> Answer {
    world.post("/api/auth/mfa/sms", &json!({ "mfa_token": mfa_token })).await
}

#[tokio::test]
async fn sec_12_a_telephone_is_added_beside_an_app_only_and_once_it_has_shown_its_code() {
    let world = World::new().await;
    let customer = world.customer().await;
    let enrol = async |phone: &str, password: &str, code: Option<&str>| {
        let body = json!({ "phone": phone, "password": password, "code": code });
        world.by(&customer, "POST", "/api/auth/sms/enroll", &body).await
    };
    assert_eq!(enrol(PHONE, PASSWORD, None).await.problem(), (409, "app_required"));
    let (app, _) = world.enrol_app(&customer).await;
    for no_number in ["0102030442", "+225", "+00102030442", "+2250102030442x", ""] {
        let refused = enrol(no_number, PASSWORD, Some(&app.code(&world))).await;
        assert_eq!(refused.problem(), (422, "validation_failed"), "{no_number}");
        assert_eq!(refused.body["errors"][0]["pointer"], "/phone");
    }
    assert_eq!(enrol(PHONE, PASSWORD, None).await.problem(), (403, "code_required"));
    let code = app.code(&world);
    assert_eq!(enrol(PHONE, "not my own password", Some(&code)).await.problem(), (401, "password_wrong"));
    assert_eq!(world.texts_to(PHONE).await.len(), 0, "nothing was sent before it was proved who asks");

    enrol("+225 01 02 03 04 42", PASSWORD, Some(&app.code(&world))).await.expect(202);
    let text = &world.texts_to(PHONE).await[0];
    assert!(text["body"].as_str().unwrap().contains("Ne le donnez jamais"), "{text}");
    let confirm = async |code: &str| {
        world.by(&customer, "POST", "/api/auth/sms/confirm", &json!({ "code": code })).await
    };
    let right = world.texted_code(PHONE).await;
    assert_eq!(right.len(), 6);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    assert_eq!(confirm(wrong).await.problem(), (401, "code_invalid"));
    let asked = world.try_login(&customer.email, PASSWORD).await;
    assert_eq!(asked.body["methods"], json!(["totp", "recovery_code"]), "not yet");
    confirm(&right).await.expect(204);
    assert_eq!(confirm(&right).await.problem(), (409, "nothing_to_confirm"));
    let factors = world.get_by(&customer, "/api/auth/factors").await.expect(200);
    assert_eq!(factors.body["sms"]["phone"], "+225 •• •• •• 42");
    world.drain().await;
    assert_eq!(world.subjects_to(&customer.email).await.last().unwrap(), "Téléphone ajouté");
    let kept =
        format!("{:?}", world.rows("SELECT *, encode(phone_encrypted, 'escape') FROM sms_factors").await);
    assert!(kept.contains("phone_encrypted") && !kept.contains("0102030442"), "{kept}");
    world.finish().await;
}

#[tokio::test]
async fn a_login_is_answered_by_a_text_once() {
    let world = World::new().await;
    let (customer, _) = with_phone(&world).await;
    let asked = world.try_login(&customer.email, PASSWORD).await;
    assert_eq!(asked.body["methods"], json!(["totp", "sms", "recovery_code"]));
    let token = asked.text_of("mfa_token");
    let unasked = world.texted_code(PHONE).await;
    assert_eq!(world.second_step(token, "sms", &unasked).await.problem(), (401, "code_invalid"));
    send(&world, token).await.expect(202);
    let code = world.texted_code(PHONE).await;
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let tokens = world.second_step(token, "sms", &spaced).await.expect(200);
    world.get_by(&customer.with(&tokens), "/api/me").await.expect(200);
    assert_eq!(world.second_step(token, "sms", &code).await.problem(), (401, "challenge_ended"));
    let other = world.first_step(&customer.email).await;
    assert_eq!(world.second_step(&other, "sms", &code).await.problem(), (401, "code_invalid"));
    assert_eq!(send(&world, "nonsense").await.problem(), (401, "challenge_ended"));
    world.finish().await;
}

#[tokio::test]
async fn sec_12_a_code_belongs_to_its_challenge_and_lives_for_ten_minutes() {
    let world = World::new().await;
    let (customer, _) = with_phone(&world).await;
    let mut logins = Vec::new();
    for _ in 0..2 {
        let token = world.first_step(&customer.email).await;
        send(&world, &token).await.expect(202);
        logins.push((token, world.texted_code(PHONE).await));
    }
    let [(one, code_of_one), (two, code_of_two)] = &logins[..] else { panic!("two") };
    assert_eq!(world.second_step(one, "sms", code_of_two).await.problem(), (401, "code_invalid"));
    assert_eq!(world.second_step(two, "sms", code_of_one).await.problem(), (401, "code_invalid"));
    // Nor does the app's code stand in for a text, or a text for the app's code.
    assert_eq!(world.second_step(one, "totp", code_of_one).await.problem(), (401, "code_invalid"));
    world.second_step(one, "sms", code_of_one).await.expect(200);
    world.sql("UPDATE challenges SET sms_expires_at = sms_expires_at - interval '10 minutes', expires_at = expires_at + interval '1 hour'").await;
    assert_eq!(world.second_step(two, "sms", code_of_two).await.problem(), (401, "code_invalid"));
    send(&world, two).await.expect(202);
    let fresh = world.texted_code(PHONE).await;
    world.second_step(two, "sms", &fresh).await.expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_12_of_many_who_show_one_text_at_once_one_gets_in() {
    let world = World::new().await;
    let (customer, _) = with_phone(&world).await;
    let token = world.first_step(&customer.email).await;
    send(&world, &token).await.expect(202);
    let code = world.texted_code(PHONE).await;
    let answers = join_all((0..20).map(|_| world.second_step(&token, "sms", &code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    world.finish().await;
}

#[tokio::test]
async fn a_code_for_a_number_that_was_given_up_confirms_no_other() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let (app, _) = world.enrol_app(&customer).await;
    world.ask_for_phone(&customer, &app, PHONE).await.expect(202);
    let first = world.texted_code(PHONE).await;
    world.ask_for_phone(&customer, &app, "+33612345678").await.expect(202);
    let confirm = async |code: &str| {
        world.by(&customer, "POST", "/api/auth/sms/confirm", &json!({ "code": code })).await
    };
    assert_eq!(confirm(&first).await.problem(), (401, "code_invalid"));
    confirm(&world.texted_code("+33612345678").await).await.expect(204);
    world.finish().await;
}

#[tokio::test]
async fn what_was_sent_to_a_telephone_dies_when_it_is_replaced_or_removed() {
    let world = World::new().await;
    let (customer, app) = with_phone(&world).await;
    let token = world.first_step(&customer.email).await;
    send(&world, &token).await.expect(202);
    let code = world.texted_code(PHONE).await;
    world.enrol_phone(&customer, &app, "+33612345678").await;
    assert_eq!(world.second_step(&token, "sms", &code).await.problem(), (401, "challenge_ended"));

    let token = world.first_step(&customer.email).await;
    send(&world, &token).await.expect(202);
    let code = world.texted_code("+33612345678").await;
    let remove = async |proof: &Value| world.by(&customer, "DELETE", "/api/auth/sms", proof).await;
    assert_eq!(remove(&proof()).await.problem(), (403, "code_required"));
    world.free_codes().await;
    remove(&proof_with(&app.code(&world))).await.expect(204);
    assert_eq!(world.second_step(&token, "sms", &code).await.problem(), (401, "challenge_ended"));
    let asked = world.try_login(&customer.email, PASSWORD).await.expect(200);
    assert_eq!(asked.body["methods"], json!(["totp", "recovery_code"]));
    assert_eq!(send(&world, asked.text_of("mfa_token")).await.problem(), (409, "sms_unavailable"));
    world.free_codes().await;
    assert_eq!(remove(&proof_with(&app.code(&world))).await.problem(), (409, "nothing_to_confirm"));
    world.finish().await;
}

#[tokio::test]
async fn somebody_logged_in_proves_themselves_by_a_text() {
    let world = World::new().await;
    let (customer, _) = with_phone(&world).await;
    let with = |code: &str| json!({ "password": PASSWORD, "method": "sms", "code": code });
    let renew = async |body: &Value| world.by(&customer, "POST", "/api/auth/recovery-codes", body).await;
    assert_eq!(renew(&with("123456")).await.problem(), (401, "challenge_ended"), "no code is waited for");
    world.call("POST", "/api/auth/sms/send").by(&customer).send().await.expect(202);
    let code = world.texted_code(PHONE).await;
    renew(&with(&code)).await.expect(200);
    assert_eq!(renew(&with(&code)).await.problem(), (401, "code_invalid"));
    world.finish().await;
}

#[tokio::test]
async fn a_text_speaks_the_language_of_the_account_whatever_the_request_asks_for() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let (app, _) = world.enrol_app(&customer).await;
    for (number, (language, words)) in [("en", "is your"), ("fr", "est votre code")].into_iter().enumerate() {
        world.by(&customer, "PATCH", "/api/me", &json!({ "locale": language })).await.expect(200);
        world.free_codes().await;
        let phone = format!("+22501020304{number}0");
        let body = json!({ "phone": phone, "password": PASSWORD, "code": app.code(&world) });
        let enrol = world.call("POST", "/api/auth/sms/enroll").by(&customer).header("Accept-Language", "de");
        enrol.json(&body).send().await.expect(202);
        let text = world.texts_to(&phone).await.pop().unwrap();
        assert!(text["body"].as_str().unwrap().contains(words), "{language}: {text}");
    }
    world.finish().await;
}
