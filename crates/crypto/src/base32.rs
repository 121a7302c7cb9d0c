//! Five bits a character: for secrets that people type.

/// The alphabet of RFC 4648, which authenticator apps read.
pub(crate) const RFC_4648: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Crockford's alphabet in lower case: without i, l and o, which look like 1 and 0, and without u.
pub(crate) const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Writes the bytes without padding. The text has its final capacity from the start, so no part of a secret
/// stays behind in an outgrown one.
pub(crate) fn encode(alphabet: &[u8; 32], bytes: &[u8]) -> String {
    let mut text = String::with_capacity((bytes.len() * 8).div_ceil(5));
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(character(alphabet, held >> bits));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(character(alphabet, held << (5 - bits)));
    }
    text
}

/// The five bits that a character of Crockford's alphabet stands for, read as people misread it.
pub(crate) fn crockford_value(character: char) -> Option<u8> {
    let wanted = match character.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    };
    let index = CROCKFORD.iter().position(|known| char::from(*known) == wanted)?;
    u8::try_from(index).ok()
}

fn character(alphabet: &[u8; 32], bits: u32) -> char {
    char::from(alphabet[(bits & 31) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_rfc_4648_are_written_without_padding() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(encode(RFC_4648, bytes.as_bytes()), text);
        }
    }

    #[test]
    fn every_character_of_crockford_reads_back_in_both_cases() {
        for (value, character) in (0_u8..).zip(CROCKFORD) {
            assert_eq!(crockford_value(char::from(*character)), Some(value));
            assert_eq!(crockford_value(char::from(character.to_ascii_uppercase())), Some(value));
        }
        for (misread, value) in [('O', 0), ('o', 0), ('I', 1), ('i', 1), ('L', 1), ('l', 1)] {
            assert_eq!(crockford_value(misread), Some(value));
        }
        for other in ['u', 'U', '-', ' ', 'é', '٣', '\0'] {
            assert_eq!(crockford_value(other), None, "{other}");
        }
    }
}
