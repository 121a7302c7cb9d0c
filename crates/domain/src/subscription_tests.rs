//! No paid microsecond is lost or given twice.
//!
//! The properties compare the schedule with [`Queue`], which knows no spans: it lets time eat the first live
//! period's rest, microsecond by microsecond in effect. Where both agree on what every period used and still has,
//! the arithmetic of spans is right.

use ::time::macros::datetime;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

const START: Instant = datetime!(2026-01-01 00:00 UTC);

fn day(n: i64) -> Instant {
    START + Duration::days(n)
}

fn days(n: i64) -> Duration {
    Duration::days(n)
}

fn micros(n: i64) -> Duration {
    Duration::microseconds(n)
}

fn id(n: u8) -> PeriodId {
    PeriodId::new(START, &[n; 10])
}

fn live(lengths: &[i64]) -> Schedule {
    let mut schedule = Schedule::default();
    for (n, length) in (1..).zip(lengths) {
        schedule.append(id(n), days(*length), PeriodState::Live, START);
    }
    schedule
}

fn period(schedule: &Schedule, n: u8) -> &Period {
    schedule.periods().iter().find(|period| period.id == id(n)).unwrap()
}

fn span(schedule: &Schedule, n: u8) -> (Instant, Instant) {
    (period(schedule, n).starts_at, period(schedule, n).ends_at)
}

#[test]
fn a_first_period_starts_at_once_and_one_bought_after_the_end_starts_then() {
    let mut schedule = live(&[7]);
    assert_eq!(span(&schedule, 1), (day(0), day(7)));
    schedule.append(id(2), days(30), PeriodState::Live, day(9));
    assert_eq!(span(&schedule, 2), (day(9), day(39)));
    assert_eq!(schedule.status(day(8)), SubscriptionStatus::Active, "by a clock that is behind");
    assert_eq!(schedule.running(day(8)), None);
}

#[test]
fn an_early_renewal_loses_no_microsecond() {
    for before_end in [micros(1), days(1), days(7)] {
        let mut schedule = live(&[7]);
        let now = day(7) - before_end;
        let left = schedule.microseconds_left(now);
        schedule.append(id(2), days(30), PeriodState::Live, now);
        assert_eq!(schedule.microseconds_left(now), left + 30 * 86_400_000_000);
        assert_eq!(span(&schedule, 2), (day(7), day(37)));
        assert_eq!(schedule.running(day(7) - micros(1)).map(|period| period.id), Some(id(1)));
        assert_eq!(schedule.running(day(7)).map(|period| period.id), Some(id(2)));
        assert_eq!(schedule.starts_at(day(20)), Some(START), "one unbroken run");
    }
}

#[test]
fn revoking_takes_only_what_lies_after_and_the_rest_moves_forward_to_that_instant() {
    let mut schedule = live(&[10, 10, 10]);
    assert!(schedule.change(id(1), PeriodState::Revoked, day(4)));
    assert_eq!(span(&schedule, 1), (day(0), day(4)));
    assert_eq!(period(&schedule, 1).remainder(), days(6));
    assert_eq!(span(&schedule, 2), (day(4), day(14)));
    assert_eq!(span(&schedule, 3), (day(14), day(24)));
    assert_eq!(schedule.status(day(4)), SubscriptionStatus::Active);
}

#[test]
fn revoking_a_period_that_waits_or_that_is_over_moves_nothing_before_now() {
    let mut schedule = live(&[10, 10, 10]);
    assert!(schedule.change(id(2), PeriodState::Revoked, day(4)));
    assert_eq!(span(&schedule, 1), (day(0), day(10)));
    assert_eq!(period(&schedule, 2).remainder(), days(10));
    assert_eq!(span(&schedule, 3), (day(10), day(20)));
    assert!(schedule.change(id(1), PeriodState::Revoked, day(12)));
    assert_eq!(period(&schedule, 1).used(day(12)), days(10), "used time is never taken back");
    assert_eq!(span(&schedule, 3), (day(10), day(20)), "it runs already");
}

#[test]
fn revoking_at_the_very_start_takes_everything_and_at_the_very_end_nothing() {
    let mut schedule = live(&[10, 10]);
    assert!(schedule.change(id(1), PeriodState::Revoked, day(0)));
    assert_eq!(period(&schedule, 1).remainder(), days(10));
    assert_eq!(span(&schedule, 2), (day(0), day(10)));
    assert!(schedule.change(id(2), PeriodState::Revoked, day(10)));
    assert_eq!(period(&schedule, 2).remainder(), Duration::ZERO);
    assert_eq!(schedule.status(day(10)), SubscriptionStatus::Ended);
}

#[test]
fn a_withheld_period_waits_while_others_run_and_gets_its_whole_rest_back_at_the_end() {
    let mut schedule = live(&[10, 10]);
    assert!(schedule.change(id(1), PeriodState::Withheld, day(4)));
    assert_eq!(schedule.running(day(5)).map(|period| period.id), Some(id(2)));
    assert_eq!(span(&schedule, 2), (day(4), day(14)));
    assert!(schedule.change(id(1), PeriodState::Live, day(6)));
    assert_eq!(span(&schedule, 1), (day(14), day(20)));
    assert_eq!(period(&schedule, 1).used_before, days(4));
    assert_eq!(schedule.periods().last().map(|period| period.id), Some(id(1)), "its turn is the last now");
}

#[test]
fn a_subscription_is_suspended_only_while_nothing_runs_and_paid_time_is_withheld() {
    let mut schedule = live(&[10]);
    schedule.change(id(1), PeriodState::Withheld, day(4));
    assert_eq!(schedule.status(day(4)), SubscriptionStatus::Suspended);
    assert_eq!(schedule.status(day(400)), SubscriptionStatus::Suspended);
    assert!(schedule.change(id(1), PeriodState::Live, day(400)));
    assert_eq!(span(&schedule, 1), (day(400), day(406)), "the withheld time did not pass");
    assert!(schedule.change(id(1), PeriodState::Withheld, day(406)));
    assert_eq!(schedule.status(day(406)), SubscriptionStatus::Ended, "nothing of it was left");
}

#[test]
fn time_bought_while_frozen_starts_when_it_is_given_back() {
    let mut schedule = Schedule::default();
    schedule.append(id(1), days(7), PeriodState::Withheld, day(0));
    assert_eq!(schedule.status(day(3)), SubscriptionStatus::Suspended);
    assert_eq!(schedule.last_live(), None);
    assert_eq!(schedule.shown(day(3)).map(|period| period.id), Some(id(1)));
    assert!(schedule.change(id(1), PeriodState::Live, day(20)));
    assert_eq!(span(&schedule, 1), (day(20), day(27)));
    assert_eq!(period(&schedule, 1).bought_at, day(0));
}

#[test]
fn a_change_to_the_same_state_or_of_an_unknown_period_changes_nothing() {
    let mut schedule = live(&[10, 10]);
    let before = schedule.clone();
    assert!(!schedule.change(id(1), PeriodState::Live, day(4)));
    assert!(!schedule.change(id(9), PeriodState::Revoked, day(4)));
    assert_eq!(schedule, before);
}

#[test]
fn withholding_and_giving_back_at_one_instant_leaves_no_trace_on_the_last_period_that_waits() {
    let mut schedule = live(&[10, 10]);
    let before = schedule.clone();
    schedule.change(id(2), PeriodState::Withheld, day(4));
    schedule.change(id(2), PeriodState::Live, day(4));
    assert_eq!(schedule, before);
}

#[test]
fn a_clock_that_stepped_back_moves_nothing_onto_time_that_was_used() {
    let mut schedule = live(&[30, 30, 30]);
    schedule.change(id(1), PeriodState::Withheld, day(15));
    schedule.change(id(2), PeriodState::Withheld, day(18));
    schedule.append(id(4), days(5), PeriodState::Withheld, day(18));
    schedule.change(id(4), PeriodState::Revoked, day(14));
    assert_eq!(schedule.verify(), Ok(()));
    assert_eq!(span(&schedule, 3), (day(18), day(48)));
    schedule.change(id(1), PeriodState::Revoked, day(14));
    assert_eq!(
        period(&schedule, 1).used(day(18)),
        days(15),
        "what was used before it was withheld stays used"
    );
}

#[test]
fn a_stored_schedule_that_breaks_invariant_3_is_refused() {
    let sound = live(&[10, 10]);
    assert_eq!(Schedule::from_periods(sound.periods().iter().rev().cloned().collect()), Ok(sound.clone()));
    let broken = |change: &dyn Fn(&mut [Period])| {
        let mut periods = sound.periods().to_vec();
        change(&mut periods);
        Schedule::from_periods(periods).unwrap_err()
    };
    let sum = Corrupt::Sum(id(1));
    assert_eq!(broken(&|periods| periods[0].ends_at -= micros(1)), sum, "live with a remainder");
    assert_eq!(broken(&|periods| periods[0].used_before = micros(1)), sum, "more used than paid");
    assert_eq!(broken(&|periods| periods[0].length -= micros(1)), sum, "more scheduled than paid");
    let backwards = |periods: &mut [Period]| {
        (periods[0].ends_at, periods[0].used_before) = (day(-1), days(11));
    };
    assert_eq!(broken(&backwards), sum, "ends before it starts");
    let negative = |periods: &mut [Period]| {
        (periods[0].ends_at, periods[0].used_before) = (day(11), days(-1));
    };
    assert_eq!(broken(&negative), sum, "less than nothing used");
    let overlap = |periods: &mut [Period]| {
        (periods[1].starts_at, periods[1].ends_at) = (day(10) - micros(1), day(20) - micros(1));
    };
    assert_eq!(broken(&overlap), Corrupt::Overlap(id(1), id(2)));
}

/// The oracle: periods in their order, each with what it used; time eats the first live one that has a rest.
#[derive(Clone, Debug, Default)]
struct Queue {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    id: PeriodId,
    length: Duration,
    used: Duration,
    state: PeriodState,
}

impl Entry {
    fn rest(&self) -> Duration {
        self.length - self.used
    }
}

impl Queue {
    fn pass(&mut self, mut elapsed: Duration) {
        for entry in self.entries.iter_mut().filter(|entry| entry.state == PeriodState::Live) {
            let eaten = entry.rest().min(elapsed);
            entry.used += eaten;
            elapsed -= eaten;
        }
    }

    fn change(&mut self, id: PeriodId, state: PeriodState) -> bool {
        let index = self.entries.iter().position(|entry| entry.id == id).unwrap();
        if self.entries[index].state == state {
            return false;
        }
        let mut entry = self.entries.remove(index);
        entry.state = state;
        let back = state == PeriodState::Live && entry.rest() > Duration::ZERO;
        let to = if back { self.entries.len() } else { index };
        self.entries.insert(to, entry);
        true
    }

    fn live(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.state == PeriodState::Live)
    }

    fn due(&self) -> Duration {
        self.live().map(Entry::rest).sum()
    }

    fn used(&self) -> Duration {
        self.entries.iter().map(|entry| entry.used).sum()
    }

    fn status(&self) -> SubscriptionStatus {
        let withheld = |entry: &Entry| entry.state == PeriodState::Withheld && entry.rest() > Duration::ZERO;
        if self.due() > Duration::ZERO {
            SubscriptionStatus::Active
        } else if self.entries.iter().any(withheld) {
            SubscriptionStatus::Suspended
        } else {
            SubscriptionStatus::Ended
        }
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Append(i64, PeriodState),
    Change(Index, PeriodState),
}

fn any_state() -> impl Strategy<Value = PeriodState> {
    prop_oneof![3 => Just(PeriodState::Live), 3 => Just(PeriodState::Withheld), 2 => Just(PeriodState::Revoked)]
}

fn any_operation() -> impl Strategy<Value = Operation> {
    // Short lengths meet the ends of others exactly; long ones are what is sold.
    let length = prop_oneof![1..8_i64, Just(7 * 86_400_000_000), Just(30 * 86_400_000_000)];
    prop_oneof![
        3 => length.clone().prop_map(|length| Operation::Append(length, PeriodState::Live)),
        1 => length.prop_map(|length| Operation::Append(length, PeriodState::Withheld)),
        6 => (any::<Index>(), any_state()).prop_map(|(which, state)| Operation::Change(which, state)),
    ]
}

/// Operations, each some microseconds after the one before: often none, often few, sometimes days.
fn any_history() -> impl Strategy<Value = Vec<(Duration, Operation)>> {
    let wait = prop_oneof![3 => Just(0), 4 => 0..10_i64, 2 => 0..9 * 86_400_000_000_i64];
    prop::collection::vec((wait.prop_map(micros), any_operation()), 1..30)
}

/// Does `operation` to the schedule. Says which period it was done to, and what it became.
fn operate(schedule: &mut Schedule, operation: &Operation, now: Instant) -> Option<(PeriodId, PeriodState)> {
    let count = schedule.periods().len();
    match operation {
        Operation::Append(length, state) => {
            let id = id(u8::try_from(count).unwrap());
            schedule.append(id, micros(*length), *state, now);
            Some((id, *state))
        }
        Operation::Change(which, state) => {
            let id = schedule.periods().get(which.index(count.max(1)))?.id;
            schedule.change(id, *state, now).then_some((id, *state))
        }
    }
}

/// The same to the oracle, told by the schedule's own periods which one is meant.
fn operate_queue(queue: &mut Queue, operation: &Operation) -> Option<(PeriodId, PeriodState)> {
    let count = queue.entries.len();
    match operation {
        Operation::Append(length, state) => {
            let id = id(u8::try_from(count).unwrap());
            queue.entries.push(Entry { id, length: micros(*length), used: Duration::ZERO, state: *state });
            Some((id, *state))
        }
        Operation::Change(which, state) => {
            let id = queue.entries.get(which.index(count.max(1)))?.id;
            queue.change(id, *state).then_some((id, *state))
        }
    }
}

fn used(schedule: &Schedule, now: Instant) -> Duration {
    schedule.periods().iter().map(|period| period.used(now)).sum()
}

fn due(schedule: &Schedule, now: Instant) -> Duration {
    schedule.periods().iter().map(|period| period.due(now)).sum()
}

/// Invariant 3, and that schedule and oracle know the same.
fn agree(schedule: &Schedule, queue: &Queue, now: Instant) -> Result<(), TestCaseError> {
    prop_assert_eq!(schedule.verify(), Ok(()));
    prop_assert_eq!(Schedule::from_periods(schedule.periods().to_vec()), Ok(schedule.clone()));
    prop_assert_eq!(schedule.periods().len(), queue.entries.len());
    for (period, entry) in schedule.periods().iter().zip(&queue.entries) {
        prop_assert_eq!((period.id, period.state, period.length), (entry.id, entry.state, entry.length));
        prop_assert_eq!(period.used(now), entry.used);
        prop_assert_eq!(period.used(now) + period.due(now) + period.remainder(), period.length);
        let waits = entry.state == PeriodState::Live;
        prop_assert_eq!(period.due(now), if waits { entry.rest() } else { Duration::ZERO });
    }
    let next = queue.live().find(|entry| entry.rest() > Duration::ZERO).map(|entry| entry.id);
    prop_assert_eq!(schedule.running(now).map(|period| period.id), next, "no gap while time is due");
    prop_assert_eq!(schedule.status(now), queue.status());
    prop_assert_eq!(micros(schedule.microseconds_left(now)), queue.due());
    Ok(())
}

proptest! {
    #[test]
    fn the_schedule_knows_at_every_step_what_a_queue_eaten_by_time_knows(history in any_history()) {
        let (mut schedule, mut queue, mut now) = (Schedule::default(), Queue::default(), START);
        for (wait, operation) in history {
            let (had, was_used) = (queue.due(), queue.used());
            queue.pass(wait);
            now += wait;
            agree(&schedule, &queue, now)?;
            prop_assert_eq!(used(&schedule, now), was_used + wait.min(had), "time passes exactly once");
            let done = operate(&mut schedule, &operation, now);
            prop_assert_eq!(done, operate_queue(&mut queue, &operation));
            agree(&schedule, &queue, now)?;
        }
        let end = now + queue.due();
        queue.pass(queue.due());
        agree(&schedule, &queue, end)?;
    }

    #[test]
    fn used_time_is_never_taken_back(history in any_history(), later in 0..40 * 86_400_000_000_i64) {
        let (mut schedule, mut now) = (Schedule::default(), START);
        for (wait, operation) in history {
            now += wait;
            let before = schedule.clone();
            operate(&mut schedule, &operation, now);
            for period in before.periods() {
                let after = schedule.periods().iter().find(|after| after.id == period.id).unwrap();
                prop_assert_eq!(period.used(now), after.used(now), "no operation makes or takes used time");
                prop_assert!(after.used(now + micros(later)) >= after.used(now));
                prop_assert_eq!(period.length, after.length);
            }
        }
    }

    #[test]
    fn an_operation_on_one_period_shortens_no_other(history in any_history()) {
        let (mut schedule, mut now) = (Schedule::default(), START);
        for (wait, operation) in history {
            now += wait;
            let before = schedule.clone();
            let Some((done_to, state)) = operate(&mut schedule, &operation, now) else { continue };
            for period in before.periods().iter().filter(|period| period.id != done_to) {
                let after = schedule.periods().iter().find(|after| after.id == period.id).unwrap();
                prop_assert_eq!(period.due(now), after.due(now));
                prop_assert_eq!(period.remainder(), after.remainder());
                prop_assert_eq!(period.state, after.state);
                if period.starts_at <= now {
                    prop_assert_eq!(period, after, "what has started stays where it is");
                } else {
                    prop_assert!(now <= after.starts_at && after.starts_at <= period.starts_at);
                }
            }
            let old = before.periods().iter().find(|period| period.id == done_to);
            let new = schedule.periods().iter().find(|period| period.id == done_to).unwrap();
            let lost = due(&before, now) - due(&schedule, now);
            if state == PeriodState::Live {
                let rest = old.map_or(new.length, Period::remainder);
                prop_assert_eq!(lost, -rest, "the whole rest is given");
                if rest > Duration::ZERO {
                    prop_assert_eq!(Some(new.ends_at), schedule.ends_at(), "at the end");
                }
            } else {
                prop_assert_eq!(lost, old.map_or(Duration::ZERO, |old| old.due(now)), "only what lay after now");
                prop_assert_eq!(new.due(now), Duration::ZERO);
            }
        }
    }

    #[test]
    fn clocks_that_step_back_break_no_invariant(
        history in any_history(),
        steps in prop::collection::vec(-12..3_i64, 30),
        scale in prop::sample::select(vec![1, 1_000, 86_400_000_000_i64]),
    ) {
        let (mut schedule, mut now) = (Schedule::default(), START);
        for ((wait, operation), step) in history.into_iter().zip(steps) {
            now += wait;
            let seen = now + micros(step * scale);
            operate(&mut schedule, &operation, seen);
            prop_assert_eq!(schedule.verify(), Ok(()));
            for period in schedule.periods() {
                prop_assert_eq!(period.used(seen) + period.due(seen) + period.remainder(), period.length);
                prop_assert!(period.used(seen) >= Duration::ZERO && period.remainder() >= Duration::ZERO);
            }
        }
    }
}
