//! What the settings of all providers have in common.

use crypto::signature::{SigningSecret, WeakSigningSecret};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::address;

/// Why the settings of a provider cannot be used. It never repeats a value.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SettingsError {
    /// Not an http or https address, or one with a query, a fragment or a password.
    #[error("{0} must be an http or https address without user, query and fragment")]
    Address(&'static str),
    /// No secret, or one that is too easily guessed.
    #[error("{which}: {why}")]
    Secret {
        /// Which setting.
        which: &'static str,
        /// What is wrong with it.
        why: WeakSigningSecret,
    },
    /// A value that must be there and is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value that cannot be right.
    #[error("{which} {why}")]
    Invalid {
        /// Which setting.
        which: &'static str,
        /// What it must be.
        why: &'static str,
    },
}

/// The address below which calls live.
pub(super) fn base(which: &'static str, text: &str) -> Result<Url, SettingsError> {
    address::base(text).ok_or(SettingsError::Address(which))
}

/// At least one secret, each hard to guess.
pub(super) fn secrets(
    which: &'static str,
    configured: &[SecretString],
) -> Result<Vec<SigningSecret>, SettingsError> {
    if configured.is_empty() {
        return Err(SettingsError::Secret { which, why: WeakSigningSecret::Empty });
    }
    configured.iter().map(|text| secret(which, text)).collect()
}

/// A secret that is hard to guess.
pub(super) fn secret(which: &'static str, text: &SecretString) -> Result<SigningSecret, SettingsError> {
    SigningSecret::parse(text).map_err(|why| SettingsError::Secret { which, why })
}

/// A credential of the provider's own making: printable ASCII without spaces, as it goes into a header.
pub(super) fn credential(which: &'static str, text: &SecretString) -> Result<(), SettingsError> {
    let bytes = text.expose_secret().as_bytes();
    if bytes.is_empty() {
        Err(SettingsError::Missing(which))
    } else if bytes.iter().all(u8::is_ascii_graphic) {
        Ok(())
    } else {
        Err(SettingsError::Invalid { which, why: "must be printable, without spaces" })
    }
}
