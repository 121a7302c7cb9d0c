//! `/api/admin`: what the operator's people do.

pub(super) mod alerts;
pub(super) mod approvals;
pub(super) mod audit;
pub(super) mod exports;
pub(super) mod incident;
pub(super) mod keys;
mod moment;
pub(super) mod payments;
pub(super) mod plans;
pub(super) mod review;
pub(super) mod roles;
pub(super) mod settings;
pub(super) mod stats;
pub(super) mod subscriptions;
pub(super) mod trace;
pub(super) mod users;

use uuid::Uuid;

use crate::problem::Problem;

/// The longest page of a list (SEC-52).
const MAX_LIMIT: i64 = 100;
const DEFAULT_LIMIT: i64 = 50;

/// How many rows a page has: as the database counts and as a list counts.
fn page_limit(asked: Option<i64>) -> Result<(i64, usize), Problem> {
    let limit = asked.unwrap_or(DEFAULT_LIMIT);
    let kept = usize::try_from(limit).ok().filter(|_| (1..=MAX_LIMIT).contains(&limit));
    kept.map(|kept| (limit, kept)).ok_or_else(|| Problem::field("/limit", "out_of_range"))
}

/// A word of a filter, which must be one that there is: a mistyped one would find nothing, and say so as if it were true.
fn known(pointer: &str, asked: Option<String>, words: &[&str]) -> Result<Option<String>, Problem> {
    match asked {
        Some(word) if !words.contains(&word.as_str()) => Err(Problem::field(pointer, "not_allowed")),
        asked => Ok(asked),
    }
}

/// Cuts the one row off that was asked for above the page, which tells that there is a next one: where that starts.
fn next_page<T>(rows: &mut Vec<T>, kept: usize, id: impl Fn(&T) -> Uuid) -> Option<Uuid> {
    let more = rows.len() > kept;
    rows.truncate(kept);
    rows.last().filter(|_| more).map(id)
}
