//! What texts may cost, and what becomes of them (SEC-12).

use calmness::config::{Config, SmsMode};
use futures_util::future::join_all;
use gateways::sms::CallingPrefix;
use serde_json::{Value, json};

use crate::support::{Answer, Authenticator, Customer, World};

const PHONE: &str = "+2250102030442";

async fn send(world: &World, mfa_token: &str) -> Answer {
    world.post("/api/auth/mfa/sms", &json!({ "mfa_token": mfa_token })).await
}

async fn with_app(world: &World, name: &str) -> (Customer, Authenticator) {
    let customer = world.made_customer(name).await;
    let (app, _) = world.enrol_app(&customer).await;
    (customer, app)
}

async fn messages(world: &World) -> Vec<Value> {
    world.rows("SELECT status, error_code AS code FROM sms_messages ORDER BY requested_at").await
}

#[tokio::test]
async fn sec_12_three_texts_for_one_login_and_ten_a_day_for_one_user() {
    let world = World::new().await;
    let (customer, app) = with_app(&world, "awa").await;
    world.enrol_phone(&customer, &app, PHONE).await;
    let refused = (409, "sms_unavailable");
    for login in 0..3 {
        let token = world.first_step(&customer.email).await;
        for _ in 0..3 {
            send(&world, &token).await.expect(202);
        }
        assert_eq!(send(&world, &token).await.problem(), refused, "login {login}");
    }
    assert_eq!(world.texts_to(PHONE).await.len(), 10);
    let token = world.first_step(&customer.email).await;
    assert_eq!(send(&world, &token).await.problem(), refused, "ten since yesterday");
    let proof = world.call("POST", "/api/auth/sms/send").by(&customer).send().await;
    assert_eq!(proof.problem(), refused);
    let (other, others_app) = with_app(&world, "moussa").await;
    world.ask_for_phone(&other, &others_app, "+2250102030443").await.expect(202);
    world.sql("UPDATE sms_messages SET requested_at = requested_at - interval '1 day'").await;
    send(&world, &token).await.expect(202);
    world.finish().await;
}

fn frugal(config: &mut Config) {
    config.sms.daily_cap = 5;
    config.sms.daily_cap_per_prefix = 3;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_12_no_prefix_and_no_day_costs_more_than_its_cap_however_many_ask_at_once() {
    let world = World::setup().with_config(frugal).start().await;
    let mut people = Vec::new();
    for number in 0..12 {
        people.push(with_app(&world, &format!("awa{number}")).await);
    }
    let ask = async |place: usize, phone: String| {
        let (customer, app) = &people[place];
        world.ask_for_phone(customer, app, &phone).await
    };
    let ivorian = join_all((0..8).map(|place| ask(place, format!("+22501020304{place}0")))).await;
    let of =
        |answers: &[Answer], status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((of(&ivorian, 202), of(&ivorian, 409)), (3, 5));
    let french = join_all((8..12).map(|place| ask(place, format!("+336123456{place:02}")))).await;
    assert_eq!((of(&french, 202), of(&french, 409)), (2, 2), "five in all");
    let texts = world.sandbox_get("/sms").await;
    assert_eq!(texts["items"].as_array().unwrap().len(), 5);
    world.finish().await;
}

fn ivorian_only(config: &mut Config) {
    config.sms.allowed_prefixes = vec![CallingPrefix::parse("+225").unwrap()];
}

#[tokio::test]
async fn numbers_are_written_to_only_where_the_operator_allows() {
    let world = World::setup().with_config(ivorian_only).start().await;
    let (customer, app) = with_app(&world, "awa").await;
    let abroad = world.ask_for_phone(&customer, &app, "+33612345678").await;
    assert_eq!(abroad.problem(), (409, "sms_unavailable"));
    world.ask_for_phone(&customer, &app, PHONE).await.expect(202);
    world.finish().await;
}

fn without_sms(config: &mut Config) {
    config.sms.enabled = false;
}

#[tokio::test]
async fn sms_can_be_turned_off() {
    let world = World::setup().with_config(without_sms).start().await;
    let (customer, app) = with_app(&world, "awa").await;
    let refused = world.ask_for_phone(&customer, &app, PHONE).await;
    assert_eq!(refused.problem(), (409, "sms_unavailable"));
    let forged = world.call("POST", "/api/webhooks/twilio").body("MessageSid=SM1").send().await;
    assert_eq!(forged.problem(), (401, "signature_invalid"));
    world.finish().await;
}

#[tokio::test]
async fn what_the_network_says_of_a_text_is_noted() {
    let world = World::new().await;
    let (customer, app) = with_app(&world, "awa").await;
    // Held until the product has written down which message it is.
    world.fault(json!({ "peer": "sms_callbacks", "fault": "hold" })).await;
    world.ask_for_phone(&customer, &app, PHONE).await.expect(202);
    assert_eq!(messages(&world).await, [json!({ "status": "accepted", "code": null })]);
    world.clear_faults().await;
    let is = async |expected: Value| messages(&world).await.last() == Some(&expected);
    let delivered = json!({ "status": "delivered", "code": null });
    world.until("it is delivered", async || is(delivered.clone()).await).await;

    world.fault(json!({ "peer": "sms_callbacks", "fault": "hold" })).await;
    world.ask_for_phone(&customer, &app, PHONE).await.expect(202);
    world.fault(json!({ "peer": "sms_callbacks", "fault": "undelivered", "times": 1 })).await;
    let faults = world.sandbox_get("/faults").await;
    let hold = faults["items"].as_array().unwrap().iter().find(|fault| fault["fault"] == "hold").unwrap();
    let path = format!("{}/faults/{}", world.sandbox, hold["id"]);
    assert!(world.http.delete(path).send().await.unwrap().status().is_success());
    let lost = json!({ "status": "undelivered", "code": 30003 });
    world.until("it is lost", async || is(lost.clone()).await).await;
    world.finish().await;
}

#[tokio::test]
async fn what_nobody_signed_says_nothing_about_a_text() {
    let world = World::new().await;
    let (customer, app) = with_app(&world, "awa").await;
    world.fault(json!({ "peer": "sms_callbacks", "fault": "wrong_signature" })).await;
    world.ask_for_phone(&customer, &app, PHONE).await.expect(202);
    let told = async || {
        let texts = world.texts_to(PHONE).await;
        texts[0]["callbacks"].as_array().unwrap().clone()
    };
    world.until("all was told", async || told().await.len() == 2).await;
    assert!(told().await.iter().all(|told| told["status"] == 401), "{:?}", told().await);
    let sid = world.texts_to(PHONE).await[0]["sid"].as_str().unwrap().to_owned();
    let body =
        format!("MessageSid={sid}&MessageStatus=delivered&AccountSid=AC000000000000000000000000000000e1");
    for signature in [None, Some(""), Some("x"), Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")] {
        let call = world.call("POST", "/api/webhooks/twilio").body(body.clone());
        let call = call.header("Content-Type", "application/x-www-form-urlencoded");
        let call = match signature {
            Some(signature) => call.header("X-Twilio-Signature", signature),
            None => call,
        };
        assert_eq!(call.send().await.problem(), (401, "signature_invalid"), "{signature:?}");
    }
    assert_eq!(messages(&world).await, [json!({ "status": "accepted", "code": null })]);
    world.finish().await;
}

#[tokio::test]
async fn a_text_that_may_have_arrived_is_waited_for_and_counted_one_that_was_refused_is_not() {
    let world = World::new().await;
    let (customer, app) = with_app(&world, "awa").await;
    world.fault(json!({ "peer": "sms", "fault": "error_429", "times": 1, "retry_after": 7 })).await;
    let refused = world.ask_for_phone(&customer, &app, PHONE).await;
    assert_eq!(refused.problem(), (409, "sms_unavailable"));
    assert_eq!(messages(&world).await[0]["status"], "refused");
    world.fault(json!({ "peer": "sms", "fault": "error_500_after", "times": 1 })).await;
    world.ask_for_phone(&customer, &app, PHONE).await.expect(202);
    assert_eq!(messages(&world).await[1]["status"], "unknown");
    let code = json!({ "code": world.texted_code(PHONE).await });
    world.by(&customer, "POST", "/api/auth/sms/confirm", &code).await.expect(204);
    world.finish().await;
}

fn verifying(config: &mut Config) {
    config.sms.mode = SmsMode::Verify;
}

#[tokio::test]
async fn sec_12_twilios_own_codes_belong_to_their_challenges_too() {
    let world = World::setup().with_config(verifying).start().await;
    let (customer, app) = with_app(&world, "awa").await;
    world.enrol_phone(&customer, &app, PHONE).await;
    let one = world.first_step(&customer.email).await;
    send(&world, &one).await.expect(202);
    let code_of_one = world.texted_code(PHONE).await;
    send(&world, &one).await.expect(202);
    assert_eq!(world.texted_code(PHONE).await, code_of_one, "the same challenge, the same code");
    let two = world.first_step(&customer.email).await;
    send(&world, &two).await.expect(202);
    let code_of_two = world.texted_code(PHONE).await;
    assert_ne!(code_of_one, code_of_two, "the check of before has ended");
    assert_eq!(world.second_step(&one, "sms", &code_of_one).await.problem(), (401, "code_invalid"));
    assert_eq!(world.second_step(&two, "sms", &code_of_one).await.problem(), (401, "code_invalid"));
    world.second_step(&two, "sms", &code_of_two).await.expect(200);
    assert_eq!(world.second_step(&two, "sms", &code_of_two).await.problem(), (401, "challenge_ended"));
    assert_eq!(world.count("SELECT count(*) FROM challenges WHERE sms_code_hash IS NOT NULL").await, 0);
    world.finish().await;
}
