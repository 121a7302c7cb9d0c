//! The journal: one line per movement of money, in the order in which they were booked, with running totals by mode and
//! currency. A closed month never changes: what is learned later is booked later.

use std::collections::BTreeMap;

use domain::money::{Currency, Money};
use domain::time::Instant;
use sqlx::PgPool;
use uuid::Uuid;

use super::BATCH;
use super::csv::Csv;
use crate::tx::StoreError;

pub(super) const HEADER: &[&str] = &[
    "booked_at",
    "value_at",
    "kind",
    "payment_id",
    "user_id",
    "plan_code",
    "provider",
    "mode",
    "provider_reference",
    "transaction",
    "currency",
    "amount_minor",
    "amount",
    "running_total_minor",
    "running_total",
];

/// Where it stands.
#[derive(Debug)]
pub(super) struct Journal {
    booked_at: Instant,
    payment: Uuid,
    movement: i64,
    /// By mode and currency: play money never counts as real.
    totals: BTreeMap<(String, Currency), i64>,
}

impl Journal {
    /// Before the first line of an instant.
    pub(super) fn from(from: Instant) -> Self {
        Self { booked_at: from, payment: Uuid::nil(), movement: -1, totals: BTreeMap::new() }
    }

    /// Writes the next lines booked before `to`. Says whether there may be more.
    pub(super) async fn read(&mut self, db: &PgPool, csv: &mut Csv, to: Instant) -> Result<bool, StoreError> {
        // A payment's own line is number zero of its movements.
        let rows = sqlx::query!(
            r#"SELECT booked.booked_at AS "booked_at!", booked.value_at AS "value_at!", booked.kind AS "kind!",
                      booked.number AS "number!", booked.amount_minor AS "amount_minor!", payments.id, user_id, plan_code,
                      provider, mode, provider_reference, transaction_reference, currency
               FROM ((SELECT recorded_at AS booked_at, settled_at AS value_at, 'payment' AS kind, id AS payment_id,
                             0::bigint AS number, amount_minor
                      FROM payments
                      WHERE recorded_at >= $1 AND recorded_at < $4 AND (recorded_at, id, 0::bigint) > ($1, $2, $3)
                      ORDER BY recorded_at, id
                      LIMIT $5)
                     UNION ALL
                     (SELECT booked_at, value_at, kind, payment_id, id, amount_minor
                      FROM movements
                      WHERE booked_at >= $1 AND booked_at < $4 AND (booked_at, payment_id, id) > ($1, $2, $3)
                      ORDER BY booked_at, payment_id, id
                      LIMIT $5)) AS booked
               JOIN payments ON payments.id = booked.payment_id
               ORDER BY booked.booked_at, payments.id, booked.number
               LIMIT $5"#,
            self.booked_at,
            self.payment,
            self.movement,
            to,
            BATCH
        )
        .fetch_all(db)
        .await?;
        let full = i64::try_from(rows.len()).is_ok_and(|found| found == BATCH);
        for row in rows {
            let currency: Currency = row
                .currency
                .parse()
                .map_err(|_| StoreError::unknown_word("payments.currency", &row.currency))?;
            let amount = Money::new(row.amount_minor, currency);
            let total = self.add(&row.mode, amount)?;
            csv.instant(row.booked_at).instant(row.value_at).text(&row.kind).plain(row.id).plain(row.user_id);
            csv.text(&row.plan_code).text(&row.provider).text(&row.mode);
            csv.maybe(row.provider_reference.as_deref()).maybe(row.transaction_reference.as_deref());
            csv.text(currency.code()).plain(amount.minor).plain(amount.decimal());
            csv.plain(total.minor).plain(total.decimal()).end();
            (self.booked_at, self.payment, self.movement) = (row.booked_at, row.id, row.number);
        }
        Ok(full)
    }

    fn add(&mut self, mode: &str, amount: Money) -> Result<Money, StoreError> {
        let total = self.totals.entry((mode.to_owned(), amount.currency)).or_default();
        let sum = total.checked_add(amount.minor);
        *total = sum.ok_or_else(|| StoreError::Corrupt("the journal's total does not fit".to_owned()))?;
        Ok(Money::new(*total, amount.currency))
    }
}
