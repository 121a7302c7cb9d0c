//! Movements: the lines of the books. A payment's money comes once; what later takes it or returns it is the difference
//! between what was taken before and after, so that the lines of a payment always add up to what its facts say is left.

use crate::money::Money;
use crate::payment::{DisputeState, Facts};

/// What moved money that had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovementKind {
    /// Some or all of it was sent back.
    Refund,
    /// A lost dispute took what was left of it.
    DisputeLost,
    /// What a lost dispute had taken came back.
    DisputeWon,
}

impl MovementKind {
    /// The word in the database and in exports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::DisputeLost => "dispute_lost",
            Self::DisputeWon => "dispute_won",
        }
    }
}

/// One line of the books; its amount is negative where money left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// What moved it.
    pub kind: MovementKind,
    /// How much, in minor units of the payment's currency.
    pub amount_minor: i64,
}

/// What the change of a payment's facts moved, beside the money's coming itself.
pub fn movement(before: &Facts, after: &Facts, amount: Money) -> Option<Movement> {
    let amount_minor = taken(before, amount) - taken(after, amount);
    let kind = match (amount_minor, is_lost(after)) {
        (0, _) => return None,
        (1.., _) => MovementKind::DisputeWon,
        (_, true) => MovementKind::DisputeLost,
        (_, false) => MovementKind::Refund,
    };
    Some(Movement { kind, amount_minor })
}

/// What has left of the money that had come.
fn taken(facts: &Facts, amount: Money) -> i64 {
    match facts.settled {
        None => 0,
        Some(_) if is_lost(facts) => amount.minor,
        Some(_) => facts.refunded_minor.min(amount.minor),
    }
}

fn is_lost(facts: &Facts) -> bool {
    facts.dispute.is_some_and(|dispute| dispute.state == DisputeState::Lost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use crate::payment::{Dispute, Settlement};
    use proptest::prelude::*;
    use time::macros::datetime;

    const AT: crate::time::Instant = datetime!(2026-11-23 14:00 UTC);
    const AMOUNT: Money = Money::new(5_999, Currency::Eur);

    fn facts(settled: bool, refunded_minor: i64, dispute: Option<DisputeState>) -> Facts {
        Facts {
            settled: settled.then_some(Settlement { at: AT }),
            refunded_minor,
            dispute: dispute.map(|state| Dispute { at: AT, state }),
            ..Facts::created()
        }
    }

    #[test]
    fn each_change_moves_what_it_says() {
        use DisputeState::{Lost, Open, Won};
        let moved = |kind, amount_minor| Some(Movement { kind, amount_minor });
        let cases = [
            (facts(false, 0, None), facts(true, 0, None), None),
            (facts(true, 0, None), facts(true, 1_000, None), moved(MovementKind::Refund, -1_000)),
            (facts(true, 1_000, None), facts(true, 5_999, None), moved(MovementKind::Refund, -4_999)),
            (facts(true, 0, None), facts(true, 0, Some(Open)), None),
            (facts(true, 0, Some(Open)), facts(true, 0, Some(Won)), None),
            (
                facts(true, 999, Some(Open)),
                facts(true, 999, Some(Lost)),
                moved(MovementKind::DisputeLost, -5_000),
            ),
            (
                facts(true, 999, Some(Lost)),
                facts(true, 999, Some(Won)),
                moved(MovementKind::DisputeWon, 5_000),
            ),
            // The money is gone already: a refund that is told as well takes nothing more.
            (facts(true, 0, Some(Lost)), facts(true, 5_999, Some(Lost)), None),
            // Both were known before the money.
            (facts(false, 500, None), facts(true, 500, None), moved(MovementKind::Refund, -500)),
        ];
        for (before, after, expected) in cases {
            assert_eq!(movement(&before, &after, AMOUNT), expected, "{before:?} → {after:?}");
        }
    }

    fn any_facts() -> impl Strategy<Value = Facts> {
        let dispute = prop::option::of(prop::sample::select(vec![
            DisputeState::Open,
            DisputeState::Won,
            DisputeState::Lost,
        ]));
        (any::<bool>(), 0..=5_999_i64, dispute)
            .prop_map(|(settled, refunded, dispute)| facts(settled, refunded, dispute))
    }

    proptest! {
        #[test]
        fn whatever_happens_the_lines_add_up_to_what_is_left(story in prop::collection::vec(any_facts(), 1..20)) {
            let (mut before, mut booked, mut settled) = (Facts::created(), 0, false);
            for mut after in story {
                // Money that has come has come.
                after.settled = after.settled.or(before.settled.clone());
                booked += movement(&before, &after, AMOUNT).map_or(0, |movement| movement.amount_minor);
                settled = after.settled.is_some();
                before = after;
            }
            let came = if settled { AMOUNT.minor } else { 0 };
            prop_assert_eq!(came + booked, came - taken(&before, AMOUNT));
        }
    }
}
