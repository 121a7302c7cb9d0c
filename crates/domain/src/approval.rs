//! The second confirmation of a sensitive change (SEC-55): pending, and then one of four ends.
//!
//! What is confirmed is exactly what was shown, in the version that it had when somebody asked. Another admin confirms
//! where two were admins at any time of the last week, frozen or not, so that a thief who gets rid of the other one
//! gains nothing by it. The only admin of a place confirms alone, after a second look that repeats what will change.

use crate::time::{Duration, Instant};

/// How long a change waits for its confirmation (wall time).
pub const LIFE: Duration = Duration::hours(24);

/// Who was an admin at any time of so long counts as one (wall time).
pub const WINDOW: Duration = Duration::days(7);

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It waits.
    Pending,
    /// It was confirmed, and done in the same moment.
    Confirmed,
    /// Somebody said no.
    Rejected,
    /// Nobody said anything in time.
    Expired,
    /// What it would change has changed since, or whoever asked may not ask any more.
    Superseded,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Confirmed, Self::Rejected, Self::Expired, Self::Superseded];

    /// The word in the database and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
        }
    }

    /// The state of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Somebody decides about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Confirm(Confirmation),
    /// No. Whoever may confirm may refuse, their own request too.
    Reject,
}

/// What is known when somebody says yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "five independent facts; the table of the tests walks all of them")]
pub struct Confirmation {
    /// It is the one who asked.
    pub own_request: bool,
    /// At least two people were admins at any time of [`WINDOW`].
    pub several_admins: bool,
    /// They repeated the digest of exactly what will change.
    pub looked_again: bool,
    /// What would change is as it was when somebody asked.
    pub object_unchanged: bool,
    /// Whoever asked may still ask: an admin who is neither frozen nor gone, or the product itself.
    pub requester_stands: bool,
}

/// Why a decision is not taken, and nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It was decided before.
    Decided(State),
    /// Somebody else has to say yes.
    AnotherAdminNeeded,
    /// What they looked at is not what will change.
    LookAgain,
}

/// What a request becomes by a decision, or why the decision is not taken.
pub fn decide(state: State, expires_at: Instant, now: Instant, decision: Decision) -> Result<State, Refusal> {
    if state != State::Pending {
        return Err(Refusal::Decided(state));
    }
    if has_expired(expires_at, now) {
        return Ok(State::Expired);
    }
    let Decision::Confirm(known) = decision else { return Ok(State::Rejected) };
    if !known.object_unchanged || !known.requester_stands {
        return Ok(State::Superseded);
    }
    if known.own_request && known.several_admins {
        return Err(Refusal::AnotherAdminNeeded);
    }
    if known.looked_again { Ok(State::Confirmed) } else { Err(Refusal::LookAgain) }
}

/// Whether the time to confirm is over.
pub fn has_expired(expires_at: Instant, now: Instant) -> bool {
    now >= expires_at
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::time::macros::datetime;

    const EXPIRES: Instant = datetime!(2026-03-02 12:00 UTC);
    const IN_TIME: Instant = datetime!(2026-03-02 11:59:59.999999 UTC);

    /// Every combination of the five facts.
    fn confirmations() -> impl Iterator<Item = Confirmation> {
        (0..32_u8).map(|bits| Confirmation {
            own_request: bits & 1 != 0,
            several_admins: bits & 2 != 0,
            looked_again: bits & 4 != 0,
            object_unchanged: bits & 8 != 0,
            requester_stands: bits & 16 != 0,
        })
    }

    #[test]
    fn sec_55_the_states_as_a_table() {
        let yes = Confirmation {
            own_request: false,
            several_admins: true,
            looked_again: true,
            object_unchanged: true,
            requester_stands: true,
        };
        let alone = Confirmation { own_request: true, several_admins: false, ..yes };
        let table = [
            ("another admin", Decision::Confirm(yes), Ok(State::Confirmed)),
            ("the only admin, after a second look", Decision::Confirm(alone), Ok(State::Confirmed)),
            (
                "oneself, where two were admins",
                Decision::Confirm(Confirmation { own_request: true, ..yes }),
                Err(Refusal::AnotherAdminNeeded),
            ),
            (
                "another admin who saw something else",
                Decision::Confirm(Confirmation { looked_again: false, ..yes }),
                Err(Refusal::LookAgain),
            ),
            (
                "the only admin without a second look",
                Decision::Confirm(Confirmation { looked_again: false, ..alone }),
                Err(Refusal::LookAgain),
            ),
            (
                "what would change has changed",
                Decision::Confirm(Confirmation { object_unchanged: false, ..yes }),
                Ok(State::Superseded),
            ),
            (
                "whoever asked was frozen",
                Decision::Confirm(Confirmation { requester_stands: false, ..yes }),
                Ok(State::Superseded),
            ),
            ("no", Decision::Reject, Ok(State::Rejected)),
        ];
        for (case, decision, expected) in table {
            assert_eq!(decide(State::Pending, EXPIRES, IN_TIME, decision), expected, "{case}");
            assert_eq!(decide(State::Pending, EXPIRES, EXPIRES, decision), Ok(State::Expired), "{case}, too late");
            for state in State::ALL.into_iter().filter(|state| *state != State::Pending) {
                for now in [IN_TIME, EXPIRES] {
                    let again = decide(state, EXPIRES, now, decision);
                    assert_eq!(again, Err(Refusal::Decided(state)), "{case}, again");
                }
            }
        }
    }

    #[test]
    fn sec_55_of_all_combinations_only_three_confirm() {
        let confirmed: Vec<Confirmation> = confirmations()
            .filter(|known| {
                decide(State::Pending, EXPIRES, IN_TIME, Decision::Confirm(*known)) == Ok(State::Confirmed)
            })
            .collect();
        assert_eq!(confirmed.len(), 3, "{confirmed:?}");
        for known in confirmed {
            assert!(known.looked_again && known.object_unchanged && known.requester_stands);
            assert!(!(known.own_request && known.several_admins));
        }
    }

    #[test]
    fn every_state_reads_back_from_its_word() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        assert_eq!(State::parse("done"), None);
    }
}
