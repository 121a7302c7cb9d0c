//! Signatures of exported evidence: Ed25519 (RFC 8032) over the manifest as it stands in the archive, byte for byte.
//!
//! The signature is kept beside the manifest. What is signed begins with a name of its own, so that it is no receipt and
//! nothing else that this installation signs.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::key::Key;
use crate::receipt::{PublicKey, PublicKeys, ReceiptKey};

const CONTEXT: &[u8] = b"calmness/evidence/1\n";

/// Signs manifests.
#[derive(Debug)]
pub struct EvidenceKey(ReceiptKey);

/// A signature as it is kept beside its manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceSignature {
    /// Always `EdDSA`.
    pub alg: String,
    /// Which key.
    pub kid: String,
    /// The 64 bytes, base64url.
    pub signature: String,
}

/// Why a manifest is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceSignatureError {
    /// Not a signature of this form.
    #[error("this is not a signature of evidence")]
    Malformed,
    /// Signed under a key that is not among the published ones.
    #[error("the evidence was signed with a key that is not among these")]
    UnknownKey,
    /// Changed, or made by somebody else.
    #[error("the signature does not fit: the manifest was changed or made by somebody else")]
    Mismatch,
}

impl EvidenceKey {
    /// The key whose seed (RFC 8032 §5.1.5) this is.
    pub fn new(seed: &Key) -> Self {
        Self(ReceiptKey::new(seed))
    }

    /// The half that is published.
    pub fn public(&self) -> &PublicKey {
        self.0.public()
    }

    /// Signs a manifest.
    pub fn sign(&self, manifest: &[u8]) -> EvidenceSignature {
        let signature = self.0.sign_bytes(&[CONTEXT, manifest].concat());
        EvidenceSignature {
            alg: "EdDSA".to_owned(),
            kid: self.public().kid.clone(),
            signature: URL_SAFE_NO_PAD.encode(signature),
        }
    }
}

impl EvidenceSignature {
    /// Whether one of these keys signed this manifest. Needs no network and no clock.
    pub fn verify(&self, keys: &PublicKeys, manifest: &[u8]) -> Result<(), EvidenceSignatureError> {
        use EvidenceSignatureError::{Malformed, Mismatch, UnknownKey};
        if self.alg != "EdDSA" {
            return Err(Malformed);
        }
        let known = keys.keys.iter().find(|key| key.kid == self.kid).ok_or(UnknownKey)?;
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Malformed);
        let (key, signature) = (decode(&known.x)?, decode(&self.signature)?);
        let signed = [CONTEXT, manifest].concat();
        UnparsedPublicKey::new(&ED25519, key).verify(&signed, &signature).map_err(|_| Mismatch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    fn key(seed: u64) -> EvidenceKey {
        EvidenceKey::new(&Key::random(&SeededRandom::new(seed)))
    }

    fn published(key: &EvidenceKey) -> PublicKeys {
        PublicKeys { keys: vec![key.public().clone()] }
    }

    #[test]
    fn a_manifest_is_believed_as_it_was_signed_and_with_no_byte_changed() {
        let key = key(1);
        let manifest = br#"{"files":[]}"#;
        let signature = key.sign(manifest);
        assert_eq!(signature.verify(&published(&key), manifest), Ok(()));
        for at in 0..manifest.len() {
            let mut changed = manifest.to_vec();
            changed[at] ^= 1;
            assert_eq!(
                signature.verify(&published(&key), &changed),
                Err(EvidenceSignatureError::Mismatch),
                "byte {at}"
            );
        }
    }

    #[test]
    fn another_key_another_algorithm_and_a_receipts_signature_are_refused() {
        let (ours, other) = (key(1), key(2));
        let foreign = other.sign(b"{}");
        assert_eq!(foreign.verify(&published(&ours), b"{}"), Err(EvidenceSignatureError::UnknownKey));
        let renamed = EvidenceSignature { kid: ours.public().kid.clone(), ..foreign };
        assert_eq!(renamed.verify(&published(&ours), b"{}"), Err(EvidenceSignatureError::Mismatch));
        let none = EvidenceSignature { alg: "none".to_owned(), ..ours.sign(b"{}") };
        assert_eq!(none.verify(&published(&ours), b"{}"), Err(EvidenceSignatureError::Malformed));
        let bare = EvidenceSignature { signature: URL_SAFE_NO_PAD.encode(ours.0.sign_bytes(b"{}")), ..none };
        let bare = EvidenceSignature { alg: "EdDSA".to_owned(), ..bare };
        assert_eq!(bare.verify(&published(&ours), b"{}"), Err(EvidenceSignatureError::Mismatch));
    }
}
