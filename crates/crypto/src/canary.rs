//! Secrets that must not show: whatever is printed of a type that holds one, the secret is not in it
//! (SEC-28).

use std::fmt::Debug;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

use crate::envelope::{DataKeyBytes, DataKeys, LocalKeyBackend, generate_data_key};
use crate::jwt::{AccessTokens, SigningKey};
use crate::key::Key;
use crate::password::{Hasher, PasswordParams};
use crate::random::SeededRandom;
use crate::recovery_code::RecoveryCode;
use crate::secret_key::{SecretKey, SecretKeys};
use crate::signature::SigningSecret;
use crate::token::OpaqueToken;
use crate::totp::TotpSecret;

const SECRET: &str = "kZ3vQ8nXw1Rt6YbL0pJfHs5UeGm9CdAa2ViOoTrPqWxEyBzN4MhKuDgSjFl7IcV=";

/// Prints a value in every way that `Debug` has, and looks for the secret in every way that it might be
/// written.
fn assert_hidden(value: &impl Debug, secret: &[u8]) {
    let list = format!("{secret:?}");
    let spellings = [
        String::from_utf8_lossy(secret).into_owned(),
        hex::encode(secret),
        hex::encode_upper(secret),
        STANDARD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        list[1..list.len() - 1].to_owned(),
    ];
    for printed in [format!("{value:?}"), format!("{value:#?}").replace(['\n', ' '], "").replace(',', ", ")] {
        for spelling in &spellings {
            assert!(!printed.contains(spelling.as_str()), "{printed} shows {spelling}");
        }
    }
}

#[test]
fn sec_28_no_key_shows_in_debug() {
    let random = SeededRandom::new(1);
    let key = Key::random(&random);
    assert_hidden(&key, key.expose());
    assert_hidden(&DataKeyBytes::from_slice(key.expose()).expect("32 bytes"), key.expose());
    assert_hidden(&LocalKeyBackend::new(&key, &[], Arc::new(SeededRandom::new(2))), key.expose());
    let signing = SigningKey::sole(key.clone());
    assert_hidden(&signing, key.expose());
    let tokens = AccessTokens::new(&[signing], "https://calmness.example", "calmness").expect("good names");
    assert_hidden(&tokens, key.expose());
}

#[test]
fn sec_28_no_configured_secret_shows_in_debug() {
    let text = SecretString::from(SECRET);
    assert_hidden(&SecretKey::parse(&text).expect("a strong secret"), SECRET.as_bytes());
    assert_hidden(&SecretKeys::parse(&text, &[]).expect("a strong secret"), SECRET.as_bytes());
    assert_hidden(&SigningSecret::parse(&text).expect("a long secret"), SECRET.as_bytes());
}

#[test]
fn sec_28_no_secret_shows_in_the_reason_why_it_was_refused() {
    let weak = SecretString::from("changeme-7f3a-changeme-7f3a-changeme");
    let refused = SecretKeys::parse(&weak, &[]).expect_err("a well-known secret");
    assert!(!refused.to_string().contains("7f3a") && refused.to_string().contains("openssl rand -base64 48"));
    assert!(!format!("{refused:?}").contains("7f3a"));
    let refused = Key::from_base64(&weak).expect_err("not base64");
    assert!(!refused.to_string().contains("7f3a"));
}

#[tokio::test]
async fn sec_28_neither_data_keys_nor_what_they_open_show_in_debug() {
    const LABEL: crate::envelope::Label = crate::envelope::Label::new("admin_config", "value_encrypted");
    let random = Arc::new(SeededRandom::new(3));
    let backend = LocalKeyBackend::new(&Key::random(&*random), &[], random.clone());
    let (stored, key) = generate_data_key(&backend, &*random, "test").await.expect("the backend is here");
    let row = uuid::Uuid::nil();
    let keys = DataKeys::new("test", key, Vec::new()).expect("one key");
    let sealed = keys.seal(&*random, &LABEL, row, SECRET.as_bytes()).expect("a fresh key");
    assert_hidden(&sealed, SECRET.as_bytes());
    assert_hidden(&(&keys, &stored), SECRET.as_bytes());
    assert_hidden(&keys.open(&LABEL, row, &sealed).expect("untouched"), SECRET.as_bytes());
    assert_hidden(&keys.open_text(&LABEL, row, &sealed).expect("untouched"), SECRET.as_bytes());
}

#[test]
fn sec_28_no_token_or_password_shows_in_debug() {
    let random = SeededRandom::new(4);
    let token = OpaqueToken::random(&random);
    let text = token.reveal();
    assert_hidden(&token, text.expose_secret().as_bytes());
    assert_hidden(&text, text.expose_secret().as_bytes());
    let cheap = PasswordParams { memory_kib: 8, passes: 1, lanes: 1 };
    let hasher = Hasher::new(cheap, &random).expect("allowed parameters");
    assert_hidden(&hasher, hasher.dummy().as_bytes());
}

#[test]
fn sec_28_no_second_factor_shows_in_debug() {
    let random = SeededRandom::new(5);
    let secret = TotpSecret::random(&random);
    let (typed, address) = (secret.base32(), secret.otpauth("Calmness", "a@b.example"));
    for printed in [&secret as &dyn Debug, &typed, &address] {
        assert_hidden(&printed, secret.expose());
        assert_hidden(&printed, typed.expose_secret().as_bytes());
    }
    let code = RecoveryCode::random(&random);
    let text = code.reveal();
    assert_hidden(&code, text.expose_secret().as_bytes());
    assert_hidden(&text, text.expose_secret().as_bytes());
}
