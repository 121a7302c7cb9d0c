//! Plans: what is sold (S1).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};
use thiserror::Error;

use crate::money::Money;
use crate::time::Duration;

/// The longest code of a plan or a channel, in bytes.
pub const MAX_CODE_LENGTH: usize = 64;

/// Why a code was refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a code has 1 to {MAX_CODE_LENGTH} characters: a-z, 0-9 and '-'")]
pub struct InvalidCode;

fn valid_code(text: &str) -> bool {
    (1..=MAX_CODE_LENGTH).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

macro_rules! code {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The code as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidCode;

            fn from_str(text: &str) -> Result<Self, InvalidCode> {
                if valid_code(text) { Ok(Self(text.to_owned())) } else { Err(InvalidCode) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

code!(
    /// The code of a plan, such as `signaux-weekly`.
    PlanCode
);
code!(
    /// The key of a channel that access is sold to, such as `signaux`.
    ChannelKey
);

/// How long a plan lasts: whole days of exactly 86,400 s, without calendars or daylight saving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PlanLength(u16);

/// A plan that would last no time or longer than ten years.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a plan lasts 1 to {} days", PlanLength::MAX_DAYS)]
pub struct InvalidLength;

impl PlanLength {
    /// The longest plan, in days.
    pub const MAX_DAYS: u16 = 3_660;

    /// A length in whole days.
    pub fn from_days(days: u16) -> Result<Self, InvalidLength> {
        if (1..=Self::MAX_DAYS).contains(&days) { Ok(Self(days)) } else { Err(InvalidLength) }
    }

    /// Whole days.
    pub const fn days(self) -> u16 {
        self.0
    }

    /// The length as a duration.
    pub fn duration(self) -> Duration {
        Duration::days(i64::from(self.0))
    }
}

/// What is sold: time in one channel, at one price per currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The code that payments name.
    pub code: PlanCode,
    /// The channel that it opens.
    pub channel: ChannelKey,
    /// How much time it adds.
    pub length: PlanLength,
    /// One price per currency.
    pub prices: Vec<Money>,
}

/// Whether a change of prices could give away what is sold: a price that falls by more than half, or a currency that
/// is not sold in any more.
pub fn price_change_is_critical(old: &[Money], new: &[Money]) -> bool {
    let price_in = |currency| new.iter().find(|price| price.currency == currency);
    old.iter().any(|before| {
        price_in(before.currency).is_none_or(|after| i128::from(after.minor) * 2 < i128::from(before.minor))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn a_price_that_falls_by_more_than_half_or_disappears_is_critical() {
        let eur = |minor| Money::new(minor, Currency::Eur);
        let xof = |minor| Money::new(minor, Currency::Xof);
        let sold = [eur(5_999), xof(39_000)];
        let cases: [(&[Money], bool); 9] = [
            (&[eur(5_999), xof(39_000)], false),
            (&[eur(9_999), xof(39_000)], false),
            (&[eur(3_000), xof(19_500)], false),
            (&[eur(2_999), xof(39_000)], true),
            (&[eur(5_999), xof(0)], true),
            (&[eur(5_999)], true),
            (&[], true),
            (&[eur(5_999), xof(39_000), Money::new(1, Currency::Usd)], false),
            (&[eur(i64::MAX), xof(i64::MAX)], false),
        ];
        for (new, critical) in cases {
            assert_eq!(price_change_is_critical(&sold, new), critical, "{new:?}");
        }
        assert!(!price_change_is_critical(&[], &sold));
        assert!(price_change_is_critical(&[eur(i64::MAX)], &[eur(1)]));
    }

    #[test]
    fn codes_are_short_and_plain() {
        assert!("signaux-weekly".parse::<PlanCode>().is_ok());
        for bad in ["", "Signaux", "a b", "é", &"a".repeat(65)] {
            assert_eq!(bad.parse::<PlanCode>(), Err(InvalidCode));
        }
    }

    #[test]
    fn a_month_is_thirty_times_86_400_seconds() {
        assert_eq!(PlanLength::from_days(30).unwrap().duration().whole_seconds(), 30 * 86_400);
        assert_eq!(PlanLength::from_days(0), Err(InvalidLength));
        assert_eq!(PlanLength::from_days(3_661), Err(InvalidLength));
    }
}
