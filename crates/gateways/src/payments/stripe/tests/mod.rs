//! The connector against a recording peer. What is sent is compared with requests of Stripe's own library (`wire.json`: PyPI 16.1.0).

mod calls;
mod events;
mod refunds;

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::ids::PaymentId;
use domain::money::Currency;
use domain::payment::{Claim, Mode, Statement};
use serde_json::{Value, json};
use time::macros::datetime;

use super::*;
use crate::http::HttpClient;
use crate::payments::{CheckoutWay, MethodToken, Payer};
use crate::test_peer::{Peer, Recorded, Reply};

const PAYMENT: &str = "019400c5-9c00-7000-8000-000000000001";
const SESSION: &str = "cs_test_a1";
const WALL: Instant = datetime!(2026-11-23 10:30 UTC);
const WALL_UNIX: i64 = 1_795_429_800;
const KEY: &str = "sk_test_canary0123456789";
const WEBHOOK_SECRETS: [&str; 2] = ["whsec_new0123456789abcdef", "whsec_old0123456789abcdef"];

fn payment() -> PaymentId {
    PAYMENT.parse().unwrap()
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::Eur)
}

fn stripe(base: &str) -> Stripe {
    let settings = json!({
        "base_url": base, "secret_key": KEY, "webhook_secrets": WEBHOOK_SECRETS, "mode": "test", "currencies": ["EUR", "XOF"],
    });
    let request_key = SigningSecret::parse(&SecretString::from("a-key-of-this-installation")).unwrap();
    let line = Line { http: HttpClient::new().unwrap(), wall: Arc::new(|| WALL), request_key };
    Stripe::new(serde_json::from_value(settings).unwrap(), line).unwrap()
}

fn inquiry() -> Inquiry {
    Inquiry {
        payment_id: payment(),
        reference: Some(SESSION.to_owned()),
        transaction: None,
        amount: eur(5_999),
        created_at: WALL,
    }
}

fn order() -> Order {
    Order {
        payment_id: payment(),
        amount: eur(5_999),
        description: "Signaux – 30 j".to_owned(),
        return_url: "https://shop.example/back?a=1&b=c dé".to_owned(),
        webhook_url: "https://shop.example/api/webhooks/stripe".to_owned(),
        created_at: WALL,
        expires_at: WALL + Duration::minutes(15),
        nonce: "00112233445566778899aabbccddeeff".to_owned(),
        payer: Payer {
            email: "a+b@b.co".to_owned(),
            phone: None,
            locale: "fr",
            method: None,
            remember: false,
        },
    }
}

/// A session as Stripe shows it, with these fields changed.
fn session(changes: &Value) -> Value {
    let mut whole = json!({
        "id": SESSION, "object": "checkout.session", "client_reference_id": PAYMENT, "metadata": {"payment_id": PAYMENT},
        "status": "open", "payment_status": "unpaid", "amount_total": 5999, "currency": "eur", "livemode": false,
        "payment_intent": null, "customer": null, "expires_at": WALL_UNIX + 2700, "created": WALL_UNIX,
        "url": "http://127.0.0.1:1/c/pay/cs_test_a1#frag", "new_field": [1],
    });
    whole.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    whole
}

/// The fields of a form in their order, and the whole form has no other spelling than Stripe's libraries give it.
fn fields(form: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(form).into_owned().collect()
}

/// Requests as Stripe's own library sent them.
fn recorded() -> Vec<Value> {
    serde_json::from_str(include_str!("wire.json")).unwrap()
}

fn kind(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::Refused(_) => "refused",
        ProviderError::Unknown(_) => "unknown",
        ProviderError::Unavailable(_) => "unavailable",
    }
}

fn error_reply(status: u16, kind: &str, code: &str) -> Reply {
    let body =
        json!({"error": {"type": kind, "code": code, "message": "canary-message", "doc_url": "https://x"}});
    Reply::json(status, &body.to_string())
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", stripe("https://api.stripe.com"));
    assert!(shown.contains("api.stripe.com"));
    assert!(!shown.contains("canary") && !shown.contains("whsec"), "{shown}");
}

#[test]
fn what_it_can_do_is_what_was_configured() {
    let stripe = stripe("https://api.stripe.com");
    assert_eq!((stripe.code(), stripe.capabilities().mode), ("stripe", Mode::Test));
    assert_eq!(stripe.capabilities().currencies, [Currency::Eur, Currency::Xof]);
    assert!(stripe.capabilities().saves_methods);
    assert_eq!(stripe.quote(eur(5_999), 7), eur(5_999));
    assert_eq!(stripe.opening(&order()), Opening::Call);
}
