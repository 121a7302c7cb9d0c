//! Subscriptions: what a settled payment turns into, and what the passing of time owes.
//!
//! The schedule itself is the domain's. Here it is loaded under its row lock, changed, written back with its
//! *outlook* (when to remind, when it ends), and audited; membership work is owed in the same transaction.

mod freeze;
mod manage;
mod staff;
mod store;
mod sweeps;
mod view;

use domain::ids::{PaymentId, PeriodId, SubscriptionId, UserId};
use domain::plan::{ChannelKey, PlanCode};
use domain::reminder::reminder;
use domain::subscription::{PeriodState, Schedule, SubscriptionStatus};
use domain::time::{Duration, Instant, microseconds_between};
use serde_json::{Value, json};

pub(crate) use self::freeze::{release_all, withhold_all};
pub use self::manage::{Grant, GrantView, GrantedTo, ManageError, Revoked};
pub use self::staff::{StaffPeriodView, StaffSubscriptionView, SubscriptionFilter, SubscriptionRow};
pub(crate) use self::store::StoredPeriod;
pub use self::sweeps::Swept;
pub use self::view::{PeriodView, SubscriptionView};
use crate::access;
use crate::audit;
use crate::identity;
use crate::tx::{StoreError, Tx};

/// A subscription as it was read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its identifier; new when [`Loaded::version`] is zero.
    pub id: SubscriptionId,
    /// The version that was read; zero when there is none yet.
    pub version: i32,
    /// Its periods.
    pub schedule: Schedule,
}

/// What the sweeps need to know about a schedule, kept beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// End of the last period.
    pub ends_at: Instant,
    /// When its reminder is due, if it calls for one.
    pub remind_at: Option<Instant>,
    /// When its end must be acted upon; none while paid time is withheld.
    pub end_due_at: Option<Instant>,
}

impl Outlook {
    /// What a schedule calls for.
    pub fn of(schedule: &Schedule, now: Instant) -> Self {
        let ends_at = schedule.ends_at().unwrap_or(now);
        let suspended = schedule.status(now) == SubscriptionStatus::Suspended;
        Self {
            ends_at,
            remind_at: reminder(schedule).filter(|reminder| now < reminder.due_before).map(|r| r.due_from),
            end_due_at: (!suspended).then_some(ends_at),
        }
    }
}

/// What a payment bought.
#[derive(Clone, Debug)]
pub(crate) struct Purchase {
    pub(crate) payment: PaymentId,
    pub(crate) user: UserId,
    pub(crate) channel: ChannelKey,
    pub(crate) plan: PlanCode,
    pub(crate) length: Duration,
}

/// Makes the period of a payment live, withheld or revoked, creating it and the subscription where needed.
/// Answers when the subscription then ends. The caller holds the payment's lock, which always comes first.
pub(crate) async fn entitle(
    tx: &mut Tx,
    purchase: &Purchase,
    state: PeriodState,
) -> Result<Instant, StoreError> {
    let now = tx.now();
    let mut loaded = store::lock(tx, purchase.user, &purchase.channel, &purchase.plan).await?;
    let before = loaded.schedule.clone();
    // Time that is paid or given back while an admin's freeze lasts starts when it is lifted (SEC-61).
    let withheld = identity::is_withheld(tx, purchase.user).await?;
    let held = if withheld && state == PeriodState::Live { PeriodState::Withheld } else { state };
    if let Some((period, withdrawn)) = store::period_of_payment(tx, purchase.payment).await? {
        // What an admin has taken stays taken, whatever becomes of the payment.
        let held = if withdrawn { PeriodState::Revoked } else { held };
        loaded.schedule.change(period, held, now);
    } else {
        let period = PeriodId::new(tx.wall(), &tx.entropy());
        loaded.schedule.append(period, purchase.length, PeriodState::Live, now);
        loaded.schedule.change(period, held, now);
        let (subscription, payment) = (loaded.id, Some(purchase.payment));
        store::insert_period(tx, subscription, payment, &purchase.plan, &loaded.schedule, period).await?;
    }
    let change = Change {
        user: purchase.user,
        plan: &purchase.plan,
        action: if state == PeriodState::Live { "subscription.extended" } else { "subscription.shortened" },
        cause: json!({ "payment": purchase.payment, "period_state": state.as_str() }),
    };
    write(tx, &loaded, &before, change).await?;
    access::owe_membership_of_user(tx, purchase.user, &purchase.channel).await?;
    Ok(Outlook::of(&loaded.schedule, now).ends_at)
}

/// A change of a schedule, with its cause.
struct Change<'a> {
    user: UserId,
    plan: &'a PlanCode,
    action: &'static str,
    /// An object, for the audit log.
    cause: Value,
}

/// Writes every period that changed, the outlook and the audit entry.
async fn write(
    tx: &mut Tx,
    loaded: &Loaded,
    before: &Schedule,
    change: Change<'_>,
) -> Result<(), StoreError> {
    let now = tx.now();
    let changed: Vec<_> =
        loaded.schedule.periods().iter().filter(|period| !before.periods().contains(period)).collect();
    store::update_periods(tx, &changed).await?;
    let outlook = Outlook::of(&loaded.schedule, now);
    store::update_outlook(tx, loaded.id, &outlook, change.plan).await?;
    let mut details = change.cause;
    let before_us = before.ends_at().map(|end| microseconds_between(Instant::UNIX_EPOCH, end));
    details["ends_at_before_us"] = json!(before_us);
    details["ends_at_us"] = json!(microseconds_between(Instant::UNIX_EPOCH, outlook.ends_at));
    let entry = audit::Entry {
        action: change.action,
        subject_kind: "subscription",
        subject_id: loaded.id.to_string(),
        user: Some(change.user),
        details,
    };
    audit::record(tx, entry).await
}
