//! When a subscriber is reminded (S3): once per last live period, two days before its end.

use crate::ids::PeriodId;
use crate::subscription::Schedule;
use crate::time::{Duration, Instant};

/// How long before the end the reminder is due.
pub const LEAD: Duration = Duration::hours(48);

/// A reminder that a schedule calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminder {
    /// The last live period: one reminder each.
    pub period: PeriodId,
    /// From when it is due.
    pub due_from: Instant,
    /// From when it would be too late.
    pub due_before: Instant,
}

impl Reminder {
    /// Whether it should be sent at `now`.
    pub fn is_due(&self, now: Instant) -> bool {
        self.due_from <= now && now < self.due_before
    }
}

/// The reminder that `schedule` calls for; none where 48 h or less remained when its last period was bought.
pub fn reminder(schedule: &Schedule) -> Option<Reminder> {
    let last = schedule.last_live()?;
    let due_from = last.ends_at.checked_sub(LEAD)?;
    (last.bought_at < due_from).then_some(Reminder { period: last.id, due_from, due_before: last.ends_at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscription::PeriodState;
    use ::time::macros::datetime;

    const START: Instant = datetime!(2026-01-01 00:00 UTC);

    fn schedule(days: i64) -> (Schedule, PeriodId) {
        let mut schedule = Schedule::default();
        let id = PeriodId::new(START, &[1; 10]);
        schedule.append(id, Duration::days(days), PeriodState::Live, START);
        (schedule, id)
    }

    #[test]
    fn a_reminder_is_due_from_48_hours_before_the_end_and_never_after_it() {
        let (schedule, id) = schedule(30);
        let reminder = reminder(&schedule).unwrap();
        assert_eq!(reminder.period, id);
        let end = START + Duration::days(30);
        let tick = Duration::microseconds(1);
        assert!(!reminder.is_due(end - LEAD - tick));
        assert!(reminder.is_due(end - LEAD));
        assert!(reminder.is_due(end - tick));
        assert!(!reminder.is_due(end));
    }

    #[test]
    fn two_days_or_less_bought_call_for_no_reminder() {
        assert_eq!(reminder(&schedule(2).0), None);
        assert!(reminder(&schedule(3).0).is_some());
    }

    #[test]
    fn after_a_renewal_the_new_last_period_is_the_one_reminded_of() {
        let (mut schedule, _) = schedule(7);
        let renewal = PeriodId::new(START, &[2; 10]);
        schedule.append(renewal, Duration::days(7), PeriodState::Live, START + Duration::days(6));
        let reminder = reminder(&schedule).unwrap();
        assert_eq!((reminder.period, reminder.due_before), (renewal, START + Duration::days(14)));
    }

    #[test]
    fn a_revoked_subscription_calls_for_no_reminder() {
        let (mut schedule, id) = schedule(30);
        schedule.change(id, PeriodState::Revoked, START + Duration::days(1));
        assert_eq!(reminder(&schedule), None);
    }
}
