//! A symmetric key of 256 bits, whatever it is for.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::fingerprint::{constant_time_eq, sha256};
use crate::random::Random;

/// The length of every key here, in bytes.
pub const KEY_LEN: usize = 32;

/// Fewer different bytes than this were typed, not drawn: 32 random bytes hold about 30 different ones.
const FEWEST_DISTINCT_BYTES: usize = 16;

/// 32 secret bytes, hidden from `Debug` and wiped when dropped. They stay in one place of the heap, so moving
/// the key leaves no copy behind.
#[derive(Clone)]
pub struct Key(Box<Zeroizing<[u8; KEY_LEN]>>);

/// Why a configured key can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedKey {
    /// Not standard base64, or another length.
    #[error("the key must be 32 bytes in base64; make one with `openssl rand -base64 32`")]
    NotThirtyTwoBytes,
    /// All zero, or close to it.
    #[error("the key is not random; make one with `openssl rand -base64 32`")]
    NotRandom,
}

impl Key {
    /// A fresh key.
    pub fn random(random: &dyn Random) -> Self {
        let mut key = Self::blank();
        random.fill(key.0.as_mut_slice());
        key
    }

    /// Reads a key that an operator configured, as `openssl rand -base64 32` prints it.
    pub fn from_base64(text: &SecretString) -> Result<Self, MalformedKey> {
        let decoded = STANDARD.decode(text.expose_secret().trim()).map(Zeroizing::new);
        let decoded = decoded.map_err(|_| MalformedKey::NotThirtyTwoBytes)?;
        let key = Self::from_bytes(&decoded).ok_or(MalformedKey::NotThirtyTwoBytes)?;
        if distinct(key.expose()) < FEWEST_DISTINCT_BYTES { Err(MalformedKey::NotRandom) } else { Ok(key) }
    }

    /// A name for the key that may be public: a truncated hash, 32 hexadecimal characters. The key has 256
    /// bits, so nobody finds it from its name.
    pub fn id(&self) -> String {
        let mut named = Zeroizing::new(Vec::with_capacity(64));
        named.extend_from_slice(b"calmness/key-id/1");
        named.extend_from_slice(self.expose());
        hex::encode(&sha256(&named)[..16])
    }

    /// HMAC-SHA256 over the parts, each preceded by its length, so that `["ab", "c"]` and `["a", "bc"]`
    /// differ.
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.expose()));
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }

    /// Whether the tag is the one of [`Key::mac`], compared in constant time. A shorter or empty tag is
    /// refused.
    pub fn verify_mac(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        constant_time_eq(&self.mac(parts), tag)
    }

    /// A key that was stored, wrapped by another one; `None` if it has another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != KEY_LEN {
            return None;
        }
        let mut key = Self::blank();
        key.0.copy_from_slice(bytes);
        Some(key)
    }

    /// The bytes, for one purpose only: to be encrypted under another key and stored. Whatever else a key is
    /// for has a method of its own.
    pub fn expose_for_wrapping(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    fn blank() -> Self {
        Self(Box::new(Zeroizing::new([0; KEY_LEN])))
    }

    pub(crate) fn expose(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key([REDACTED])")
    }
}

/// How many different bytes there are.
pub(crate) fn distinct(bytes: &[u8]) -> usize {
    let mut seen = [false; 256];
    for byte in bytes {
        seen[usize::from(*byte)] = true;
    }
    seen.iter().filter(|seen| **seen).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn a_configured_key_has_exactly_thirty_two_random_bytes() {
        let read = |text: &str| Key::from_base64(&SecretString::from(text)).map(|key| *key.expose());
        let good = "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=";
        assert_eq!(read(good).expect("32 bytes")[..3], [64, 65, 66]);
        assert_eq!(read(&format!("{good}\n")), read(good), "a file ends with a line break");
        for bad in ["", "QEFC", &good[..43], "not base64 at all", &good.replace('=', "A")] {
            assert_eq!(read(bad), Err(MalformedKey::NotThirtyTwoBytes), "{bad}");
        }
        assert_eq!(read(&STANDARD.encode([0; 32])), Err(MalformedKey::NotRandom));
        assert_eq!(read(&STANDARD.encode([1, 2].repeat(16))), Err(MalformedKey::NotRandom));
    }

    #[test]
    fn the_mac_of_parts_depends_on_where_they_are_split() {
        let key = Key::random(&SeededRandom::new(1));
        let tag = key.mac(&[b"ab", b"c"]);
        assert_ne!(tag, key.mac(&[b"a", b"bc"]));
        assert_ne!(tag, key.mac(&[b"abc"]));
        assert_ne!(tag, key.mac(&[b"ab", b"c", b""]));
        assert!(key.verify_mac(&[b"ab", b"c"], &tag));
        for wrong in [&[][..], &tag[..31], &[0; 32]] {
            assert!(!key.verify_mac(&[b"ab", b"c"], wrong));
        }
    }

    #[test]
    fn a_stored_key_reads_back_from_its_exposed_bytes() {
        let key = Key::random(&SeededRandom::new(3));
        let read = Key::from_bytes(key.expose_for_wrapping()).expect("32 bytes");
        assert_eq!((read.expose(), read.id()), (key.expose(), key.id()));
        for length in [0, 16, 31, 33] {
            assert!(Key::from_bytes(&vec![7; length]).is_none());
        }
    }

    #[test]
    fn every_random_key_has_its_own_name() {
        let random = SeededRandom::new(2);
        let names: std::collections::HashSet<String> =
            (0..1_000).map(|_| Key::random(&random).id()).collect();
        assert_eq!(names.len(), 1_000);
        assert!(names.iter().all(|name| name.len() == 32));
    }
}
