//! Keys and secrets.
//!
//! One secret of the operator ([`secret_key`]) yields one key per purpose. Columns of the database are sealed
//! under data keys that a key-encryption key wraps ([`envelope`]). Requests between services carry signatures
//! ([`signature`]), people prove themselves with passwords ([`password`]), codes of an app ([`totp`]) or of a
//! sheet of paper ([`recovery_code`]), and hold opaque tokens ([`token`]), short-lived signed ones ([`jwt`]) or
//! long-lived ones for a known device ([`device_token`]).
//!
//! Nothing here reads a clock or the system's randomness by itself: the time is an argument, and so is
//! [`random::Random`]. Every type that holds a secret hides it from `Debug` and wipes it when dropped.
//! AES-GCM, HMAC, SHA-2, HKDF and comparison in constant time come from aws-lc-rs alone; Argon2 from its own
//! crate.

mod aead;
pub mod audit_signature;
mod base32;
pub mod device_token;
pub mod envelope;
pub mod evidence;
pub mod fingerprint;
pub mod jwt;
pub mod key;
pub mod link_nonce;
pub mod password;
pub mod random;
pub mod receipt;
pub mod recovery_code;
pub mod secret_key;
pub mod signature;
pub mod token;
pub mod totp;

#[cfg(test)]
mod canary;
#[cfg(test)]
mod wycheproof;

/// Secret bytes: hidden from `Debug`, wiped when dropped.
pub type SecretBytes = secrecy::SecretSlice<u8>;
