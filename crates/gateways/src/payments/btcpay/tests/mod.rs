//! The connector against a recording peer.

mod callbacks;
mod calls;

use std::sync::Arc;

use crypto::signature::{SigningSecret, hex_hmac_sha256};
use domain::money::Currency;
use domain::payment::Mode;
use secrecy::SecretString;
use time::macros::datetime;

use super::*;
use crate::http::HttpClient;
use crate::payments::{EventName, Payer, RequestSigning};

const WEBHOOK_SECRETS: [&str; 2] = ["webhook-secret-new-0123456789", "webhook-secret-old-0123456789"];
const API_KEY: &str = "canary-api-key";
const PAYMENT: &str = "019400c5-9c00-7000-8000-000000000001";
const WALL: Instant = datetime!(2026-11-23 10:30 UTC);

fn payment() -> PaymentId {
    PAYMENT.parse().unwrap()
}

fn btcpay(base: &str) -> BtcPay {
    let settings = Settings {
        base_url: base.to_owned(),
        store_id: "S1".to_owned(),
        api_key: SecretString::from(API_KEY),
        webhook_secrets: WEBHOOK_SECRETS.map(SecretString::from).to_vec(),
        currencies: vec![Currency::Eur],
        mode: Mode::Live,
        speed_policy: SpeedPolicy::LowMediumSpeed,
        monitoring_minutes: 1_440,
        networks: Vec::new(),
        request_signing: RequestSigning::On,
    };
    let request_key = SigningSecret::parse(&SecretString::from("a-key-of-this-installation")).unwrap();
    let line = Line { http: HttpClient::new().unwrap(), wall: Arc::new(|| WALL), request_key };
    BtcPay::new(settings, line).unwrap()
}

fn order() -> Order {
    Order {
        payment_id: payment(),
        amount: Money::new(5_990, Currency::Eur),
        description: "Signaux · un mois".to_owned(),
        return_url: "https://shop.example/back?a=1".to_owned(),
        webhook_url: "https://shop.example/api/webhooks/btcpay".to_owned(),
        created_at: WALL - Duration::minutes(10),
        expires_at: WALL + Duration::minutes(50),
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

fn inquiry(reference: Option<&str>) -> Inquiry {
    Inquiry {
        payment_id: payment(),
        reference: reference.map(str::to_owned),
        transaction: None,
        amount: order().amount,
        created_at: WALL,
    }
}

fn mac(secret: &str, message: &str) -> String {
    let secret = SigningSecret::parse(&SecretString::from(secret.to_owned())).unwrap();
    hex_hmac_sha256(&secret, message.as_bytes())
}

#[test]
fn what_it_can_do_is_what_was_configured() {
    let btcpay = btcpay("https://btcpay.example");
    assert_eq!(btcpay.code(), "btcpay");
    assert_eq!(btcpay.opening(&order()), Opening::Call);
    assert_eq!(btcpay.quote(order().amount, 3), order().amount);
    let capabilities = btcpay.capabilities();
    assert_eq!(capabilities.currencies, [Currency::Eur]);
    assert_eq!((capabilities.checkout, capabilities.refunds), (CheckoutKind::Page, RefundKind::ByHand));
    assert_eq!(capabilities.late_window, Duration::days(7));
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", btcpay("https://btcpay.example"));
    assert!(shown.contains("btcpay.example"));
    assert!(!shown.contains("secret-") && !shown.contains(API_KEY), "{shown}");
}
