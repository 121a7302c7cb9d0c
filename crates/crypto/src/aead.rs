//! AES-256-GCM with a 96-bit nonce and a 128-bit tag (SEC-25). Only [`crate::envelope`] uses it: what is
//! authenticated beside the text, and how long a key lives, is decided there.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::{Zeroize, Zeroizing};

use crate::SecretBytes;
use crate::key::KEY_LEN;

pub(crate) const NONCE_LEN: usize = 12;
pub(crate) const TAG_LEN: usize = 16;

/// The ciphertext, its tag, its nonce or what is authenticated with it is not what was sealed. GCM never
/// tells which.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused;

/// A key ready to be used. aws-lc wipes its schedule when this is dropped.
pub(crate) struct Cipher(LessSafeKey);

impl Cipher {
    pub(crate) fn new(key: &[u8; KEY_LEN]) -> Self {
        let unbound = UnboundKey::new(&AES_256_GCM, key).expect("32 bytes are the key length of AES-256");
        Self(LessSafeKey::new(unbound))
    }

    /// Appends ciphertext and tag to `out`. A nonce must never meet the same key twice: callers draw it at
    /// random and count.
    pub(crate) fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        associated: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        out.reserve_exact(plaintext.len() + TAG_LEN);
        let start = out.len();
        out.extend_from_slice(plaintext);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let Ok(tag) = self.0.seal_in_place_separate_tag(nonce, Aad::from(associated), &mut out[start..])
        else {
            out[start..].zeroize();
            out.truncate(start);
            return Err(Refused);
        };
        out.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Opens ciphertext and tag, as one slice.
    pub(crate) fn open(
        &self,
        nonce: &[u8],
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<SecretBytes, Refused> {
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Refused)?;
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let plaintext =
            self.0.open_in_place(nonce, Aad::from(associated), &mut buffer).map_err(|_| Refused)?;
        Ok(SecretBytes::from(plaintext.to_vec()))
    }
}

/// What is authenticated beside the text: a version, then every part behind its length, so that no two lists
/// of parts look alike.
pub(crate) fn associated_data(version: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + parts.iter().map(|part| 8 + part.len()).sum::<usize>());
    out.push(version);
    for part in parts {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}
