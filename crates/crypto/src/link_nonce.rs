//! The nonce of a link that leads back from elsewhere: it shows that we made the link for this very thing and until
//! when it counts. Whether it was used is the caller's to remember.
//!
//! The text is base64url(expiry ‖ HMAC-SHA256 over expiry and subject), under a key of
//! [`Purpose::LinkNonce`](crate::secret_key::Purpose::LinkNonce). The same subject and expiry give the same text, so a
//! request that is repeated carries the same link. Each nonce has one spelling.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::key::Key;

const EXPIRY_LEN: usize = 8;
const NONCE_LEN: usize = EXPIRY_LEN + 32;

/// The length of a nonce as text.
pub const LINK_NONCE_TEXT_LEN: usize = (NONCE_LEN * 8).div_ceil(6);

/// Makes the nonce of a link to `subject` that counts until `expires_at`, in whole seconds since 1970.
pub fn issue(key: &Key, subject: Uuid, expires_at: i64) -> String {
    let expiry = expires_at.to_be_bytes();
    let mut bytes = Vec::with_capacity(NONCE_LEN);
    bytes.extend_from_slice(&expiry);
    bytes.extend_from_slice(&key.mac(&[&expiry, subject.as_bytes()]));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Whether one of the keys made this nonce for `subject` and it still counts.
pub fn verify(keys: &[Key], subject: Uuid, text: &str, unix_seconds: i64) -> bool {
    let mut bytes = [0; NONCE_LEN];
    if text.len() != LINK_NONCE_TEXT_LEN || URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) != Ok(NONCE_LEN) {
        return false;
    }
    let (expiry, tag) = bytes.split_at(EXPIRY_LEN);
    let genuine = keys.iter().any(|key| key.verify_mac(&[expiry, subject.as_bytes()], tag));
    let mut expires_at = [0; EXPIRY_LEN];
    expires_at.copy_from_slice(expiry);
    genuine && unix_seconds < i64::from_be_bytes(expires_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAYMENT: Uuid = Uuid::from_u128(7);
    const END: i64 = 1_800_000_000;

    fn key(byte: u8) -> Key {
        Key::from_bytes(&[byte; 32]).unwrap()
    }

    #[test]
    fn a_nonce_counts_for_its_subject_until_its_end_under_current_and_earlier_keys() {
        let nonce = issue(&key(1), PAYMENT, END);
        assert_eq!(nonce, issue(&key(1), PAYMENT, END));
        assert!(verify(&[key(1)], PAYMENT, &nonce, END - 1));
        assert!(verify(&[key(2), key(1)], PAYMENT, &nonce, 0));
        assert!(!verify(&[key(1)], PAYMENT, &nonce, END));
        assert!(!verify(&[key(1)], Uuid::from_u128(8), &nonce, 0));
        assert!(!verify(&[key(2)], PAYMENT, &nonce, 0));
        assert!(!verify(&[], PAYMENT, &nonce, 0));
    }

    #[test]
    fn a_nonce_with_any_other_character_is_refused() {
        let nonce = issue(&key(1), PAYMENT, END);
        for at in 0..nonce.len() {
            for other in ['A', 'B', '_', '=', 'é'] {
                let mut changed: Vec<char> = nonce.chars().collect();
                if changed[at] == other {
                    continue;
                }
                changed[at] = other;
                let changed: String = changed.into_iter().collect();
                assert!(!verify(&[key(1)], PAYMENT, &changed, 0), "{changed}");
            }
        }
        for text in ["", "A", &nonce[1..], &format!("{nonce}A"), &format!("{nonce}=")] {
            assert!(!verify(&[key(1)], PAYMENT, text, 0), "{text}");
        }
    }
}
