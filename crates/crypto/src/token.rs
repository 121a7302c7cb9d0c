//! Opaque tokens: 256 random bits that mean nothing by themselves. The holder has the text, the database only
//! its SHA-256 (SEC-17).

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::fingerprint::sha256;
use crate::key::Key;
use crate::random::Random;

const TOKEN_LEN: usize = 32;

/// The length of a token as text, without a prefix: base64url, no padding.
pub const TOKEN_TEXT_LEN: usize = 43;

/// What marks an API key, so that scanners for leaked secrets find it.
pub const API_KEY_PREFIX: &str = "cfi_";

/// A token in the clear: hidden from `Debug`, wiped when dropped.
#[derive(Clone)]
pub struct OpaqueToken(Box<Zeroizing<[u8; TOKEN_LEN]>>);

/// The text is not a token. What it is instead is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a token")]
pub struct MalformedToken;

impl OpaqueToken {
    /// A fresh token.
    pub fn random(random: &dyn Random) -> Self {
        let mut token = Self::blank();
        random.fill(token.0.as_mut_slice());
        token
    }

    /// Reads a token strictly: one text for each token, so nobody can present the same one twice in two
    /// spellings.
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        if text.len() != TOKEN_TEXT_LEN {
            return Err(MalformedToken);
        }
        let mut token = Self::blank();
        match URL_SAFE_NO_PAD.decode_slice(text, token.0.as_mut_slice()) {
            Ok(TOKEN_LEN) => Ok(token),
            _ => Err(MalformedToken),
        }
    }

    /// Reads a token behind its prefix, which must be there. A prefix tells people and scanners what a token
    /// is for; it is not hashed.
    pub fn parse_prefixed(prefix: &str, text: &str) -> Result<Self, MalformedToken> {
        Self::parse(text.strip_prefix(prefix).ok_or(MalformedToken)?)
    }

    /// The text to hand to its holder, once.
    pub fn reveal(&self) -> SecretString {
        SecretString::from(URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    /// As [`OpaqueToken::reveal`], behind a prefix.
    pub fn reveal_prefixed(&self, prefix: &str) -> SecretString {
        let mut text = String::with_capacity(prefix.len() + TOKEN_TEXT_LEN);
        text.push_str(prefix);
        URL_SAFE_NO_PAD.encode_string(self.0.as_slice(), &mut text);
        SecretString::from(text)
    }

    /// What the database keeps. A token has 256 bits, so a plain hash can't be searched backwards.
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.0.as_slice())
    }

    /// The one token that follows this one: HMAC-SHA256(refresh key, this token ‖ the row's nonce). A client
    /// that lost the answer and asks again gets the identical successor, although the database holds neither
    /// (SEC-18).
    #[must_use]
    pub fn successor(&self, refresh_key: &Key, nonce: &[u8; 16]) -> Self {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, refresh_key.expose()));
        context.update(self.0.as_slice());
        context.update(nonce);
        let mut successor = Self::blank();
        successor.0.copy_from_slice(context.sign().as_ref());
        successor
    }

    fn blank() -> Self {
        Self(Box::new(Zeroizing::new([0; TOKEN_LEN])))
    }
}

impl fmt::Debug for OpaqueToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpaqueToken([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::random::SeededRandom;

    /// The token of the bytes 0 to 31.
    const TEXT: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    fn refresh_key() -> Key {
        let bytes = hex::decode("4ee684d6b20f325424861b9ab40e7d9a058d53cfc31090854ea75d59c70dec7f");
        Key::from_bytes(&bytes.expect("hex")).expect("32 bytes")
    }

    /// Made with Python's `hashlib`.
    #[test]
    fn sec_17_a_token_is_kept_as_the_sha_256_of_its_bytes() {
        let token = OpaqueToken::parse(TEXT).expect("a token");
        let expected = "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd";
        assert_eq!(hex::encode(token.hash()), expected);
        assert_eq!(token.reveal().expose_secret(), TEXT);
    }

    /// SEC-18. Made with Python's `hmac`.
    #[test]
    fn sec_18_the_successor_is_the_hmac_of_the_presented_token_and_the_nonce() {
        let token = OpaqueToken::parse(TEXT).expect("a token");
        let nonce: [u8; 16] = std::array::from_fn(|index| 100 + u8::try_from(index).expect("small"));
        let successor = token.successor(&refresh_key(), &nonce);
        let expected = "68d2665e66be09ccb2005e5dffe021345862439fdad0175561dd12ad3d324255";
        assert_eq!(hex::encode(successor.0.as_slice()), expected);
    }

    /// SEC-18. A retry gets the identical successor; another parent, nonce or key gives another.
    #[test]
    fn sec_18_a_retry_gets_the_identical_successor_and_nothing_else_does() {
        let (token, random) = (OpaqueToken::parse(TEXT).expect("a token"), SeededRandom::new(1));
        let (key, nonce) = (refresh_key(), [7; 16]);
        let successor = token.successor(&key, &nonce).hash();
        assert_eq!(successor, token.clone().successor(&key.clone(), &nonce).hash());
        assert_ne!(successor, token.hash());
        assert_ne!(successor, OpaqueToken::random(&random).successor(&key, &nonce).hash());
        assert_ne!(successor, token.successor(&key, &[8; 16]).hash());
        assert_ne!(successor, token.successor(&Key::random(&random), &nonce).hash());
    }

    #[test]
    fn only_the_one_spelling_of_a_token_is_read() {
        let padded = format!("{TEXT}=");
        let spaced = format!(" {}", &TEXT[1..]);
        // The last character carries two unused bits: `9` for `8` would be the same 32 bytes.
        let unused_bits = format!("{}9", &TEXT[..42]);
        let standard = TEXT.replace('A', "+");
        for bad in ["", "x", &TEXT[1..], &padded, &spaced, &unused_bits, &standard, &format!("cfi_{TEXT}")] {
            assert_eq!(OpaqueToken::parse(bad).err(), Some(MalformedToken), "{bad}");
        }
    }

    #[test]
    fn a_prefix_is_shown_asked_for_and_not_hashed() {
        let token = OpaqueToken::random(&SeededRandom::new(1));
        let text = token.reveal_prefixed(API_KEY_PREFIX);
        assert_eq!(text.expose_secret().len(), 4 + TOKEN_TEXT_LEN);
        let read = OpaqueToken::parse_prefixed(API_KEY_PREFIX, text.expose_secret()).expect("a key");
        assert_eq!(read.hash(), token.hash());
        assert!(OpaqueToken::parse_prefixed(API_KEY_PREFIX, token.reveal().expose_secret()).is_err());
        assert!(OpaqueToken::parse_prefixed("cfa_", text.expose_secret()).is_err());
    }

    proptest! {
        #[test]
        fn a_token_reads_back_from_its_text(seed in any::<u64>()) {
            let token = OpaqueToken::random(&SeededRandom::new(seed));
            let text = token.reveal();
            prop_assert_eq!(text.expose_secret().len(), TOKEN_TEXT_LEN);
            prop_assert_eq!(OpaqueToken::parse(text.expose_secret()).expect("a token").hash(), token.hash());
        }

        #[test]
        fn garbage_is_refused_without_panic(garbage in prop_oneof!["\\PC{0,60}", "[A-Za-z0-9_-]{40,46}"]) {
            if let Ok(token) = OpaqueToken::parse(&garbage) {
                let text = token.reveal();
                prop_assert_eq!(text.expose_secret(), &garbage);
            }
        }
    }
}
