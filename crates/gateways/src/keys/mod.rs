//! Key services that hold the key-encryption key (SEC-30): Vault or OpenBao Transit, and AWS KMS.
//!
//! Both implement [`crypto::envelope::KeyBackend`] with two operations, encrypt and decrypt, each bound to a context that
//! names environment and data key. What the service can't be reached for is [`KeyBackendError::Unavailable`]; what it
//! refuses is told by the service's own word for it and never with what was sent.

pub mod aws_kms;
pub mod vault;

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::envelope::{DataKeyBytes, KeyBackendError};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::http::{Answer, CallError};

/// Nothing that a key service answers here is longer, in bytes.
const MAX_ANSWER: usize = 32 * 1024;

/// Why a key service cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The address is no plain `https://…`; `http` is for this machine alone (SEC-41).
    #[error("the address of the key service must be https, or http on this machine")]
    Address,
    /// A name cannot stand in a path or a header.
    #[error("{0} has characters that it cannot have")]
    Name(&'static str),
}

/// The base address of a key service: what travels there opens everything.
fn base(address: &str) -> Result<Url, SetupError> {
    let url = crate::address::base(address).ok_or(SetupError::Address)?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if url.scheme() == "https" || loopback { Ok(url) } else { Err(SetupError::Address) }
}

fn away(error: &CallError) -> KeyBackendError {
    KeyBackendError::Unavailable(error.to_string())
}

/// The answer's JSON; one that can't be read is the service's failure, and never shown.
fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, KeyBackendError> {
    serde_json::from_slice(&answer.body)
        .map_err(|_| KeyBackendError::Unavailable("its answer could not be read".to_owned()))
}

/// The bytes of a data key, as base64 for the way out.
fn encoded(data_key: &DataKeyBytes) -> SecretString {
    SecretString::from(STANDARD.encode(data_key.expose()))
}

/// A body that holds a key. It is handed to the HTTP client, which frees it without wiping.
fn body_with(secret: &SecretString, json: impl FnOnce(&str) -> serde_json::Value) -> Vec<u8> {
    json(secret.expose_secret()).to_string().into_bytes()
}

/// The 32 bytes of a data key, as a service wrote them.
#[derive(Deserialize)]
#[serde(transparent)]
struct Plaintext(SecretString);

impl Plaintext {
    fn data_key(&self) -> Result<DataKeyBytes, KeyBackendError> {
        let bytes = STANDARD.decode(self.0.expose_secret()).map_err(|_| KeyBackendError::Malformed)?;
        DataKeyBytes::from_slice(&Zeroizing::new(bytes)).ok_or(KeyBackendError::Malformed)
    }
}

/// The first words of what a service says about itself: bounded, on one line.
fn shortened(text: &str) -> String {
    const MAX: usize = 200;
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).take(MAX).collect()
}

#[cfg(test)]
mod tests;
