//! The simulated Twilio: messages with their callbacks, Verify with its limits, and the inbox.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::stage::{ACCOUNT, AUTH_TOKEN, MESSAGING_SERVICE, SENDER, Stage, Told, VERIFY_SERVICE, send};

const PHONE: &str = "+2250102030442";

fn call(stage: &Stage, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    stage
        .request(Method::POST, path)
        .basic_auth(ACCOUNT, Some(AUTH_TOKEN))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(body)
}

fn messages() -> String {
    format!("/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
}

fn verify(rest: &str) -> String {
    format!("/twilio/v2/Services/{VERIFY_SERVICE}/{rest}")
}

/// Sends a text to `to`, with other parameters in place of the usual ones.
async fn text(stage: &Stage, to: &str, other: &[(&str, &str)]) -> (u16, Value) {
    let mut form = vec![("To", to), ("From", SENDER), ("Body", "Votre code : 123456")];
    for (name, value) in other {
        form.retain(|(usual, _)| usual != name);
        form.push((name, value));
    }
    send(call(stage, &messages(), &form)).await
}

async fn start(stage: &Stage, to: &str) -> (u16, Value) {
    send(call(stage, &verify("Verifications"), &[("To", to), ("Channel", "sms"), ("Locale", "fr")])).await
}

async fn check(stage: &Stage, sid: &str, code: &str) -> (u16, Value) {
    send(call(stage, &verify("VerificationCheck"), &[("VerificationSid", sid), ("Code", code)])).await
}

fn refusal(answer: &(u16, Value)) -> (u16, u64) {
    let code = answer.1["code"].as_u64().unwrap_or_else(|| panic!("{answer:?}"));
    assert_eq!(answer.1["status"], answer.0);
    assert_eq!(answer.1["more_info"], format!("https://www.twilio.com/docs/errors/{code}"));
    assert!(answer.1["message"].is_string());
    (answer.0, code)
}

/// The parameters of a callback, and whether its signature is the account's over `url`.
fn read(told: &Told, url: &str) -> (Vec<(String, String)>, bool) {
    let mut form: Vec<(String, String)> = form_urlencoded::parse(&told.raw).into_owned().collect();
    form.sort();
    let message = form.iter().fold(url.to_owned(), |text, (name, value)| text + name + value);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, AUTH_TOKEN.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, message.as_bytes()));
    (form, told.headers["x-twilio-signature"].to_str().unwrap() == signature)
}

fn value(form: &[(String, String)], name: &str) -> String {
    form.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// The statuses that the product was told, in order.
fn statuses(stage: &Stage) -> Vec<String> {
    stage.product.told().iter().map(|told| value(&read(told, "").0, "MessageStatus")).collect()
}

#[tokio::test]
async fn a_message_lands_in_the_inbox_and_each_step_is_told_signed() {
    let stage = Stage::new().await;
    let hook = format!("{}/api/webhooks/twilio", stage.product_url);
    let (status, message) = text(&stage, PHONE, &[("StatusCallback", &hook)]).await;
    assert_eq!(status, 201, "{message}");
    let sid = message["sid"].as_str().unwrap().to_owned();
    assert!(sid.starts_with("SM") && sid.len() == 34);
    assert_eq!(
        (&message["status"], &message["to"], &message["from"], &message["num_segments"]),
        (&json!("queued"), &json!(PHONE), &json!(SENDER), &json!("1"))
    );
    assert_eq!(message["uri"], format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}.json"));
    assert!(message["date_created"].as_str().unwrap().ends_with(" +0000"), "{message}");

    stage.until("both statuses", || stage.product.told().len() == 2).await;
    assert_eq!(statuses(&stage), ["sent", "delivered"], "the first status is in the answer");
    for told in stage.product.told() {
        let (form, authentic) = read(&told, &hook);
        assert!(authentic && !read(&told, &stage.product_url).1);
        assert_eq!(value(&form, "MessageSid"), sid);
        assert_eq!((value(&form, "AccountSid"), value(&form, "To")), (ACCOUNT.to_owned(), PHONE.to_owned()));
    }
    let inbox = stage
        .until_json("/sms?to=%2B2250102030442", |inbox| {
            inbox["items"][0]["callbacks"].as_array().is_some_and(|all| all.len() == 2)
        })
        .await;
    let text = &inbox["items"][0];
    assert_eq!(
        (&text["body"], &text["code"], &text["way"], &text["status"]),
        (&json!("Votre code : 123456"), &json!("123456"), &json!("messages"), &json!("delivered"))
    );
    assert_eq!(text["callbacks"][1]["status"], 200);
    assert_eq!(
        stage.get("/sms?to=+2250102030442").await.1["items"][0]["sid"],
        sid,
        "a plus that became a space"
    );
    assert_eq!(stage.get("/sms?to=%2B33612345678").await.1, json!({ "items": [] }));
    assert_eq!(stage.delete("/sms").await.0, 204);
    assert_eq!(stage.get("/sms").await.1, json!({ "items": [] }));
}

#[tokio::test]
async fn a_messaging_service_chooses_the_sender_after_the_answer() {
    let stage = Stage::new().await;
    let hook = format!("{}/hook", stage.product_url);
    let form =
        [("To", PHONE), ("MessagingServiceSid", MESSAGING_SERVICE), ("Body", "x"), ("StatusCallback", &hook)];
    let (status, message) = send(call(&stage, &messages(), &form)).await;
    assert_eq!((status, &message["status"], &message["from"]), (201, &json!("accepted"), &Value::Null));
    stage.until("three statuses", || stage.product.told().len() == 3).await;
    assert_eq!(statuses(&stage), ["queued", "sent", "delivered"]);
    let (form, authentic) = read(&stage.product.told()[2], &hook);
    assert!(authentic);
    assert_eq!(value(&form, "MessagingServiceSid"), MESSAGING_SERVICE);
    assert_eq!(value(&form, "From"), SENDER);
}

#[tokio::test]
async fn wrong_credentials_and_foreign_accounts_are_refused() {
    let stage = Stage::new().await;
    let form = "To=%2B2250102030442&From=%2B15005550006&Body=x";
    for (user, password) in [(ACCOUNT, "wrong"), (ACCOUNT, ""), ("AC0", AUTH_TOKEN)] {
        for path in
            [messages(), verify("Verifications"), verify("VerificationCheck"), verify("Verifications/VE0")]
        {
            let request = stage.request(Method::POST, &path).basic_auth(user, Some(password));
            let answer = send(request.body(form)).await;
            assert_eq!(refusal(&answer), (401, 20003), "{path}");
        }
    }
    let unsigned = stage.request(Method::POST, &messages()).body(form).send().await.unwrap();
    assert_eq!(unsigned.headers()["www-authenticate"], "Basic realm=\"Twilio API\"");
    let foreign = messages().replace("AC0", "AC1");
    assert_eq!(refusal(&send(call(&stage, &foreign, &[])).await), (404, 20404));
    let foreign = verify("Verifications").replace("VA0", "VA1");
    assert_eq!(refusal(&send(call(&stage, &foreign, &[])).await), (404, 20404));
    assert_eq!(stage.get("/sms").await.1, json!({ "items": [] }));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_in_twilios_numbers() {
    let stage = Stage::new().await;
    let long = "x".repeat(1601);
    for (to, other, code) in [
        ("", ("A", ""), 21604),
        ("0102030442", ("A", ""), 21211),
        ("+15005550001", ("A", ""), 21211),
        ("+15005550002", ("A", ""), 21612),
        ("+15005550003", ("A", ""), 21408),
        ("+15005550004", ("A", ""), 21610),
        ("+15005550009", ("A", ""), 21614),
        (PHONE, ("From", ""), 21603),
        (PHONE, ("From", "+33612345678"), 21606),
        (PHONE, ("MessagingServiceSid", "MG1"), 21701),
        (PHONE, ("Body", ""), 21602),
        (PHONE, ("Body", long.as_str()), 21617),
        (PHONE, ("StatusCallback", "calmness.example"), 21609),
    ] {
        assert_eq!(refusal(&text(&stage, to, &[other]).await), (400, code), "{to} {other:?}");
    }
    let json = stage.request(Method::POST, &messages()).basic_auth(ACCOUNT, Some(AUTH_TOKEN));
    let json = json.json(&json!({ "To": PHONE, "From": SENDER, "Body": "x" }));
    assert_eq!(refusal(&send(json).await), (400, 21604), "only a form has parameters");
    assert_eq!(stage.get("/sms").await.1, json!({ "items": [] }));
}

#[tokio::test]
async fn verify_makes_a_code_shows_it_in_the_inbox_and_approves_it_once() {
    let stage = Stage::new().await;
    let (status, started) = start(&stage, PHONE).await;
    let sid = started["sid"].as_str().unwrap().to_owned();
    assert!(status == 201 && sid.starts_with("VE") && sid.len() == 34, "{started}");
    assert_eq!((&started["status"], &started["valid"]), (&json!("pending"), &json!(false)));
    assert_eq!(started["send_code_attempts"].as_array().unwrap().len(), 1);
    assert_eq!(started["date_created"].as_str().unwrap().len(), "2015-07-30T20:00:00Z".len());
    let inbox = stage.get("/sms").await.1;
    let code = inbox["items"][0]["code"].as_str().unwrap().to_owned();
    assert!(code.len() == 6 && !started.to_string().contains(&code), "the code goes to the phone alone");
    assert_eq!(inbox["items"][0]["body"], format!("Votre code de vérification est : {code}"));
    assert_eq!((&inbox["items"][0]["sid"], &inbox["items"][0]["way"]), (&json!(sid), &json!("verify")));

    let wrong = if code == "000000" { "000001" } else { "000000" };
    let (status, checked) = check(&stage, &sid, wrong).await;
    assert_eq!((status, &checked["status"], &checked["valid"]), (200, &json!("pending"), &json!(false)));
    assert!(!checked.to_string().contains(&code));
    let (status, checked) = check(&stage, &sid, &code).await;
    assert_eq!((status, &checked["status"], &checked["valid"]), (200, &json!("approved"), &json!(true)));
    assert_eq!(checked["sid"], sid);
    assert_eq!(refusal(&check(&stage, &sid, &code).await), (404, 20404), "an approved one is gone");
    assert_ne!(start(&stage, PHONE).await.1["sid"], sid, "and the next is a new one");
}

#[tokio::test]
async fn the_same_code_is_sent_again_until_five_sends_are_used_up() {
    let stage = Stage::new().await;
    let sid = start(&stage, PHONE).await.1["sid"].clone();
    for sends in 2..=5 {
        let (_, again) = start(&stage, PHONE).await;
        assert_eq!((&again["sid"], again["send_code_attempts"].as_array().unwrap().len()), (&sid, sends));
    }
    assert_eq!(refusal(&start(&stage, PHONE).await), (429, 60203));
    assert_eq!(start(&stage, "+33612345678").await.0, 201, "another number is not concerned");
    let inbox = stage.get("/sms?to=%2B2250102030442").await.1;
    let codes: Vec<&Value> = inbox["items"].as_array().unwrap().iter().map(|text| &text["code"]).collect();
    assert!(codes.len() == 5 && codes.iter().all(|code| *code == codes[0]), "{codes:?}");
}

#[tokio::test]
async fn five_wrong_checks_end_the_trying_even_with_the_right_code() {
    let stage = Stage::new().await;
    let sid = start(&stage, PHONE).await.1["sid"].as_str().unwrap().to_owned();
    let code = stage.get("/sms").await.1["items"][0]["code"].as_str().unwrap().to_owned();
    for _ in 0..5 {
        assert_eq!(check(&stage, &sid, "0000").await.1["status"], "pending");
    }
    assert_eq!(refusal(&check(&stage, &sid, &code).await), (429, 60202));
    assert_eq!(refusal(&start(&stage, PHONE).await), (429, 60202));
    stage.post("/clock", json!({ "advance_seconds": 600 })).await;
    assert_eq!(refusal(&check(&stage, &sid, &code).await), (404, 20404));
    assert_ne!(start(&stage, PHONE).await.1["sid"], sid, "ten minutes later it begins anew");
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes_or_when_it_is_cancelled() {
    let stage = Stage::new().await;
    let sid = start(&stage, PHONE).await.1["sid"].as_str().unwrap().to_owned();
    let code = stage.get("/sms").await.1["items"][0]["code"].as_str().unwrap().to_owned();
    stage.post("/clock", json!({ "advance_seconds": 590 })).await;
    assert_eq!(check(&stage, &sid, "0000").await.0, 200, "still there");
    stage.post("/clock", json!({ "advance_seconds": 10 })).await;
    assert_eq!(refusal(&check(&stage, &sid, &code).await), (404, 20404));

    let sid = start(&stage, PHONE).await.1["sid"].as_str().unwrap().to_owned();
    let cancel = || call(&stage, &verify(&format!("Verifications/{sid}")), &[("Status", "canceled")]);
    let (status, ended) = send(cancel()).await;
    assert_eq!((status, &ended["status"]), (200, &json!("canceled")));
    assert_eq!(refusal(&send(cancel()).await), (404, 20404));
    assert_ne!(start(&stage, PHONE).await.1["sid"], sid);
}

#[tokio::test]
async fn nonsense_is_refused_by_verify_in_twilios_numbers() {
    let stage = Stage::new().await;
    let sid = start(&stage, PHONE).await.1["sid"].as_str().unwrap().to_owned();
    for (path, form, expected) in [
        ("Verifications", vec![("Channel", "sms")], (400, 20001)),
        ("Verifications", vec![("To", PHONE)], (400, 20001)),
        ("Verifications", vec![("To", PHONE), ("Channel", "pigeon")], (400, 60200)),
        ("Verifications", vec![("To", "12"), ("Channel", "sms")], (400, 60200)),
        ("Verifications", vec![("To", "+15005550009"), ("Channel", "sms")], (403, 60205)),
        ("Verifications", vec![("To", "+15005550003"), ("Channel", "sms")], (403, 60605)),
        ("VerificationCheck", vec![("Code", "123456")], (400, 20001)),
        ("VerificationCheck", vec![("To", PHONE)], (400, 20001)),
        ("VerificationCheck", vec![("To", PHONE), ("Code", "123")], (400, 60200)),
        ("VerificationCheck", vec![("To", "+33612345678"), ("Code", "123456")], (404, 20404)),
        (
            "VerificationCheck",
            vec![("To", "+33612345678"), ("VerificationSid", &sid), ("Code", "123456")],
            (404, 20404),
        ),
        ("Verifications/VE0", vec![("Status", "canceled")], (404, 20404)),
        ("Verifications/VE0", vec![("Status", "approved")], (400, 60200)),
        ("Verifications/VE0", vec![], (400, 20001)),
    ] {
        assert_eq!(refusal(&send(call(&stage, &verify(path), &form)).await), expected, "{path} {form:?}");
    }
}

#[tokio::test]
async fn the_api_can_be_busy_broken_slow_or_gone() {
    let stage = Stage::new().await;
    let order = |fault: &str| json!({ "peer": "sms", "fault": fault, "times": 1, "operation": "send", "retry_after": 7, "ms": 20 });
    stage.fault(order("error_429")).await;
    assert_eq!(start(&stage, PHONE).await.0, 201, "another operation is not concerned");
    let busy = call(&stage, &messages(), &[]).send().await.unwrap();
    assert_eq!((busy.status().as_u16(), &busy.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    assert_eq!(busy.json::<Value>().await.unwrap()["code"], 20429);
    stage.fault(order("error_500")).await;
    assert_eq!(refusal(&text(&stage, PHONE, &[]).await), (500, 20500));
    stage.fault(order("reset")).await;
    assert!(call(&stage, &messages(), &[("To", PHONE)]).send().await.is_err());
    assert_eq!(stage.get("/sms").await.1["items"].as_array().unwrap().len(), 1, "nothing was sent so far");
    stage.fault(order("error_500_after")).await;
    assert_eq!(refusal(&text(&stage, PHONE, &[]).await), (500, 20500));
    stage.fault(order("time_out")).await;
    let lost = [("To", PHONE), ("From", SENDER), ("Body", "lost")];
    assert!(call(&stage, &messages(), &lost).send().await.is_err());
    let inbox = stage.get("/sms").await.1;
    assert_eq!(inbox["items"].as_array().unwrap().len(), 3, "sent, whatever the answer was");
    let id = stage.fault(json!({ "peer": "sms", "fault": "hold" })).await;
    let held = text(&stage, PHONE, &[]);
    let clear = async {
        stage.until_json("/faults", |faults| faults["items"][0]["used"] == 1).await;
        assert_eq!(stage.get("/sms").await.1["items"].as_array().unwrap().len(), 3);
        assert_eq!(stage.delete(&format!("/faults/{id}")).await.0, 204);
    };
    let ((status, _), ()) = tokio::join!(held, clear);
    assert_eq!(status, 201);
    for bad in [
        json!({ "peer": "sms", "fault": "undelivered" }),
        json!({ "peer": "sms", "fault": "reset", "operation": "open" }),
        json!({ "peer": "sms_callbacks", "fault": "drop", "operation": "send" }),
    ] {
        assert_eq!(stage.post("/faults", bad.clone()).await.0, 422, "{bad}");
    }
}

#[tokio::test]
async fn delivery_can_fail_and_callbacks_can_be_forged_lost_doubled_or_held() {
    let stage = Stage::new().await;
    let hook = format!("{}/hook", stage.product_url);
    let callback = [("StatusCallback", hook.as_str())];
    let order = |fault: &str| json!({ "peer": "sms_callbacks", "fault": fault, "times": 1 });
    stage.fault(order("undelivered")).await;
    text(&stage, PHONE, &callback).await;
    stage.until("both statuses", || stage.product.told().len() == 2).await;
    let (form, authentic) = read(&stage.product.told()[1], &hook);
    assert!(authentic);
    assert_eq!(
        (value(&form, "MessageStatus"), value(&form, "ErrorCode")),
        ("undelivered".to_owned(), "30003".to_owned())
    );

    stage.fault(order("wrong_signature")).await;
    stage.fault(order("duplicate")).await;
    text(&stage, PHONE, &callback).await;
    stage.until("three more", || stage.product.told().len() == 5).await;
    let told = stage.product.told();
    let authentic: Vec<bool> = told[2..].iter().map(|told| read(told, &hook).1).collect();
    assert_eq!(authentic, [false, true, true]);
    assert_eq!(told[3].raw, told[4].raw);

    stage.fault(order("drop")).await;
    text(&stage, PHONE, &callback).await;
    stage.until("one more", || stage.product.told().len() == 6).await;
    assert_eq!(statuses(&stage)[5], "delivered", "sent was never told");

    stage.product.answer_next(&[500]);
    let id = stage.fault(order("hold")).await;
    text(&stage, PHONE, &callback).await;
    stage.until_json("/faults", |faults| faults["items"][0]["used"] == 1).await;
    assert_eq!(stage.product.told().len(), 6);
    stage.delete(&format!("/faults/{id}")).await;
    stage.until("two more", || stage.product.told().len() == 8).await;
    assert_eq!(statuses(&stage)[6..], ["sent", "delivered"], "a refused callback is not repeated");
}

#[tokio::test]
async fn the_inbox_has_a_page_beside_the_mailbox() {
    let stage = Stage::new().await;
    text(&stage, PHONE, &[("Body", "<script>alert(1)</script> 123456 <b>")]).await;
    let page = async |path: &str| {
        stage
            .request(Method::GET, path)
            .header("Accept", "text/html,*/*")
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    };
    let inbox = page("/sms").await;
    assert!(inbox.contains("<b>123456</b>") && inbox.contains(PHONE), "{inbox}");
    assert!(!inbox.contains("<script>alert") && !inbox.contains("<b> "), "{inbox}");
    assert!(inbox.contains("href=\"/mailbox\"") && inbox.contains("aria-current=\"page\">SMS"));
    assert!(page("/sms?to=%2B33612345678").await.contains("No SMS yet"));
    assert!(page("/").await.contains("1 messages"));
    assert!(page("/faults").await.contains("sms_callbacks/undelivered"));
    let request = stage.request(Method::POST, "/ui/sms/empty").header("Origin", &stage.base);
    assert_eq!(request.send().await.unwrap().headers()["location"], "/sms");
    assert_eq!(stage.get("/sms").await.1, json!({ "items": [] }));
}

#[tokio::test]
async fn codes_and_messages_survive_a_restart() {
    let path = std::env::temp_dir().join(format!("calmness-sandbox-{}-sms.json", std::process::id()));
    let first = Stage::with_state(Some(path.clone())).await;
    let sid = start(&first, PHONE).await.1["sid"].as_str().unwrap().to_owned();
    let code = first.get("/sms").await.1["items"][0]["code"].as_str().unwrap().to_owned();
    first.fault(json!({ "peer": "sms_callbacks", "fault": "hold" })).await;
    let hook = format!("{}/hook", first.product_url);
    text(&first, PHONE, &[("StatusCallback", &hook)]).await;
    first.until_json("/faults", |faults| faults["items"][0]["used"] == 1).await;
    first.stop().await;

    let second = Stage::with_state(Some(path.clone())).await;
    second.until_json("/sms", |inbox| inbox["items"][1]["status"] == "delivered").await;
    assert_eq!(check(&second, &sid, &code).await.1["status"], "approved");
    second.stop().await;
    std::fs::remove_file(path).unwrap();
}
