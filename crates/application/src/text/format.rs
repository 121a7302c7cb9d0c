//! How instants, durations and amounts are written in each language.
//!
//! Numbers and their units are held together by no-break spaces (U+00A0; U+202F between thousands in
//! French, as CLDR has it), so that no line ends between them.

use domain::money::{Currency, Money};
use time::{Duration, OffsetDateTime, UtcOffset};

use super::{Arg, Locale, text};

/// Between a number and what it counts.
const NO_BREAK: char = '\u{a0}';
/// Between French thousands.
const NARROW: char = '\u{202f}';

/// Decimals that are always shown; currencies with more drop their trailing zeros down to these.
const USUAL_DECIMALS: usize = 3;

impl Locale {
    /// A day: "23 novembre 2026", "23 November 2026". In UTC.
    pub fn date(self, instant: OffsetDateTime) -> String {
        let day = instant.to_offset(UtcOffset::UTC).date();
        let month = text(self, &format!("month-{}", u8::from(day.month())), &[]);
        let args = [
            ("day", Arg::Number(i64::from(day.day()))),
            ("month", month.into()),
            // As words: a year is not a count and takes no grouping.
            ("year", day.year().to_string().into()),
        ];
        text(self, "date", &args)
    }

    /// A minute: "23 novembre 2026 à 14:05 UTC", "23 November 2026, 14:05 UTC".
    pub fn instant(self, instant: OffsetDateTime) -> String {
        let utc = instant.to_offset(UtcOffset::UTC);
        let time = format!("{:02}:{:02}", utc.hour(), utc.minute());
        text(self, "instant", &[("date", self.date(utc).into()), ("time", time.into())])
    }

    /// The two largest units of a duration: "2 jours 3 h", "3 h 12 min", "12 min"; never negative.
    pub fn duration(self, length: Duration) -> String {
        let minutes = length.whole_minutes().max(0);
        let parts = [
            ("duration-days", minutes / 1_440),
            ("duration-hours", minutes / 60 % 24),
            ("duration-minutes", minutes % 60),
        ];
        let Some(first) = parts.iter().position(|(_, count)| *count > 0) else {
            return text(self, "duration-moment", &[]);
        };
        let said = parts.iter().skip(first).take(2).filter(|(_, count)| *count > 0);
        let said = said.map(|(key, count)| text(self, key, &[("count", Arg::Number(*count))]));
        said.collect::<Vec<_>>().join(" ")
    }

    /// A duration as people say it: from a day on to the nearest hour, so that a moment less than two days is
    /// "2 days".
    pub fn about(self, length: Duration) -> String {
        let to_the_hour = Duration::hours((length + Duration::minutes(30)).whole_hours());
        self.duration(if length < Duration::DAY { length } else { to_the_hour })
    }

    /// An amount: "59,99 €", "€59.99"; "15 000 F CFA", "F CFA 15,000"; a code where no sign is usual.
    pub fn money(self, amount: Money) -> String {
        let decimal = amount.decimal();
        let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal.as_str()), |rest| ("-", rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let fraction = shown_decimals(fraction);
        let (group, point) = match self {
            Self::Fr => (NARROW, ','),
            Self::En => (',', '.'),
        };
        let mut number = grouped(whole, group);
        if !fraction.is_empty() {
            number.push(point);
            number.push_str(fraction);
        }
        let unit = self.currency(amount.currency);
        match self {
            Self::Fr => format!("{sign}{number}{NO_BREAK}{unit}"),
            // A sign stands close to its number, letters stand apart.
            Self::En if unit.ends_with(char::is_alphabetic) => format!("{sign}{unit}{NO_BREAK}{number}"),
            Self::En => format!("{sign}{unit}{number}"),
        }
    }

    const fn currency(self, currency: Currency) -> &'static str {
        match (currency, self) {
            (Currency::Eur, _) => "€",
            (Currency::Gbp, _) => "£",
            (Currency::Usd, Self::En) => "$",
            (Currency::Usd, Self::Fr) => "$US",
            (Currency::Cad, Self::En) => "CA$",
            (Currency::Cad, Self::Fr) => "$CA",
            (Currency::Jpy, _) => "¥",
            (Currency::Ngn, _) => "₦",
            (Currency::Xof | Currency::Xaf, _) => "F\u{202f}CFA",
            (other, _) => other.code(),
        }
    }
}

fn shown_decimals(fraction: &str) -> &str {
    if fraction.len() <= USUAL_DECIMALS {
        return fraction;
    }
    let shown = fraction.trim_end_matches('0');
    // The fraction is ASCII digits, so every cut falls between two characters.
    if shown.len() < 2 { &fraction[..2] } else { shown }
}

fn grouped(digits: &str, separator: char) -> String {
    let mut said = String::with_capacity(digits.len() * 2);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            said.push(separator);
        }
        said.push(digit);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn instants_are_written_as_each_language_does() {
        let cases = [
            (
                datetime!(2026-11-23 14:05:59 UTC),
                "23 novembre 2026 à 14:05 UTC",
                "23 November 2026, 14:05 UTC",
            ),
            (datetime!(2026-02-01 00:00 UTC), "1er février 2026 à 00:00 UTC", "1 February 2026, 00:00 UTC"),
            (
                datetime!(2027-01-01 00:30 +01:00),
                "31 décembre 2026 à 23:30 UTC",
                "31 December 2026, 23:30 UTC",
            ),
        ];
        for (instant, french, english) in cases {
            assert_eq!(Locale::Fr.instant(instant), french);
            assert_eq!(Locale::En.instant(instant), english);
        }
    }

    #[test]
    fn durations_say_their_two_largest_units() {
        let cases = [
            (Duration::hours(51), "2\u{a0}jours 3\u{a0}h", "2\u{a0}days 3\u{a0}h"),
            (Duration::hours(24), "1\u{a0}jour", "1\u{a0}day"),
            (Duration::minutes(1_441), "1\u{a0}jour", "1\u{a0}day"),
            (Duration::minutes(192), "3\u{a0}h 12\u{a0}min", "3\u{a0}h 12\u{a0}min"),
            (Duration::seconds(59), "moins d’une minute", "less than a minute"),
            (Duration::seconds(-1), "moins d’une minute", "less than a minute"),
        ];
        for (length, french, english) in cases {
            assert_eq!(Locale::Fr.duration(length), french);
            assert_eq!(Locale::En.duration(length), english);
        }
    }

    #[test]
    fn long_durations_can_be_said_to_the_nearest_hour() {
        let cases = [
            (Duration::hours(48) - Duration::SECOND, "2\u{a0}days"),
            (Duration::minutes(47 * 60 + 29), "1\u{a0}day 23\u{a0}h"),
            (Duration::hours(24) - Duration::SECOND, "23\u{a0}h 59\u{a0}min"),
        ];
        for (length, said) in cases {
            assert_eq!(Locale::En.about(length), said);
        }
    }

    #[test]
    fn amounts_follow_the_language_and_the_currency() {
        let cases = [
            (5_999, Currency::Eur, "59,99\u{a0}€", "€59.99"),
            (-5, Currency::Eur, "-0,05\u{a0}€", "-€0.05"),
            (123_456_789, Currency::Usd, "1\u{202f}234\u{202f}567,89\u{a0}$US", "$1,234,567.89"),
            (15_000, Currency::Xof, "15\u{202f}000\u{a0}F\u{202f}CFA", "F\u{202f}CFA\u{a0}15,000"),
            (999, Currency::Xaf, "999\u{a0}F\u{202f}CFA", "F\u{202f}CFA\u{a0}999"),
            (59_990, Currency::Tnd, "59,990\u{a0}TND", "TND\u{a0}59.990"),
            (150_000, Currency::Btc, "0,0015\u{a0}BTC", "BTC\u{a0}0.0015"),
            (10_000_000, Currency::Usdt, "10,00\u{a0}USDT", "USDT\u{a0}10.00"),
            (
                i64::MIN,
                Currency::Jpy,
                "-9\u{202f}223\u{202f}372\u{202f}036\u{202f}854\u{202f}775\u{202f}808\u{a0}¥",
                "-¥9,223,372,036,854,775,808",
            ),
        ];
        for (minor, currency, french, english) in cases {
            assert_eq!(Locale::Fr.money(Money::new(minor, currency)), french);
            assert_eq!(Locale::En.money(Money::new(minor, currency)), english);
        }
    }
}
