//! Which backups are kept: the newest of each day, of each week and of each month, and always the newest of all.

use std::collections::BTreeSet;

use domain::time::Instant;

/// How many of each are kept. Days, weeks and months without a backup are not counted, so that nothing goes while none is
/// made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Days.
    pub daily: u32,
    /// Weeks, from Monday on.
    pub weekly: u32,
    /// Months.
    pub monthly: u32,
}

impl Keep {
    /// Those of some backups, by when they were made, that are kept.
    pub fn kept(self, made: &[Instant]) -> BTreeSet<Instant> {
        let mut newest_first: Vec<Instant> = made.to_vec();
        newest_first.sort_unstable_by(|one, other| other.cmp(one));
        let mut kept: BTreeSet<Instant> = newest_first.first().copied().into_iter().collect();
        kept.extend(newest_of_each(&newest_first, self.daily, |at| (at.year(), u32::from(at.ordinal()))));
        kept.extend(newest_of_each(&newest_first, self.weekly, |at| {
            let (year, week, _) = at.to_iso_week_date();
            (year, u32::from(week))
        }));
        kept.extend(newest_of_each(&newest_first, self.monthly, |at| {
            (at.year(), u32::from(u8::from(at.month())))
        }));
        kept
    }
}

fn newest_of_each(
    newest_first: &[Instant],
    count: u32,
    span: impl Fn(Instant) -> (i32, u32),
) -> Vec<Instant> {
    let (mut kept, mut last) = (Vec::new(), None);
    for at in newest_first {
        if kept.len() >= usize::try_from(count).unwrap_or(usize::MAX) {
            break;
        }
        let this = Some(span(*at));
        if this != last {
            kept.push(*at);
            last = this;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::time::Duration;
    use time::macros::datetime;

    const NOW: Instant = datetime!(2026-03-31 02:00 UTC);

    fn keep(daily: u32, weekly: u32, monthly: u32) -> Keep {
        Keep { daily, weekly, monthly }
    }

    fn days_ago(kept: &BTreeSet<Instant>) -> Vec<i64> {
        kept.iter().rev().map(|at| (NOW - *at).whole_days()).collect()
    }

    #[test]
    fn the_newest_of_each_day_week_and_month_is_kept() {
        let nightly: Vec<Instant> = (0..400).map(|days| NOW - Duration::days(days)).collect();
        let table: [(Keep, &[i64]); 6] = [
            (keep(3, 0, 0), &[0, 1, 2]),
            // The 31st is a Tuesday: the Sundays before it are 2, 9 and 16 days ago.
            (keep(0, 4, 0), &[0, 2, 9, 16]),
            // The last days of February and January.
            (keep(0, 0, 3), &[0, 31, 59]),
            (keep(2, 2, 2), &[0, 1, 2, 31]),
            (keep(0, 0, 0), &[0]),
            (keep(7, 5, 2), &[0, 1, 2, 3, 4, 5, 6, 9, 16, 23, 31]),
        ];
        for (keep, expected) in table {
            assert_eq!(days_ago(&keep.kept(&nightly)), expected, "{keep:?}");
        }
    }

    #[test]
    fn of_several_on_one_day_the_newest_is_kept_whatever_their_order() {
        let made = [NOW - Duration::hours(1), NOW, NOW - Duration::minutes(1)];
        assert_eq!(keep(7, 5, 12).kept(&made), BTreeSet::from([NOW]));
    }

    #[test]
    fn nothing_goes_by_itself_while_no_backup_is_made() {
        let old: Vec<Instant> = (0..3).map(|days| NOW - Duration::days(500 + days)).collect();
        assert_eq!(keep(3, 0, 0).kept(&old).len(), 3);
        assert_eq!(keep(3, 0, 0).kept(&[]).len(), 0);
    }

    #[test]
    fn the_week_and_the_month_at_the_turn_of_a_year_are_told_apart() {
        let made = [
            datetime!(2025-12-28 02:00 UTC),
            // Both of week 1 of 2026, which begins on 29 December.
            datetime!(2025-12-31 02:00 UTC),
            datetime!(2026-01-02 02:00 UTC),
        ];
        assert_eq!(keep(0, 2, 0).kept(&made), BTreeSet::from([made[0], made[2]]));
        assert_eq!(keep(0, 0, 2).kept(&made), BTreeSet::from([made[1], made[2]]));
    }
}
