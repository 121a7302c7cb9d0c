//! Tables of rows in the order of their making.

use domain::money::{Currency, Money};
use sqlx::PgPool;
use uuid::Uuid;

use super::csv::Csv;
use super::{BATCH, Export, Range};
use crate::tx::StoreError;

pub(super) const PAYMENTS: &[&str] = &[
    "id",
    "created_at",
    "user_id",
    "plan_code",
    "provider",
    "mode",
    "status",
    "currency",
    "amount_minor",
    "amount",
    "refunded_minor",
    "dispute",
    "settled_at",
    "recorded_at",
    "provider_reference",
    "transaction",
    "failure_reason",
];
pub(super) const REFUNDS: &[&str] = &[
    "id",
    "created_at",
    "payment_id",
    "user_id",
    "provider",
    "mode",
    "state",
    "currency",
    "amount_minor",
    "amount",
    "finished_at",
    "provider_reference",
    "failure_reason",
    "reason",
    "requested_by",
];
pub(super) const SUBSCRIPTIONS: &[&str] = &[
    "period_id",
    "bought_at",
    "subscription_id",
    "user_id",
    "channel",
    "plan_code",
    "payment_id",
    "state",
    "length_seconds",
    "starts_at",
    "ends_at",
    "granted_for",
    "withdrawn_at",
    "withdrawn_for",
];

/// Writes the rows behind `after`. The last one, if there may be more.
pub(super) async fn read(
    db: &PgPool,
    csv: &mut Csv,
    export: Export,
    range: Range,
    after: Uuid,
) -> Result<Option<Uuid>, StoreError> {
    let ids = match export {
        Export::Payments => payments(db, csv, range, after).await?,
        Export::Refunds => refunds(db, csv, range, after).await?,
        Export::Subscriptions => periods(db, csv, range, after).await?,
        // It has an order of its own.
        Export::Journal => Vec::new(),
    };
    let full = i64::try_from(ids.len()).is_ok_and(|found| found == BATCH);
    Ok(ids.last().copied().filter(|_| full))
}

async fn payments(db: &PgPool, csv: &mut Csv, range: Range, after: Uuid) -> Result<Vec<Uuid>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, created_at, user_id, plan_code, provider, mode, status, currency, amount_minor, refunded_minor,
                dispute, settled_at, recorded_at, provider_reference, transaction_reference, failure_reason
         FROM payments
         WHERE id > $1 AND created_at >= $2 AND created_at < $3
         ORDER BY id LIMIT $4",
        after,
        range.from,
        range.to,
        BATCH
    )
    .fetch_all(db)
    .await?;
    let mut ids = Vec::with_capacity(rows.len());
    for row in rows {
        let amount = money(row.amount_minor, &row.currency)?;
        csv.plain(row.id).instant(row.created_at).plain(row.user_id).text(&row.plan_code).text(&row.provider);
        csv.text(&row.mode).text(&row.status).text(amount.currency.code());
        csv.plain(amount.minor).plain(amount.decimal()).plain(row.refunded_minor);
        csv.maybe(row.dispute.as_deref()).instant(row.settled_at).instant(row.recorded_at);
        csv.maybe(row.provider_reference.as_deref()).maybe(row.transaction_reference.as_deref());
        csv.maybe(row.failure_reason.as_deref()).end();
        ids.push(row.id);
    }
    Ok(ids)
}

async fn refunds(db: &PgPool, csv: &mut Csv, range: Range, after: Uuid) -> Result<Vec<Uuid>, StoreError> {
    let rows = sqlx::query!(
        "SELECT refunds.id, refunds.created_at, payment_id, user_id, provider, mode, state, currency,
                refunds.amount_minor, finished_at, refunds.provider_reference, refunds.failure_reason, reason,
                requested_by
         FROM refunds JOIN payments ON payments.id = payment_id
         WHERE refunds.id > $1 AND refunds.created_at >= $2 AND refunds.created_at < $3
         ORDER BY refunds.id LIMIT $4",
        after,
        range.from,
        range.to,
        BATCH
    )
    .fetch_all(db)
    .await?;
    let mut ids = Vec::with_capacity(rows.len());
    for row in rows {
        let amount = money(row.amount_minor, &row.currency)?;
        csv.plain(row.id).instant(row.created_at).plain(row.payment_id).plain(row.user_id);
        csv.text(&row.provider).text(&row.mode).text(&row.state).text(amount.currency.code());
        csv.plain(amount.minor).plain(amount.decimal()).instant(row.finished_at);
        csv.maybe(row.provider_reference.as_deref()).maybe(row.failure_reason.as_deref());
        csv.text(&row.reason).plain(row.requested_by).end();
        ids.push(row.id);
    }
    Ok(ids)
}

async fn periods(db: &PgPool, csv: &mut Csv, range: Range, after: Uuid) -> Result<Vec<Uuid>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT periods.id, bought_at, subscription_id, user_id, channel, periods.plan_code, payment_id, state,
                  length_us, starts_at, periods.ends_at, grants.reason AS "granted_for?", withdrawn_at, withdrawn_for
           FROM periods
           JOIN subscriptions ON subscriptions.id = subscription_id
           LEFT JOIN grants ON grants.period_id = periods.id
           WHERE periods.id > $1 AND bought_at >= $2 AND bought_at < $3
           ORDER BY periods.id LIMIT $4"#,
        after,
        range.from,
        range.to,
        BATCH
    )
    .fetch_all(db)
    .await?;
    let mut ids = Vec::with_capacity(rows.len());
    for row in rows {
        csv.plain(row.id).instant(row.bought_at).plain(row.subscription_id).plain(row.user_id);
        csv.text(&row.channel).text(&row.plan_code);
        csv.plain(row.payment_id.map(|id| id.to_string()).unwrap_or_default());
        csv.text(&row.state).plain(row.length_us / 1_000_000);
        csv.instant(row.starts_at).instant(row.ends_at).maybe(row.granted_for.as_deref());
        csv.instant(row.withdrawn_at).maybe(row.withdrawn_for.as_deref()).end();
        ids.push(row.id);
    }
    Ok(ids)
}

fn money(minor: i64, currency: &str) -> Result<Money, StoreError> {
    let known: Result<Currency, _> = currency.parse();
    let currency = known.map_err(|_| StoreError::unknown_word("payments.currency", currency))?;
    Ok(Money::new(minor, currency))
}
