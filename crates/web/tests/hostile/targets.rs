//! Every reader of what a stranger may send, as a function of bytes. Each must end without a panic, and believe nothing: nobody here
//! holds a secret to sign with.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};

use crypto::jwt::{AccessTokens, SigningKey};
use crypto::key::Key;
use crypto::signature::SigningSecret;
use domain::money::Currency;
use domain::payment::Mode;
use domain::time::Instant;
use futures_util::FutureExt;
use gateways::http::HttpClient;
use gateways::payments::hmac_psp::{self, HmacPsp, OpeningMode};
use gateways::payments::registry::connect;
use gateways::payments::{Authenticity, Callback, Line, PaymentProvider};
use gateways::sms::{Sender, Sending, Twilio, TwilioSettings};
use gateways::telegram::{parse_update, webhook_secret_matches};
use secrecy::{ExposeSecret, SecretString};
use time::macros::datetime;
use web::TrustedProxies;

/// The moment at which everything here is looked at.
const WALL: Instant = datetime!(2026-11-23 10:30 UTC);

/// One reader.
pub struct Target {
    /// Its name, and its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// Reads.
    pub run: fn(&[u8]),
}

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

/// Every reader.
pub const TARGETS: &[Target] = &[
    target("hmac_psp_event", |bytes| read_event("hmac_psp", bytes)),
    target("stripe_event", |bytes| read_event("stripe", bytes)),
    target("paypal_event", |bytes| read_event("paypal", bytes)),
    target("mtn_momo_event", |bytes| read_event("mtn_momo", bytes)),
    target("fedapay_event", |bytes| read_event("fedapay", bytes)),
    target("btcpay_event", |bytes| read_event("btcpay", bytes)),
    target("hmac_psp_headers", |bytes| verify_headers("hmac_psp", bytes)),
    target("stripe_headers", |bytes| verify_headers("stripe", bytes)),
    target("paypal_headers", |bytes| verify_headers("paypal", bytes)),
    target("mtn_momo_headers", |bytes| verify_headers("mtn_momo", bytes)),
    target("fedapay_headers", |bytes| verify_headers("fedapay", bytes)),
    target("btcpay_headers", |bytes| verify_headers("btcpay", bytes)),
    target("x_forwarded_for", forwarded_for),
    target("access_token", access_token),
    target("telegram_update", |bytes| drop(parse_update(bytes))),
    target("telegram_secret", telegram_secret),
    target("twilio_signature", |bytes| twilio(Some(&String::from_utf8_lossy(bytes)), b"MessageSid=SM1")),
    target("twilio_form", |bytes| twilio(Some("RSOYDt4T1cUTdK1PDd93/VVr8B8="), bytes)),
];

/// Settings of the providers that are connected from a document. Their address is nobody's.
const DOCUMENTS: [(&str, &str); 5] = [
    (
        "stripe",
        r#"{"base_url":"http://127.0.0.1:9","secret_key":"sk_test_0123456789","webhook_secrets":["whsec_0123456789abcdef"],"mode":"test","currencies":["EUR"]}"#,
    ),
    (
        "paypal",
        r#"{"base_url":"http://127.0.0.1:9","client_id":"client","client_secret":"secret","webhook_id":"WH1","mode":"test","currencies":["EUR"]}"#,
    ),
    (
        "mtn_momo",
        r#"{"base_url":"http://127.0.0.1:9","collection":{"api_user":"11111111-1111-4111-8111-111111111111","api_key":"key","subscription_key":"key"},"mode":"test","currencies":["EUR"]}"#,
    ),
    (
        "fedapay",
        r#"{"base_url":"http://127.0.0.1:9","secret_key":"sk_sandbox_0123456789","webhook_secrets":["wh_sandbox_0123456789abcdef"],"mode":"test","currencies":["XOF"]}"#,
    ),
    (
        "btcpay",
        r#"{"base_url":"http://127.0.0.1:9","store_id":"store","api_key":"key","webhook_secrets":["0123456789abcdef0123456789abcdef"],"mode":"test","currencies":["EUR"]}"#,
    ),
];

fn secret() -> SecretString {
    SecretString::from("0123456789abcdef0123456789abcdef")
}

fn line() -> Line {
    let request_key = SigningSecret::parse(&secret()).expect("it is long enough");
    let http = HttpClient::new().expect("the client needs nothing that could be missing");
    Line { http, wall: Arc::new(|| WALL), request_key }
}

/// The providers, connected once.
static PROVIDERS: LazyLock<HashMap<&'static str, Arc<dyn PaymentProvider>>> = LazyLock::new(|| {
    let connected = DOCUMENTS
        .into_iter()
        .map(|(code, document)| (code, connect(code, document, line()).expect("the document is right")));
    let generic = hmac_psp::Settings {
        base_url: "http://127.0.0.1:9".to_owned(),
        opening: OpeningMode::Link,
        request_secrets: vec![secret()],
        webhook_secrets: vec![secret()],
        link_secret: secret(),
        currencies: vec![Currency::Eur],
        mode: Mode::Test,
        networks: Vec::new(),
    };
    let generic: Arc<dyn PaymentProvider> =
        Arc::new(HmacPsp::new(generic, line()).expect("the settings are right"));
    connected.chain([("hmac_psp", generic)]).collect()
});

/// What would call somebody starts to, and is dropped.
static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime without threads can always be had")
});

fn read_event(provider: &str, bytes: &[u8]) {
    drop(PROVIDERS[provider].parse_notification(bytes));
}

/// Reads lines of `name: value`.
fn verify_headers(provider: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let headers: HashMap<String, &str> = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
        .collect();
    let lookup = |asked: &str| headers.get(asked).map(|value| (*value).to_owned());
    let callback = Callback { header: &lookup, body: br#"{"id":"evt_1"}"# };
    let _inside = RUNTIME.enter();
    let verified = PROVIDERS[provider].verify_notification(&callback, WALL).now_or_never();
    assert!(!matches!(verified, Some(Ok(Authenticity::Verified))), "believed: {text}");
}

/// Each line is one header.
fn forwarded_for(bytes: &[u8]) {
    static TRUSTED: LazyLock<TrustedProxies> =
        LazyLock::new(|| TrustedProxies::parse(["127.0.0.0/8", "10.0.0.0/8"]).expect("these are networks"));
    let text = String::from_utf8_lossy(bytes);
    let headers: Vec<&str> = text.lines().collect();
    let stranger = IpAddr::from(Ipv4Addr::new(198, 51, 100, 7));
    assert_eq!(TRUSTED.client(stranger, &headers), stranger, "a stranger says who they are");
    let _behind = TRUSTED.client(IpAddr::from(Ipv4Addr::LOCALHOST), &headers);
}

fn access_token(bytes: &[u8]) {
    static TOKENS: LazyLock<AccessTokens> = LazyLock::new(|| {
        let key = Key::from_bytes(&[7; 32]).expect("it has the length of a key");
        AccessTokens::new(&[SigningKey::sole(key)], "https://calmness.example", "calmness")
            .expect("there is one key")
    });
    let token = String::from_utf8_lossy(bytes);
    assert!(TOKENS.verify(token.trim(), WALL.unix_timestamp()).is_err(), "believed: {token}");
}

fn telegram_secret(bytes: &[u8]) {
    let presented = String::from_utf8_lossy(bytes);
    let right = presented == secret().expose_secret();
    assert_eq!(webhook_secret_matches(&secret(), Some(&presented)), right, "{presented}");
}

fn twilio(signature: Option<&str>, form: &[u8]) {
    static TWILIO: LazyLock<Twilio> = LazyLock::new(|| {
        let settings = TwilioSettings {
            account_sid: "AC000000000000000000000000000000e1".to_owned(),
            auth_tokens: vec![secret()],
            api_key: None,
            sending: Sending::Messages {
                api_url: "http://127.0.0.1:9".to_owned(),
                sender: Sender::From("+15005550006".to_owned()),
                status_callback_url: "https://calmness.example/api/webhooks/twilio".to_owned(),
            },
        };
        Twilio::new(settings, line().http).expect("the settings are right")
    });
    let Twilio::Messages(messages) = &*TWILIO else { return };
    assert!(messages.read_callback(signature, form).is_err(), "believed");
}
