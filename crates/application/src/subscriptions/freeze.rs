//! What an admin's freeze does to paid time, and what lifting it gives back (SEC-61).
//!
//! What lies ahead of every live period is withheld; whatever its payment still entitles to runs again when the freeze
//! is lifted, whole.

use std::collections::HashMap;

use domain::ids::{PeriodId, UserId};
use domain::subscription::{PeriodState, Schedule};
use domain::time::{Instant, microseconds_between};
use serde_json::json;

use super::{Loaded, Outlook, store};
use crate::tx::{StoreError, Tx};
use crate::{access, audit, billing};

/// Withholds what lies ahead of a user's live periods.
pub(crate) async fn withhold_all(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    let now = tx.now();
    change_all(tx, user, "subscription.withheld", |schedule, _| {
        for period in in_state(schedule, PeriodState::Live) {
            schedule.change(period, PeriodState::Withheld, now);
        }
    })
    .await
}

/// Gives back what was withheld, as far as its payment still entitles to it.
pub(crate) async fn release_all(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    let now = tx.now();
    change_all(tx, user, "subscription.released", |schedule, entitled| {
        for period in in_state(schedule, PeriodState::Withheld) {
            // A period without a payment was granted.
            let wanted = entitled.get(&period).copied().unwrap_or(PeriodState::Live);
            schedule.change(period, wanted, now);
        }
    })
    .await
}

fn in_state(schedule: &Schedule, state: PeriodState) -> Vec<PeriodId> {
    schedule.periods().iter().filter(|period| period.state == state).map(|period| period.id).collect()
}

async fn change_all(
    tx: &mut Tx,
    user: UserId,
    action: &'static str,
    change: impl Fn(&mut Schedule, &HashMap<PeriodId, PeriodState>),
) -> Result<(), StoreError> {
    // Payments are locked before subscriptions, as everywhere.
    let payments = billing::lock_entitlements(tx, user).await?;
    let mut entitled = HashMap::new();
    for (payment, state) in payments {
        if let Some((period, _)) = store::period_of_payment(tx, payment).await? {
            entitled.insert(period, state);
        }
    }
    for (channel, plan) in store::of_user(tx, user).await? {
        let mut loaded = store::lock(tx, user, &channel, &plan).await?;
        let before = loaded.schedule.clone();
        change(&mut loaded.schedule, &entitled);
        if loaded.schedule.periods() != before.periods() {
            let changed: Vec<_> = loaded
                .schedule
                .periods()
                .iter()
                .filter(|period| !before.periods().contains(period))
                .collect();
            store::update_periods(tx, &changed).await?;
            let outlook = Outlook::of(&loaded.schedule, tx.now());
            store::update_outlook(tx, loaded.id, &outlook, &plan).await?;
            record(tx, user, &loaded, action, before.ends_at(), outlook.ends_at).await?;
        }
        access::owe_membership_of_user(tx, user, &channel).await?;
    }
    Ok(())
}

async fn record(
    tx: &mut Tx,
    user: UserId,
    loaded: &Loaded,
    action: &'static str,
    before: Option<Instant>,
    after: Instant,
) -> Result<(), StoreError> {
    let entry = audit::Entry {
        action,
        subject_kind: "subscription",
        subject_id: loaded.id.to_string(),
        user: Some(user),
        details: json!({
            "ends_at_before_us": before.map(|end| microseconds_between(Instant::UNIX_EPOCH, end)),
            "ends_at_us": microseconds_between(Instant::UNIX_EPOCH, after),
        }),
    };
    audit::record(tx, entry).await
}
