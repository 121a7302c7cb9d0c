//! The token of a known device: given after a full login and kept for long, so that the owner still gets in
//! from it while the account is under attack (SEC-49). It proves no identity, it only tells that this device
//! has been inside before.
//!
//! The text is base64url(version ‖ user ‖ device ‖ issued at ‖ HMAC-SHA256 over all of these), under a key of
//! [`Purpose::DeviceToken`](crate::secret_key::Purpose::DeviceToken). Each token has one spelling.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use uuid::Uuid;

use crate::key::Key;

const VERSION: u8 = 1;
const SIGNED_LEN: usize = 1 + 16 + 16 + 8;
const TOKEN_LEN: usize = SIGNED_LEN + 32;

/// The length of a token as text.
pub const DEVICE_TOKEN_TEXT_LEN: usize = (TOKEN_LEN * 8).div_ceil(6);

/// Another instance's clock may be this far ahead of ours, in seconds.
const CLOCK_SKEW_SECONDS: i64 = 30;

/// What a token states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceToken {
    /// Who logged in.
    pub user: Uuid,
    /// From where: an id that the device got at its first full login.
    pub device: Uuid,
    /// When, in whole seconds since 1970, by the wall clock.
    pub issued_at: i64,
}

/// Signs a token.
pub fn issue(key: &Key, token: &DeviceToken) -> SecretString {
    let mut bytes = Vec::with_capacity(TOKEN_LEN);
    bytes.push(VERSION);
    bytes.extend_from_slice(token.user.as_bytes());
    bytes.extend_from_slice(token.device.as_bytes());
    bytes.extend_from_slice(&token.issued_at.to_be_bytes());
    let tag = key.mac(&[&bytes]);
    bytes.extend_from_slice(&tag);
    SecretString::from(URL_SAFE_NO_PAD.encode(bytes))
}

/// Believes a token that the key signed and that is younger than `max_age_seconds`. One from the future is
/// refused.
pub fn verify(key: &Key, text: &str, wall_unix_seconds: i64, max_age_seconds: i64) -> Option<DeviceToken> {
    if text.len() != DEVICE_TOKEN_TEXT_LEN {
        return None;
    }
    let mut bytes = [0; TOKEN_LEN];
    if URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) != Ok(TOKEN_LEN) {
        return None;
    }
    let (signed, tag) = bytes.split_at(SIGNED_LEN);
    if !key.verify_mac(&[signed], tag) {
        return None;
    }
    let (version, rest) = signed.split_first()?;
    let (user, rest) = rest.split_first_chunk::<16>()?;
    let (device, rest) = rest.split_first_chunk::<16>()?;
    let issued_at = i64::from_be_bytes(rest.try_into().ok()?);
    let age = wall_unix_seconds.checked_sub(issued_at)?;
    let lives = issued_at >= 0 && age >= -CLOCK_SKEW_SECONDS && age < max_age_seconds;
    (*version == VERSION && lives).then(|| DeviceToken {
        user: Uuid::from_bytes(*user),
        device: Uuid::from_bytes(*device),
        issued_at,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::random::SeededRandom;

    const NOW: i64 = 1_700_000_000;
    const MAX_AGE: i64 = 180 * 86_400;

    fn key(seed: u64) -> Key {
        Key::random(&SeededRandom::new(seed))
    }

    fn token() -> DeviceToken {
        DeviceToken { user: Uuid::from_u128(1), device: Uuid::from_u128(2), issued_at: NOW }
    }

    /// Signs any bytes with the right key, as an attacker can't.
    fn forge(signed: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode([signed, &key(1).mac(&[signed])].concat())
    }

    #[test]
    fn sec_49_a_known_device_is_believed_until_its_token_is_too_old() {
        let text = issue(&key(1), &token());
        let text = text.expose_secret();
        assert_eq!(text.len(), DEVICE_TOKEN_TEXT_LEN);
        for at in [NOW - CLOCK_SKEW_SECONDS, NOW, NOW + MAX_AGE - 1] {
            assert_eq!(verify(&key(1), text, at, MAX_AGE), Some(token()));
        }
        for at in [i64::MIN, 0, NOW - CLOCK_SKEW_SECONDS - 1, NOW + MAX_AGE, i64::MAX] {
            assert_eq!(verify(&key(1), text, at, MAX_AGE), None, "{at}");
        }
        assert_eq!(verify(&key(1), text, NOW, 0), None);
    }

    #[test]
    fn sec_49_no_other_key_version_length_or_time_is_believed() {
        let text = issue(&key(1), &token());
        assert_eq!(verify(&key(2), text.expose_secret(), NOW, MAX_AGE), None);
        let mut signed = URL_SAFE_NO_PAD.decode(text.expose_secret()).expect("base64url");
        signed.truncate(SIGNED_LEN);
        assert_eq!(verify(&key(1), &forge(&signed), NOW, MAX_AGE), Some(token()), "the forger can sign");
        for version in [0, 2, 255] {
            let mut other = signed.clone();
            other[0] = version;
            assert_eq!(verify(&key(1), &forge(&other), NOW, MAX_AGE), None);
        }
        for issued_at in [-1, i64::MIN, i64::MAX] {
            let mut other = signed.clone();
            other[33..].copy_from_slice(&i64::to_be_bytes(issued_at));
            assert_eq!(verify(&key(1), &forge(&other), NOW, i64::MAX), None);
        }
        for cut in [&signed[..SIGNED_LEN - 1], &[&signed[..], &[0]].concat(), &[]] {
            assert_eq!(verify(&key(1), &forge(cut), NOW, MAX_AGE), None);
        }
    }

    #[test]
    fn only_the_one_spelling_of_a_device_token_is_read() {
        let text = issue(&key(1), &token());
        let text = text.expose_secret();
        for bad in [format!("{text}="), format!(" {text}"), text[1..].to_owned(), String::new()] {
            assert_eq!(verify(&key(1), &bad, NOW, MAX_AGE), None, "{bad}");
        }
        // The last character carries four unused bits: 15 others would be the same bytes.
        let mut spellings = 0;
        for last in 'A'..='z' {
            let other = format!("{}{last}", &text[..DEVICE_TOKEN_TEXT_LEN - 1]);
            spellings += usize::from(verify(&key(1), &other, NOW, MAX_AGE).is_some());
        }
        assert!(spellings <= 1);
    }

    proptest! {
        #[test]
        fn whatever_is_issued_verifies(user: u128, device: u128, issued_at in 0..4_000_000_000_i64) {
            let token =
                DeviceToken { user: Uuid::from_u128(user), device: Uuid::from_u128(device), issued_at };
            let text = issue(&key(1), &token);
            prop_assert_eq!(verify(&key(1), text.expose_secret(), issued_at, 1), Some(token));
        }

        #[test]
        fn any_changed_character_is_refused(index in any::<prop::sample::Index>(), to in 0x20..0x7f_u8) {
            let mut text = issue(&key(1), &token()).expose_secret().as_bytes().to_vec();
            let index = index.index(text.len());
            prop_assume!(text[index] != to);
            text[index] = to;
            let text = String::from_utf8(text).expect("ASCII");
            prop_assert_eq!(verify(&key(1), &text, NOW, MAX_AGE), None);
        }

        #[test]
        fn garbage_is_refused_without_panic(garbage in prop_oneof!["\\PC{0,110}", "[A-Za-z0-9_-]{98}"]) {
            prop_assert_eq!(verify(&key(1), &garbage, NOW, MAX_AGE), None);
        }
    }
}
