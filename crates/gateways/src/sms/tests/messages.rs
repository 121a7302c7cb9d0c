use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::test_peer::{Log, Peer, Reply, nobody};

/// An answer as in the API's own description, cut to what differs.
fn accepted(status: &str) -> Reply {
    Reply::json(
        201,
        &format!(
            r#"{{"account_sid":"{ACCOUNT}","api_version":"2010-04-01","body":"canary-body","error_code":null,"sid":"{MESSAGE}","status":"{status}","to":"+2250102030442"}}"#
        ),
    )
}

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

#[tokio::test]
async fn a_text_leaves_as_twilios_form_and_comes_back_as_a_name() {
    let peer = Peer::start([accepted("queued")]).await;
    let sent = messages(settings(sending(&peer.base, from_number())));
    let sent = sent.send(&phone(), "Votre code Signaux : 123456 & c'est tout").await.unwrap();
    assert_eq!((sent.sid.as_str(), sent.status), (MESSAGE, MessageStatus::Queued));

    let request = peer.request();
    let target = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json");
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", target.as_str()));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    let newest = basic(&format!("{ACCOUNT}:{}", TOKENS[0]));
    assert_eq!(request.header("authorization"), Some(newest.as_str()));
    assert_eq!(
        std::str::from_utf8(&request.body).unwrap(),
        "To=%2B2250102030442&From=%2B15005550006&Body=Votre+code+Signaux+%3A+123456+%26+c%27est+tout\
         &StatusCallback=https%3A%2F%2Fcalmness.example%2Fapi%2Fwebhooks%2Ftwilio"
    );
}

#[tokio::test]
async fn a_messaging_service_and_an_api_key_take_the_place_of_number_and_token() {
    let peer = Peer::start([accepted("accepted")]).await;
    let sid = "MG0123456789abcdef0123456789abcdef";
    let mut settings = settings(sending(&format!("{}/twilio/", peer.base), Sender::Service(sid.to_owned())));
    let key = "SK0123456789abcdef0123456789abcdef";
    settings.api_key = Some(ApiKey { sid: key.to_owned(), secret: "canary-key".into() });
    let sent = messages(settings).send(&phone(), "é").await.unwrap();
    assert_eq!(sent.status, MessageStatus::Accepted);
    let request = peer.request();
    assert_eq!(request.target, format!("/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json"));
    assert_eq!(request.header("authorization"), Some(basic(&format!("{key}:canary-key")).as_str()));
    let body = std::str::from_utf8(&request.body).unwrap();
    assert!(
        body.starts_with(&format!("To=%2B2250102030442&MessagingServiceSid={sid}&Body=%C3%A9&")),
        "{body}"
    );
}

#[tokio::test]
async fn a_text_that_twilio_would_refuse_costs_no_call() {
    let peer = Peer::start([]).await;
    let messages = messages(settings(sending(&peer.base, from_number())));
    for text in [String::new(), "é".repeat(MAX_TEXT + 1)] {
        let refused = messages.send(&phone(), &text).await.unwrap_err();
        assert!(matches!(refused, SmsError::Refused(_)), "{refused:?}");
    }
    assert!(peer.requests().is_empty());
}

#[tokio::test]
async fn only_a_call_that_never_left_is_safe_to_repeat() {
    let unreached = messages(settings(sending(&nobody().await, from_number())));
    let error = unreached.send(&phone(), "code").await.unwrap_err();
    assert!(matches!(error, SmsError::Unavailable(_)), "{error:?}");
    assert!(!error.may_be_sent() && error.is_temporary());

    let unreadable = [
        Reply::Cut,
        Reply::page(201),
        Reply::json(201, "{}"),
        Reply::json(201, r#"{"sid":"SM1","status":"queued"}"#),
        Reply::page(502),
        Reply::json(500, r#"{"code":20500,"message":"Internal Server Error","status":500}"#),
        Reply::page(307),
    ];
    for reply in unreadable {
        let peer = Peer::start([reply, accepted("queued")]).await;
        let messages = messages(settings(sending(&peer.base, from_number())));
        let error = messages.send(&phone(), "code").await.unwrap_err();
        assert!(matches!(error, SmsError::Unknown(_)), "{error:?}");
        assert!(error.may_be_sent() && error.is_temporary());
        assert_eq!(peer.requests().len(), 1, "nothing is sent twice by itself");
    }
}

#[tokio::test]
async fn the_log_shows_neither_account_nor_number_nor_text() {
    let (log, _guard) = Log::start();
    let refused = r#"{"code":21211,"message":"The 'To' number +2250102030442 is not a valid phone number.","status":400}"#;
    let peer =
        Peer::start([accepted("queued"), Reply::json(400, refused), Reply::json(401, r#"{"code":20003}"#)])
            .await;
    let messages = messages(settings(sending(&peer.base, from_number())));
    messages.send(&phone(), "canary-text").await.unwrap();
    let number = messages.send(&phone(), "canary-text").await.unwrap_err();
    let credentials = messages.send(&phone(), "canary-text").await.unwrap_err();
    assert_eq!(credentials, SmsError::BadCredentials);
    let shown = format!("{} {number} {number:?} {credentials}", log.text());
    let account = format!("{ACCOUNT}:{}", TOKENS[0]);
    for secret in ["canary", "01020304", ACCOUNT, STANDARD.encode(account).as_str()] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    assert!(shown.contains("peer.name=\"twilio\"") && shown.contains("compare the account's SID"), "{shown}");
}
