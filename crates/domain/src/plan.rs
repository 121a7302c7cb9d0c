//! Plans: what is sold (S1).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
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

#[cfg(test)]
mod tests {
    use super::*;

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
