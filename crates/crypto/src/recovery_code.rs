//! Recovery codes: the way in when the second factor is lost (SEC-13). Each has 80 random bits, so the
//! database keeps a plain hash; people keep them on paper, so they are read back however they are typed.

use std::fmt;

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::base32::{self, CROCKFORD};
use crate::fingerprint::sha256;
use crate::random::Random;

/// How many codes a user gets at once.
pub const CODES: usize = 10;

const CODE_BYTES: usize = 10;
const CODE_CHARS: usize = 16;
const GROUP_CHARS: usize = 4;

/// The longest text that is looked at, in bytes: room for a code with a space between all its characters.
const MAX_TYPED_LEN: usize = 64;

const HASH_DOMAIN: &[u8] = b"calmness/recovery-code/1";

/// A code in the clear: hidden from `Debug`, wiped when dropped.
#[derive(Clone)]
pub struct RecoveryCode(Box<Zeroizing<[u8; CODE_BYTES]>>);

impl RecoveryCode {
    /// A fresh set.
    pub fn random_set(random: &dyn Random) -> [Self; CODES] {
        std::array::from_fn(|_| Self::random(random))
    }

    /// One fresh code.
    pub fn random(random: &dyn Random) -> Self {
        let mut code = Self::blank();
        random.fill(code.0.as_mut_slice());
        code
    }

    /// Reads what somebody typed: in capitals or not, with spaces and dashes anywhere or nowhere, `O` for `0`,
    /// `I` or `L` for `1`. Anything else is no code.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > MAX_TYPED_LEN {
            return None;
        }
        let mut code = Self::blank();
        let (mut held, mut bits, mut read) = (0_u32, 0, 0);
        for character in typed.chars().filter(|character| !is_between_groups(*character)) {
            let value = base32::crockford_value(character)?;
            held = (held << 5) | u32::from(value);
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                *code.0.get_mut(read)? = u8::try_from((held >> bits) & 0xff).ok()?;
                read += 1;
            }
            held &= (1 << bits) - 1;
        }
        // 16 characters are 80 bits exactly: nothing is left over, so a code has one value.
        (read == CODE_BYTES && bits == 0).then_some(code)
    }

    /// The text to show its owner, once: `k7m2-9xqd-4tzw-h3pa`.
    pub fn reveal(&self) -> SecretString {
        let plain = Zeroizing::new(base32::encode(CROCKFORD, self.0.as_slice()));
        let mut grouped = String::with_capacity(CODE_CHARS + CODE_CHARS / GROUP_CHARS);
        for (index, character) in plain.chars().enumerate() {
            if index > 0 && index % GROUP_CHARS == 0 {
                grouped.push('-');
            }
            grouped.push(character);
        }
        SecretString::from(grouped)
    }

    /// What the database keeps.
    pub fn hash(&self) -> [u8; 32] {
        let mut hashed = Zeroizing::new(Vec::with_capacity(HASH_DOMAIN.len() + CODE_BYTES));
        hashed.extend_from_slice(HASH_DOMAIN);
        hashed.extend_from_slice(self.0.as_slice());
        sha256(&hashed)
    }

    fn blank() -> Self {
        Self(Box::new(Zeroizing::new([0; CODE_BYTES])))
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode([REDACTED])")
    }
}

/// Spaces and dashes, those too that word processors put in their place.
fn is_between_groups(character: char) -> bool {
    character.is_whitespace() || matches!(character, '-' | '_' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn sec_13_ten_different_codes_of_eighty_bits_are_kept_as_hashes() {
        let codes = RecoveryCode::random_set(&SeededRandom::new(1));
        let hashes: HashSet<[u8; 32]> = codes.iter().map(RecoveryCode::hash).collect();
        assert_eq!(hashes.len(), 10);
        for code in &codes {
            let text = code.reveal();
            let groups: Vec<&str> = text.expose_secret().split('-').collect();
            assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [4; 4]);
        }
    }

    /// Made with Python's `hashlib`.
    #[test]
    fn sec_13_the_hash_names_what_it_is_for() {
        let code = RecoveryCode::parse("0000-0000-0000-0001").expect("a code");
        let expected = "599ca8e10915e914d4df9252cdaaca86327c2f217681cced0e360f5e5001505b";
        assert_eq!(hex::encode(code.hash()), expected);
    }

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let shown = "k7m2-9xqd-40zw-h31a";
        let hash = RecoveryCode::parse(shown).expect("a code").hash();
        for typed in [
            "k7m29xqd40zwh31a",
            "K7M2-9XQD-40ZW-H31A",
            " k7m2 9xqd 40zw h31a\n",
            "k7m2\u{2013}9xqd\u{2011}40zw\u{a0}h31a",
            "k7m2-9xqd-4Ozw-h3la",
            "k7m2-9xqd-4ozw-h3Ia",
            "k 7 m 2 9 x q d 4 0 z w h 3 1 a",
        ] {
            assert_eq!(RecoveryCode::parse(typed).expect(typed).hash(), hash, "{typed}");
        }
        for wrong in [
            "",
            "k7m2",
            "k7m2-9xqd-40zw-h31",
            "k7m2-9xqd-40zw-h31aa",
            "k7m2-9xqd-40zw-h31a-k7m2-9xqd-40zw-h31a",
            "k7m2-9xqd-40zw-h31u",
            "k7m2-9xqd-40zw-h31é",
            "k7m2.9xqd.40zw.h31a",
            &format!("{shown}{}", " ".repeat(64)),
        ] {
            assert!(RecoveryCode::parse(wrong).is_none(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(seed in any::<u64>()) {
            let code = RecoveryCode::random(&SeededRandom::new(seed));
            let text = code.reveal();
            let read = RecoveryCode::parse(text.expose_secret()).expect("a code");
            prop_assert_eq!(read.hash(), code.hash());
        }

        #[test]
        fn anything_typed_is_read_without_panic(typed in prop_oneof!["\\PC{0,70}", "[0-9a-zA-Z -]{10,24}"]) {
            if let Some(code) = RecoveryCode::parse(&typed) {
                let text = code.reveal();
                prop_assert_eq!(RecoveryCode::parse(text.expose_secret()).expect("a code").hash(), code.hash());
            }
        }
    }
}
