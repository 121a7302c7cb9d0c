//! The two clocks, and the one instant type.

pub use ::time::{Duration, OffsetDateTime};

/// A UTC instant with microsecond precision: what PostgreSQL keeps.
pub type Instant = OffsetDateTime;

/// What both clocks say at one moment.
///
/// *Business* time decides quotes, periods, reminders and when owed work is due; a sandbox can move it forward.
/// *Wall* time decides everything that meets the outside or security: tokens, signatures, leases, rate limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Business time.
    pub business: Instant,
    /// Wall time.
    pub wall: Instant,
}

impl Now {
    /// Both clocks at the same instant, as they are in production.
    pub fn same(instant: Instant) -> Self {
        let instant = to_microseconds(instant);
        Self { business: instant, wall: instant }
    }

    /// Business time moved `offset` ahead of the wall.
    pub fn offset(wall: Instant, offset: Duration) -> Self {
        let wall = to_microseconds(wall);
        Self { business: wall.saturating_add(offset), wall }
    }
}

/// The instant without what PostgreSQL would round away, so that a value read back equals the value written.
pub fn to_microseconds(instant: Instant) -> Instant {
    let nanosecond = instant.nanosecond() / 1_000 * 1_000;
    instant.replace_nanosecond(nanosecond).unwrap_or(instant)
}

/// Whole microseconds from `from` to `to`; negative when `to` is earlier.
///
/// Exact for every pair of instants that PostgreSQL can hold (292,000 years fit).
pub fn microseconds_between(from: Instant, to: Instant) -> i64 {
    i64::try_from((to - from).whole_microseconds()).unwrap_or(if to < from { i64::MIN } else { i64::MAX })
}
