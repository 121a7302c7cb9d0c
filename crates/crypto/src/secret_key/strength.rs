//! What a secret must not look like. Nobody can measure the randomness of one string, but what people type
//! instead of drawing it has a look: short, well known, repeated, in sequence, or of few characters.

use crate::key::distinct;

const MIN_BYTES: usize = 32;
const MAX_BYTES: usize = 1024;

/// Parts of secrets that stand in examples and templates, in lower case. None is likely to appear by chance
/// in a drawn secret.
const WELL_KNOWN: [&str; 20] = [
    "changeme",
    "change-me",
    "change_me",
    "changethis",
    "change-this",
    "change_this",
    "secret_key",
    "secretkey",
    "secret-key",
    "supersecret",
    "super-secret",
    "your-secret",
    "your_secret",
    "insecure",
    "password",
    "default",
    "example",
    "placeholder",
    "0123456789",
    "abcdefghij",
];

/// Estimated from how often each character occurs. 32 drawn letters and digits have about 145; 32 hex digits
/// have 128 at most, and are too few.
const MIN_ESTIMATED_BITS: f64 = 130.0;

/// Why a secret is refused. Each sentence ends with how to make a good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakSecretKey {
    /// Fewer than 32 bytes.
    #[error(
        "the secret has {bytes} bytes, it needs at least {MIN_BYTES}; make one with `openssl rand -base64 48`"
    )]
    TooShort {
        /// Its length.
        bytes: usize,
    },
    /// More than 1024 bytes: something else was put there.
    #[error("the secret has more than {MAX_BYTES} bytes; make one with `openssl rand -base64 48`")]
    TooLong,
    /// It holds a part of a well-known default.
    #[error("the secret is one of those that stand in examples; make one with `openssl rand -base64 48`")]
    WellKnown,
    /// It repeats a shorter text, or runs through the alphabet.
    #[error("the secret repeats itself or follows a sequence; make one with `openssl rand -base64 48`")]
    Repetitive,
    /// Too few different characters for its length.
    #[error("the secret looks typed, not drawn at random; make one with `openssl rand -base64 48`")]
    LowEntropy,
}

pub(super) fn check(text: &str) -> Result<(), WeakSecretKey> {
    let bytes = text.as_bytes();
    if bytes.len() < MIN_BYTES {
        return Err(WeakSecretKey::TooShort { bytes: bytes.len() });
    }
    if bytes.len() > MAX_BYTES {
        return Err(WeakSecretKey::TooLong);
    }
    let lower = zeroize::Zeroizing::new(text.to_ascii_lowercase());
    if WELL_KNOWN.iter().any(|known| lower.contains(known)) {
        return Err(WeakSecretKey::WellKnown);
    }
    if has_short_period(bytes) || is_mostly_sequence(bytes) {
        return Err(WeakSecretKey::Repetitive);
    }
    if distinct(bytes) < 10 || estimated_bits(bytes) < MIN_ESTIMATED_BITS {
        return Err(WeakSecretKey::LowEntropy);
    }
    Ok(())
}

/// Whether the text is a block of at most half its length, written again and again.
fn has_short_period(bytes: &[u8]) -> bool {
    (1..=bytes.len() / 2)
        .any(|period| bytes[period..].iter().zip(bytes).all(|(later, earlier)| later == earlier))
}

/// Whether most neighbours are equal or next to each other ("aaaa", "1234", "dcba").
fn is_mostly_sequence(bytes: &[u8]) -> bool {
    let steps = bytes.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) <= 1).count();
    steps * 2 > bytes.len()
}

/// Shannon's entropy of the characters, times their number.
fn estimated_bits(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let length = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) * (length / f64::from(*count)).log2())
        .sum()
}
