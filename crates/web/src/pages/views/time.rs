//! Instants as pages show them, and the countdown with its sun that sets when the access ends.

use ::time::format_description::well_known::Rfc3339;
use ::time::{Duration, OffsetDateTime};
use application::text::{Locale, text};

/// From here on the countdown looks urgent, as the reminder goes out.
const CLOSING: Duration = Duration::hours(48);
/// A length that is short of whole days by no more than this is still called by them.
const NEARLY: Duration = Duration::hours(1);

/// An instant: for programs and for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// RFC 3339, for `<time datetime>` and the script.
    pub iso: String,
    /// To the minute, in the page's language.
    pub text: String,
}

impl Moment {
    /// An instant to the minute.
    pub fn new(locale: Locale, instant: OffsetDateTime) -> Self {
        Self { iso: iso(instant), text: locale.instant(instant) }
    }

    /// An instant of which people only need the day.
    pub fn day(locale: Locale, instant: OffsetDateTime) -> Self {
        Self { iso: iso(instant), text: locale.date(instant) }
    }
}

fn iso(instant: OffsetDateTime) -> String {
    // Only a year beyond 9999 has no RFC 3339 form; it is then left out.
    instant.format(&Rfc3339).unwrap_or_default()
}

/// The time left, true at the instant the page was made; the script counts on from there.
#[derive(Clone, Debug, PartialEq)]
pub struct Countdown {
    /// When the access ends.
    pub ends_at: Moment,
    /// Business time when the page was made. The script counts from this and not from the device's clock,
    /// which may be wrong, as the business clock of a sandbox may be moved.
    pub now_iso: String,
    /// Whole days left.
    pub days: String,
    /// "day" or "days".
    pub day_unit: String,
    /// Hours beyond the days, two digits.
    pub hours: String,
    /// Minutes beyond the hours, two digits.
    pub minutes: String,
    /// Seconds beyond the minutes, two digits.
    pub seconds: String,
    /// The two largest units in words.
    pub left: String,
    /// How long it is in a few words, once the reminder's 48 hours have begun.
    pub closing: Option<String>,
    /// Where the sun stands on its arc.
    pub sun: Sun,
}

impl Countdown {
    /// The time from `now` (business time) to the end of an access that began at `started_at`.
    pub fn new(
        locale: Locale,
        started_at: OffsetDateTime,
        ends_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Self {
        let left = (ends_at - now).max(Duration::ZERO);
        let seconds = left.whole_seconds();
        Self {
            ends_at: Moment::new(locale, ends_at),
            now_iso: iso(now),
            days: (seconds / 86_400).to_string(),
            day_unit: text(
                locale,
                if one_day(locale, seconds / 86_400) { "unit-day" } else { "unit-days" },
                &[],
            ),
            hours: format!("{:02}", seconds / 3_600 % 24),
            minutes: format!("{:02}", seconds / 60 % 60),
            seconds: format!("{:02}", seconds % 60),
            left: locale.duration(left),
            closing: closing(left).map(|key| text(locale, key, &[])),
            sun: Sun::at(elapsed(started_at, ends_at, now)),
        }
    }
}

/// The sentence for the last two days.
fn closing(left: Duration) -> Option<&'static str> {
    let day = Duration::DAY;
    match left {
        _ if left > CLOSING => None,
        _ if left > CLOSING - NEARLY => Some("access-closing-two-days"),
        _ if left >= day + NEARLY => Some("access-closing-under-two-days"),
        _ if left > day - NEARLY => Some("access-closing-one-day"),
        _ if left >= NEARLY => Some("access-closing-under-one-day"),
        _ => Some("access-closing-under-one-hour"),
    }
}

/// Whether that many days take the singular: French also says "0 jour".
fn one_day(locale: Locale, days: i64) -> bool {
    days == 1 || (days == 0 && locale == Locale::Fr)
}

fn elapsed(started_at: OffsetDateTime, ends_at: OffsetDateTime, now: OffsetDateTime) -> f64 {
    let whole = (ends_at - started_at).as_seconds_f64();
    if whole <= 0.0 { 1.0 } else { ((now - started_at).as_seconds_f64() / whole).clamp(0.0, 1.0) }
}

/// The sun of the countdown's picture: rises where the access began, sets where it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Sun {
    /// Its place in the picture.
    pub x: String,
    /// Its place in the picture; the horizon is at 100.
    pub y: String,
    /// How much of the arc lies behind it, in percent.
    pub percent: String,
}

impl Sun {
    /// The arc spans (20, 100) to (380, 100) with its top at 10: a circle of radius 225 around (200, 235).
    const RADIUS: f64 = 225.0;
    const CENTRE: (f64, f64) = (200.0, 235.0);

    fn at(elapsed: f64) -> Self {
        let half = (180.0 / Self::RADIUS).asin();
        let (sine, cosine) = (half * 2.0f64.mul_add(elapsed, -1.0)).sin_cos();
        Self {
            x: format!("{:.1}", Self::RADIUS.mul_add(sine, Self::CENTRE.0)),
            y: format!("{:.1}", (-Self::RADIUS).mul_add(cosine, Self::CENTRE.1)),
            percent: format!("{:.1}", elapsed * 100.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::time::macros::datetime;

    #[test]
    fn the_countdown_starts_at_what_is_left() {
        let (start, end) = (datetime!(2026-11-01 00:00 UTC), datetime!(2026-12-01 00:00 UTC));
        let shown = Countdown::new(Locale::Fr, start, end, datetime!(2026-11-27 20:54:57 UTC));
        let parts = [shown.days, shown.hours, shown.minutes, shown.seconds];
        assert_eq!(parts, ["3", "03", "05", "03"]);
        assert_eq!(shown.left, "3\u{a0}jours 3\u{a0}h");
        assert_eq!(shown.now_iso, "2026-11-27T20:54:57Z");
        assert_eq!(shown.closing, None);
    }

    #[test]
    fn the_last_two_days_are_said_in_words_and_nothing_counts_below_zero() {
        let (start, end) = (datetime!(2026-11-01 00:00 UTC), datetime!(2026-12-01 00:00 UTC));
        let at = |left| Countdown::new(Locale::En, start, end, end - left);
        let (hour, second) = (Duration::HOUR, Duration::SECOND);
        for (left, words) in [
            (hour * 48 + second, None),
            (hour * 48, Some("Two days left.")),
            (hour * 47 + second, Some("Two days left.")),
            (hour * 47, Some("Less than two days left.")),
            (hour * 25, Some("Less than two days left.")),
            (hour * 25 - second, Some("One day left.")),
            (hour * 24, Some("One day left.")),
            (hour * 23, Some("Less than one day left.")),
            (hour, Some("Less than one day left.")),
            (hour - second, Some("Less than one hour left.")),
        ] {
            assert_eq!(at(left).closing.as_deref(), words, "{left}");
        }
        let late = at(Duration::days(-4));
        assert_eq!((late.days.as_str(), late.seconds.as_str()), ("0", "00"));
    }

    #[test]
    fn the_sun_rises_at_the_start_and_sets_at_the_end() {
        let place = |elapsed| {
            let sun = Sun::at(elapsed);
            (sun.x, sun.y)
        };
        assert_eq!(place(0.0), ("20.0".to_owned(), "100.0".to_owned()));
        assert_eq!(place(0.5), ("200.0".to_owned(), "10.0".to_owned()));
        assert_eq!(place(1.0), ("380.0".to_owned(), "100.0".to_owned()));
        let instant = datetime!(2026-11-01 00:00 UTC);
        assert!((elapsed(instant, instant, instant) - 1.0).abs() < f64::EPSILON);
    }
}
