//! The name under which a transfer arrives: short enough to be typed into a bank's form, and a slip of the finger is seen.
//!
//! `CALM-XXXX-XXXX-XXX`: fifty random bits of the payment's identifier in Crockford's base 32, and a check character. Upper-case
//! letters, digits and hyphens pass every bank; Crockford's own check symbols would not, so the check character is the value that
//! makes the whole a multiple of (x − α) over GF(32): any one wrong character and any two that changed places are found.

use domain::ids::PaymentId;

/// Without I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What every reference begins with.
const PREFIX: &str = "CALM";

const VALUES: usize = 10;
const BITS_PER_VALUE: u32 = 5;

/// The longest text that is looked at, in bytes.
const MAX_TYPED: usize = 64;

/// The reference of a payment.
pub(super) fn of(payment: PaymentId) -> String {
    let random = payment.uuid().as_u128();
    let values = std::array::from_fn(|index| {
        let shift = BITS_PER_VALUE * u32::try_from(VALUES - 1 - index).unwrap_or_default();
        u8::try_from(random >> shift & 31).unwrap_or_default()
    });
    written(&values)
}

/// Reads a reference as people and banks write it: in either case, with or without hyphens and spaces, O for 0, I or L for 1.
/// Answers it as it was given out, or `None` if a character of it is wrong.
pub fn read(typed: &str) -> Option<String> {
    let bare: String = Some(typed)
        .filter(|typed| typed.len() <= MAX_TYPED)?
        .chars()
        .filter(|c| !matches!(c, '-' | ' '))
        .collect();
    let bare = bare.to_ascii_uppercase();
    let characters = bare.strip_prefix(PREFIX)?;
    let values = characters.chars().map(value).collect::<Option<Vec<u8>>>()?;
    let (values, check) = values.split_at_checked(VALUES)?;
    let values: [u8; VALUES] = values.try_into().ok()?;
    (check == [check_value(&values)]).then(|| written(&values))
}

fn written(values: &[u8; VALUES]) -> String {
    let mut text = String::with_capacity(PREFIX.len() + VALUES + 4);
    text.push_str(PREFIX);
    for (index, value) in values.iter().chain([&check_value(values)]).enumerate() {
        if index % 4 == 0 {
            text.push('-');
        }
        text.push(char::from(ALPHABET[usize::from(value & 31)]));
    }
    text
}

fn value(character: char) -> Option<u8> {
    let wanted = match character {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let index = ALPHABET.iter().position(|known| char::from(*known) == wanted)?;
    u8::try_from(index).ok()
}

/// The value that, written behind the others, makes the polynomial of all of them vanish at α.
fn check_value(values: &[u8; VALUES]) -> u8 {
    values.iter().fold(0, |sum, value| times_alpha(sum ^ value))
}

/// Multiplies by α in GF(32) with x⁵ + x² + 1.
fn times_alpha(value: u8) -> u8 {
    let doubled = value << 1;
    if doubled & 32 == 0 { doubled } else { doubled ^ 0b10_0101 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment() -> PaymentId {
        "019400c5-9c00-7abc-8def-0123456789ab".parse().unwrap()
    }

    #[test]
    fn a_reference_is_the_random_end_of_the_payments_identifier() {
        // Made by another program (Python) from the same definition.
        assert_eq!(of(payment()), "CALM-R14D-2PF2-DBS");
    }

    #[test]
    fn it_is_read_as_people_and_banks_write_it() {
        let given = of(payment());
        let bare = given.replace('-', "");
        let spaced = given.replace('-', " ").to_lowercase();
        let confused = format!("CALM{}", bare[4..].replace('0', "o").replace('1', "l"));
        for typed in [&given, &bare, &spaced, &confused, &format!("  {given} ")] {
            assert_eq!(read(typed).as_ref(), Some(&given), "{typed}");
        }
    }

    #[test]
    fn every_single_wrong_character_is_seen() {
        let given = of(payment());
        let mut tried = 0;
        for (index, right) in given.char_indices().skip(PREFIX.len()).filter(|(_, c)| *c != '-') {
            for wrong in ALPHABET.iter().map(|byte| char::from(*byte)).filter(|wrong| *wrong != right) {
                let mut typed: Vec<char> = given.chars().collect();
                typed[index] = wrong;
                assert_eq!(read(&typed.iter().collect::<String>()), None, "{typed:?}");
                tried += 1;
            }
        }
        assert_eq!(tried, 11 * 31);
    }

    #[test]
    fn any_two_characters_that_changed_places_are_seen() {
        let bare: Vec<char> = of(payment()).replace('-', "").chars().collect();
        let mut tried = 0;
        for left in PREFIX.len()..bare.len() {
            for right in left + 1..bare.len() {
                let mut typed = bare.clone();
                typed.swap(left, right);
                if typed != bare {
                    assert_eq!(read(&typed.iter().collect::<String>()), None, "{typed:?}");
                    tried += 1;
                }
            }
        }
        assert!(tried > 40, "{tried}");
    }

    #[test]
    fn what_is_no_reference_is_not_read() {
        let long = format!("{}{}", of(payment()), " ".repeat(64));
        for typed in [
            "",
            "CALM",
            "CALM-",
            "CALM-0000",
            "0000-0000-000",
            "CALM-0000-0000-0000",
            "CALM-000é-0000-00",
            &long,
        ] {
            assert_eq!(read(typed), None, "{typed}");
        }
        let short = of(payment());
        assert_eq!(read(&short[..short.len() - 1]), None);
    }

    #[test]
    fn payments_of_the_same_instant_have_different_references() {
        let at = time::macros::datetime!(2026-11-23 10:30 UTC);
        let of = |last| of(PaymentId::new(at, &[0, 0, 0, 0, 0, 0, 0, 0, 0, last]));
        assert_ne!(of(1), of(2));
    }
}
