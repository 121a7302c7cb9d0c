//! Signatures of the audit chain: Ed25519 (RFC 8032) over a digest with the name of what is signed before it, so that a
//! signature of one thing is never one of another.
//!
//! The key is derived from the operator's secret and never stands in the database: whoever owns the tables can rewrite them,
//! and can't sign what they wrote.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::key::Key;
use crate::receipt::{PublicKey, PublicKeys};

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// A seal of the chain, which is its head until the next one.
    Head,
    /// Where a cut chain begins.
    Checkpoint,
    /// An exported file as a whole.
    Export,
}

impl Signed {
    /// What stands before the digest. It never changes.
    const fn domain(self) -> &'static [u8] {
        match self {
            Self::Head => b"calmness/audit/head/1\0",
            Self::Checkpoint => b"calmness/audit/checkpoint-signature/1\0",
            Self::Export => b"calmness/audit/export/1\0",
        }
    }

    fn message(self, digest: &[u8; 32]) -> Vec<u8> {
        [self.domain(), digest].concat()
    }
}

/// Why a signature is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditSignatureError {
    /// Signed under a key that is not among those known.
    #[error("it was signed with a key that is not among those known here")]
    UnknownKey,
    /// Changed, or made by somebody else.
    #[error("the signature does not fit")]
    Mismatch,
}

/// Signs the chain.
pub struct AuditKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl std::fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditKey").field("kid", &self.public.kid).finish_non_exhaustive()
    }
}

impl AuditKey {
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

    /// Signs a digest.
    pub fn sign(&self, what: Signed, digest: &[u8; 32]) -> Vec<u8> {
        self.pair.sign(&what.message(digest)).as_ref().to_vec()
    }
}

/// Whether one of these keys signed the digest as this.
pub fn verify(
    keys: &PublicKeys,
    kid: &str,
    what: Signed,
    digest: &[u8; 32],
    signature: &[u8],
) -> Result<(), AuditSignatureError> {
    let known = keys.keys.iter().find(|key| key.kid == kid).and_then(PublicKey::bytes);
    let key = known.ok_or(AuditSignatureError::UnknownKey)?;
    let verified = UnparsedPublicKey::new(&ED25519, key).verify(&what.message(digest), signature);
    verified.map_err(|_| AuditSignatureError::Mismatch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    fn key(seed: u64) -> AuditKey {
        AuditKey::new(&Key::random(&SeededRandom::new(seed)))
    }

    #[test]
    fn a_signature_is_believed_for_its_digest_its_use_and_its_key_alone() {
        let (ours, other) = (key(1), key(2));
        let published = PublicKeys { keys: vec![ours.public().clone()] };
        let check = |kid: &str, what, digest: &[u8; 32], signature: &[u8]| {
            verify(&published, kid, what, digest, signature)
        };
        let kid = ours.public().kid.as_str();
        let signature = ours.sign(Signed::Head, &[7; 32]);
        assert_eq!(check(kid, Signed::Head, &[7; 32], &signature), Ok(()));
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            assert_eq!(check(kid, Signed::Head, &[7; 32], &changed), Err(AuditSignatureError::Mismatch));
        }
        assert_eq!(check(kid, Signed::Head, &[8; 32], &signature), Err(AuditSignatureError::Mismatch));
        assert_eq!(check(kid, Signed::Export, &[7; 32], &signature), Err(AuditSignatureError::Mismatch));
        let foreign = other.sign(Signed::Head, &[7; 32]);
        assert_eq!(check(kid, Signed::Head, &[7; 32], &foreign), Err(AuditSignatureError::Mismatch));
        let unknown = other.public().kid.as_str();
        assert_eq!(check(unknown, Signed::Head, &[7; 32], &foreign), Err(AuditSignatureError::UnknownKey));
        assert_eq!(check(kid, Signed::Head, &[7; 32], b""), Err(AuditSignatureError::Mismatch));
    }
}
