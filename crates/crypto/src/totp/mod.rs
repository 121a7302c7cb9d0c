//! Codes of an authenticator app: TOTP (RFC 6238) with HMAC-SHA1, six digits and steps of 30 seconds, the
//! only form that every app reads.
//!
//! A code proves something once (SEC-9): [`TotpSecret::matching_step`] tells which step a code belongs to, and
//! the caller stores it by a compare-and-set that only goes up.

mod enrolment;

use std::fmt;

use aws_lc_rs::hmac::{self, Algorithm, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use zeroize::Zeroizing;

pub use self::enrolment::TooLongForQr;
use crate::fingerprint::constant_time_eq;
use crate::random::Random;

/// The length of a secret, in bytes: as long as the digest, as RFC 4226 advises.
pub const SECRET_LEN: usize = 20;

/// How long one code is shown, in seconds.
pub const STEP_SECONDS: i64 = 30;

/// How many digits a code has.
pub const DIGITS: usize = 6;

/// The longest text that is looked at for a code, in bytes.
const MAX_TYPED_LEN: usize = 64;

/// The secret that an authenticator app shares: hidden from `Debug`, wiped when dropped.
#[derive(Clone)]
pub struct TotpSecret(Box<Zeroizing<[u8; SECRET_LEN]>>);

impl TotpSecret {
    /// A fresh secret.
    pub fn random(random: &dyn Random) -> Self {
        let mut secret = Self::blank();
        random.fill(secret.0.as_mut_slice());
        secret
    }

    /// A secret that was stored; `None` if it has another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != SECRET_LEN {
            return None;
        }
        let mut secret = Self::blank();
        secret.0.copy_from_slice(bytes);
        Some(secret)
    }

    /// The bytes, to be encrypted and stored (SEC-13).
    pub fn expose(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// The step that this code belongs to, if it is the current or the previous one, never the next (SEC-10):
    /// an app that runs ahead could otherwise lend its codes. Both are always computed and compared in
    /// constant time. White space around the code and one space between its digits are skipped.
    pub fn matching_step(&self, code: &str, wall_unix_seconds: i64) -> Option<i64> {
        let digits = digits(code)?;
        let current = step(wall_unix_seconds);
        let mut matching = None;
        // The current step is tried last and wins: if both have the same code by chance, using it as the
        // previous step would leave it good for a second use.
        for candidate in [current.saturating_sub(1), current] {
            if constant_time_eq(self.code_at(candidate).as_bytes(), &digits) && candidate >= 0 {
                matching = Some(candidate);
            }
        }
        matching
    }

    /// The code that an app shows during a step.
    pub fn code_at(&self, step: i64) -> String {
        let number = hotp(HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.expose(), step.cast_unsigned());
        format!("{:0DIGITS$}", number % 10_u32.pow(6))
    }

    fn blank() -> Self {
        Self(Box::new(Zeroizing::new([0; SECRET_LEN])))
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret([REDACTED])")
    }
}

/// The step that a second of the wall clock lies in.
pub fn step(wall_unix_seconds: i64) -> i64 {
    wall_unix_seconds.div_euclid(STEP_SECONDS)
}

/// RFC 4226, 5.3: 31 bits of the HMAC of the counter, from where its last four bits point to.
fn hotp(algorithm: Algorithm, secret: &[u8], counter: u64) -> u32 {
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret), &counter.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[tag.len() - 1] & 0x0f);
    tag[offset..offset + 4].iter().fold(0, |number, byte| number << 8 | u32::from(*byte)) & 0x7fff_ffff
}

/// The six digits that were typed, as `123456` or in two parts, as `123 456`.
fn digits(code: &str) -> Option<[u8; DIGITS]> {
    if code.len() > MAX_TYPED_LEN {
        return None;
    }
    let code = code.trim();
    let (left, right) = code.split_once([' ', '\u{a0}', '\u{202f}']).unwrap_or((code, ""));
    let mut typed = left.bytes().chain(right.bytes());
    let mut digits = [0; DIGITS];
    for digit in &mut digits {
        *digit = typed.next().filter(u8::is_ascii_digit)?;
    }
    typed.next().is_none().then_some(digits)
}

#[cfg(test)]
mod tests;
