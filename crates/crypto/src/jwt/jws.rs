//! The signature layer: a compact JWS (RFC 7515), HS256 and nothing else.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{JwtError, MAX_TOKEN_LEN};

/// The only members that a header may have. One that names or carries a key (`jku`, `jwk`, `x5u`, `x5c` …),
/// or that must be understood (`crit`), is unknown here and so refused; a member that stands twice is refused
/// too.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Protected {
    alg: String,
    pub(super) typ: Option<String>,
    pub(super) kid: Option<String>,
}

/// A token whose form and algorithm are right; its signature is still to be checked.
pub(super) struct Compact<'a> {
    pub(super) header: Protected,
    signing_input: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Compact<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, JwtError> {
        if token.len() > MAX_TOKEN_LEN {
            return Err(JwtError::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwtError::Malformed)?;
        if payload.contains('.') || signature.is_empty() {
            return Err(JwtError::Malformed);
        }
        let header: Protected = object(&decode(header)?).ok_or(JwtError::Header)?;
        if header.alg != "HS256" {
            return Err(JwtError::Algorithm);
        }
        Ok(Self { header, signing_input, payload, signature })
    }

    /// The payload, once the signature fits.
    pub(super) fn verify(&self, key: &DecodingKey) -> Result<Vec<u8>, JwtError> {
        // The signature is decoded here first, so that a bad spelling of it is refused whatever the library
        // does with one.
        decode(self.signature)?;
        let fits = jsonwebtoken::crypto::verify(
            self.signature,
            self.signing_input.as_bytes(),
            key,
            Algorithm::HS256,
        );
        if matches!(fits, Ok(true)) { decode(self.payload) } else { Err(JwtError::Signature) }
    }
}

/// Checks a compact JWS under one key: the whole signature layer by itself, for the vectors.
#[cfg(test)]
pub(crate) fn verify(key: &[u8], token: &str) -> Result<Vec<u8>, JwtError> {
    Compact::parse(token)?.verify(&DecodingKey::from_secret(key))
}

/// Base64url as RFC 7515 writes it: no padding, no other character, unused bits zero.
fn decode(part: &str) -> Result<Vec<u8>, JwtError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Malformed)
}

/// Reads a JSON object and nothing behind it. serde would also fill a struct from an array; a token never is
/// one.
pub(super) fn object<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    let begins = json.iter().find(|byte| !byte.is_ascii_whitespace());
    if begins == Some(&b'{') { serde_json::from_slice(json).ok() } else { None }
}
