//! Subscriptions as admins and supporters see them: whose, what each period came from, and who is let in by it.

use domain::ids::{PaymentId, PeriodId, SubscriptionId, UserId};
use domain::plan::{ChannelKey, PlanCode};
use domain::subscription::{PeriodState, SubscriptionStatus};
use domain::time::{Duration, Instant};

use super::store::state;
use super::view::SubscriptionView;
use crate::access::{AccessError, AccessView, BindingView};
use crate::app::App;
use crate::tx::StoreError;

/// Which subscriptions.
#[derive(Clone, Debug, Default)]
pub struct SubscriptionFilter {
    /// Only this user's.
    pub user: Option<UserId>,
    /// Only those to this channel.
    pub channel: Option<ChannelKey>,
    /// Only those that stand so now.
    pub status: Option<SubscriptionStatus>,
    /// Only those whose running or last period is of this plan.
    pub plan: Option<PlanCode>,
    /// Only those that end before.
    pub ends_before: Option<Instant>,
    /// Only those that end then or later.
    pub ends_after: Option<Instant>,
}

/// A line of the list.
#[derive(Clone, Debug)]
pub struct SubscriptionRow {
    /// Which.
    pub id: SubscriptionId,
    /// Whose.
    pub user: UserId,
    /// What it opens.
    pub channel: String,
    /// Of the running or last period.
    pub plan_code: String,
    /// How it stands now.
    pub status: String,
    /// When the last period ends or ended.
    pub ends_at: Instant,
    /// Since when there has been one.
    pub created_at: Instant,
}

/// A period with where it came from.
#[derive(Clone, Debug)]
pub struct StaffPeriodView {
    /// Which.
    pub id: PeriodId,
    /// What was bought or given.
    pub plan_code: String,
    /// Whether it runs in its turn.
    pub state: PeriodState,
    /// What was paid for or given.
    pub length: Duration,
    /// Time used in spans before the current one.
    pub used_before: Duration,
    /// Start of its current or last span.
    pub starts_at: Instant,
    /// End of its current or last span.
    pub ends_at: Instant,
    /// When it was bought or given.
    pub bought_at: Instant,
    /// The payment, with how it stands.
    pub payment: Option<(PaymentId, String)>,
    /// Who gave it and why; nobody's account where it was given on the machine.
    pub grant: Option<(Option<UserId>, String)>,
    /// When an admin took it, and why.
    pub withdrawn: Option<(Instant, String)>,
}

/// A subscription with all that belongs to it.
#[derive(Clone, Debug)]
pub struct StaffSubscriptionView {
    /// Which.
    pub id: SubscriptionId,
    /// Whose.
    pub user: UserId,
    /// As its owner sees it.
    pub subscription: SubscriptionView,
    /// Its periods in their order.
    pub periods: Vec<StaffPeriodView>,
    /// The Telegram account that is bound.
    pub binding: Option<BindingView>,
    /// The way into the channel.
    pub access: Option<AccessView>,
}

impl App {
    /// Subscriptions, the newest first, at most `limit`.
    pub async fn all_subscriptions(
        &self,
        filter: &SubscriptionFilter,
        after: Option<SubscriptionId>,
        limit: i64,
    ) -> Result<Vec<SubscriptionRow>, StoreError> {
        let now = self.now().await?.business;
        // The last period's end says whether any time is due; what is withheld has not run.
        let rows = sqlx::query!(
            r#"SELECT id, user_id, channel, plan_code, ends_at, created_at, status AS "status!"
               FROM (SELECT subscriptions.*,
                            CASE WHEN ends_at > $1 THEN 'active'
                                 WHEN EXISTS (SELECT FROM periods
                                              WHERE subscription_id = subscriptions.id AND state = 'withheld'
                                                AND used_before_us < length_us
                                                    - (extract(epoch FROM periods.ends_at - starts_at) * 1000000)::bigint)
                                 THEN 'suspended'
                                 ELSE 'ended'
                            END AS status
                     FROM subscriptions) AS standing
               WHERE ($2::uuid IS NULL OR user_id = $2) AND ($3::text IS NULL OR channel = $3)
                 AND ($4::text IS NULL OR status = $4) AND ($5::text IS NULL OR plan_code = $5)
                 AND ($6::timestamptz IS NULL OR ends_at < $6) AND ($7::timestamptz IS NULL OR ends_at >= $7)
                 AND ($8::uuid IS NULL OR id < $8)
               ORDER BY id DESC
               LIMIT $9"#,
            now,
            filter.user.map(UserId::uuid),
            filter.channel.as_ref().map(ChannelKey::as_str),
            filter.status.map(SubscriptionStatus::as_str),
            filter.plan.as_ref().map(PlanCode::as_str),
            filter.ends_before,
            filter.ends_after,
            after.map(SubscriptionId::uuid),
            limit
        )
        .fetch_all(self.db())
        .await?;
        let found = rows.into_iter().map(|row| SubscriptionRow {
            id: SubscriptionId::from_uuid(row.id),
            user: UserId::from_uuid(row.user_id),
            channel: row.channel,
            plan_code: row.plan_code,
            status: row.status,
            ends_at: row.ends_at,
            created_at: row.created_at,
        });
        Ok(found.collect())
    }

    /// One subscription with all that belongs to it.
    pub async fn any_subscription(
        &self,
        id: SubscriptionId,
    ) -> Result<Option<StaffSubscriptionView>, AccessError> {
        let row = sqlx::query!("SELECT user_id, channel FROM subscriptions WHERE id = $1", id.uuid());
        let Some(row) = row.fetch_optional(self.db()).await? else { return Ok(None) };
        let user = UserId::from_uuid(row.user_id);
        let channel: ChannelKey = row
            .channel
            .parse()
            .map_err(|_| StoreError::unknown_word("subscriptions.channel", &row.channel))?;
        let Some(subscription) = self.subscription(user, &channel).await? else { return Ok(None) };
        let access = self.telegram_access(user).await?;
        Ok(Some(StaffSubscriptionView {
            id,
            user,
            subscription,
            periods: self.periods_of(id).await?,
            binding: self.telegram_binding(user).await?,
            access: access.into_iter().find(|access| access.channel == channel),
        }))
    }

    async fn periods_of(&self, id: SubscriptionId) -> Result<Vec<StaffPeriodView>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT periods.id, periods.plan_code, state, length_us, used_before_us, starts_at, ends_at, bought_at,
                      payment_id, payments.status AS "payment_status?", granted_by AS "granted_by?",
                      grants.reason AS "granted_for?", withdrawn_at, withdrawn_for
               FROM periods
               LEFT JOIN payments ON payments.id = periods.payment_id
               LEFT JOIN grants ON grants.period_id = periods.id
               WHERE subscription_id = $1
               ORDER BY position"#,
            id.uuid()
        )
        .fetch_all(self.db())
        .await?;
        let views = rows.into_iter().map(|row| {
            Ok(StaffPeriodView {
                id: PeriodId::from_uuid(row.id),
                plan_code: row.plan_code,
                state: state(&row.state)?,
                length: Duration::microseconds(row.length_us),
                used_before: Duration::microseconds(row.used_before_us),
                starts_at: row.starts_at,
                ends_at: row.ends_at,
                bought_at: row.bought_at,
                payment: row.payment_id.map(PaymentId::from_uuid).zip(row.payment_status),
                grant: row.granted_for.map(|reason| (row.granted_by.map(UserId::from_uuid), reason)),
                withdrawn: row.withdrawn_at.zip(row.withdrawn_for),
            })
        });
        views.collect()
    }
}
