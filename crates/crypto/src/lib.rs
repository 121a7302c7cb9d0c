//! Keys and secrets.
//!
//! One secret of the operator ([`secret_key`]) yields one key per purpose. Columns of the database are sealed
//! under data keys that a key-encryption key wraps ([`envelope`]). Requests between services carry signatures
//! ([`signature`]), people prove themselves with passwords ([`password`]) and hold opaque tokens ([`token`])
//! or short-lived signed ones ([`jwt`]).
//!
//! Nothing here reads a clock or the system's randomness by itself: the time is an argument, and so is
//! [`random::Random`]. Every type that holds a secret hides it from `Debug` and wipes it when dropped.
//! AES-GCM, HMAC, SHA-2, HKDF and comparison in constant time come from aws-lc-rs alone; Argon2 from its own
//! crate.

mod aead;
pub mod envelope;
pub mod fingerprint;
pub mod jwt;
pub mod key;
pub mod password;
pub mod random;
pub mod secret_key;
pub mod signature;
pub mod token;

#[cfg(test)]
mod canary;
#[cfg(test)]
mod wycheproof;

/// Secret bytes: hidden from `Debug`, wiped when dropped.
pub type SecretBytes = secrecy::SecretSlice<u8>;
