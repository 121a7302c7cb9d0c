//! Card numbers have no place here (SEC-47, D2): a field that looks like one is refused, and never logged.

/// Fewest and most digits of a card number (ISO/IEC 7812).
const DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Whether free text holds what looks like a card number: 13 to 19 digits, single spaces or dashes between them, the
/// first digit of a card brand, and a right check digit (Luhn). Identifiers are left alone: a run that touches a letter is
/// part of one, and one UUID in a thousand would look like a card.
pub(crate) fn looks_like_card_number(text: &str) -> bool {
    if uuid::Uuid::parse_str(text).is_ok() {
        return false;
    }
    let characters: Vec<char> = text.chars().collect();
    let is_part = |character: &char| character.is_ascii_digit() || matches!(character, ' ' | '-');
    let runs: Vec<&[char]> = characters.chunk_by(|left, right| is_part(left) == is_part(right)).collect();
    runs.iter().enumerate().any(|(place, run)| {
        let before = place.checked_sub(1).and_then(|before| runs[before].last());
        let after = runs.get(place + 1).and_then(|after| after.first());
        let touches = |edge: Option<&char>, neighbour: Option<&char>| {
            edge.is_some_and(char::is_ascii_digit) && neighbour.is_some_and(|other| other.is_alphanumeric())
        };
        let digits: Vec<u32> = run.iter().filter_map(|character| character.to_digit(10)).collect();
        !touches(run.first(), before)
            && !touches(run.last(), after)
            && DIGITS.contains(&digits.len())
            && matches!(digits[0], 2..=6)
            && luhn(&digits)
    })
}

fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => *digit,
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::looks_like_card_number;

    #[test]
    fn card_numbers_are_seen_in_free_text() {
        for card in
            ["4242424242424242", "4242 4242 4242 4242", "pay 5555-5555-5555-4444 now", "378282246310005"]
        {
            assert!(looks_like_card_number(card), "{card}");
        }
    }

    #[test]
    fn other_numbers_are_left_alone() {
        let others = [
            "4242424242424241",
            "1234567890123",
            "order-2026-11-23",
            "-1001234567890",
            "",
            "9".repeat(40).leak(),
        ];
        for other in others {
            assert!(!looks_like_card_number(other), "{other}");
        }
    }
}
