//! Whether a callback is PayPal's: under a public key that the operator has pinned, else by asking PayPal.
//!
//! What is signed is `id|time|webhook id|crc32 of the raw body`. The certificate's address is part of the callback and so a
//! stranger's word: nothing is ever fetched from it; it only travels to PayPal, and only if it lies there.

use std::net::IpAddr;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::payments::{Callback, NotificationError, ProviderError};

const ALGORITHM: &str = "SHA256withRSA";

/// The longest values that PayPal's own specification knows, in bytes.
const MAX_TRANSMISSION_ID: usize = 50;
const MAX_TIME: usize = 100;
const MAX_SIGNATURE: usize = 500;
const MAX_CERT_URL: usize = 500;

const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

/// A public key of PayPal's, as it stands in one of its certificates.
pub(super) struct PublicKey {
    subject_public_key_info: Vec<u8>,
}

impl PublicKey {
    pub(super) fn parse(pem: &str) -> Option<Self> {
        let inner = pem.trim().strip_prefix(PEM_BEGIN)?.strip_suffix(PEM_END)?;
        let base64: String = inner.split_ascii_whitespace().collect();
        let subject_public_key_info = STANDARD.decode(base64).ok()?;
        aws_lc_rs::signature::ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &subject_public_key_info)
            .ok()?;
        Some(Self { subject_public_key_info })
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.subject_public_key_info);
        key.verify(message, signature).is_ok()
    }
}

/// The headers of a callback whose form has been checked.
pub(super) struct Transmission {
    id: String,
    time: String,
    cert_url: String,
    signature: String,
    signature_bytes: Vec<u8>,
}

impl Transmission {
    /// Everything that can be told without a signature and without a call. The time is not compared with the clock: PayPal
    /// repeats a callback for three days under its first time. That an event is stored once is what a replay runs into.
    pub(super) fn read(callback: &Callback<'_>, base: &Url) -> Result<Self, NotificationError> {
        let header = |name: &'static str, max: usize| {
            (callback.header)(name)
                .filter(|value| {
                    (1..=max).contains(&value.len()) && value.bytes().all(|it| it.is_ascii_graphic())
                })
                .ok_or_else(|| unverified(format!("{name} is missing, too long or not printable")))
        };
        if header("paypal-auth-algo", MAX_TIME)? != ALGORITHM {
            return Err(unverified("another algorithm than SHA256withRSA"));
        }
        let id = header("paypal-transmission-id", MAX_TRANSMISSION_ID)?;
        let time = header("paypal-transmission-time", MAX_TIME)?;
        let signature = header("paypal-transmission-sig", MAX_SIGNATURE)?;
        let cert_url = header("paypal-cert-url", MAX_CERT_URL)?;
        if id.contains('|') || OffsetDateTime::parse(&time, &Rfc3339).is_err() {
            return Err(unverified("the transmission's id or time is not in PayPal's form"));
        }
        if !is_paypals(&cert_url, base) {
            return Err(unverified("the certificate is not at PayPal's"));
        }
        let signature_bytes =
            STANDARD.decode(&signature).map_err(|_| unverified("the signature is not in base64"))?;
        // It will stand inside a document of ours: it has to be one whole value.
        serde_json::from_slice::<IgnoredAny>(callback.body)
            .map_err(|_| unverified("the body is not JSON"))?;
        Ok(Self { id, time, cert_url, signature, signature_bytes })
    }

    pub(super) fn is_signed_by(&self, keys: &[PublicKey], webhook_id: &str, body: &[u8]) -> bool {
        let message = format!("{}|{}|{webhook_id}|{}", self.id, self.time, crc32fast::hash(body));
        keys.iter().any(|key| key.verifies(message.as_bytes(), &self.signature_bytes))
    }

    /// The question to PayPal, with the callback's bytes as they came: written again, they would be others.
    pub(super) fn question(&self, webhook_id: &str, body: &[u8]) -> Result<Vec<u8>, ProviderError> {
        let mut question = crate::payments::call::json(&Question {
            auth_algo: ALGORITHM,
            cert_url: &self.cert_url,
            transmission_id: &self.id,
            transmission_sig: &self.signature,
            transmission_time: &self.time,
            webhook_id,
        })?;
        question.pop();
        question.extend_from_slice(br#","webhook_event":"#);
        question.extend_from_slice(body);
        question.push(b'}');
        Ok(question)
    }
}

#[derive(Serialize)]
struct Question<'a> {
    auth_algo: &'static str,
    cert_url: &'a str,
    transmission_id: &'a str,
    transmission_sig: &'a str,
    transmission_time: &'a str,
    webhook_id: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Verdict {
    pub(super) verification_status: String,
}

/// On `*.paypal.com` by https; or, while PayPal is simulated on loopback, at the simulation.
fn is_paypals(text: &str, base: &Url) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let plain = url.username().is_empty() && url.password().is_none();
    let paypal = url.scheme() == "https"
        && url.port().is_none()
        && url.domain().is_some_and(|host| host.ends_with(".paypal.com"));
    let simulated = loopback(base) && loopback(&url) && url.port() == base.port();
    plain && (paypal || simulated)
}

fn loopback(url: &Url) -> bool {
    url.scheme() == "http"
        && url.host_str().is_some_and(|host| {
            let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
            host == "localhost" || address.is_ok_and(|address| address.is_loopback())
        })
}

pub(super) fn unverified(why: impl Into<String>) -> NotificationError {
    NotificationError::Unverified(why.into())
}
