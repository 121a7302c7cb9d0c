//! The account that transfers go to, checked once at the start: a wrong digit would send money to nobody.

use domain::money::Currency;
use domain::payment::Mode;
use serde::Deserialize;

use crate::payments::SettingsError;

/// The lengths that an account number can have in any country (ISO 13616).
const IBAN_LENGTH: std::ops::RangeInclusive<usize> = 15..=34;

/// The longest name that payment forms take (SEPA), in characters.
const MAX_NAME: usize = 70;

/// The longest time that a quote may stay open, in days: the window for late transfers is as long.
const MAX_QUOTE_DAYS: u16 = 30;

/// A bank account as configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whose account it is, as the bank knows them.
    pub account_holder: String,
    /// The account, with or without spaces.
    pub iban: String,
    /// The bank, where payers' own banks ask for it.
    #[serde(default)]
    pub bic: Option<String>,
    /// The bank's name.
    #[serde(default)]
    pub bank: Option<String>,
    /// The currencies that the account takes.
    pub currencies: Vec<Currency>,
    /// Whether the money is real.
    pub mode: Mode,
    /// How many days a payer has.
    #[serde(default = "default_quote_lifetime_days")]
    pub quote_lifetime_days: u16,
}

const fn default_quote_lifetime_days() -> u16 {
    7
}

impl Settings {
    pub(super) fn check(self) -> Result<Self, SettingsError> {
        let invalid = |which, why| Err(SettingsError::Invalid { which, why });
        if self.account_holder.trim().is_empty() {
            return Err(SettingsError::Missing("account_holder"));
        }
        let account_holder = self.account_holder.trim().to_owned();
        let bank = self.bank.map(|bank| bank.trim().to_owned()).filter(|bank| !bank.is_empty());
        let named = |name: &str| name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
        if !named(&account_holder) {
            return invalid("account_holder", "must be one line of at most 70 characters");
        }
        if !bank.as_deref().is_none_or(named) {
            return invalid("bank", "must be one line of at most 70 characters");
        }
        let Some(iban) = iban(&self.iban) else {
            return invalid("iban", "is not an account number: its check digits do not fit");
        };
        let bic = match self.bic.as_deref().map(str::trim).filter(|bic| !bic.is_empty()) {
            None => None,
            Some(text) => match bic(text) {
                Some(bic) => Some(bic),
                None => return invalid("bic", "must be 8 or 11 letters and digits, such as BCEELULL"),
            },
        };
        if self.currencies.is_empty() {
            return Err(SettingsError::Missing("currencies"));
        }
        if self.currencies.iter().any(|currency| matches!(currency, Currency::Btc | Currency::Usdt)) {
            return invalid("currencies", "must be of a kind that banks transfer");
        }
        if !(1..=MAX_QUOTE_DAYS).contains(&self.quote_lifetime_days) {
            return invalid("quote_lifetime_days", "must be from 1 to 30");
        }
        Ok(Self { account_holder, iban, bic, bank, ..self })
    }
}

/// An account number without its spaces, if its check digits fit (ISO 13616, ISO 7064 MOD 97-10).
fn iban(text: &str) -> Option<String> {
    let iban: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    let bytes = iban.as_bytes();
    let shaped = IBAN_LENGTH.contains(&bytes.len())
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        // These leave the right remainder too, and no bank gives them out.
        && !matches!(&bytes[2..4], b"00" | b"01" | b"99");
    if !shaped {
        return None;
    }
    let remainder = bytes[4..].iter().chain(&bytes[..4]).fold(0_u32, |remainder, byte| match byte {
        b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
        letter => (remainder * 100 + u32::from(letter - b'A') + 10) % 97,
    });
    (remainder == 1).then_some(iban)
}

/// Four letters for the bank, two for its country, two for its place, three more for a branch (ISO 9362).
fn bic(text: &str) -> Option<String> {
    let bic = text.to_ascii_uppercase();
    let bytes = bic.as_bytes();
    let shaped = matches!(bytes.len(), 8 | 11)
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && bytes[..6].iter().all(u8::is_ascii_uppercase);
    shaped.then_some(bic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        serde_json::from_value(serde_json::json!({
            "account_holder": " Awa Diop ", "iban": "de89 3704 0044 0532 0130 00", "bic": "cobadeffxxx",
            "currencies": ["EUR"], "mode": "live",
        }))
        .unwrap()
    }

    #[test]
    fn what_was_typed_with_spaces_and_small_letters_is_kept_in_one_form() {
        let checked = settings().check().unwrap();
        assert_eq!(checked.account_holder, "Awa Diop");
        assert_eq!(checked.iban, "DE89370400440532013000");
        assert_eq!(checked.bic.as_deref(), Some("COBADEFFXXX"));
        assert_eq!(checked.quote_lifetime_days, 7);
    }

    #[test]
    fn account_numbers_of_the_registry_fit_their_check_digits() {
        // Examples of the SWIFT IBAN registry.
        for example in [
            "DE89370400440532013000",
            "FR1420041010050500013M02606",
            "GB29NWBK60161331926819",
            "BE68539007547034",
            "NO9386011117947",
            "MT84MALT011000012345MTLCAST001S",
            "CH9300762011623852957",
        ] {
            assert_eq!(iban(example).as_deref(), Some(example));
        }
    }

    #[test]
    fn one_wrong_digit_or_two_swapped_ones_are_refused() {
        let right = "DE89370400440532013000";
        for index in 2..right.len() {
            for digit in b'0'..=b'9' {
                let mut wrong = right.as_bytes().to_vec();
                if wrong[index] != digit {
                    wrong[index] = digit;
                    assert_eq!(iban(std::str::from_utf8(&wrong).unwrap()), None);
                }
            }
            let mut swapped = right.as_bytes().to_vec();
            if let Some(next) = swapped.get(index + 1).copied().filter(|next| *next != swapped[index]) {
                swapped[index + 1] = swapped[index];
                swapped[index] = next;
                assert_eq!(iban(std::str::from_utf8(&swapped).unwrap()), None);
            }
        }
        for broken in ["", "DE", "DE89", "DE8937040044053201300é", "89DE370400440532013000", "DE00"] {
            assert_eq!(iban(broken), None, "{broken}");
        }
    }

    #[test]
    fn what_cannot_be_right_is_refused_by_name() {
        let cases = [
            (Settings { account_holder: " ".to_owned(), ..settings() }, "account_holder"),
            (Settings { account_holder: "a\nb".to_owned(), ..settings() }, "account_holder"),
            (Settings { iban: "DE88370400440532013000".to_owned(), ..settings() }, "iban"),
            (Settings { bic: Some("COBADE".to_owned()), ..settings() }, "bic"),
            (Settings { bank: Some("x".repeat(71)), ..settings() }, "bank"),
            (Settings { currencies: Vec::new(), ..settings() }, "currencies"),
            (Settings { currencies: vec![Currency::Btc], ..settings() }, "currencies"),
            (Settings { quote_lifetime_days: 0, ..settings() }, "quote_lifetime_days"),
            (Settings { quote_lifetime_days: 31, ..settings() }, "quote_lifetime_days"),
        ];
        for (broken, name) in cases {
            let error = broken.check().unwrap_err().to_string();
            assert!(error.starts_with(name), "{name}: {error}");
        }
    }
}
