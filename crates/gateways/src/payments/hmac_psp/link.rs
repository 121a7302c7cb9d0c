//! The signed checkout address: the payer's browser carries the order itself and can change nothing in it.

use std::fmt::Write as _;

use crypto::signature::{SigningSecret, hex_hmac_sha256};
use reqwest::Url;

use super::wire::rfc3339;
use crate::address::under;
use crate::payments::Order;

/// `{base}/checkout?payment_id=…&…&nonce=…&sig=…`, where `sig` covers the query exactly as sent before `&sig=`.
pub(super) fn checkout(base: &Url, secret: &SigningSecret, order: &Order) -> String {
    let fields = [
        ("payment_id", order.payment_id.to_string()),
        ("amount", order.amount.minor.to_string()),
        ("currency", order.amount.currency.code().to_owned()),
        ("return_url", order.return_url.clone()),
        ("expires_at", rfc3339(order.expires_at)),
        ("nonce", order.nonce.clone()),
    ];
    let mut query = String::with_capacity(320);
    for (name, value) in &fields {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        push_encoded(&mut query, value);
    }
    let signature = hex_hmac_sha256(secret, query.as_bytes());
    format!("{}?{query}&sig={signature}", under(base, "checkout"))
}

/// Percent-encodes all but the unreserved characters (RFC 3986 §2.3), so no browser re-writes what was signed.
fn push_encoded(query: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            query.push(char::from(byte));
        } else {
            let _ = write!(query, "%{byte:02X}");
        }
    }
}
