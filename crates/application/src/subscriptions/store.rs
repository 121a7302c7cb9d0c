//! The tables of subscriptions.

use domain::ids::{PaymentId, PeriodId, SubscriptionId, UserId};
use domain::plan::{ChannelKey, PlanCode};
use domain::subscription::{Period, PeriodState, Schedule};
use domain::time::{Duration, Instant, microseconds_between};
use serde::Deserialize;
use uuid::Uuid;

use super::{Grant, Loaded, Outlook};
use crate::tx::{StoreError, Tx};

/// A period as a row or as JSON in a larger answer; instants are microseconds since 1970.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StoredPeriod {
    pub(crate) id: Uuid,
    pub(crate) position: i32,
    pub(crate) length_us: i64,
    pub(crate) used_before_us: i64,
    pub(crate) starts_at_us: i64,
    pub(crate) ends_at_us: i64,
    pub(crate) state: String,
    pub(crate) bought_at_us: i64,
}

impl StoredPeriod {
    fn period(&self) -> Result<Period, StoreError> {
        Ok(Period {
            id: PeriodId::from_uuid(self.id),
            position: self.position,
            length: Duration::microseconds(self.length_us),
            used_before: Duration::microseconds(self.used_before_us),
            starts_at: instant(self.starts_at_us)?,
            ends_at: instant(self.ends_at_us)?,
            state: state(&self.state)?,
            bought_at: instant(self.bought_at_us)?,
        })
    }

    /// The schedule of these periods; one that breaks invariant 3 is refused.
    pub(crate) fn schedule(periods: &[Self]) -> Result<Schedule, StoreError> {
        let periods = periods.iter().map(Self::period).collect::<Result<Vec<_>, _>>()?;
        Schedule::from_periods(periods).map_err(|corrupt| StoreError::Corrupt(corrupt.to_string()))
    }
}

fn instant(us: i64) -> Result<Instant, StoreError> {
    Instant::from_unix_timestamp_nanos(i128::from(us) * 1_000)
        .map_err(|_| StoreError::Corrupt("an instant out of range".to_owned()))
}

pub(super) fn state(word: &str) -> Result<PeriodState, StoreError> {
    [PeriodState::Live, PeriodState::Withheld, PeriodState::Revoked]
        .into_iter()
        .find(|state| state.as_str() == word)
        .ok_or_else(|| StoreError::unknown_word("periods.state", word))
}

/// Locks the subscription of a user and channel, creating it where there is none, and reads its periods.
pub(super) async fn lock(
    tx: &mut Tx,
    user: UserId,
    channel: &ChannelKey,
    plan: &PlanCode,
) -> Result<Loaded, StoreError> {
    let now = tx.now();
    let id = SubscriptionId::new(tx.wall(), &tx.entropy());
    // The no-op update takes the row's lock and returns it, whoever created it.
    let row = sqlx::query!(
        "INSERT INTO subscriptions AS known (id, user_id, channel, plan_code, ends_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $5)
         ON CONFLICT (user_id, channel) DO UPDATE SET version = known.version + 1
         RETURNING id, version",
        id.uuid(),
        user.uuid(),
        channel.as_str(),
        plan.as_str(),
        now
    )
    .fetch_one(tx.db())
    .await?;
    let periods = sqlx::query_as!(
        StoredPeriod,
        r#"SELECT id, position, length_us, used_before_us, state,
                  (extract(epoch FROM starts_at) * 1000000)::bigint AS "starts_at_us!",
                  (extract(epoch FROM ends_at) * 1000000)::bigint AS "ends_at_us!",
                  (extract(epoch FROM bought_at) * 1000000)::bigint AS "bought_at_us!"
           FROM periods
           WHERE subscription_id = $1"#,
        row.id
    )
    .fetch_all(tx.db())
    .await?;
    Ok(Loaded {
        id: SubscriptionId::from_uuid(row.id),
        version: row.version,
        schedule: StoredPeriod::schedule(&periods)?,
    })
}

/// The channels that a user has ever had time for, each with the plan that it was last bought by.
pub(super) async fn of_user(tx: &mut Tx, user: UserId) -> Result<Vec<(ChannelKey, PlanCode)>, StoreError> {
    let rows = sqlx::query!(
        "SELECT channel, plan_code FROM subscriptions WHERE user_id = $1 ORDER BY channel",
        user.uuid()
    )
    .fetch_all(tx.db())
    .await?;
    rows.into_iter()
        .map(|row| {
            let channel = row.channel.parse();
            let plan = row.plan_code.parse();
            Ok((
                channel.map_err(|_| StoreError::unknown_word("subscriptions.channel", &row.channel))?,
                plan.map_err(|_| StoreError::unknown_word("subscriptions.plan_code", &row.plan_code))?,
            ))
        })
        .collect()
}

/// The period of a payment, and whether an admin has taken it.
pub(super) async fn period_of_payment(
    tx: &mut Tx,
    payment: PaymentId,
) -> Result<Option<(PeriodId, bool)>, StoreError> {
    let found = sqlx::query!(
        r#"SELECT id, withdrawn_at IS NOT NULL AS "withdrawn!" FROM periods WHERE payment_id = $1"#,
        payment.uuid()
    );
    let found = found.fetch_optional(tx.db()).await?;
    Ok(found.map(|row| (PeriodId::from_uuid(row.id), row.withdrawn)))
}

pub(super) async fn insert_period(
    tx: &mut Tx,
    subscription: SubscriptionId,
    payment: Option<PaymentId>,
    plan: &PlanCode,
    schedule: &Schedule,
    id: PeriodId,
) -> Result<(), StoreError> {
    let Some(period) = schedule.periods().iter().find(|period| period.id == id) else { return Ok(()) };
    sqlx::query!(
        "INSERT INTO periods (id, subscription_id, payment_id, plan_code, position, length_us, used_before_us,
                              starts_at, ends_at, state, bought_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id.uuid(),
        subscription.uuid(),
        payment.map(PaymentId::uuid),
        plan.as_str(),
        period.position,
        microseconds(period.length),
        microseconds(period.used_before),
        period.starts_at,
        period.ends_at,
        period.state.as_str(),
        period.bought_at
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

/// Writes periods anew; those that are not there yet are left alone.
pub(super) async fn update_periods(tx: &mut Tx, periods: &[&Period]) -> Result<(), StoreError> {
    // Positions are unique, and a period may take the place that another one leaves: the last ones move first.
    for period in periods.iter().rev() {
        sqlx::query!(
            "UPDATE periods
             SET position = $2, used_before_us = $3, starts_at = $4, ends_at = $5, state = $6
             WHERE id = $1",
            period.id.uuid(),
            period.position,
            microseconds(period.used_before),
            period.starts_at,
            period.ends_at,
            period.state.as_str()
        )
        .execute(tx.db())
        .await?;
    }
    Ok(())
}

pub(super) async fn update_outlook(
    tx: &mut Tx,
    id: SubscriptionId,
    outlook: &Outlook,
    plan: &PlanCode,
) -> Result<(), StoreError> {
    let now = tx.now();
    sqlx::query!(
        "UPDATE subscriptions
         SET ends_at = $2, remind_at = $3, end_due_at = $4, plan_code = $5,
             recorded_end = $2,
             end_recorded_at = CASE WHEN recorded_end = $2 THEN end_recorded_at ELSE $6 END
         WHERE id = $1",
        id.uuid(),
        outlook.ends_at,
        outlook.remind_at,
        outlook.end_due_at,
        plan.as_str(),
        now
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

fn microseconds(length: Duration) -> i64 {
    microseconds_between(Instant::UNIX_EPOCH, Instant::UNIX_EPOCH + length)
}

/// Whose a subscription is, and for what.
pub(super) struct Known {
    pub(super) user: UserId,
    pub(super) channel: ChannelKey,
    pub(super) plan: PlanCode,
}

pub(super) async fn find(tx: &mut Tx, id: SubscriptionId) -> Result<Option<Known>, StoreError> {
    let row = sqlx::query!("SELECT user_id, channel, plan_code FROM subscriptions WHERE id = $1", id.uuid());
    let row = row.fetch_optional(tx.db()).await?;
    row.map(|row| {
        let (channel, plan) = (row.channel.parse(), row.plan_code.parse());
        Ok(Known {
            user: UserId::from_uuid(row.user_id),
            channel: channel.map_err(|_| StoreError::unknown_word("subscriptions.channel", &row.channel))?,
            plan: plan.map_err(|_| StoreError::unknown_word("subscriptions.plan_code", &row.plan_code))?,
        })
    })
    .transpose()
}

/// A grant that was made under a key.
pub(super) struct KnownGrant {
    pub(super) period: PeriodId,
    pub(super) subscription: SubscriptionId,
    pub(super) fingerprint: Vec<u8>,
}

pub(super) async fn find_grant(
    tx: &mut Tx,
    by: Option<UserId>,
    key: &str,
) -> Result<Option<KnownGrant>, StoreError> {
    let row = sqlx::query!(
        "SELECT period_id, subscription_id, fingerprint
         FROM grants JOIN periods ON periods.id = period_id
         WHERE granted_by IS NOT DISTINCT FROM $1 AND idempotency_key = $2",
        by.map(UserId::uuid),
        key
    );
    let row = row.fetch_optional(tx.db()).await?;
    Ok(row.map(|row| KnownGrant {
        period: PeriodId::from_uuid(row.period_id),
        subscription: SubscriptionId::from_uuid(row.subscription_id),
        fingerprint: row.fingerprint,
    }))
}

/// Remembers who gave a period and why. Not if the key was used meanwhile, for somebody else's.
pub(super) async fn insert_grant(
    tx: &mut Tx,
    period: PeriodId,
    grant: &Grant,
    by: Option<UserId>,
    fingerprint: &[u8],
) -> Result<bool, StoreError> {
    let now = tx.now();
    let done = sqlx::query!(
        "INSERT INTO grants (period_id, days, reason, granted_by, idempotency_key, fingerprint, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT ON CONSTRAINT grants_key DO NOTHING",
        period.uuid(),
        i32::from(grant.length.days()),
        grant.reason,
        by.map(UserId::uuid),
        grant.key.as_str(),
        fingerprint,
        now
    )
    .execute(tx.db())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Remembers that an admin took these periods, so that nothing brings them back.
pub(super) async fn mark_withdrawn(
    tx: &mut Tx,
    periods: &[PeriodId],
    reason: &str,
) -> Result<(), StoreError> {
    let now = tx.now();
    let ids: Vec<Uuid> = periods.iter().map(|period| period.uuid()).collect();
    sqlx::query!(
        "UPDATE periods SET withdrawn_at = $2, withdrawn_for = $3 WHERE id = ANY($1)",
        &ids,
        now,
        reason
    )
    .execute(tx.db())
    .await?;
    Ok(())
}
