//! The tables of plans, prices and channels.

use domain::money::Money;
use domain::plan::{ChannelKey, PlanCode, PlanLength};
use sqlx::PgExecutor;

use super::{ChannelView, PlanView};
use crate::tx::{StoreError, Tx};

/// The row of a plan with its prices.
struct Row {
    code: String,
    channel: String,
    days: i32,
    active: bool,
    rank: i32,
    version: i32,
    currencies: Vec<String>,
    amounts: Vec<i64>,
    sold: bool,
}

impl Row {
    fn view(self) -> Result<PlanView, StoreError> {
        let days = u16::try_from(self.days).map_err(|_| StoreError::Corrupt("plans.days".to_owned()))?;
        let mut prices = Vec::with_capacity(self.amounts.len());
        for (code, minor) in self.currencies.iter().zip(self.amounts) {
            let currency = code.parse();
            let currency = currency.map_err(|_| StoreError::unknown_word("plan_prices.currency", code))?;
            prices.push(Money::new(minor, currency));
        }
        Ok(PlanView {
            code: plan_code(&self.code)?,
            channel: channel_key(&self.channel)?,
            length: PlanLength::from_days(days).map_err(|error| StoreError::Corrupt(error.to_string()))?,
            active: self.active,
            rank: self.rank,
            version: self.version,
            prices,
            sold: self.sold,
        })
    }
}

fn plan_code(word: &str) -> Result<PlanCode, StoreError> {
    word.parse().map_err(|_| StoreError::unknown_word("plans.code", word))
}

fn channel_key(word: &str) -> Result<ChannelKey, StoreError> {
    word.parse().map_err(|_| StoreError::unknown_word("channels.key", word))
}

/// Every plan, or the one of this code, in the order of the price list.
async fn read(db: impl PgExecutor<'_>, code: Option<&PlanCode>) -> Result<Vec<PlanView>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT plans.code, plans.channel, plans.days, plans.active, plans.rank, plans.version,
                  COALESCE(array_agg(plan_prices.currency ORDER BY plan_prices.currency)
                           FILTER (WHERE plan_prices.currency IS NOT NULL), '{}') AS "currencies!",
                  COALESCE(array_agg(plan_prices.amount_minor ORDER BY plan_prices.currency)
                           FILTER (WHERE plan_prices.currency IS NOT NULL), '{}') AS "amounts!",
                  (EXISTS (SELECT FROM payments WHERE payments.plan_code = plans.code)
                   OR EXISTS (SELECT FROM periods WHERE periods.plan_code = plans.code)) AS "sold!"
           FROM plans LEFT JOIN plan_prices ON plan_prices.plan_code = plans.code
           WHERE $1::text IS NULL OR plans.code = $1
           GROUP BY plans.code
           ORDER BY plans.rank, plans.code"#,
        code.map(PlanCode::as_str)
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Row::view).collect()
}

pub(super) async fn all(db: impl PgExecutor<'_>) -> Result<Vec<PlanView>, StoreError> {
    read(db, None).await
}

/// Locks a plan, so that nobody buys or changes it before the commit.
pub(super) async fn lock(tx: &mut Tx, code: &PlanCode) -> Result<Option<PlanView>, StoreError> {
    let locked = sqlx::query_scalar!("SELECT code FROM plans WHERE code = $1 FOR UPDATE", code.as_str());
    if locked.fetch_optional(tx.db()).await?.is_none() {
        return Ok(None);
    }
    Ok(read(tx.db(), Some(code)).await?.pop())
}

/// Says whether there was none of this code.
pub(super) async fn insert(tx: &mut Tx, plan: &PlanView) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO plans (code, channel, days, active, rank, version)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (code) DO NOTHING",
        plan.code.as_str(),
        plan.channel.as_str(),
        i32::from(plan.length.days()),
        plan.active,
        plan.rank,
        plan.version
    )
    .execute(tx.db())
    .await?;
    let inserted = done.rows_affected() == 1;
    if inserted {
        insert_prices(tx, plan).await?;
    }
    Ok(inserted)
}

/// Writes a plan that is locked.
pub(super) async fn update(tx: &mut Tx, plan: &PlanView) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE plans SET channel = $2, days = $3, active = $4, rank = $5, version = $6 WHERE code = $1",
        plan.code.as_str(),
        plan.channel.as_str(),
        i32::from(plan.length.days()),
        plan.active,
        plan.rank,
        plan.version
    )
    .execute(tx.db())
    .await?;
    sqlx::query!("DELETE FROM plan_prices WHERE plan_code = $1", plan.code.as_str()).execute(tx.db()).await?;
    insert_prices(tx, plan).await
}

async fn insert_prices(tx: &mut Tx, plan: &PlanView) -> Result<(), StoreError> {
    let currencies: Vec<String> = plan.prices.iter().map(|price| price.currency.code().to_owned()).collect();
    let amounts: Vec<i64> = plan.prices.iter().map(|price| price.minor).collect();
    sqlx::query!(
        "INSERT INTO plan_prices (plan_code, currency, amount_minor)
         SELECT $1, * FROM unnest($2::text[], $3::bigint[])",
        plan.code.as_str(),
        &currencies,
        &amounts
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

/// The channel that a plan opens.
pub(crate) async fn channel_of(tx: &mut Tx, plan: &PlanCode) -> Result<Option<ChannelKey>, StoreError> {
    let found = sqlx::query_scalar!("SELECT channel FROM plans WHERE code = $1", plan.as_str());
    found.fetch_optional(tx.db()).await?.map(|word| channel_key(&word)).transpose()
}

/// The first plan of a channel's price list, one that is sold before one that is not.
pub(crate) async fn first_of_channel(
    tx: &mut Tx,
    channel: &ChannelKey,
) -> Result<Option<PlanCode>, StoreError> {
    let found = sqlx::query_scalar!(
        "SELECT code FROM plans WHERE channel = $1 ORDER BY active DESC, rank, code LIMIT 1",
        channel.as_str()
    );
    found.fetch_optional(tx.db()).await?.map(|word| plan_code(&word)).transpose()
}

pub(super) async fn channels(db: impl PgExecutor<'_>) -> Result<Vec<ChannelView>, StoreError> {
    let rows = sqlx::query!("SELECT key, title FROM channels ORDER BY key").fetch_all(db).await?;
    rows.into_iter().map(|row| Ok(ChannelView { key: channel_key(&row.key)?, title: row.title })).collect()
}

/// Says whether there was none of this key.
pub(super) async fn insert_channel(tx: &mut Tx, channel: &ChannelView) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO channels (key, title) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING",
        channel.key.as_str(),
        channel.title
    );
    Ok(done.execute(tx.db()).await?.rows_affected() == 1)
}
