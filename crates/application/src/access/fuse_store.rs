//! The tables of the removal fuse.

use domain::ids::{RemovalHoldId, UserId};
use domain::plan::ChannelKey;
use domain::removal::{Cause, Departure, NOTICE, RecordedEnd, Unforeseen};
use domain::time::Instant;
use sqlx::PgExecutor;

use super::store::{Place, Situation};
use crate::tx::{StoreError, Tx};

/// What a decision stands for: while these are so, it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) reason: Unforeseen,
    pub(super) user: Option<UserId>,
    pub(super) chat: i64,
    pub(super) ended_at: Option<Instant>,
}

/// What became of a held removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeldState {
    Held,
    Confirmed,
    Rejected,
}

/// A removal as it was read, and when the time of its user ends.
pub(super) struct Read {
    pub(super) departure: Departure,
    pub(super) ended_at: Option<Instant>,
    /// Whether the account was seen in another chat than the one that is set.
    pub(super) elsewhere: bool,
}

/// What the last hour brought to a channel.
pub(super) struct Count {
    /// Members there were at its beginning, as far as the removals of that hour tell.
    pub(super) members: u64,
    /// Unforeseen removals of others.
    pub(super) removed: u64,
    /// Whether this one was counted already.
    pub(super) already: bool,
    /// Whether an admin has been asked about others for the same reason and has not decided.
    pub(super) asked: bool,
}

pub(super) fn reason(word: &str) -> Result<Unforeseen, StoreError> {
    let mut all = Unforeseen::ALL.into_iter();
    all.find(|reason| reason.as_str() == word)
        .ok_or_else(|| StoreError::unknown_word("held_removals.reason", word))
}

fn state(word: &str) -> Result<HeldState, StoreError> {
    match word {
        "held" => Ok(HeldState::Held),
        "confirmed" => Ok(HeldState::Confirmed),
        "rejected" => Ok(HeldState::Rejected),
        _ => Err(StoreError::unknown_word("held_removals.state", word)),
    }
}

/// Why somebody is about to be removed, as the rows tell.
pub(super) async fn departure(
    db: impl PgExecutor<'_>,
    place: &Place,
    situation: &Situation,
    chat: i64,
    now: Instant,
) -> Result<Read, StoreError> {
    let row = sqlx::query!(
        r#"SELECT NOT EXISTS (SELECT FROM channel_chats WHERE channel = $2 AND chat_id = $3 AND since <= $4)
                  AND (COALESCE(observed_chat_id <> $3, false)
                       OR EXISTS (SELECT FROM channel_chats WHERE channel = $2 AND chat_id <> $3)) AS "chat_changed!",
                  COALESCE(observed_chat_id <> $3, false) AS "elsewhere!",
                  (SELECT ended_by_owner FROM bindings
                   WHERE bindings.telegram_user_id = $1
                   ORDER BY bound_at DESC, id DESC LIMIT 1) AS "by_owner?",
                  time.ends_at AS "ends_at?", recorded_end AS "recorded_end?",
                  end_recorded_at AS "end_recorded_at?",
                  EXISTS (SELECT FROM clock_jumps WHERE from_at < time.ends_at AND time.ends_at <= to_at) AS "in_jump!"
           FROM memberships
           LEFT JOIN subscriptions ON subscriptions.user_id = $5 AND subscriptions.channel = $2
           LEFT JOIN LATERAL (SELECT max(ends_at) AS ends_at FROM periods
                              WHERE subscription_id = subscriptions.id) AS time ON true
           WHERE memberships.telegram_user_id = $1 AND memberships.channel = $2"#,
        place.account,
        place.channel.as_str(),
        chat,
        now - NOTICE,
        situation.user.map(UserId::uuid)
    )
    .fetch_one(db)
    .await?;
    let cause = if situation.user.is_none() {
        Cause::Unbound { by_owner: row.by_owner.unwrap_or(false) }
    } else if situation.withheld {
        Cause::Withheld
    } else if let Some(end) = row.ends_at {
        let recorded = row.recorded_end.zip(row.end_recorded_at);
        let recorded = recorded.map(|(end, recorded_at)| RecordedEnd { end, recorded_at });
        Cause::TimeOver { end, recorded, in_jump: row.in_jump }
    } else {
        Cause::NoTime
    };
    let departure = Departure { chat_changed: row.chat_changed, cause };
    Ok(Read { departure, ended_at: row.ends_at, elsewhere: row.elsewhere })
}

/// Unforeseen removals of a channel take turns. Plans and subscriptions may refer to the channel meanwhile.
pub(super) async fn lock_channel(tx: &mut Tx, channel: &ChannelKey) -> Result<(), StoreError> {
    sqlx::query!("SELECT key FROM channels WHERE key = $1 FOR NO KEY UPDATE", channel.as_str())
        .fetch_one(tx.db())
        .await?;
    Ok(())
}

pub(super) async fn held(tx: &mut Tx, place: &Place) -> Result<Option<(HeldState, Facts)>, StoreError> {
    let row = sqlx::query!(
        "SELECT state, reason, user_id, chat_id, ended_at FROM held_removals
         WHERE telegram_user_id = $1 AND channel = $2",
        place.account,
        place.channel.as_str()
    )
    .fetch_optional(tx.db())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let facts = Facts {
        reason: reason(&row.reason)?,
        user: row.user_id.map(UserId::from_uuid),
        chat: row.chat_id,
        ended_at: row.ended_at,
    };
    Ok(Some((state(&row.state)?, facts)))
}

pub(super) async fn count(
    tx: &mut Tx,
    place: &Place,
    reason: Unforeseen,
    since: Instant,
) -> Result<Count, StoreError> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM memberships WHERE channel = $1 AND observed = 'member') AS "members!",
                  (SELECT count(*) FROM unforeseen_removals
                   WHERE channel = $1 AND allowed_at > $2 AND telegram_user_id <> $3) AS "removed!",
                  EXISTS (SELECT FROM unforeseen_removals
                          WHERE channel = $1 AND allowed_at > $2 AND telegram_user_id = $3) AS "already!",
                  EXISTS (SELECT FROM held_removals
                          WHERE channel = $1 AND state = 'held' AND reason = $4
                            AND telegram_user_id <> $3) AS "asked!""#,
        place.channel.as_str(),
        since,
        place.account,
        reason.as_str()
    )
    .fetch_one(tx.db())
    .await?;
    let (members, removed) = (row.members.unsigned_abs(), row.removed.unsigned_abs());
    Ok(Count { members: members + removed, removed, already: row.already, asked: row.asked })
}

pub(super) async fn allow(tx: &mut Tx, place: &Place, reason: Unforeseen) -> Result<(), StoreError> {
    let now = tx.now();
    sqlx::query!(
        "INSERT INTO unforeseen_removals AS known (channel, telegram_user_id, reason, allowed_at)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (channel, telegram_user_id)
         DO UPDATE SET reason = EXCLUDED.reason, allowed_at = EXCLUDED.allowed_at",
        place.channel.as_str(),
        place.account,
        reason.as_str(),
        now
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

/// Puts a removal on the list of its channel that waits for an admin, opening one where there is none.
pub(super) async fn hold(tx: &mut Tx, place: &Place, facts: &Facts) -> Result<RemovalHoldId, StoreError> {
    forget(tx, place).await?;
    let now = tx.now();
    let id = RemovalHoldId::new(tx.wall(), &tx.entropy());
    let hold = sqlx::query_scalar!(
        "INSERT INTO removal_holds AS known (id, channel, opened_at)
         VALUES ($1, $2, $3)
         ON CONFLICT (channel) WHERE decision IS NULL DO UPDATE SET version = known.version + 1
         RETURNING id",
        id.uuid(),
        place.channel.as_str(),
        now
    )
    .fetch_one(tx.db())
    .await?;
    sqlx::query!(
        "INSERT INTO held_removals (telegram_user_id, channel, hold_id, state, held_at, reason, user_id, chat_id, ended_at)
         VALUES ($1, $2, $3, 'held', $4, $5, $6, $7, $8)",
        place.account,
        place.channel.as_str(),
        hold,
        now,
        facts.reason.as_str(),
        facts.user.map(UserId::uuid),
        facts.chat,
        facts.ended_at
    )
    .execute(tx.db())
    .await?;
    Ok(RemovalHoldId::from_uuid(hold))
}

/// Takes a removal off the books of the fuse that is done or not wanted any more.
pub(super) async fn settle(tx: &mut Tx, place: &Place) -> Result<(), StoreError> {
    lock_channel(tx, &place.channel).await?;
    forget(tx, place).await
}

/// Takes a removal off the books, under the channel's lock. A list that nobody is left on is nothing to decide upon.
async fn forget(tx: &mut Tx, place: &Place) -> Result<(), StoreError> {
    let now = tx.now();
    let left = sqlx::query!(
        "DELETE FROM held_removals WHERE telegram_user_id = $1 AND channel = $2 RETURNING hold_id, state",
        place.account,
        place.channel.as_str()
    )
    .fetch_optional(tx.db())
    .await?;
    let Some(left) = left.filter(|left| left.state == "held") else { return Ok(()) };
    sqlx::query!(
        "UPDATE removal_holds
         SET version = version + 1,
             decision = CASE WHEN gone THEN 'dissolved' END,
             decided_at = CASE WHEN gone THEN $2::timestamptz END
         FROM (SELECT NOT EXISTS (SELECT FROM held_removals WHERE hold_id = $1) AS gone) AS list
         WHERE id = $1 AND decision IS NULL",
        left.hold_id,
        now
    )
    .execute(tx.db())
    .await?;
    Ok(())
}
