//! The connector against a recording peer, compared with what MTN's clients by others send.

mod opening;
mod refunds;
mod views;

use std::sync::Arc;

use crypto::signature::SigningSecret;
use domain::money::Currency;
use domain::payment::Mode;
use serde_json::Value;
use time::macros::datetime;

use super::*;
use crate::http::HttpClient;
use crate::payments::{Payer, PhoneNumber, RequestSigning};
use crate::test_peer::{Peer, Recorded, Reply};

const PAYMENT: &str = "019400c5-9c00-7000-8000-000000000001";
/// Made by another program (Python's hashlib and uuid).
const PAYMENT_KEY: &str = "879c8cd8-1156-443c-95e5-1a0bc39fe1ab";
const REFUND: &str = "019400c5-9c00-7000-8000-00000000000f";
const REFUND_KEY: &str = "b24653b5-b959-4f16-8f49-54df5d71dc99";
const WALL: Instant = datetime!(2026-11-23 10:30 UTC);

fn credentials(which: &str) -> Credentials {
    Credentials {
        api_user: "11111111-1111-4111-8111-111111111111".into(),
        api_key: "APIKEY".into(),
        subscription_key: which.into(),
    }
}

fn settings(base: &str) -> Settings {
    Settings {
        base_url: Some(base.to_owned()),
        target_environment: None,
        collection: credentials("SUBKEY"),
        disbursement: Some(credentials("SUBKEY2")),
        callbacks: true,
        currencies: vec![Currency::Eur],
        mode: Mode::Test,
        networks: Vec::new(),
        request_signing: RequestSigning::On,
    }
}

fn line() -> Line {
    let request_key = SigningSecret::parse(&SecretString::from("a-key-of-this-installation")).unwrap();
    Line { http: HttpClient::new().unwrap(), wall: Arc::new(|| WALL), request_key }
}

fn momo(base: &str) -> MtnMomo {
    MtnMomo::new(settings(base), line()).unwrap()
}

fn payment() -> PaymentId {
    PAYMENT.parse().unwrap()
}

fn inquiry() -> Inquiry {
    Inquiry {
        payment_id: payment(),
        reference: None,
        transaction: None,
        amount: Money::new(10_000, Currency::Eur),
        created_at: WALL,
    }
}

fn order() -> Order {
    Order {
        payment_id: payment(),
        amount: Money::new(10_000, Currency::Eur),
        description: "Signaux · un mois".to_owned(),
        return_url: "https://shop.example/back".to_owned(),
        webhook_url: "https://cb.example/momo".to_owned(),
        created_at: WALL,
        expires_at: WALL,
        nonce: "00112233445566778899aabbccddeeff".to_owned(),
        payer: Payer {
            email: "awa@example.com".to_owned(),
            phone: Some(PhoneNumber::parse("+237670000000").unwrap()),
            locale: "fr",
            method: None,
            remember: false,
        },
    }
}

fn token(value: &str) -> Reply {
    Reply::json(
        200,
        &format!(r#"{{"access_token":"{value}","token_type":"access_token","expires_in":3600}}"#),
    )
}

/// What a client by others was seen to send.
fn wire(index: usize) -> Value {
    let all: Vec<Value> = serde_json::from_str(include_str!("wire.json")).unwrap();
    all[index].clone()
}

/// Every header that identifies the caller is as recorded.
fn assert_headers(sent: &Recorded, recorded: &Value, names: &[&str]) {
    for name in names {
        let expected = recorded["headers"][name].as_str();
        assert!(expected.is_some(), "{name} was recorded");
        assert_eq!(sent.header(&name.to_lowercase()), expected, "{name}");
    }
}

fn kind(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::Refused(_) => "refused",
        ProviderError::Unknown(_) => "unknown",
        ProviderError::Unavailable(_) => "unavailable",
    }
}

#[test]
fn mtns_name_for_a_payment_is_a_version_4_uuid_that_another_program_finds_too() {
    let key = payment_key(payment());
    assert_eq!(key.to_string(), PAYMENT_KEY);
    assert_eq!((key.get_version_num(), key.get_variant()), (4, uuid::Variant::RFC4122));
}

#[test]
fn a_callback_names_a_payment_and_nothing_of_it_is_believed() {
    let momo = momo("https://momo.example");
    let body = format!(r#"{{"externalId":"{PAYMENT}","status":"SUCCESSFUL","amount":"1"}}"#);
    let read = momo.parse_notification(body.as_bytes()).unwrap();
    assert!(
        matches!(&read, Notification::Hint { event: None, subject } if *subject == Subject::Payment(payment())),
        "{read:?}"
    );
    for body in ["", "[]", "{}", r#"{"externalId":7}"#, r#"{"externalId":"order-7"}"#] {
        let error = momo.parse_notification(body.as_bytes()).unwrap_err();
        assert!(matches!(error, NotificationError::Malformed(_)), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn a_callback_is_taken_for_unsigned_whatever_its_headers_say() {
    let lookup = |_: &str| Some("v1=signed".to_owned());
    let callback = Callback { header: &lookup, body: b"{}" };
    let momo = momo("https://momo.example");
    assert_eq!(momo.verify_notification(&callback, WALL).await.unwrap(), Authenticity::Unsigned);
}

type Change = fn(&mut Settings);

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let cases: [(&str, Change); 7] = [
        ("base_url", |settings| {
            settings.mode = Mode::Live;
            settings.base_url = None;
        }),
        ("target_environment", |settings| settings.mode = Mode::Live),
        ("target_environment", |settings| settings.target_environment = Some("mtn cameroon".to_owned())),
        ("currencies", |settings| settings.currencies = vec![Currency::Xaf]),
        ("currencies", |settings| settings.currencies = Vec::new()),
        ("api_key", |settings| settings.collection.api_key = "two words".into()),
        ("subscription_key", |settings| settings.disbursement = Some(credentials(""))),
    ];
    for (which, change) in cases {
        let mut settings = settings("https://momo.example");
        change(&mut settings);
        let error = MtnMomo::new(settings, line()).unwrap_err();
        assert!(error.to_string().contains(which), "{which}: {error}");
    }
}

#[test]
fn it_asks_on_the_telephone_and_sends_money_back_where_it_may() {
    let capable = momo("https://momo.example");
    assert_eq!(capable.capabilities().checkout, CheckoutKind::Phone);
    assert_eq!(capable.capabilities().refunds, RefundKind::Api);
    let alone = Settings { disbursement: None, ..settings("https://momo.example") };
    assert_eq!(MtnMomo::new(alone, line()).unwrap().capabilities().refunds, RefundKind::ByHand);
}

#[test]
fn debug_shows_no_credentials() {
    let shown = format!("{:?} {:?}", momo("https://momo.example"), settings("https://momo.example"));
    for secret in ["APIKEY", "SUBKEY", "11111111"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
