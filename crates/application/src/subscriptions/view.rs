//! A subscription as its owner sees it.

use domain::ids::{PaymentId, PeriodId, UserId};
use domain::plan::{ChannelKey, PlanCode};
use domain::subscription::{Period, PeriodState, Schedule, SubscriptionStatus};
use domain::time::{Duration, Instant};
use sqlx::PgPool;

use super::store::{StoredPeriod, state};
use crate::app::App;
use crate::tx::StoreError;

/// One period of it.
#[derive(Clone, Debug)]
pub struct PeriodView {
    /// Its identifier.
    pub id: PeriodId,
    /// What paid for it; none for a grant.
    pub payment: Option<PaymentId>,
    /// What was bought.
    pub plan_code: PlanCode,
    /// Whether it runs in its turn.
    pub state: PeriodState,
    /// Start of its current or last span.
    pub starts_at: Instant,
    /// End of its current or last span.
    pub ends_at: Instant,
}

/// A subscription as its owner sees it.
#[derive(Clone, Debug)]
pub struct SubscriptionView {
    /// What it opens.
    pub channel: ChannelKey,
    /// How it stands now.
    pub status: SubscriptionStatus,
    /// Of the running or last period.
    pub plan_code: PlanCode,
    /// When the unbroken run of time began.
    pub starts_at: Instant,
    /// When the last period ends.
    pub ends_at: Instant,
    /// Whole seconds left, rounded down.
    pub seconds_left: i64,
    /// Whole seconds that are set aside: what withheld periods have not used.
    pub seconds_withheld: i64,
    /// Its periods in their order.
    pub periods: Vec<PeriodView>,
}

impl App {
    /// A user's subscription to a channel; none if there never was one.
    pub async fn subscription(
        &self,
        user: UserId,
        channel: &ChannelKey,
    ) -> Result<Option<SubscriptionView>, StoreError> {
        let now = self.now().await?.business;
        load(self.db(), user, channel, now).await
    }

    /// All subscriptions of a user.
    pub async fn subscriptions(&self, user: UserId) -> Result<Vec<SubscriptionView>, StoreError> {
        let now = self.now().await?.business;
        let channels = sqlx::query_scalar!(
            "SELECT channel FROM subscriptions WHERE user_id = $1 ORDER BY channel",
            user.uuid()
        )
        .fetch_all(self.db())
        .await?;
        let mut views = Vec::with_capacity(channels.len());
        for word in channels {
            let channel =
                word.parse().map_err(|_| StoreError::unknown_word("subscriptions.channel", &word))?;
            views.extend(load(self.db(), user, &channel, now).await?);
        }
        Ok(views)
    }
}

async fn load(
    db: &PgPool,
    user: UserId,
    channel: &ChannelKey,
    now: Instant,
) -> Result<Option<SubscriptionView>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT periods.id, periods.payment_id, periods.plan_code, position, length_us, used_before_us, state,
                  starts_at, periods.ends_at,
                  (extract(epoch FROM starts_at) * 1000000)::bigint AS "starts_at_us!",
                  (extract(epoch FROM periods.ends_at) * 1000000)::bigint AS "ends_at_us!",
                  (extract(epoch FROM bought_at) * 1000000)::bigint AS "bought_at_us!"
           FROM subscriptions JOIN periods ON periods.subscription_id = subscriptions.id
           WHERE subscriptions.user_id = $1 AND subscriptions.channel = $2
           ORDER BY position"#,
        user.uuid(),
        channel.as_str()
    )
    .fetch_all(db)
    .await?;
    let mut stored = Vec::with_capacity(rows.len());
    let mut periods = Vec::with_capacity(rows.len());
    for row in rows {
        periods.push(PeriodView {
            id: PeriodId::from_uuid(row.id),
            payment: row.payment_id.map(PaymentId::from_uuid),
            plan_code: row
                .plan_code
                .parse()
                .map_err(|_| StoreError::unknown_word("periods.plan_code", &row.plan_code))?,
            state: state(&row.state)?,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
        });
        stored.push(StoredPeriod {
            id: row.id,
            position: row.position,
            length_us: row.length_us,
            used_before_us: row.used_before_us,
            starts_at_us: row.starts_at_us,
            ends_at_us: row.ends_at_us,
            state: row.state,
            bought_at_us: row.bought_at_us,
        });
    }
    let schedule = StoredPeriod::schedule(&stored)?;
    let (Some(shown), Some(starts_at)) = (schedule.shown(now), schedule.starts_at(now)) else {
        return Ok(None);
    };
    let Some(named) = periods.iter().find(|period| period.id == shown.id) else { return Ok(None) };
    Ok(Some(SubscriptionView {
        channel: channel.clone(),
        status: schedule.status(now),
        plan_code: named.plan_code.clone(),
        starts_at,
        ends_at: schedule.ends_at().unwrap_or(now),
        seconds_left: schedule.microseconds_left(now) / 1_000_000,
        seconds_withheld: withheld(&schedule).whole_seconds(),
        periods,
    }))
}

fn withheld(schedule: &Schedule) -> Duration {
    let withheld = schedule.periods().iter().filter(|period| period.state == PeriodState::Withheld);
    withheld.map(Period::remainder).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn what_withheld_periods_have_not_used_is_set_aside() {
        let start = datetime!(2026-11-23 14:00 UTC);
        let mut schedule = Schedule::default();
        let ids = [1, 2, 3].map(|number| PeriodId::new(start, &[number; 10]));
        for id in ids {
            schedule.append(id, Duration::days(7), PeriodState::Live, start);
        }
        assert_eq!(withheld(&schedule), Duration::ZERO);
        let now = start + Duration::days(2);
        schedule.change(ids[2], PeriodState::Revoked, now);
        schedule.change(ids[0], PeriodState::Withheld, now);
        assert_eq!(withheld(&schedule), Duration::days(5));
        schedule.change(ids[1], PeriodState::Withheld, now);
        assert_eq!(withheld(&schedule), Duration::days(5 + 7));
    }
}
