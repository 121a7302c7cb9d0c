//! `SECRET_KEY`: the one secret that an operator keeps, and the keys that HKDF-SHA256 makes of it.
//!
//! No key serves two purposes (SEC-32); [`Purpose::ALL`] is the inventory. A rotation puts the old value into
//! `SECRET_KEY_PREVIOUS`: [`SecretKeys`] still verifies and decrypts with it, and never signs or encrypts
//! with it.

mod purpose;
mod strength;

use std::fmt;

use aws_lc_rs::hkdf;
use secrecy::{ExposeSecret, SecretString};

pub use self::purpose::Purpose;
pub use self::strength::WeakSecretKey;
use crate::SecretBytes;
use crate::fingerprint::constant_time_eq;
use crate::key::{KEY_LEN, Key};

/// Separates our derivations from any other use of the same secret.
const SALT: &[u8] = b"calmness/secret-key/1";

/// At most this many previous secrets are kept: each costs a try whenever something old is read.
pub const MAX_PREVIOUS: usize = 8;

/// The operator's secret. It is never used itself, only [`SecretKey::derive`]d from.
pub struct SecretKey(SecretBytes);

impl SecretKey {
    /// Takes the secret as configured, without the white space around it (a file ends with a line break), and
    /// refuses one that could be guessed.
    pub fn parse(text: &SecretString) -> Result<Self, WeakSecretKey> {
        let text = text.expose_secret().trim();
        strength::check(text)?;
        Ok(Self(SecretBytes::from(text.as_bytes().to_vec())))
    }

    /// The key for one purpose. The same secret always gives the same key.
    pub fn derive(&self, purpose: Purpose) -> Key {
        let reason = "HKDF-SHA256 gives up to 8160 bytes, and 32 are asked";
        let mut bytes = zeroize::Zeroizing::new([0; KEY_LEN]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, SALT)
            .extract(self.0.expose_secret())
            .expand(&[purpose.info().as_bytes()], hkdf::HKDF_SHA256)
            .expect(reason)
            .fill(bytes.as_mut())
            .expect(reason);
        Key::from_bytes(bytes.as_ref()).expect("the array has the length of a key")
    }

    fn same_as(&self, other: &Self) -> bool {
        constant_time_eq(self.0.expose_secret(), other.0.expose_secret())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey([REDACTED])")
    }
}

/// The secret in use, and those before it.
#[derive(Debug)]
pub struct SecretKeys {
    current: SecretKey,
    previous: Vec<SecretKey>,
}

/// Why the configured secrets are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretKeysError {
    /// The one in use is weak.
    #[error("SECRET_KEY: {0}")]
    Current(WeakSecretKey),
    /// A previous one is weak; what a weak secret signed must not be believed.
    #[error("SECRET_KEY_PREVIOUS, number {number}: {reason}")]
    Previous {
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        reason: WeakSecretKey,
    },
    /// More than [`MAX_PREVIOUS`].
    #[error(
        "SECRET_KEY_PREVIOUS holds more than {MAX_PREVIOUS} secrets; remove those whose data are rewrapped"
    )]
    TooManyPrevious,
}

impl SecretKeys {
    /// Reads `SECRET_KEY` and `SECRET_KEY_PREVIOUS`. A previous secret that equals another one counts once.
    pub fn parse(current: &SecretString, previous: &[SecretString]) -> Result<Self, SecretKeysError> {
        if previous.len() > MAX_PREVIOUS {
            return Err(SecretKeysError::TooManyPrevious);
        }
        let current = SecretKey::parse(current).map_err(SecretKeysError::Current)?;
        let mut kept: Vec<SecretKey> = Vec::with_capacity(previous.len());
        for (index, text) in previous.iter().enumerate() {
            let older = SecretKey::parse(text)
                .map_err(|reason| SecretKeysError::Previous { number: index + 1, reason })?;
            if !older.same_as(&current) && !kept.iter().any(|known| known.same_as(&older)) {
                kept.push(older);
            }
        }
        Ok(Self { current, previous: kept })
    }

    /// The key that signs and encrypts.
    pub fn current(&self, purpose: Purpose) -> Key {
        self.current.derive(purpose)
    }

    /// The keys that still verify and decrypt, newest first.
    pub fn previous(&self, purpose: Purpose) -> Vec<Key> {
        self.previous.iter().map(|secret| secret.derive(purpose)).collect()
    }
}

#[cfg(test)]
mod tests;
