//! Money: integer minor units, typed by currency, checked arithmetic. Never a float, never a conversion.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A currency that prices can be set in.
///
/// The exponents are those of ISO 4217; BTC counts satoshis and USDT counts millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// Euro.
    Eur,
    /// United States dollar.
    Usd,
    /// Pound sterling.
    Gbp,
    /// Swiss franc.
    Chf,
    /// Canadian dollar.
    Cad,
    /// West African CFA franc.
    Xof,
    /// Central African CFA franc.
    Xaf,
    /// Guinean franc.
    Gnf,
    /// Congolese franc.
    Cdf,
    /// Moroccan dirham.
    Mad,
    /// Tunisian dinar.
    Tnd,
    /// Ghanaian cedi.
    Ghs,
    /// Nigerian naira.
    Ngn,
    /// Japanese yen.
    Jpy,
    /// Bitcoin, in satoshis.
    Btc,
    /// Tether, in millionths.
    Usdt,
}

impl Currency {
    /// Every currency, for menus and validation.
    pub const ALL: [Self; 16] = [
        Self::Eur,
        Self::Usd,
        Self::Gbp,
        Self::Chf,
        Self::Cad,
        Self::Xof,
        Self::Xaf,
        Self::Gnf,
        Self::Cdf,
        Self::Mad,
        Self::Tnd,
        Self::Ghs,
        Self::Ngn,
        Self::Jpy,
        Self::Btc,
        Self::Usdt,
    ];

    /// The code as written in the API and the database.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Eur => "EUR",
            Self::Usd => "USD",
            Self::Gbp => "GBP",
            Self::Chf => "CHF",
            Self::Cad => "CAD",
            Self::Xof => "XOF",
            Self::Xaf => "XAF",
            Self::Gnf => "GNF",
            Self::Cdf => "CDF",
            Self::Mad => "MAD",
            Self::Tnd => "TND",
            Self::Ghs => "GHS",
            Self::Ngn => "NGN",
            Self::Jpy => "JPY",
            Self::Btc => "BTC",
            Self::Usdt => "USDT",
        }
    }

    /// How many decimals one unit has: minor units = units × 10^exponent.
    pub const fn exponent(self) -> u32 {
        match self {
            Self::Xof | Self::Xaf | Self::Gnf | Self::Jpy => 0,
            Self::Eur
            | Self::Usd
            | Self::Gbp
            | Self::Chf
            | Self::Cad
            | Self::Cdf
            | Self::Mad
            | Self::Ghs
            | Self::Ngn => 2,
            Self::Tnd => 3,
            Self::Usdt => 6,
            Self::Btc => 8,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A currency code that is not sold in.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("unknown currency code")]
pub struct UnknownCurrency;

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        Self::ALL.into_iter().find(|currency| currency.code() == code).ok_or(UnknownCurrency)
    }
}

/// An amount in minor units of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units: cents for EUR, francs for XOF, satoshis for BTC.
    pub minor: i64,
    /// The currency that the minor units count.
    pub currency: Currency,
}

/// Why two amounts could not be combined.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MoneyError {
    /// Two currencies never mix.
    #[error("amounts in {0} and {1} cannot be combined")]
    Mixed(Currency, Currency),
    /// The result does not fit 64 bits.
    #[error("the amount is too large")]
    Overflow,
}

impl Money {
    /// An amount of `minor` units.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads a plain decimal exactly: `"59.99"`, `"15000"`, `"10.5"`. `None` for signs, exponents, other characters, more
    /// decimals than the currency has (zeros behind them aside), or what does not fit 64 bits.
    pub fn parse_decimal(text: &str, currency: Currency) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let point_without_decimals = text.contains('.') && fraction.is_empty();
        if whole.is_empty() || point_without_decimals || !digits(whole) || !digits(fraction) {
            return None;
        }
        let exponent = currency.exponent() as usize;
        let significant = fraction.trim_end_matches('0');
        if significant.len() > exponent {
            return None;
        }
        format!("{whole}{significant:0<exponent$}").parse().ok().map(|minor| Self { minor, currency })
    }

    /// The sum of two amounts of one currency.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// The difference of two amounts of one currency; it may be negative.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    fn combine(self, other: Self, operation: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed(self.currency, other.currency));
        }
        let minor = operation(self.minor, other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, currency: self.currency })
    }

    /// The amount as a plain decimal with all its decimals, a point and no grouping: `"59.99"`, `"15000"`.
    pub fn decimal(self) -> String {
        let exponent = self.currency.exponent();
        if exponent == 0 {
            return self.minor.to_string();
        }
        let unit = 10_u64.pow(exponent);
        let absolute = self.minor.unsigned_abs();
        let sign = if self.minor < 0 { "-" } else { "" };
        format!("{sign}{}.{:0width$}", absolute / unit, absolute % unit, width = exponent as usize)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_follow_the_exponent_of_the_currency() {
        let cases = [
            (5_999, Currency::Eur, "59.99"),
            (5, Currency::Eur, "0.05"),
            (-5, Currency::Eur, "-0.05"),
            (15_000, Currency::Xof, "15000"),
            (1_234, Currency::Tnd, "1.234"),
            (1, Currency::Btc, "0.00000001"),
            (i64::MIN, Currency::Jpy, "-9223372036854775808"),
            (i64::MIN, Currency::Eur, "-92233720368547758.08"),
        ];
        for (minor, currency, expected) in cases {
            assert_eq!(Money::new(minor, currency).decimal(), expected);
        }
    }

    #[test]
    fn decimals_are_read_exactly_or_not_at_all() {
        let read = |text, currency| Money::parse_decimal(text, currency).map(|money| money.minor);
        for (text, currency, minor) in [
            ("59.99", Currency::Eur, 5_999),
            ("10", Currency::Eur, 1_000),
            ("10.5", Currency::Eur, 1_050),
            ("10.500", Currency::Eur, 1_050),
            ("15000", Currency::Xof, 15_000),
            ("15000.00", Currency::Xof, 15_000),
            ("0.00000001", Currency::Btc, 1),
            ("1.234", Currency::Tnd, 1_234),
        ] {
            assert_eq!(read(text, currency), Some(minor), "{text}");
        }
        for bad in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1,5",
            " 1",
            "0.001",
            "1.2.3",
            "٣",
            "92233720368547758.08",
        ] {
            assert_eq!(read(bad, Currency::Eur), None, "{bad}");
        }
    }

    #[test]
    fn codes_are_exact() {
        for currency in Currency::ALL {
            assert_eq!(currency.code().parse(), Ok(currency));
        }
        assert_eq!("eur".parse::<Currency>(), Err(UnknownCurrency));
    }

    proptest! {
        #[test]
        fn money_never_mixes_or_overflows(a: i64, b: i64, left in 0..16_usize, right in 0..16_usize) {
            let (left, right) = (Currency::ALL[left], Currency::ALL[right]);
            let sum = Money::new(a, left).checked_add(Money::new(b, right));
            if left != right {
                prop_assert_eq!(sum, Err(MoneyError::Mixed(left, right)));
            } else if let Some(minor) = a.checked_add(b) {
                let sum = sum.unwrap();
                prop_assert_eq!(sum, Money::new(minor, left));
                prop_assert_eq!(sum.checked_sub(Money::new(b, left)), Ok(Money::new(a, left)));
            } else {
                prop_assert_eq!(sum, Err(MoneyError::Overflow));
            }
        }
    }
}
