//! A subscription: a schedule of periods that never loses a paid microsecond.
//!
//! Every period owns a span `[starts_at, ends_at)` and the time it used in earlier spans. Live periods lie end to
//! end in the order in which they were appended. At any instant what lies before it is *used* and never changes;
//! only what lies after it can be moved, withheld or revoked. So for each period, always:
//!
//! ```text
//! used_before + (ends_at − starts_at) + remainder = length      (the remainder of a live period is zero)
//! ```

use serde::{Deserialize, Serialize};

use crate::ids::PeriodId;
use crate::time::{Duration, Instant, microseconds_between};

/// Whether a period runs in its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeriodState {
    /// It runs, ran or will run.
    Live,
    /// Its unused rest waits for the end of a dispute or a freeze.
    Withheld,
    /// Its unused rest was taken back: a full refund, a lost dispute, an administrator.
    Revoked,
}

impl PeriodState {
    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Withheld => "withheld",
            Self::Revoked => "revoked",
        }
    }
}

/// What one payment or one grant added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its identifier.
    pub id: PeriodId,
    /// Its turn: lower positions run first.
    pub position: i32,
    /// What was paid or granted.
    pub length: Duration,
    /// Time used in spans before the current one.
    pub used_before: Duration,
    /// Start of the current span.
    pub starts_at: Instant,
    /// End of the current span.
    pub ends_at: Instant,
    /// Whether it runs in its turn.
    pub state: PeriodState,
    /// When it was bought or granted.
    pub bought_at: Instant,
}

impl Period {
    /// Paid time that has passed at `now`.
    pub fn used(&self, now: Instant) -> Duration {
        self.used_before + (now.min(self.ends_at) - self.starts_at).max(Duration::ZERO)
    }

    /// Paid time that will still run.
    pub fn due(&self, now: Instant) -> Duration {
        (self.ends_at - now.max(self.starts_at)).max(Duration::ZERO)
    }

    /// Paid time that neither ran nor will run: withheld or revoked.
    pub fn remainder(&self) -> Duration {
        self.length - self.used_before - (self.ends_at - self.starts_at)
    }

    fn runs(&self, now: Instant) -> bool {
        self.starts_at <= now && now < self.ends_at
    }

    /// Gives up what lies after `now`; what lies before stays.
    fn cut(&mut self, now: Instant) {
        if now <= self.starts_at {
            self.starts_at = now;
            self.ends_at = now;
        } else {
            self.ends_at = self.ends_at.min(now);
        }
    }

    /// Takes its whole remainder up again in a new span that starts at `at`.
    fn resume(&mut self, at: Instant) {
        let rest = self.remainder();
        self.used_before += self.ends_at - self.starts_at;
        self.starts_at = at;
        self.ends_at = at + rest;
    }
}

/// How a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionStatus {
    /// A period runs now.
    Active,
    /// Nothing runs, and paid time is withheld.
    Suspended,
    /// Nothing runs and nothing will.
    Ended,
}

impl SubscriptionStatus {
    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Ended => "ended",
        }
    }
}

/// All periods of one subscription, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    periods: Vec<Period>,
}

/// A stored schedule that breaks invariant 3. It is an error of ours, never of a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Corrupt {
    /// A period whose parts do not add up to its length.
    #[error("the parts of {0:?} do not add up to its length")]
    Sum(PeriodId),
    /// Two live periods at the same time.
    #[error("{0:?} and {1:?} overlap")]
    Overlap(PeriodId, PeriodId),
}

impl Schedule {
    /// A schedule as it was stored; refuses one that breaks invariant 3.
    pub fn from_periods(mut periods: Vec<Period>) -> Result<Self, Corrupt> {
        periods.sort_by_key(|period| period.position);
        let schedule = Self { periods };
        schedule.verify()?;
        Ok(schedule)
    }

    /// The periods in their order.
    pub fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// Appends `length`, bought at `now`: it starts when the last live period ends, or now if nothing runs.
    /// A period that may not run yet (a frozen account, an open dispute) is appended withheld.
    pub fn append(&mut self, id: PeriodId, length: Duration, state: PeriodState, now: Instant) {
        let position = self.position_behind(id);
        let nothing = Duration::ZERO;
        let (starts_at, ends_at) = (now, now);
        let mut period =
            Period { id, position, length, used_before: nothing, starts_at, ends_at, state, bought_at: now };
        if state == PeriodState::Live {
            period.resume(self.free_from(now));
        }
        self.periods.push(period);
    }

    /// Lets a period become live, withheld or revoked at `now`. Says whether anything changed.
    ///
    /// Taking a period out takes only what lies after `now`, and the periods behind it move forward, never before
    /// `now`. Bringing it back gives its whole remainder back, at the end.
    pub fn change(&mut self, id: PeriodId, state: PeriodState, now: Instant) -> bool {
        let position = self.position_behind(id);
        let free_from = self.free_from(now);
        let Some(period) = self.periods.iter_mut().find(|period| period.id == id) else {
            return false;
        };
        if period.state == state {
            return false;
        }
        let was_live = period.state == PeriodState::Live;
        period.state = state;
        match state {
            PeriodState::Live if period.remainder() > Duration::ZERO => {
                period.position = position;
                period.resume(free_from);
            }
            PeriodState::Withheld | PeriodState::Revoked if was_live => period.cut(now),
            _ => {}
        }
        self.periods.sort_by_key(|period| period.position);
        self.close_gaps(now);
        true
    }

    /// When the last paid time ends or ended; none if there never was a period.
    pub fn ends_at(&self) -> Option<Instant> {
        self.periods.iter().map(|period| period.ends_at).max()
    }

    /// The period that runs at `now`.
    pub fn running(&self, now: Instant) -> Option<&Period> {
        self.periods.iter().find(|period| period.runs(now))
    }

    /// The live period that ends last.
    pub fn last_live(&self) -> Option<&Period> {
        self.periods
            .iter()
            .filter(|period| period.state == PeriodState::Live)
            .max_by_key(|period| period.ends_at)
    }

    /// The period to name when the subscription is shown: the running one, else the last.
    pub fn shown(&self, now: Instant) -> Option<&Period> {
        self.running(now)
            .or_else(|| self.periods.iter().max_by_key(|period| (period.ends_at, period.position)))
    }

    /// When the unbroken run of time that contains the shown period began.
    pub fn starts_at(&self, now: Instant) -> Option<Instant> {
        let mut start = self.shown(now)?.starts_at;
        let before = |start: Instant| {
            self.periods.iter().find(|period| period.ends_at == start && period.starts_at < start)
        };
        while let Some(period) = before(start) {
            start = period.starts_at;
        }
        Some(start)
    }

    /// How the subscription stands at `now`. Time that is due counts as active even before its start, which only
    /// a clock behind the one it was bought by can see.
    pub fn status(&self, now: Instant) -> SubscriptionStatus {
        let due = |period: &Period| period.due(now) > Duration::ZERO;
        let withheld =
            |period: &Period| period.state == PeriodState::Withheld && period.remainder() > Duration::ZERO;
        if self.periods.iter().any(due) {
            SubscriptionStatus::Active
        } else if self.periods.iter().any(withheld) {
            SubscriptionStatus::Suspended
        } else {
            SubscriptionStatus::Ended
        }
    }

    /// Invariant 3: every period adds up, and no two share an instant.
    pub fn verify(&self) -> Result<(), Corrupt> {
        for period in &self.periods {
            let whole = period.remainder() == Duration::ZERO;
            let live = period.state == PeriodState::Live;
            let ordered = period.starts_at <= period.ends_at && period.used_before >= Duration::ZERO;
            if period.remainder() < Duration::ZERO || !ordered || (live && !whole) {
                return Err(Corrupt::Sum(period.id));
            }
        }
        let mut spans: Vec<&Period> = self.periods.iter().filter(|p| p.starts_at < p.ends_at).collect();
        spans.sort_by_key(|period| period.starts_at);
        match spans.windows(2).find(|pair| pair[1].starts_at < pair[0].ends_at) {
            Some(pair) => Err(Corrupt::Overlap(pair[0].id, pair[1].id)),
            None => Ok(()),
        }
    }

    /// Whole microseconds left at `now` over all live periods.
    pub fn microseconds_left(&self, now: Instant) -> i64 {
        self.ends_at().map_or(0, |end| microseconds_between(now, end).max(0))
    }

    /// The turn after all other periods; one that is last already keeps its own, so that giving back what was
    /// withheld a moment ago leaves no trace.
    fn position_behind(&self, id: PeriodId) -> i32 {
        let others = self.periods.iter().filter(|period| period.id != id);
        others.map(|period| period.position).max().map_or(0, |position| position + 1)
    }

    fn free_from(&self, now: Instant) -> Instant {
        self.ends_at().map_or(now, |end| end.max(now))
    }

    /// Lays the live periods that have not started yet end to end behind everything that has.
    ///
    /// "Everything", not only the one that runs: when the clock stepped back, time that was used after `now` may
    /// belong to periods that were taken out since.
    fn close_gaps(&mut self, now: Instant) {
        let waits = |period: &Period| period.state == PeriodState::Live && period.starts_at > now;
        let fixed = self.periods.iter().filter(|period| !waits(period));
        let mut cursor = fixed.map(|period| period.ends_at).max().map_or(now, |end| end.max(now));
        for period in &mut self.periods {
            if waits(period) {
                let span = period.ends_at - period.starts_at;
                period.starts_at = cursor;
                period.ends_at = cursor + span;
                cursor = period.ends_at;
            }
        }
    }
}

#[cfg(test)]
#[path = "subscription_tests.rs"]
mod tests;
