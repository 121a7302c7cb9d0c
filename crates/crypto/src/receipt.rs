//! Signed receipts: a compact JWS (RFC 7515) under Ed25519 (RFC 8037), which anybody verifies with the published key and nobody else
//! makes.
//!
//! The key is derived from the operator's secret, so that nothing is stored. The header is exactly `{"alg":"EdDSA","kid":…,"typ":…}`:
//! a receipt that names another algorithm or carries a key of its own is refused.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::fingerprint::sha256;
use crate::key::Key;

/// The longest receipt that is looked at, in bytes.
pub const MAX_LEN: usize = 8 * 1024;

const TYPE: &str = "receipt+jwt";

/// The published half of a key that signs receipts, as a JSON Web Key (RFC 7517, RFC 8037 §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    kty: String,
    crv: String,
    alg: String,
    #[serde(rename = "use")]
    usage: String,
    /// Names the key in receipts.
    pub kid: String,
    /// The key, base64url.
    pub x: String,
}

/// Every published key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKeys {
    /// The one in use first.
    pub keys: Vec<PublicKey>,
}

impl PublicKey {
    pub(crate) fn of(x: &[u8]) -> Self {
        Self {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            alg: "EdDSA".to_owned(),
            usage: "sig".to_owned(),
            kid: hex::encode(&sha256(x)[..8]),
            x: URL_SAFE_NO_PAD.encode(x),
        }
    }

    /// The key itself, if it is one of Ed25519.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(&self.x).ok().filter(|_| self.crv == "Ed25519")
    }
}

/// Why a receipt is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not a compact JWS of the form that is signed here.
    #[error("this is not a signed receipt")]
    Malformed,
    /// Signed under a key that is not among the published ones.
    #[error("the receipt was signed with a key that is not among these")]
    UnknownKey,
    /// Changed, or made by somebody else.
    #[error("the signature does not fit: the receipt was changed or made by somebody else")]
    Mismatch,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

/// Signs receipts.
pub struct ReceiptKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl std::fmt::Debug for ReceiptKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceiptKey").field("kid", &self.public.kid).finish_non_exhaustive()
    }
}

impl ReceiptKey {
    /// The key whose seed (RFC 8032 §5.1.5) this is.
    pub fn new(seed: &Key) -> Self {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed.expose()).expect("a key has the 32 bytes of a seed");
        let public = PublicKey::of(pair.public_key().as_ref());
        Self { pair, public }
    }

    /// The half that is published.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a payload, byte for byte.
    pub fn sign(&self, payload: &[u8]) -> String {
        let kid = &self.public.kid;
        let header = format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{TYPE}"}}"#);
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(self.sign_bytes(input.as_bytes())))
    }

    /// The signature of these bytes alone.
    pub(crate) fn sign_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        self.pair.sign(bytes).as_ref().to_vec()
    }
}

impl PublicKeys {
    /// The payload of a receipt that one of these keys signed. Needs no network and no clock.
    pub fn verify(&self, receipt: &str) -> Result<Vec<u8>, ReceiptError> {
        let receipt = receipt.trim();
        if receipt.len() > MAX_LEN {
            return Err(ReceiptError::Malformed);
        }
        let (input, signature) = receipt.rsplit_once('.').ok_or(ReceiptError::Malformed)?;
        let (header, payload) = input.split_once('.').ok_or(ReceiptError::Malformed)?;
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| ReceiptError::Malformed);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| ReceiptError::Malformed)?;
        if header.alg != "EdDSA" || header.typ != TYPE {
            return Err(ReceiptError::Malformed);
        }
        let known = self.keys.iter().find(|key| key.kid == header.kid && key.crv == "Ed25519");
        let key = decode(&known.ok_or(ReceiptError::UnknownKey)?.x)?;
        let (payload, signature) = (decode(payload)?, decode(signature)?);
        let verified = UnparsedPublicKey::new(&ED25519, key).verify(input.as_bytes(), &signature);
        verified.map_err(|_| ReceiptError::Mismatch).map(|()| payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    fn key(seed: u64) -> ReceiptKey {
        ReceiptKey::new(&Key::random(&SeededRandom::new(seed)))
    }

    fn published(key: &ReceiptKey) -> PublicKeys {
        PublicKeys { keys: vec![key.public().clone()] }
    }

    #[test]
    fn a_receipt_is_believed_as_it_was_signed_and_with_no_byte_changed() {
        let key = key(1);
        let receipt = key.sign(br#"{"amount":5999}"#);
        assert_eq!(published(&key).verify(&receipt).unwrap(), br#"{"amount":5999}"#);
        for at in 0..receipt.len() {
            let mut changed = receipt.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(published(&key).verify(&changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn another_key_and_another_algorithm_are_refused() {
        let (ours, other) = (key(1), key(2));
        let foreign = other.sign(b"{}");
        assert_eq!(published(&ours).verify(&foreign), Err(ReceiptError::UnknownKey));
        let none =
            format!("{}.e30.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"x","typ":"receipt+jwt"}"#));
        assert_eq!(published(&ours).verify(&none), Err(ReceiptError::Malformed));
        for bad in ["", ".", "..", "a.b", "é.é.é", &"a".repeat(MAX_LEN + 1)] {
            assert_eq!(published(&ours).verify(bad), Err(ReceiptError::Malformed), "{bad}");
        }
    }
}
