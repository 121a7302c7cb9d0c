//! Tables for accounting, as CSV: payments, refunds, periods of subscriptions, and a journal that adds up.
//!
//! An export reads one batch after the other, each a short query behind the last line of the one before, so that it takes
//! the same memory and holds no connection however long it is and however slowly it is taken. Taking one is audited.

mod csv;
mod journal;
mod tables;

use domain::time::Instant;
use scoped_futures::ScopedFutureExt;
use serde_json::json;
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use self::csv::Csv;
use self::journal::Journal;
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::tx::StoreError;

/// How many lines one query reads.
const BATCH: i64 = 1_000;

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// Payments that were opened in the range.
    Payments,
    /// Refunds that were asked for in the range.
    Refunds,
    /// Periods that were bought or given in the range.
    Subscriptions,
    /// Every movement of money that was booked in the range, with running totals.
    Journal,
}

impl Export {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::Refunds => "refunds",
            Self::Subscriptions => "subscriptions",
            Self::Journal => "journal",
        }
    }

    const fn header(self) -> &'static [&'static str] {
        match self {
            Self::Payments => tables::PAYMENTS,
            Self::Refunds => tables::REFUNDS,
            Self::Subscriptions => tables::SUBSCRIPTIONS,
            Self::Journal => journal::HEADER,
        }
    }
}

/// Business time from one instant to before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// From then on.
    pub from: Instant,
    /// Before then.
    pub to: Instant,
}

/// An export that is being read.
pub struct Lines {
    app: App,
    range: Range,
    rest: Rest,
}

/// What is still to be read.
enum Rest {
    Header(Export),
    /// Behind this row.
    Table(Export, Uuid),
    Journal(Journal),
    Nothing,
}

impl App {
    /// Begins an export.
    pub async fn export_table(
        &self,
        context: &Context,
        export: Export,
        range: Range,
    ) -> Result<Lines, StoreError> {
        self.tx("export_table", context, |tx| {
            async move {
                let told = |at: Instant| at.format(&Rfc3339).unwrap_or_default();
                let entry = audit::Entry {
                    action: "export.taken",
                    subject_kind: "export",
                    subject_id: export.as_str().to_owned(),
                    user: None,
                    details: json!({ "from": told(range.from), "to": told(range.to) }),
                };
                audit::record(tx, entry).await
            }
            .scope_boxed()
        })
        .await?;
        Ok(Lines { app: self.clone(), range, rest: Rest::Header(export) })
    }
}

impl Lines {
    /// The next lines; none after the last one.
    pub async fn next(&mut self) -> Result<Option<String>, StoreError> {
        let mut csv = Csv::default();
        self.rest = match std::mem::replace(&mut self.rest, Rest::Nothing) {
            Rest::Nothing => return Ok(None),
            Rest::Header(export) => {
                csv.header(export.header());
                match export {
                    Export::Journal => Rest::Journal(Journal::from(self.range.from)),
                    _ => Rest::Table(export, Uuid::nil()),
                }
            }
            Rest::Table(export, after) => {
                let last = tables::read(self.app.db(), &mut csv, export, self.range, after).await?;
                last.map_or(Rest::Nothing, |last| Rest::Table(export, last))
            }
            Rest::Journal(mut journal) => {
                let more = journal.read(self.app.db(), &mut csv, self.range.to).await?;
                if more { Rest::Journal(journal) } else { Rest::Nothing }
            }
        };
        Ok(Some(csv.into_text()))
    }
}

/// An instant as people write it: RFC 3339, or a day, which stands for its beginning in UTC.
pub fn parse_moment(text: &str) -> Option<Instant> {
    // The reader of days would overlook an hour behind them.
    let is_day = text.len() == "2026-11-23".len();
    let day = || Date::parse(text, &Iso8601::DATE).ok().map(|day| day.midnight().assume_utc());
    let day = || is_day.then(day).flatten();
    OffsetDateTime::parse(text, &Rfc3339).ok().or_else(day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn an_instant_is_written_whole_or_as_a_day() {
        assert_eq!(parse_moment("2026-11-23"), Some(datetime!(2026-11-23 0:00 UTC)));
        assert_eq!(parse_moment("2026-11-23T14:00:00+01:00"), Some(datetime!(2026-11-23 13:00 UTC)));
        for wrong in ["", "yesterday", "2026-13-01", "2026-11-23T14:00", "23/11/2026"] {
            assert_eq!(parse_moment(wrong), None, "{wrong}");
        }
    }
}
