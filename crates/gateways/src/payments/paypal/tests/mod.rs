//! The connector against a recording peer. Requests are compared with those of paypal-server-sdk 2.4.0 (`wire.json`), signatures
//! with one that paypalrestsdk 1.13 verified (`vector.json`; the key was taken from its certificate with openssl).

mod callbacks;
mod calls;
mod events;
mod orders;
mod refunds;

use std::sync::{Arc, Mutex};

use crypto::signature::SigningSecret;
use domain::ids::PaymentId;
use domain::money::Currency;
use domain::payment::Mode;
use secrecy::SecretString;
use serde_json::{Value, json};
use time::macros::datetime;

use super::*;
use crate::http::HttpClient;
use crate::payments::{Payer, RequestSigning};
use crate::test_peer::{Peer, Recorded, Reply};

const PAYMENT: &str = "019400c5-9c00-7000-8000-000000000001";
const ORDER: &str = "5O190127TN364715T";
const CAPTURE: &str = "3C679366HH908993F";
const WEBHOOK: &str = "8PT597110X687430LKGECATA";
const WALL: Instant = datetime!(2026-11-23 10:30 UTC);

fn payment() -> PaymentId {
    PAYMENT.parse().unwrap()
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::Eur)
}

fn settings(base: &str) -> Settings {
    Settings {
        mode: Mode::Test,
        base_url: Some(base.to_owned()),
        client_id: SecretString::from("CID"),
        client_secret: SecretString::from("SEC"),
        webhook_id: WEBHOOK.to_owned(),
        webhook_public_keys: Vec::new(),
        currencies: vec![Currency::Eur, Currency::Jpy],
        saves_methods: false,
        networks: Vec::new(),
        request_signing: RequestSigning::On,
    }
}

fn line_at(clock: Arc<Mutex<Instant>>) -> Line {
    let request_key = SigningSecret::parse(&SecretString::from("a-key-of-this-installation")).unwrap();
    Line { http: HttpClient::new().unwrap(), wall: Arc::new(move || *clock.lock().unwrap()), request_key }
}

fn line() -> Line {
    line_at(Arc::new(Mutex::new(WALL)))
}

fn paypal(base: &str) -> Paypal {
    Paypal::new(settings(base), line()).unwrap()
}

fn token() -> Reply {
    Reply::json(
        200,
        r#"{"scope":"https://x","access_token":"A21","token_type":"Bearer","app_id":"APP","expires_in":32400,"nonce":"n"}"#,
    )
}

/// The token and then this.
async fn answering(reply: Reply) -> Peer {
    Peer::start([token(), reply]).await
}

/// PayPal's own no; only its words may be repeated.
fn problem(status: u16, name: &str, issue: &str) -> Reply {
    let body = json!({
        "name": name, "message": "canary-message", "debug_id": "canary-debug",
        "details": [{"issue": issue, "description": "canary-description"}],
    });
    Reply::json(status, &body.to_string())
}

fn order() -> Order {
    Order {
        payment_id: payment(),
        amount: eur(5_999),
        description: "Signaux · un mois".to_owned(),
        return_url: "https://shop.example/back?a=1".to_owned(),
        webhook_url: "https://shop.example/api/webhooks/paypal".to_owned(),
        created_at: WALL,
        expires_at: WALL,
        nonce: "00112233445566778899aabbccddeeff".to_owned(),
        payer: Payer {
            email: "awa@example.com".to_owned(),
            phone: None,
            locale: "fr",
            method: None,
            remember: false,
        },
    }
}

fn inquiry() -> Inquiry {
    Inquiry {
        payment_id: payment(),
        reference: Some(ORDER.to_owned()),
        transaction: None,
        amount: eur(5_999),
        created_at: WALL,
    }
}

fn answer(status: &str, payments: &Value) -> Value {
    json!({
        "id": ORDER, "status": status, "intent": "CAPTURE", "new_field": [1],
        "purchase_units": [{"reference_id": PAYMENT, "custom_id": PAYMENT, "payments": payments}],
        "links": [{"href": "https://api-m.paypal.com/v2/checkout/orders/1", "rel": "self", "method": "GET"}],
    })
}

fn capture(status: &str) -> Value {
    json!({
        "id": CAPTURE, "status": status, "amount": {"currency_code": "EUR", "value": "59.99"},
        "custom_id": PAYMENT, "create_time": "2026-11-23T09:00:00Z", "update_time": "2026-11-23T09:05:00Z",
    })
}

/// What the SDK of PayPal sent to this path.
fn recorded(path: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("wire.json")).unwrap();
    all.as_array().unwrap().iter().find(|request| request["path"] == path).unwrap().clone()
}

/// The same method, and the same headers but for those of the client and of our own.
fn assert_like(request: &Recorded, recorded: &Value, values: &[(&str, &str)]) {
    assert_eq!(request.method, recorded["method"]);
    for (name, value) in recorded["headers"].as_object().unwrap() {
        let name = name.to_lowercase();
        if name == "accept" || name == "content-length" {
            continue;
        }
        let ours = values.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        assert_eq!(request.header(&name), Some(ours.unwrap_or(value.as_str().unwrap())), "{name}");
    }
    assert!(request.header("x-signature").is_some(), "ours beside PayPal's own");
}

fn kind(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::Refused(_) => "refused",
        ProviderError::Unknown(_) => "unknown",
        ProviderError::Unavailable(_) => "unavailable",
    }
}

fn refused(changed: Settings) -> SettingsError {
    Paypal::new(changed, line()).unwrap_err()
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let good = || settings("https://api.example");
    assert_eq!(
        refused(Settings { client_secret: SecretString::from(""), ..good() }),
        SettingsError::Missing("client_secret")
    );
    assert_eq!(
        refused(Settings { webhook_id: String::new(), ..good() }),
        SettingsError::Missing("webhook_id")
    );
    for (which, broken) in [
        ("webhook_id", Settings { webhook_id: "a|b".to_owned(), ..good() }),
        ("client_id", Settings { client_id: SecretString::from("a b"), ..good() }),
        ("currencies", Settings { currencies: vec![Currency::Xof], ..good() }),
        ("webhook_public_keys", Settings { webhook_public_keys: vec!["nonsense".to_owned()], ..good() }),
    ] {
        let error = refused(broken);
        assert!(matches!(error, SettingsError::Invalid { which: named, .. } if named == which), "{error:?}");
    }
}

#[test]
fn the_mode_decides_where_paypal_is() {
    let configured = json!({
        "mode": "live", "client_id": "a", "client_secret": "canary-secret", "webhook_id": "W", "currencies": ["EUR"],
    });
    let live: Settings = serde_json::from_value(configured).unwrap();
    assert!(!format!("{live:?}").contains("canary"), "{live:?}");
    let shown = format!("{:?}", Paypal::new(live.clone(), line()).unwrap());
    assert!(shown.contains("https://api-m.paypal.com/") && !shown.contains("canary"), "{shown}");
    let test = Settings { mode: Mode::Test, ..live };
    let shown = format!("{:?}", Paypal::new(test, line()).unwrap());
    assert!(shown.contains("https://api-m.sandbox.paypal.com/"), "{shown}");
}
