//! Phone numbers in their one international spelling (E.164), shown masked.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};
use thiserror::Error;

/// How many digits a number may have, its calling code included.
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

/// The longest prefix that can be allowed, in digits: a calling code and an area code.
const MAX_PREFIX_DIGITS: usize = 7;

/// The calling codes of one digit, and the first two digits of those of two; all others have three (ITU-T E.164, list of assigned codes).
const ONE_DIGIT: [&str; 2] = ["1", "7"];
const TWO_DIGITS: [&str; 44] = [
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48",
    "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81",
    "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
];

/// A phone number: `+` and 8 to 15 digits, of which the first is not zero. `Debug` masks it; there is no `Display`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(String);

/// Why a text is no phone number here. It does not repeat the text.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a phone number is + and 8 to 15 digits, beginning with the country's code")]
pub struct PhoneNumberError;

impl PhoneNumber {
    /// Takes exactly the international spelling: no spaces, no brackets, no leading zeros.
    pub fn parse(text: &str) -> Result<Self, PhoneNumberError> {
        let digits = text.strip_prefix('+').ok_or(PhoneNumberError)?;
        let fits = DIGITS.contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if fits { Ok(Self(text.to_owned())) } else { Err(PhoneNumberError) }
    }

    /// The number in full: to send to, to encrypt, to hash.
    pub fn as_e164(&self) -> &str {
        &self.0
    }

    /// The country's calling code with its `+`, by which spending is counted: `+225`, `+33`, `+1`.
    pub fn calling_code(&self) -> &str {
        let digits = &self.0[1..];
        let length = if ONE_DIGIT.contains(&&digits[..1]) {
            1
        } else if TWO_DIGITS.contains(&&digits[..2]) {
            2
        } else {
            3
        };
        &self.0[..=length]
    }

    /// What the owner recognises and nobody else can call: `+225 •• •• •• 42`, whatever the length.
    pub fn masked(&self) -> String {
        format!("{} •• •• •• {}", self.calling_code(), &self.0[self.0.len() - 2..])
    }

    /// Whether it begins with a prefix.
    pub fn has_prefix(&self, prefix: &CallingPrefix) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// Whether one of the prefixes allows it; an empty list allows every number.
    pub fn is_allowed(&self, prefixes: &[CallingPrefix]) -> bool {
        prefixes.is_empty() || prefixes.iter().any(|prefix| self.has_prefix(prefix))
    }
}

impl FromStr for PhoneNumber {
    type Err = PhoneNumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber({})", self.masked())
    }
}

/// How the numbers that may be written to begin: `+225`, or `+1876` with an area code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallingPrefix(String);

impl CallingPrefix {
    /// Takes `+` and 1 to 7 digits, of which the first is not zero.
    pub fn parse(text: &str) -> Result<Self, PhoneNumberError> {
        let digits = text.strip_prefix('+').ok_or(PhoneNumberError)?;
        let fits = (1..=MAX_PREFIX_DIGITS).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if fits { Ok(Self(text.to_owned())) } else { Err(PhoneNumberError) }
    }

    /// With its `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for CallingPrefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(String::deserialize(deserializer)?.trim()).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text).unwrap()
    }

    #[test]
    fn only_the_international_spelling_is_a_number() {
        for good in ["+22501020342", "+33612345678", "+12345678", "+123456789012345"] {
            assert_eq!(number(good).as_e164(), good);
        }
        let broken = [
            "",
            "+",
            "22501020342",
            "0022501020342",
            "+1234567",
            "+1234567890123456",
            "+0123456789",
            "+225 01 02 03 42",
            "+225-01020342",
            "+2250102034a",
            "+225010203٤٢",
            "++22501020342",
            " +22501020342",
            "+22501020342\n",
            "whatsapp:+22501020342",
        ];
        for text in broken {
            assert_eq!(PhoneNumber::parse(text), Err(PhoneNumberError), "{text:?}");
        }
    }

    #[test]
    fn spending_is_counted_by_the_calling_code_of_the_country() {
        for (text, code) in [
            ("+22501020342", "+225"),
            ("+33612345678", "+33"),
            ("+12025550123", "+1"),
            ("+79161234567", "+7"),
            ("+447700900123", "+44"),
            ("+237612345678", "+237"),
            ("+35312345678", "+353"),
            ("+8613800138000", "+86"),
            ("+85212345678", "+852"),
            ("+27821234567", "+27"),
        ] {
            assert_eq!(number(text).calling_code(), code);
        }
    }

    #[test]
    fn a_number_is_shown_with_its_country_and_its_last_two_digits_alone() {
        let number = number("+2250102030442");
        assert_eq!(number.masked(), "+225 •• •• •• 42");
        assert_eq!(format!("{number:?}"), "PhoneNumber(+225 •• •• •• 42)");
    }

    #[test]
    fn a_list_of_prefixes_allows_what_begins_with_one_and_an_empty_list_everything() {
        let prefixes: Vec<CallingPrefix> =
            ["+225", "+1876"].map(|text| CallingPrefix::parse(text).unwrap()).to_vec();
        assert!(number("+22501020342").is_allowed(&prefixes));
        assert!(number("+18765551234").is_allowed(&prefixes));
        assert!(!number("+12025550123").is_allowed(&prefixes));
        assert!(number("+12025550123").is_allowed(&[]));
        for broken in ["", "+", "225", "+0", "+12345678", "+2a", "+ 225"] {
            assert_eq!(CallingPrefix::parse(broken), Err(PhoneNumberError), "{broken}");
        }
    }
}
