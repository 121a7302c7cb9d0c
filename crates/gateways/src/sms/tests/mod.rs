//! The client against a recording peer; signatures were made with Twilio's own library.

mod callbacks;
mod errors;
mod messages;
mod verify;

use crypto::signature::WeakSigningSecret;
use secrecy::SecretString;

use super::*;
use crate::http::HttpClient;

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const SERVICE: &str = "VA0123456789abcdef0123456789abcdef";
const TOKENS: [&str; 2] = ["canary-new-0123456789abcdef01234", "0123456789abcdef0123456789abcdef"];
const MESSAGE: &str = "SM11112222333344445555666677778888";
const CALLBACK_URL: &str = "https://calmness.example/api/webhooks/twilio";

fn settings(sending: Sending) -> TwilioSettings {
    TwilioSettings {
        account_sid: ACCOUNT.to_owned(),
        auth_tokens: TOKENS.map(SecretString::from).to_vec(),
        api_key: None,
        sending,
    }
}

fn sending(api_url: &str, sender: Sender) -> Sending {
    Sending::Messages { api_url: api_url.to_owned(), sender, status_callback_url: CALLBACK_URL.to_owned() }
}

fn from_number() -> Sender {
    Sender::From("+15005550006".to_owned())
}

fn verifying(verify_url: &str) -> Sending {
    Sending::Verify { verify_url: verify_url.to_owned(), service_sid: SERVICE.to_owned() }
}

fn build(settings: TwilioSettings) -> Result<Twilio, SettingsError> {
    Twilio::new(settings, HttpClient::new().unwrap())
}

fn messages(settings: TwilioSettings) -> Messages {
    let Twilio::Messages(messages) = build(settings).unwrap() else { panic!("set up for messages") };
    messages
}

fn verify(base: &str) -> Verify {
    let Twilio::Verify(verify) = build(settings(verifying(base))).unwrap() else {
        panic!("set up for Verify")
    };
    verify
}

fn phone() -> PhoneNumber {
    PhoneNumber::parse("+2250102030442").unwrap()
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let good = || settings(sending("https://api.twilio.com", from_number()));
    let with = |change: fn(&mut TwilioSettings)| {
        let mut settings = good();
        change(&mut settings);
        build(settings).err()
    };
    let secret = |which, why| Some(SettingsError::Secret { which, why });
    assert_eq!(with(|_| {}), None);
    assert_eq!(with(|s| s.account_sid.clear()), Some(SettingsError::Sid("account_sid")));
    assert_eq!(with(|s| s.account_sid = SERVICE.to_owned()), Some(SettingsError::Sid("account_sid")));
    assert_eq!(with(|s| s.auth_tokens.clear()), secret("auth_tokens", WeakSigningSecret::Empty));
    assert_eq!(with(|s| s.auth_tokens[1] = " ".into()), secret("auth_tokens", WeakSigningSecret::Empty));
    assert_eq!(
        with(|s| s.auth_tokens[0] = "12345".into()),
        secret("auth_tokens", WeakSigningSecret::TooShort)
    );
    let key = |sid: &str, secret: &str| Some(ApiKey { sid: sid.to_owned(), secret: secret.into() });
    let keyed = |api_key| build(TwilioSettings { api_key, ..good() }).err();
    assert_eq!(keyed(key("SK0123456789abcdef0123456789abcdef", "x")), None);
    assert_eq!(keyed(key(ACCOUNT, "x")), Some(SettingsError::Sid("api_key_sid")));
    assert_eq!(
        keyed(key("SK0123456789abcdef0123456789abcdef", "")),
        secret("api_key_secret", WeakSigningSecret::Empty)
    );
    for broken in ["", "api.twilio.com", "https://a:b@api.twilio.com", "ftp://api.twilio.com"] {
        let refused = build(settings(sending(broken, from_number()))).err();
        assert_eq!(refused, Some(SettingsError::Address("api_url")), "{broken}");
        assert_eq!(build(settings(verifying(broken))).err(), Some(SettingsError::Address("verify_url")));
    }
    for broken in
        ["", "/api/webhooks/twilio", "https://calmness.example/?a=b", "https://calmness.example/#rc=2"]
    {
        let sending = Sending::Messages {
            api_url: "https://api.twilio.com".to_owned(),
            sender: from_number(),
            status_callback_url: broken.to_owned(),
        };
        let refused = build(settings(sending)).err();
        assert_eq!(refused, Some(SettingsError::Address("status_callback_url")), "{broken}");
    }
}

#[test]
fn a_sender_is_a_number_a_short_code_a_name_or_a_service() {
    for good in ["+15005550006", "38123", "Signaux", "Signaux CI", "3615Calm"] {
        assert_eq!(Sender::from(good), Ok(Sender::From(good.to_owned())));
    }
    for broken in ["", "+1", "15005550006", "Much too long", "Sign\nmore", "Été", "<b>"] {
        assert_eq!(Sender::from(broken), Err(SettingsError::From), "{broken}");
    }
    let service = |sid: &str| {
        let sender = Sender::Service(sid.to_owned());
        build(settings(sending("https://api.twilio.com", sender))).err()
    };
    assert_eq!(service("MG0123456789abcdef0123456789abcdef"), None);
    assert_eq!(service("MG0123"), Some(SettingsError::Sid("messaging_service_sid")));
}

#[test]
fn debug_shows_no_secret_and_no_number() {
    let settings = settings(sending("https://api.twilio.com", from_number()));
    let shown = format!("{settings:?} {:?} {:?}", build(settings.clone()).unwrap(), phone());
    assert!(shown.contains("api.twilio.com"));
    assert!(!shown.contains("canary") && !shown.contains("01020304"), "{shown}");
}
