//! The sandbox's one source of randomness.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system's generator answers once the process runs");
    bytes
}

/// A name of ours with 96 random bits, such as `evt_0f…`.
pub(crate) fn id(prefix: &str) -> String {
    format!("{prefix}_{}", hex::encode(bytes::<12>()))
}

/// A name as Twilio gives them: two letters for the kind and 32 hex digits.
pub(crate) fn sid(kind: &str) -> String {
    format!("{kind}{}", hex::encode(bytes::<16>()))
}

/// A name as BTCPay Server gives them: 22 characters, here all of hex.
pub(crate) fn invoice_id() -> String {
    hex::encode(bytes::<11>())
}

/// Six digits, each as likely as any other.
pub(crate) fn code() -> String {
    // 4,294,967,296 is no multiple of a million; what that favours is less than one in four thousand.
    format!("{:06}", u32::from_be_bytes(bytes::<4>()) % 1_000_000)
}

/// The unguessable part of an invite link: 16 characters of the URL-safe alphabet.
pub(crate) fn invite_code() -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes::<12>())
}

/// A number of nine digits, as providers count their transactions.
pub(crate) fn number() -> String {
    // What that favours is less than one in two hundred million.
    format!("{}", 100_000_000 + u64::from_be_bytes(bytes::<8>()) % 900_000_000)
}

/// A UUID of version 4.
pub(crate) fn uuid() -> String {
    let mut bytes = bytes::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
