//! Time that an admin gives or takes, with a reason that is kept.
//!
//! A grant is a period without a payment: it is appended like a bought one, once per key. Taking a period away takes only
//! what lies ahead of it, and what an admin has taken no later word about its payment brings back.

use domain::ids::{NotificationId, PeriodId, SubscriptionId, UserId};
use domain::plan::{ChannelKey, PlanCode, PlanLength};
use domain::subscription::PeriodState;
use domain::time::{Instant, microseconds_between};
use scoped_futures::ScopedFutureExt;
use serde_json::json;
use thiserror::Error;

use super::{Change, Loaded, Outlook, store, write};
use crate::actor::{Actor, Context};
use crate::app::App;
use crate::billing::IdempotencyKey;
use crate::notifications::{self, Content, Recipient};
use crate::plans;
use crate::tx::{StoreError, Tx, tx_error};
use crate::{access, identity};

/// Why no time was given or taken.
#[derive(Debug, Error)]
pub enum ManageError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such user, or they were erased.
    #[error("there is no such user")]
    UnknownUser,
    /// There is no such subscription.
    #[error("there is no such subscription")]
    UnknownSubscription,
    /// The subscription has no such period.
    #[error("this subscription has no such period")]
    UnknownPeriod,
    /// There is no such plan.
    #[error("there is no such plan")]
    UnknownPlan,
    /// There is no such channel, or the plan opens another one.
    #[error("there is no such channel, no plan opens it, or this plan opens another one")]
    UnknownChannel,
    /// Nothing lies ahead of any of its periods.
    #[error("there is no time left to take")]
    NothingToRevoke,
    /// The same key was used for another grant.
    #[error("this idempotency key was used for another request")]
    KeyReused,
}
tx_error!(ManageError);

/// Who gets the time.
#[derive(Clone, Debug)]
pub enum GrantedTo {
    /// Somebody, in the plan's channel, the named one or the default one.
    User {
        /// Who.
        user: UserId,
        /// As if this had been bought; the channel's first plan if absent.
        plan: Option<PlanCode>,
        /// Into which channel.
        channel: Option<ChannelKey>,
    },
    /// Whoever has this subscription.
    Subscription(SubscriptionId),
}

/// Time that is given.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Once per key and admin.
    pub key: IdempotencyKey,
    /// Who gets it.
    pub to: GrantedTo,
    /// How much.
    pub length: PlanLength,
    /// Why; kept, never shown to the customer.
    pub reason: String,
}

impl Grant {
    fn fingerprint(&self) -> [u8; 32] {
        let to = match &self.to {
            GrantedTo::User { user, plan, channel } => json!([user, plan, channel]),
            GrantedTo::Subscription(id) => json!([id]),
        };
        let canonical = json!(["subscriptions.grant/1", to, self.length.days(), self.reason]);
        crypto::fingerprint::sha256(canonical.to_string().as_bytes())
    }
}

/// What was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantView {
    /// The period.
    pub period: PeriodId,
    /// Of which subscription.
    pub subscription: SubscriptionId,
    /// Whether it was given just now, not before under the same key.
    pub fresh: bool,
}

/// What was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Which periods.
    pub periods: Vec<PeriodId>,
    /// When the access now ends or ended.
    pub ends_at: Instant,
}

/// Where a grant goes.
struct Destination {
    user: UserId,
    channel: ChannelKey,
    plan: PlanCode,
}

impl App {
    /// Gives time, once per key.
    pub async fn grant(&self, context: &Context, grant: &Grant) -> Result<GrantView, ManageError> {
        self.tx("grant", context, |tx| async move { self.insert_grant(tx, grant).await }.scope_boxed()).await
    }

    async fn insert_grant(&self, tx: &mut Tx, grant: &Grant) -> Result<GrantView, ManageError> {
        let to = self.destination(tx, &grant.to).await?;
        // The subscription's lock first: the same key twice at once takes turns.
        let mut loaded = store::lock(tx, to.user, &to.channel, &to.plan).await?;
        let (by, fingerprint) = (admin(tx), grant.fingerprint());
        if let Some(known) = store::find_grant(tx, by, grant.key.as_str()).await? {
            let (period, subscription) = (known.period, known.subscription);
            return if known.fingerprint == fingerprint {
                Ok(GrantView { period, subscription, fresh: false })
            } else {
                Err(ManageError::KeyReused)
            };
        }
        let (now, before) = (tx.now(), loaded.schedule.clone());
        let withheld = identity::is_withheld(tx, to.user).await?;
        let state = if withheld { PeriodState::Withheld } else { PeriodState::Live };
        let period = PeriodId::new(tx.wall(), &tx.entropy());
        loaded.schedule.append(period, grant.length.duration(), state, now);
        store::insert_period(tx, loaded.id, None, &to.plan, &loaded.schedule, period).await?;
        if !store::insert_grant(tx, period, grant, by, &fingerprint).await? {
            return Err(ManageError::KeyReused);
        }
        let cause = json!({
            "grant": period, "days": grant.length.days(), "reason": grant.reason, "period_state": state.as_str(),
        });
        let change = Change { user: to.user, plan: &to.plan, action: "subscription.granted", cause };
        write(tx, &loaded, &before, change).await?;
        access::owe_membership_of_user(tx, to.user, &to.channel).await?;
        let ends_at_us = (!withheld).then(|| micros(Outlook::of(&loaded.schedule, now).ends_at));
        let content = Content::TimeGranted { days: grant.length.days(), ends_at_us };
        tell(tx, to.user, &format!("time_granted:{period}"), content).await?;
        Ok(GrantView { period, subscription: loaded.id, fresh: true })
    }

    async fn destination(&self, tx: &mut Tx, to: &GrantedTo) -> Result<Destination, ManageError> {
        let found = match to {
            GrantedTo::Subscription(id) => {
                let known = store::find(tx, *id).await?.ok_or(ManageError::UnknownSubscription)?;
                Destination { user: known.user, channel: known.channel, plan: known.plan }
            }
            GrantedTo::User { user, plan: Some(plan), channel } => {
                let opens = plans::channel_of(tx, plan).await?.ok_or(ManageError::UnknownPlan)?;
                if channel.as_ref().is_some_and(|asked| *asked != opens) {
                    return Err(ManageError::UnknownChannel);
                }
                Destination { user: *user, channel: opens, plan: plan.clone() }
            }
            GrantedTo::User { user, plan: None, channel } => {
                let channel = channel.clone().unwrap_or_else(|| self.options().default_channel.clone());
                let plan = plans::first_of_channel(tx, &channel).await?;
                Destination { user: *user, plan: plan.ok_or(ManageError::UnknownChannel)?, channel }
            }
        };
        if identity::exists(tx, found.user).await? { Ok(found) } else { Err(ManageError::UnknownUser) }
    }

    /// Takes what lies ahead of one period of a subscription, or of all of them.
    pub async fn revoke_time(
        &self,
        context: &Context,
        subscription: SubscriptionId,
        period: Option<PeriodId>,
        reason: &str,
    ) -> Result<Revoked, ManageError> {
        self.tx("revoke_time", context, |tx| {
            async move { revoke(tx, subscription, period, reason).await }.scope_boxed()
        })
        .await
    }
}

async fn revoke(
    tx: &mut Tx,
    subscription: SubscriptionId,
    period: Option<PeriodId>,
    reason: &str,
) -> Result<Revoked, ManageError> {
    let now = tx.now();
    let known = store::find(tx, subscription).await?.ok_or(ManageError::UnknownSubscription)?;
    let mut loaded = store::lock(tx, known.user, &known.channel, &known.plan).await?;
    let taken = takeable(&loaded, period, now)?;
    let before = loaded.schedule.clone();
    for period in &taken {
        loaded.schedule.change(*period, PeriodState::Revoked, now);
    }
    let ends_at = Outlook::of(&loaded.schedule, now).ends_at;
    let cause =
        json!({ "withdrawn": taken, "reason": reason, "period_state": PeriodState::Revoked.as_str() });
    let change = Change { user: known.user, plan: &known.plan, action: "subscription.revoked", cause };
    write(tx, &loaded, &before, change).await?;
    store::mark_withdrawn(tx, &taken, reason).await?;
    access::owe_membership_of_user(tx, known.user, &known.channel).await?;
    if let Some(first) = taken.first() {
        // Where nothing is left the mail about the end follows by itself.
        let content = Content::TimeRevoked { ends_at_us: (ends_at > now).then(|| micros(ends_at)) };
        tell(tx, known.user, &format!("time_revoked:{first}"), content).await?;
    }
    Ok(Revoked { periods: taken, ends_at })
}

/// The periods that something can still be taken of: the named one, or all.
fn takeable(loaded: &Loaded, asked: Option<PeriodId>, now: Instant) -> Result<Vec<PeriodId>, ManageError> {
    let periods = loaded.schedule.periods();
    if asked.is_some_and(|asked| periods.iter().all(|period| period.id != asked)) {
        return Err(ManageError::UnknownPeriod);
    }
    let left = periods.iter().filter(|period| match period.state {
        PeriodState::Live => period.ends_at > now,
        PeriodState::Withheld => !period.remainder().is_zero(),
        PeriodState::Revoked => false,
    });
    let wanted = left.map(|period| period.id).filter(|id| asked.is_none_or(|asked| asked == *id));
    let taken: Vec<PeriodId> = wanted.collect();
    if taken.is_empty() { Err(ManageError::NothingToRevoke) } else { Ok(taken) }
}

/// Which admin acts; nobody's account where it is done on the machine.
fn admin(tx: &Tx) -> Option<UserId> {
    match tx.context().actor {
        Actor::User { id, .. } => Some(id),
        _ => None,
    }
}

async fn tell(tx: &mut Tx, user: UserId, dedupe_key: &str, content: Content) -> Result<(), StoreError> {
    let id = NotificationId::new(tx.wall(), &tx.entropy());
    notifications::owe(tx, id, dedupe_key, Recipient::User(user), content, None).await?;
    Ok(())
}

fn micros(at: Instant) -> i64 {
    microseconds_between(Instant::UNIX_EPOCH, at)
}
