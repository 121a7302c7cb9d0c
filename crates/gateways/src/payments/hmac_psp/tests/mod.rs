//! The connector against a recording peer; signatures are put together here again, and pinned where another program made them.

mod callbacks;
mod calls;

use std::sync::Arc;

use crypto::signature::{SigningSecret, hex_hmac_sha256};
use domain::money::Currency;
use domain::payment::Mode;
use reqwest::Url;
use secrecy::SecretString;
use time::macros::datetime;

use super::*;
use crate::http::HttpClient;
use crate::payments::Payer;

const REQUEST_SECRETS: [&str; 2] = ["request-secret-new-0123456789", "request-secret-old-0123456789"];
const WEBHOOK_SECRETS: [&str; 2] = ["webhook-secret-new-0123456789", "webhook-secret-old-0123456789"];
const LINK_SECRET: &str = "link-secret-0123456789abcdef";
const PAYMENT: &str = "019400c5-9c00-7000-8000-000000000001";
const WALL: Instant = datetime!(2026-11-23 10:30 UTC);
const WALL_UNIX: i64 = 1_795_429_800;

fn payment() -> PaymentId {
    PAYMENT.parse().unwrap()
}

fn line() -> Line {
    let request_key = SigningSecret::parse(&SecretString::from("a-key-of-this-installation")).unwrap();
    Line { http: HttpClient::new().unwrap(), wall: Arc::new(|| WALL), request_key }
}

fn inquiry() -> Inquiry {
    Inquiry {
        payment_id: payment(),
        reference: None,
        transaction: None,
        amount: Money::new(5_999, Currency::Eur),
        created_at: WALL,
    }
}

fn psp(base: &str, opening: OpeningMode) -> HmacPsp {
    let secrets = |texts: [&str; 2]| texts.map(SecretString::from).to_vec();
    let settings = Settings {
        base_url: base.to_owned(),
        opening,
        request_secrets: secrets(REQUEST_SECRETS),
        webhook_secrets: secrets(WEBHOOK_SECRETS),
        link_secret: SecretString::from(LINK_SECRET),
        currencies: vec![Currency::Eur, Currency::Xof],
        mode: Mode::Live,
        networks: Vec::new(),
    };
    HmacPsp::new(settings, line()).unwrap()
}

fn order() -> Order {
    Order {
        payment_id: payment(),
        amount: Money::new(5_999, Currency::Eur),
        description: "Signaux · un mois".to_owned(),
        return_url: "https://shop.example/back?a=1&b=c dé".to_owned(),
        webhook_url: "https://shop.example/api/webhooks/hmac_psp".to_owned(),
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

fn mac(secret: &str, message: &str) -> String {
    let secret = SigningSecret::parse(&SecretString::from(secret.to_owned())).unwrap();
    hex_hmac_sha256(&secret, message.as_bytes())
}

#[test]
fn a_link_carries_the_whole_order_and_the_signature_of_its_query_as_sent() {
    // The signature was made by another program (Python's hmac) over the query before `&sig=`.
    let expected = "https://pay.example/psp/checkout\
        ?payment_id=019400c5-9c00-7000-8000-000000000001&amount=5999&currency=EUR\
        &return_url=https%3A%2F%2Fshop.example%2Fback%3Fa%3D1%26b%3Dc%20d%C3%A9\
        &expires_at=2026-11-23T10%3A30%3A00Z&nonce=00112233445566778899aabbccddeeff\
        &sig=5794be52129469a9781565104d11174bdcad8edf2543098e08a677a8ea5b6db0";
    let psp = psp("https://pay.example/psp", OpeningMode::Link);
    assert_eq!(psp.opening(&order()), Opening::Link(expected.to_owned()));
}

#[test]
fn a_link_is_already_in_the_form_that_browsers_keep() {
    let psp = psp("https://pay.example", OpeningMode::Link);
    let Opening::Link(link) = psp.opening(&order()) else { panic!("link mode opens by a link") };
    assert_eq!(Url::parse(&link).unwrap().as_str(), link);
}

#[test]
fn api_mode_opens_by_a_call_alone() {
    assert_eq!(psp("https://pay.example", OpeningMode::Api).opening(&order()), Opening::Call);
}

#[test]
fn what_it_can_do_is_what_was_configured() {
    let psp = psp("https://pay.example", OpeningMode::Link);
    assert_eq!(psp.code(), "hmac_psp");
    assert_eq!(psp.capabilities().currencies, [Currency::Eur, Currency::Xof]);
    assert_eq!(psp.capabilities().refunds, RefundKind::Api);
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", psp("https://pay.example", OpeningMode::Link));
    assert!(shown.contains("pay.example"));
    assert!(!shown.contains("secret-"), "{shown}");
}
