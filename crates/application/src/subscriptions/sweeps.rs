//! What the passing of time owes: reminders and ends. Run every minute of wall time, on any instance.
//!
//! A sweep selects what is due *now*, in small batches whose rows are skipped where another instance holds them, so a
//! hundred thousand ends in one minute neither hold a lock for long nor need memory.

use domain::ids::{NotificationId, SubscriptionId, UserId};
use domain::plan::ChannelKey;
use domain::time::{Instant, microseconds_between};
use scoped_futures::ScopedFutureExt;
use serde_json::json;

use crate::access;
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::notifications::{self, Content, Recipient};
use crate::tx::{StoreError, Tx};

/// How many subscriptions one transaction takes.
const BATCH: i64 = 100;

/// How much a sweep found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Reminders owed.
    pub reminded: u64,
    /// Subscriptions that ended.
    pub ended: u64,
}

struct DueSubscription {
    id: SubscriptionId,
    user: UserId,
    channel: ChannelKey,
    ends_at: Instant,
}

impl App {
    /// Owes the reminders and the ends that are due now.
    pub async fn sweep_subscriptions(&self) -> Result<Swept, StoreError> {
        let context = Context::system("sweep");
        let mut swept = Swept::default();
        loop {
            let batch =
                self.tx("sweep_ends", &context, |tx| async move { end_batch(tx).await }.scope_boxed());
            let ended = batch.await?;
            swept.ended += ended;
            if ended < BATCH.unsigned_abs() {
                break;
            }
        }
        loop {
            let batch = self
                .tx("sweep_reminders", &context, |tx| async move { remind_batch(tx).await }.scope_boxed());
            let reminded = batch.await?;
            swept.reminded += reminded;
            if reminded < BATCH.unsigned_abs() {
                break;
            }
        }
        Ok(swept)
    }
}

/// Reminders whose time has come; one that would come after the end is dropped by the end itself.
async fn remind_batch(tx: &mut Tx) -> Result<u64, StoreError> {
    let now = tx.now();
    let rows = sqlx::query!(
        r#"UPDATE subscriptions
           SET remind_at = NULL
           WHERE id IN (SELECT id FROM subscriptions
                        WHERE remind_at <= $1 AND ends_at > $1
                        ORDER BY remind_at
                        LIMIT $2
                        FOR UPDATE SKIP LOCKED)
           RETURNING id, user_id, ends_at,
                     (SELECT id FROM periods
                      WHERE subscription_id = subscriptions.id AND state = 'live'
                      ORDER BY ends_at DESC LIMIT 1) AS "period!""#,
        now,
        BATCH
    )
    .fetch_all(tx.db())
    .await?;
    let found = rows.len() as u64;
    for row in rows {
        let id = NotificationId::new(tx.wall(), &tx.entropy());
        let user = UserId::from_uuid(row.user_id);
        let content =
            Content::Reminder { ends_at_us: microseconds_between(Instant::UNIX_EPOCH, row.ends_at) };
        let dedupe_key = format!("reminder:{}", row.period);
        if !notifications::owe(tx, id, &dedupe_key, Recipient::User(user), content, None).await? {
            // Reminded before its dates moved: one reminder per period.
            continue;
        }
        let entry = audit::Entry {
            action: "subscription.reminder_owed",
            subject_kind: "subscription",
            subject_id: row.id.to_string(),
            user: Some(user),
            details: json!({ "period": row.period }),
        };
        audit::record(tx, entry).await?;
    }
    Ok(found)
}

async fn end_batch(tx: &mut Tx) -> Result<u64, StoreError> {
    let now = tx.now();
    let rows = sqlx::query!(
        "UPDATE subscriptions
         SET end_due_at = NULL, remind_at = NULL
         WHERE id IN (SELECT id FROM subscriptions
                      WHERE end_due_at <= $1
                      ORDER BY end_due_at
                      LIMIT $2
                      FOR UPDATE SKIP LOCKED)
         RETURNING id, user_id, channel, ends_at",
        now,
        BATCH
    )
    .fetch_all(tx.db())
    .await?;
    let found = rows.len() as u64;
    for row in rows {
        let channel = row
            .channel
            .parse()
            .map_err(|_| StoreError::unknown_word("subscriptions.channel", &row.channel))?;
        let (id, user) = (SubscriptionId::from_uuid(row.id), UserId::from_uuid(row.user_id));
        end(tx, DueSubscription { id, user, channel, ends_at: row.ends_at }).await?;
    }
    Ok(found)
}

async fn end(tx: &mut Tx, due: DueSubscription) -> Result<(), StoreError> {
    let ends_at_us = microseconds_between(Instant::UNIX_EPOCH, due.ends_at);
    let id = NotificationId::new(tx.wall(), &tx.entropy());
    let dedupe_key = format!("subscription_ended:{}:{ends_at_us}", due.id);
    let content = Content::SubscriptionEnded { ended_at_us: ends_at_us };
    notifications::owe(tx, id, &dedupe_key, Recipient::User(due.user), content, None).await?;
    access::owe_membership_of_user(tx, due.user, &due.channel).await?;
    let entry = audit::Entry {
        action: "subscription.ended",
        subject_kind: "subscription",
        subject_id: due.id.to_string(),
        user: Some(due.user),
        details: json!({ "ends_at_us": ends_at_us }),
    };
    audit::record(tx, entry).await
}
