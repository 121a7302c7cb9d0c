//! The removal fuse: which removals could be foreseen, and how many others a channel takes within an hour.
//!
//! Time that ends as it was recorded a day before ends as always, however many people that is. Anything else (a refund,
//! a freeze, another chat, a clock that leapt, rows that were edited) is ordinary for a few people and a sign of a
//! mistake for many.

use crate::time::{Duration, Instant};

/// So long before an end it must have been recorded to be foreseen. The shortest plan is as long.
pub const NOTICE: Duration = Duration::hours(24);

/// The span in which unforeseen removals are counted.
pub const WINDOW: Duration = Duration::hours(1);

/// So many always pass, where the percentage of a small channel would be next to nobody.
const FLOOR: u64 = 3;

/// Why a removal could not be foreseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unforeseen {
    /// The chat is another than the one in which the account was seen, or was set less than [`NOTICE`] ago.
    ChatChanged,
    /// The end fell due in a span that the clock leapt over.
    ClockJumped,
    /// An administrator withholds access.
    AccessWithheld,
    /// The account was let go, and not by its owner.
    Unbound,
    /// There never was any time.
    NoTime,
    /// The end was not recorded [`NOTICE`] before: a refund, a charge-back, a revocation, an edit.
    EndNotRecorded,
}

impl Unforeseen {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::ChatChanged,
        Self::ClockJumped,
        Self::AccessWithheld,
        Self::Unbound,
        Self::NoTime,
        Self::EndNotRecorded,
    ];

    /// The word in the database, in alerts and in lists.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChatChanged => "chat_changed",
            Self::ClockJumped => "clock_jumped",
            Self::AccessWithheld => "access_withheld",
            Self::Unbound => "unbound",
            Self::NoTime => "no_time",
            Self::EndNotRecorded => "end_not_recorded",
        }
    }
}

/// An end as it was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedEnd {
    /// When time was to end.
    pub end: Instant,
    /// When that was written down.
    pub recorded_at: Instant,
}

/// Why somebody is not wanted inside any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The account is nobody's now.
    Unbound {
        /// Whether its owner wished so.
        by_owner: bool,
    },
    /// An administrator withholds access.
    Withheld,
    /// There never was any time.
    NoTime,
    /// Time is over.
    TimeOver {
        /// When the last period ends.
        end: Instant,
        /// What was recorded about it.
        recorded: Option<RecordedEnd>,
        /// Whether it fell due in a span that the clock leapt over.
        in_jump: bool,
    },
}

/// A removal that is about to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Whether the chat is not the one that it was, for this account or since [`NOTICE`].
    pub chat_changed: bool,
    /// Why it happens.
    pub cause: Cause,
}

/// Why a removal at `now` could not be foreseen; none if it could.
pub fn unforeseen(departure: &Departure, now: Instant) -> Option<Unforeseen> {
    if departure.chat_changed {
        return Some(Unforeseen::ChatChanged);
    }
    match departure.cause {
        Cause::Unbound { by_owner } => (!by_owner).then_some(Unforeseen::Unbound),
        Cause::Withheld => Some(Unforeseen::AccessWithheld),
        Cause::NoTime => Some(Unforeseen::NoTime),
        Cause::TimeOver { in_jump: true, .. } => Some(Unforeseen::ClockJumped),
        Cause::TimeOver { end, recorded, in_jump: false } => {
            let as_recorded = recorded.is_some_and(|recorded| {
                recorded.end == end && end <= now && end - recorded.recorded_at >= NOTICE
            });
            (!as_recorded).then_some(Unforeseen::EndNotRecorded)
        }
    }
}

/// How much is taken without a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fuse {
    /// At most so many people of a channel within [`WINDOW`]; zero asks about each.
    pub max_people: u32,
    /// And at most this part of its members, in per cent.
    pub max_percent: u32,
}

impl Fuse {
    /// How many unforeseen removals a channel of so many members takes within [`WINDOW`].
    pub fn allows(self, members: u64) -> u64 {
        let part = members.saturating_mul(u64::from(self.max_percent)) / 100;
        part.max(FLOOR).min(u64::from(self.max_people))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::time::macros::datetime;

    const END: Instant = datetime!(2026-12-24 12:00 UTC);
    const TICK: Duration = Duration::microseconds(1);

    fn over(recorded: Option<RecordedEnd>, in_jump: bool) -> Departure {
        Departure { chat_changed: false, cause: Cause::TimeOver { end: END, recorded, in_jump } }
    }

    fn recorded(end: Instant, recorded_at: Instant) -> RecordedEnd {
        RecordedEnd { end, recorded_at }
    }

    #[test]
    fn an_end_that_was_recorded_a_day_before_is_foreseen_at_it_and_ever_after() {
        let departure = over(Some(recorded(END, END - NOTICE)), false);
        for now in [END, END + TICK, END + Duration::days(400)] {
            assert_eq!(unforeseen(&departure, now), None);
        }
    }

    #[test]
    fn an_end_recorded_late_or_otherwise_or_not_at_all_is_unforeseen() {
        for (departure, now) in [
            (over(Some(recorded(END, END - NOTICE + TICK)), false), END),
            (over(Some(recorded(END + TICK, END - NOTICE)), false), END),
            (over(Some(recorded(END, END)), false), END),
            (over(None, false), END),
            // Not over by its own dates: something else took the time away.
            (over(Some(recorded(END, END - NOTICE)), false), END - TICK),
        ] {
            assert_eq!(unforeseen(&departure, now), Some(Unforeseen::EndNotRecorded), "{departure:?}");
        }
    }

    #[test]
    fn every_other_cause_is_told_by_its_reason() {
        let plain = |cause| Departure { chat_changed: false, cause };
        for (departure, expected) in [
            (over(Some(recorded(END, END - NOTICE)), true), Some(Unforeseen::ClockJumped)),
            (plain(Cause::Withheld), Some(Unforeseen::AccessWithheld)),
            (plain(Cause::NoTime), Some(Unforeseen::NoTime)),
            (plain(Cause::Unbound { by_owner: false }), Some(Unforeseen::Unbound)),
            (plain(Cause::Unbound { by_owner: true }), None),
            (
                Departure { chat_changed: true, ..over(Some(recorded(END, END - NOTICE)), false) },
                Some(Unforeseen::ChatChanged),
            ),
            (
                Departure { chat_changed: true, cause: Cause::Unbound { by_owner: true } },
                Some(Unforeseen::ChatChanged),
            ),
        ] {
            assert_eq!(unforeseen(&departure, END), expected, "{departure:?}");
        }
    }

    #[test]
    fn a_channel_takes_the_smaller_of_both_limits_but_a_few_always() {
        let fuse = Fuse { max_people: 10, max_percent: 20 };
        for (members, expected) in
            [(0, 3), (1, 3), (3, 3), (19, 3), (20, 4), (49, 9), (50, 10), (51, 10), (u64::MAX, 10)]
        {
            assert_eq!(fuse.allows(members), expected, "{members}");
        }
        assert_eq!(Fuse { max_people: 1, max_percent: 20 }.allows(1_000), 1);
        assert_eq!(Fuse { max_people: 0, max_percent: 100 }.allows(1_000), 0);
    }
}
