//! Card numbers have no place here (SEC-47, D2): a field that looks like one is refused, and never logged.

/// Fewest and most digits of a card number (ISO/IEC 7812).
const DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Whether free text holds what looks like a card number: 13 to 19 digits, single spaces or dashes between them, the
/// first digit of a card brand, and a right check digit (Luhn).
pub(crate) fn looks_like_card_number(text: &str) -> bool {
    let is_part = |character: char| character.is_ascii_digit() || character == ' ' || character == '-';
    text.split(|character| !is_part(character)).any(|run| {
        let digits: Vec<u8> = run.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect();
        DIGITS.contains(&digits.len()) && matches!(digits[0], 2..=6) && luhn(&digits)
    })
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(*digit);
            match (place % 2, digit * 2) {
                (0, _) => digit,
                (_, doubled) if doubled > 9 => doubled - 9,
                (_, doubled) => doubled,
            }
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
