//! `X-Signature`, the generic signature between services, in both directions (SEC-34, SEC-35).
//!
//! `X-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256(secret, "<t>.<raw body>")>`. A request without a body
//! signs `"<t>.<METHOD> <path?query>"` as `v2` instead. While a secret rotates the sender signs with both and
//! writes several signatures; the receiver knows several secrets and believes any pair that fits. The header
//! is parsed strictly: only the form that [`sign`] writes is accepted, so no byte of it can change unseen.
//! Members with another name are skipped: a later version may add one.
//!
//! A signature does not name its direction or purpose; that is why there is a secret for each (`request`,
//! `webhook`, `link`).

mod header;
mod secret;
pub mod timestamped;
pub mod twilio;

use aws_lc_rs::hmac;

use self::header::{Header, Version};
pub use self::secret::{SigningSecret, WeakSigningSecret};
use crate::fingerprint::constant_time_eq;

/// How far the sender's clock may be from ours, either way, in seconds.
pub const TOLERANCE_SECONDS: i64 = 300;

/// The longest header that is looked at, in bytes: room for a dozen signatures.
pub const MAX_HEADER_LEN: usize = 1024;

/// What a signature covers.
#[derive(Debug, Clone, Copy)]
pub enum Signed<'a> {
    /// `v1`: the body, byte for byte as it travels.
    Body(&'a [u8]),
    /// `v2`: a request that has no body.
    Bodyless {
        /// In capitals, as sent.
        method: &'a str,
        /// As in the request line, beginning with `/`.
        path_and_query: &'a str,
    },
}

impl<'a> Signed<'a> {
    /// The form that fits a request: `v2` if its body is empty.
    pub fn request(method: &'a str, path_and_query: &'a str, body: &'a [u8]) -> Self {
        if body.is_empty() { Self::Bodyless { method, path_and_query } } else { Self::Body(body) }
    }

    fn version(self) -> Version {
        match self {
            Self::Body(_) => Version::V1,
            Self::Bodyless { .. } => Version::V2,
        }
    }

    fn mac(self, secret: &SigningSecret, timestamp: u64) -> hmac::Tag {
        let mut context = secret.context();
        context.update(timestamp.to_string().as_bytes());
        context.update(b".");
        match self {
            Self::Body(body) => context.update(body),
            Self::Bodyless { method, path_and_query } => {
                context.update(method.as_bytes());
                context.update(b" ");
                context.update(path_and_query.as_bytes());
            }
        }
        context.sign()
    }
}

/// Why a signature is not believed. For logs and counters; the peer only learns "401".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No secret is configured: nothing is believed, and nothing signed.
    #[error("no signing secret is configured")]
    NoSecret,
    /// There is no header.
    #[error("the signature header is missing")]
    MissingHeader,
    /// Longer than [`MAX_HEADER_LEN`].
    #[error("the signature header is longer than {MAX_HEADER_LEN} bytes")]
    HeaderTooLong,
    /// Not of the form `t=…,v1=…`.
    #[error("the signature header is malformed")]
    Malformed,
    /// No `t`.
    #[error("the signature header has no time")]
    MissingTime,
    /// `t` more than once.
    #[error("the signature header has two times")]
    DuplicateTime,
    /// `v1=` with nothing behind it.
    #[error("the signature header has an empty signature")]
    EmptySignature,
    /// No signature of the version that fits the request.
    #[error("the signature header has no signature of the right version")]
    MissingSignature,
    /// No signature fits any secret.
    #[error("no signature fits")]
    Mismatch,
    /// Authentic, but too old or from the future: a replay, or a wrong clock.
    #[error("the signature is off by {seconds} s, more than {TOLERANCE_SECONDS} s")]
    OutsideTolerance {
        /// Ours minus theirs.
        seconds: i64,
    },
}

/// The header's value: one signature for each secret, the current one first.
pub fn sign(
    secrets: &[SigningSecret],
    wall_unix_seconds: i64,
    signed: Signed<'_>,
) -> Result<String, SignatureError> {
    if secrets.is_empty() {
        return Err(SignatureError::NoSecret);
    }
    let timestamp = u64::try_from(wall_unix_seconds).map_err(|_| SignatureError::Malformed)?;
    let mut header = format!("t={timestamp}");
    for secret in secrets {
        header.push(',');
        header.push_str(signed.version().name());
        header.push('=');
        header.push_str(&hex::encode(signed.mac(secret, timestamp)));
    }
    if header.len() > MAX_HEADER_LEN { Err(SignatureError::HeaderTooLong) } else { Ok(header) }
}

/// Believes the request if one of its signatures fits one of the secrets and its time is ours. Every pair is
/// compared, each in constant time.
pub fn verify(
    secrets: &[SigningSecret],
    header: Option<&str>,
    signed: Signed<'_>,
    wall_unix_seconds: i64,
) -> Result<(), SignatureError> {
    if secrets.is_empty() {
        return Err(SignatureError::NoSecret);
    }
    let header = Header::parse(header.ok_or(SignatureError::MissingHeader)?)?;
    let mut candidates = header.signatures(signed.version()).peekable();
    if candidates.peek().is_none() {
        return Err(SignatureError::MissingSignature);
    }
    let expected: Vec<hmac::Tag> =
        secrets.iter().map(|secret| signed.mac(secret, header.timestamp)).collect();
    let mut fits = false;
    for candidate in candidates {
        for tag in &expected {
            fits |= constant_time_eq(tag.as_ref(), candidate);
        }
    }
    if !fits {
        return Err(SignatureError::Mismatch);
    }
    let sent = i64::try_from(header.timestamp).map_err(|_| SignatureError::Malformed)?;
    let seconds = wall_unix_seconds.saturating_sub(sent);
    if seconds.saturating_abs() > TOLERANCE_SECONDS {
        return Err(SignatureError::OutsideTolerance { seconds });
    }
    Ok(())
}

/// The signature of a link: lower-case hex of HMAC-SHA256 over the data as sent.
pub fn hex_hmac_sha256(secret: &SigningSecret, data: &[u8]) -> String {
    let mut context = secret.context();
    context.update(data);
    hex::encode(context.sign())
}

/// Whether one of the secrets made this link signature. No secret, an empty signature, capitals or anything
/// but 64 hex digits is a no.
pub fn verify_hex_hmac_sha256(secrets: &[SigningSecret], data: &[u8], signature: &str) -> bool {
    let Ok(signature) = header::signature_bytes(signature) else { return false };
    let mut fits = false;
    for secret in secrets {
        let mut context = secret.context();
        context.update(data);
        fits |= constant_time_eq(context.sign().as_ref(), &signature);
    }
    fits
}

#[cfg(test)]
mod tests;
