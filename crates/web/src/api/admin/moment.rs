//! Instants in queries, as people write them.

use application::exports::parse_moment;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;

use crate::problem::Problem;

/// An instant of RFC 3339, or a day, which stands for its beginning in UTC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(pub(super) OffsetDateTime);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_moment(&text).map(Self).ok_or_else(|| Error::custom("neither an instant nor a day"))
    }
}

/// The bounds of a range, the second one not included, if they are in their order.
pub(super) fn range(from: Moment, to: Moment) -> Result<(OffsetDateTime, OffsetDateTime), Problem> {
    if from.0 < to.0 { Ok((from.0, to.0)) } else { Err(Problem::field("/to", "out_of_range")) }
}

/// The instants of optional bounds.
pub(super) fn instants(
    from: Option<Moment>,
    to: Option<Moment>,
) -> (Option<OffsetDateTime>, Option<OffsetDateTime>) {
    (from.map(|from| from.0), to.map(|to| to.0))
}
