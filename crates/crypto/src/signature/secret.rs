//! A secret that two services share.

use std::fmt;

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, SecretString};

const MIN_BYTES: usize = 16;
const MAX_BYTES: usize = 1024;

/// A shared secret, kept only as the prepared state of its HMAC; hidden from `Debug`. There is no empty one.
#[derive(Clone)]
pub struct SigningSecret(hmac::Key);

/// Why a shared secret is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakSigningSecret {
    /// Nothing, or white space: everybody could sign.
    #[error("the signing secret is empty")]
    Empty,
    /// Fewer than 16 bytes.
    #[error("the signing secret has fewer than {MIN_BYTES} bytes; make one with `openssl rand -hex 32`")]
    TooShort,
    /// More than 1024 bytes.
    #[error("the signing secret has more than {MAX_BYTES} bytes")]
    TooLong,
}

impl SigningSecret {
    /// Takes the secret as configured, without the white space around it.
    pub fn parse(text: &SecretString) -> Result<Self, WeakSigningSecret> {
        let bytes = text.expose_secret().trim().as_bytes();
        match bytes.len() {
            0 => Err(WeakSigningSecret::Empty),
            1..MIN_BYTES => Err(WeakSigningSecret::TooShort),
            MIN_BYTES..=MAX_BYTES => Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))),
            _ => Err(WeakSigningSecret::TooLong),
        }
    }

    pub(super) fn context(&self) -> hmac::Context {
        hmac::Context::with_key(&self.0)
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret([REDACTED])")
    }
}
