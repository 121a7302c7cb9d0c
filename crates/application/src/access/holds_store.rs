//! The tables of held removals, as an admin sees and decides them.

use std::collections::BTreeMap;

use domain::ids::{RemovalHoldId, UserId};
use domain::plan::ChannelKey;
use domain::time::{Duration, Instant};
use serde_json::json;
use sqlx::PgPool;

use super::fuse_store::reason;
use super::holds::{HeldRemoval, RemovalDecision, RemovalHold};
use crate::alerts;
use crate::tx::{StoreError, Tx};

/// A list is told of when nobody else of its channel is being looked at, and after this long at the latest.
const TELL_WITHIN: Duration = Duration::seconds(30);
/// So many accounts are named in an alert.
const MAX_NAMED: usize = 50;

/// A list that is locked.
pub(super) struct Locked {
    pub(super) version: i32,
    pub(super) people: i64,
}

fn channel_key(word: &str) -> Result<ChannelKey, StoreError> {
    word.parse().map_err(|_| StoreError::unknown_word("removal_holds.channel", word))
}

/// Every list that waits, with who is on it.
pub(super) async fn open(db: &PgPool) -> Result<Vec<RemovalHold>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, channel, opened_at, version, telegram_user_id, user_id, reason, held_at
         FROM removal_holds JOIN held_removals USING (channel)
         WHERE decision IS NULL AND hold_id = removal_holds.id
         ORDER BY opened_at, id, held_at, telegram_user_id"
    )
    .fetch_all(db)
    .await?;
    let mut holds: Vec<RemovalHold> = Vec::new();
    for row in rows {
        let id = RemovalHoldId::from_uuid(row.id);
        if holds.last().is_none_or(|hold| hold.id != id) {
            let (channel, people) = (channel_key(&row.channel)?, Vec::new());
            holds.push(RemovalHold { id, channel, opened_at: row.opened_at, version: row.version, people });
        }
        let held = HeldRemoval {
            telegram_user_id: row.telegram_user_id,
            user: row.user_id.map(UserId::from_uuid),
            reason: reason(&row.reason)?,
            held_at: row.held_at,
        };
        if let Some(hold) = holds.last_mut() {
            hold.people.push(held);
        }
    }
    Ok(holds)
}

/// The lists that changed since admins were told, once nothing of their channel is being looked at.
pub(super) async fn untold(db: &PgPool, now: Instant) -> Result<Vec<RemovalHold>, StoreError> {
    let due = sqlx::query_scalar!(
        "SELECT id FROM removal_holds
         WHERE decision IS NULL
           AND (told_version < version
                OR NOT EXISTS (SELECT FROM approvals
                               WHERE object = 'removals:' || removal_holds.id AND state = 'pending'))
           AND (opened_at <= $2
                OR NOT EXISTS (SELECT FROM memberships
                               WHERE memberships.channel = removal_holds.channel AND due_at <= $1))",
        now,
        now - TELL_WITHIN
    )
    .fetch_all(db)
    .await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let mut holds = open(db).await?;
    holds.retain(|hold| due.contains(&hold.id.uuid()));
    Ok(holds)
}

/// Tells admins of a list, once for each state of it.
pub(super) async fn tell(tx: &mut Tx, hold: &RemovalHold) -> Result<(), StoreError> {
    let first = sqlx::query!(
        "UPDATE removal_holds SET told_version = $2 WHERE id = $1 AND told_version < $2 AND decision IS NULL",
        hold.id.uuid(),
        hold.version
    )
    .execute(tx.db())
    .await?;
    if first.rows_affected() == 0 {
        return Ok(());
    }
    let mut reasons: BTreeMap<&str, u32> = BTreeMap::new();
    for held in &hold.people {
        *reasons.entry(held.reason.as_str()).or_default() += 1;
    }
    let named: Vec<i64> = hold.people.iter().take(MAX_NAMED).map(|held| held.telegram_user_id).collect();
    let details = json!({
        "list": hold.id,
        "channel": hold.channel.as_str(),
        "people": hold.people.len(),
        "reasons": reasons,
        "accounts": named,
    });
    alerts::raise(tx, alerts::Kind::RemovalsHeld, &format!("removals_held:{}", hold.id), details).await
}

/// The accounts on a list, by the reason of their removal.
pub(super) async fn accounts_by_reason(
    tx: &mut Tx,
    hold: RemovalHoldId,
) -> Result<Vec<(String, String)>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT reason, string_agg(telegram_user_id::text, ', ' ORDER BY telegram_user_id) AS "accounts!"
           FROM held_removals
           WHERE hold_id = $1 AND state = 'held'
           GROUP BY reason
           ORDER BY reason"#,
        hold.uuid()
    )
    .fetch_all(tx.db())
    .await?;
    Ok(rows.into_iter().map(|row| (row.reason, row.accounts)).collect())
}

pub(super) async fn channel_of(tx: &mut Tx, hold: RemovalHoldId) -> Result<Option<ChannelKey>, StoreError> {
    let found = sqlx::query_scalar!("SELECT channel FROM removal_holds WHERE id = $1", hold.uuid());
    found.fetch_optional(tx.db()).await?.map(|word| channel_key(&word)).transpose()
}

/// Locks a list that waits.
pub(super) async fn lock(tx: &mut Tx, hold: RemovalHoldId) -> Result<Option<Locked>, StoreError> {
    let row = sqlx::query_as!(
        Locked,
        r#"SELECT version, (SELECT count(*) FROM held_removals WHERE hold_id = $1) AS "people!"
           FROM removal_holds
           WHERE id = $1 AND decision IS NULL
           FOR UPDATE"#,
        hold.uuid()
    );
    Ok(row.fetch_optional(tx.db()).await?)
}

/// Writes a decision. Says about how many.
pub(super) async fn decide(
    tx: &mut Tx,
    hold: RemovalHoldId,
    decision: RemovalDecision,
) -> Result<u64, StoreError> {
    let now = tx.now();
    sqlx::query!(
        "UPDATE removal_holds SET decision = $2, decided_at = $3 WHERE id = $1",
        hold.uuid(),
        decision.as_str(),
        now
    )
    .execute(tx.db())
    .await?;
    let done = sqlx::query!(
        "UPDATE held_removals SET state = $2 WHERE hold_id = $1 AND state = 'held'",
        hold.uuid(),
        decision.as_str()
    )
    .execute(tx.db())
    .await?;
    Ok(done.rows_affected())
}

/// Owes what was confirmed.
pub(super) async fn owe(tx: &mut Tx, hold: RemovalHoldId) -> Result<(), StoreError> {
    let now = tx.now();
    sqlx::query!(
        "UPDATE memberships SET due_at = $2, attempts = 0
         FROM held_removals
         WHERE hold_id = $1 AND state = 'confirmed'
           AND held_removals.telegram_user_id = memberships.telegram_user_id
           AND held_removals.channel = memberships.channel",
        hold.uuid(),
        now
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

/// Remembers since when a chat is the channel's. What was decided about another chat is looked at again.
pub(super) async fn note_chat(tx: &mut Tx, channel: &ChannelKey, chat: i64) -> Result<(), StoreError> {
    let now = tx.now();
    sqlx::query!(
        "INSERT INTO channel_chats (channel, chat_id, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        channel.as_str(),
        chat,
        now
    )
    .execute(tx.db())
    .await?;
    let woken = sqlx::query!(
        "UPDATE memberships SET due_at = $3, attempts = 0
         FROM held_removals
         WHERE held_removals.channel = $1 AND held_removals.chat_id <> $2 AND due_at IS NULL
           AND held_removals.telegram_user_id = memberships.telegram_user_id
           AND held_removals.channel = memberships.channel",
        channel.as_str(),
        chat,
        now
    )
    .execute(tx.db())
    .await?;
    if woken.rows_affected() > 0 {
        tx.owe_work();
    }
    Ok(())
}

/// Remembers a span that the clock leapt over.
pub(super) async fn insert_jump(tx: &mut Tx, from: Instant, to: Instant) -> Result<(), StoreError> {
    sqlx::query!("INSERT INTO clock_jumps (from_at, to_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", from, to)
        .execute(tx.db())
        .await?;
    Ok(())
}
