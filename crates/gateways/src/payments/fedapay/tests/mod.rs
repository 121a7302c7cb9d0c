//! The connector against a recording peer, compared with what FedaPay's own library sends and signs.

mod callbacks;
mod calls;

use std::sync::Arc;

use domain::payment::Mode;
use serde_json::Value;
use time::macros::datetime;

use super::*;
use crate::http::HttpClient;
use crate::payments::{Payer, PhoneNumber, RequestSigning};
use crate::test_peer::{Peer, Reply};

const PAYMENT: &str = "019400c5-9c00-7000-8000-000000000001";
const OTHER: &str = "019400c5-9c00-7000-8000-000000000002";
const WALL: Instant = datetime!(2026-11-23 10:30 UTC);
const WALL_UNIX: i64 = 1_795_429_800;
const WEBHOOK_SECRETS: [&str; 2] = ["wh_sandbox_0123456789abcdef", "wh_sandbox_fedcba9876543210"];

fn settings(base: &str) -> Settings {
    Settings {
        base_url: Some(format!("{base}/v1")),
        secret_key: "sk_sandbox_x".into(),
        webhook_secrets: WEBHOOK_SECRETS.map(SecretString::from).to_vec(),
        currencies: vec![Currency::Xof],
        mode: Mode::Test,
        networks: Vec::new(),
        request_signing: RequestSigning::On,
    }
}

fn line() -> Line {
    let request_key = SigningSecret::parse(&SecretString::from("a-key-of-this-installation")).unwrap();
    Line { http: HttpClient::new().unwrap(), wall: Arc::new(|| WALL), request_key }
}

fn fedapay(base: &str) -> FedaPay {
    FedaPay::new(settings(base), line()).unwrap()
}

fn payment() -> PaymentId {
    PAYMENT.parse().unwrap()
}

fn inquiry(reference: Option<&str>) -> Inquiry {
    Inquiry {
        payment_id: payment(),
        reference: reference.map(str::to_owned),
        transaction: None,
        amount: Money::new(15_000, Currency::Xof),
        created_at: WALL,
    }
}

fn order() -> Order {
    Order {
        payment_id: payment(),
        amount: Money::new(15_000, Currency::Xof),
        description: "Signaux · un mois".to_owned(),
        return_url: "https://shop.example/back".to_owned(),
        webhook_url: "https://shop.example/api/webhooks/fedapay".to_owned(),
        created_at: WALL,
        expires_at: WALL,
        nonce: "00112233445566778899aabbccddeeff".to_owned(),
        payer: Payer {
            email: "awa@example.com".to_owned(),
            phone: Some(PhoneNumber::parse("+22997808080").unwrap()),
            locale: "fr",
            method: None,
            remember: false,
        },
    }
}

fn kind(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::Refused(_) => "refused",
        ProviderError::Unknown(_) => "unknown",
        ProviderError::Unavailable(_) => "unavailable",
    }
}

type Change = fn(&mut Settings);

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let cases: [(&str, Change); 6] = [
        ("base_url", |settings| settings.base_url = Some("api.fedapay.com".to_owned())),
        ("secret_key", |settings| settings.secret_key = "sk_live_x".into()),
        ("secret_key", |settings| settings.mode = Mode::Live),
        ("webhook_secrets", |settings| settings.webhook_secrets = Vec::new()),
        ("currencies", |settings| settings.currencies = vec![Currency::Eur]),
        ("currencies", |settings| settings.currencies = Vec::new()),
    ];
    for (which, change) in cases {
        let mut settings = settings("https://fedapay.example");
        change(&mut settings);
        let error = FedaPay::new(settings, line()).unwrap_err();
        assert!(error.to_string().contains(which), "{which}: {error}");
    }
}

#[test]
fn without_an_address_the_mode_says_where_fedapay_is() {
    let own = Settings { base_url: None, ..settings("") };
    assert_eq!(
        FedaPay::new(own, line()).unwrap().caller.base().as_str(),
        "https://sandbox-api.fedapay.com/v1/"
    );
    let live = Settings { base_url: None, mode: Mode::Live, secret_key: "sk_live_x".into(), ..settings("") };
    assert_eq!(FedaPay::new(live, line()).unwrap().caller.base().as_str(), "https://api.fedapay.com/v1/");
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?} {:?}", fedapay("https://fedapay.example"), settings("https://fedapay.example"));
    assert!(!shown.contains("sk_") && !shown.contains("wh_"), "{shown}");
}

#[tokio::test]
async fn refunds_and_closing_are_not_fedapays_to_do() {
    let fedapay = fedapay("https://fedapay.example");
    assert_eq!(fedapay.capabilities().refunds, RefundKind::ByHand);
    let refund = Refund { id: OTHER.parse().unwrap(), amount: Money::new(1, Currency::Xof), reference: None, again: false };
    assert_eq!(kind(&fedapay.refund(&inquiry(None), &refund).await.unwrap_err()), "refused");
    assert_eq!(fedapay.cancel(&inquiry(None)).await.unwrap(), Cancelled::StillPayable);
}
