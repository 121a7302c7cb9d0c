//! The generic signature, written a second time: were it the product's own, one mistake could sign and verify.

use std::fmt::Write as _;

use aws_lc_rs::hmac;

/// Lower-case hex of HMAC-SHA256.
pub(crate) fn hmac_hex(secret: &str, message: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex(hmac::sign(&key, message.as_bytes()).as_ref())
}

/// In lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// The header `X-Signature` for a body.
pub(crate) fn signed_at(secret: &str, unix: i64, body: &str) -> String {
    format!("t={unix},v1={}", hmac_hex(secret, &format!("{unix}.{body}")))
}
