//! The tables of access.

use domain::access::Observed;
use domain::ids::{BindingId, LeaseToken, UserId};
use domain::plan::ChannelKey;
use domain::time::Instant;
use sqlx::{PgExecutor, PgPool};

use crate::actor::Actor;
use crate::tx::{StoreError, Tx};
use crate::work::Lease;

/// One account in one channel.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) account: i64,
    pub(super) channel: ChannelKey,
}

/// A claimed row.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(super) place: Place,
    pub(super) attempts: i32,
    /// Since when the work was owed that was claimed.
    pub(super) due_at: Option<Instant>,
    pub(super) token: LeaseToken,
}

/// Everything that decides the next act, read right before it.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any combination can be true"
)]
pub(super) struct Situation {
    pub(super) observed: Observed,
    pub(super) join_requested: bool,
    pub(super) invited: bool,
    pub(super) invite: Option<(String, i64)>,
    /// Whose the account is now.
    pub(super) user: Option<UserId>,
    pub(super) locale: Option<String>,
    pub(super) bound_at: Option<Instant>,
    pub(super) ever_bound: bool,
    /// Until when the user's time runs, if it runs now.
    pub(super) running_until: Option<Instant>,
    pub(super) running_since: Option<Instant>,
    /// An administrator withholds access.
    pub(super) withheld: bool,
    /// An earlier account of the same user is still inside, and on its way out.
    pub(super) old_account_inside: bool,
    /// The fuse has it on its books.
    pub(super) held: bool,
}

pub(super) const fn observed_word(observed: Observed) -> &'static str {
    match observed {
        Observed::Outside => "outside",
        Observed::Member => "member",
        Observed::Untouchable => "untouchable",
    }
}

pub(super) fn observed(word: &str) -> Result<Observed, StoreError> {
    [Observed::Outside, Observed::Member, Observed::Untouchable]
        .into_iter()
        .find(|observed| observed_word(*observed) == word)
        .ok_or_else(|| StoreError::unknown_word("memberships.observed", word))
}

/// Owes work on every account of the user that is, or may still be, inside.
pub(super) async fn owe_of_user(tx: &mut Tx, user: UserId, channel: &ChannelKey) -> Result<(), StoreError> {
    let now = tx.now();
    sqlx::query!(
        "INSERT INTO memberships (telegram_user_id, channel, due_at)
         SELECT DISTINCT telegram_user_id, $2, $3::timestamptz
         FROM bindings
         WHERE user_id = $1
         ORDER BY 1
         ON CONFLICT (telegram_user_id, channel) DO UPDATE SET due_at = EXCLUDED.due_at, attempts = 0",
        user.uuid(),
        channel.as_str(),
        now
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

/// Owes work on one account in every channel. With `invite_again` an invitation that it had is sent once more.
pub(super) async fn owe_of_account(tx: &mut Tx, account: i64, invite_again: bool) -> Result<(), StoreError> {
    let now = tx.now();
    sqlx::query!(
        "INSERT INTO memberships AS known (telegram_user_id, channel, due_at)
         SELECT $1, key, $2::timestamptz FROM channels ORDER BY key
         ON CONFLICT (telegram_user_id, channel)
         DO UPDATE SET due_at = EXCLUDED.due_at, attempts = 0,
                       invited_at = CASE WHEN NOT $3 THEN known.invited_at END",
        account,
        now,
        invite_again
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

pub(super) async fn record_join_request(tx: &mut Tx, place: &Place) -> Result<(), StoreError> {
    let now = tx.now();
    sqlx::query!(
        "INSERT INTO memberships (telegram_user_id, channel, join_requested_at, due_at)
         VALUES ($1, $2, $3, $3)
         ON CONFLICT (telegram_user_id, channel)
         DO UPDATE SET join_requested_at = EXCLUDED.join_requested_at, due_at = EXCLUDED.due_at, attempts = 0",
        place.account,
        place.channel.as_str(),
        now
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

/// What Telegram says of an account at its own instant; older news than what is known change nothing.
pub(super) async fn observe(
    tx: &mut Tx,
    place: &Place,
    seen: Observed,
    seen_at: Instant,
    chat: i64,
) -> Result<bool, StoreError> {
    let now = tx.now();
    // Telegram counts whole seconds: of two reports in one second the later arrival wins.
    let done = sqlx::query!(
        "INSERT INTO memberships AS known (telegram_user_id, channel, observed, observed_at, due_at, observed_chat_id)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (telegram_user_id, channel)
         DO UPDATE SET observed = EXCLUDED.observed, observed_at = EXCLUDED.observed_at, due_at = EXCLUDED.due_at,
                       observed_chat_id = EXCLUDED.observed_chat_id,
                       join_requested_at = CASE WHEN EXCLUDED.observed = 'outside' THEN known.join_requested_at END
         WHERE known.observed_at IS NULL OR date_trunc('second', known.observed_at) <= EXCLUDED.observed_at",
        place.account,
        place.channel.as_str(),
        observed_word(seen),
        seen_at,
        now,
        chat
    )
    .execute(tx.db())
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn claim(db: &PgPool, lease: Lease) -> Result<Vec<Claimed>, StoreError> {
    let rows = sqlx::query!(
        "UPDATE memberships
         SET lease_until = $1, lease_token = $2, attempts = attempts + 1
         WHERE (telegram_user_id, channel) IN (
             SELECT telegram_user_id, channel FROM memberships
             WHERE due_at <= $3 AND (lease_until IS NULL OR lease_until < $4)
             ORDER BY due_at
             LIMIT $5
             FOR UPDATE SKIP LOCKED)
         RETURNING telegram_user_id, channel, attempts, due_at",
        lease.until,
        lease.token.uuid(),
        lease.due_by,
        lease.wall,
        lease.limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let channel = row.channel.parse();
            let channel =
                channel.map_err(|_| StoreError::unknown_word("memberships.channel", &row.channel))?;
            let place = Place { account: row.telegram_user_id, channel };
            Ok(Claimed { place, attempts: row.attempts, due_at: row.due_at, token: lease.token })
        })
        .collect()
}

pub(super) async fn situation(
    db: impl PgExecutor<'_>,
    place: &Place,
    now: Instant,
) -> Result<Situation, StoreError> {
    let row = sqlx::query!(
        r#"SELECT memberships.observed, join_requested_at IS NOT NULL AS "join_requested!",
                  invited_at IS NOT NULL AS "invited!", invite_link, invite_chat_id,
                  binding.user_id AS "user_id?", binding.bound_at AS "bound_at?", users.locale AS "locale?",
                  EXISTS (SELECT FROM bindings WHERE telegram_user_id = $1) AS "ever_bound!",
                  running.bought_at AS "running_since?",
                  subscriptions.ends_at AS "ends_at?",
                  EXISTS (SELECT FROM bindings AS old
                          JOIN memberships AS place ON place.telegram_user_id = old.telegram_user_id
                          WHERE old.user_id = binding.user_id
                            AND old.telegram_user_id <> $1
                            AND place.channel = $2
                            AND place.observed = 'member'
                            -- Not if it is somebody else's by now, who may stay.
                            AND NOT EXISTS (SELECT FROM bindings AS current
                                            WHERE current.telegram_user_id = old.telegram_user_id
                                              AND current.ended_at IS NULL)
                            -- Nor if an admin is asked whether it may stay.
                            AND NOT EXISTS (SELECT FROM held_removals
                                            WHERE held_removals.telegram_user_id = old.telegram_user_id
                                              AND held_removals.channel = $2
                                              AND state <> 'confirmed')) AS "old_account_inside!",
                  EXISTS (SELECT FROM held_removals
                          WHERE held_removals.telegram_user_id = $1 AND held_removals.channel = $2) AS "held!",
                  (users.frozen_at IS NOT NULL AND users.frozen_by IS DISTINCT FROM 'rule') AS "withheld!"
           FROM memberships
           LEFT JOIN bindings AS binding
                  ON binding.telegram_user_id = memberships.telegram_user_id AND binding.ended_at IS NULL
           LEFT JOIN users ON users.id = binding.user_id
           LEFT JOIN subscriptions
                  ON subscriptions.user_id = binding.user_id AND subscriptions.channel = memberships.channel
           LEFT JOIN LATERAL (SELECT bought_at FROM periods
                              WHERE subscription_id = subscriptions.id AND starts_at <= $3 AND $3 < ends_at
                              LIMIT 1) AS running ON true
           WHERE memberships.telegram_user_id = $1 AND memberships.channel = $2"#,
        place.account,
        place.channel.as_str(),
        now
    )
    .fetch_one(db)
    .await?;
    Ok(Situation {
        observed: observed(&row.observed)?,
        join_requested: row.join_requested,
        invited: row.invited,
        invite: row.invite_link.zip(row.invite_chat_id),
        user: row.user_id.map(UserId::from_uuid),
        locale: row.locale,
        bound_at: row.bound_at,
        ever_bound: row.ever_bound,
        running_until: row.running_since.and(row.ends_at),
        running_since: row.running_since,
        withheld: row.withheld,
        old_account_inside: row.old_account_inside,
        held: row.held,
    })
}

/// What an act changed in its row.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) observed: Option<Observed>,
    /// The waiting join request was answered, or is gone.
    pub(super) request_answered: bool,
    /// The link that was made, and its chat.
    pub(super) invite: Option<(String, i64)>,
    /// The link was sent; `Some(false)` forgets that it ever was.
    pub(super) invited: Option<bool>,
    /// Where it was done.
    pub(super) chat: Option<i64>,
}

/// Writes what an act changed, if its lease still holds. Says whether it did.
pub(super) async fn write_change(
    tx: &mut Tx,
    claimed: &Claimed,
    change: &Change,
) -> Result<bool, StoreError> {
    let now = tx.now();
    let (link, chat) = change.invite.clone().unzip();
    let done = sqlx::query!(
        "UPDATE memberships
         SET observed = COALESCE($4, observed),
             observed_chat_id = CASE WHEN $4::text IS NULL THEN observed_chat_id ELSE COALESCE($10, observed_chat_id) END,
             join_requested_at = CASE WHEN $5 THEN NULL ELSE join_requested_at END,
             invite_link = COALESCE($6, invite_link),
             invite_chat_id = COALESCE($7, invite_chat_id),
             invited_at = CASE WHEN $8 THEN $9 WHEN NOT $8 THEN NULL ELSE invited_at END
         WHERE telegram_user_id = $1 AND channel = $2 AND lease_token = $3",
        claimed.place.account,
        claimed.place.channel.as_str(),
        claimed.token.uuid(),
        change.observed.map(observed_word),
        change.request_answered,
        link,
        chat,
        change.invited,
        now,
        change.chat
    )
    .execute(tx.db())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a claimed row back: done, or due again. News that came meanwhile made it due again by themselves; they may
/// carry an instant before ours, because a transaction's instant is when it began and not when its commit was seen.
pub(super) async fn release(
    db: impl PgExecutor<'_>,
    claimed: &Claimed,
    due_again: Option<Instant>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE memberships
         SET due_at = CASE WHEN due_at IS DISTINCT FROM $5 THEN due_at ELSE $4 END,
             attempts = CASE WHEN $4::timestamptz IS NULL THEN 0 ELSE attempts END,
             lease_until = NULL, lease_token = NULL
         WHERE telegram_user_id = $1 AND channel = $2 AND lease_token = $3",
        claimed.place.account,
        claimed.place.channel.as_str(),
        claimed.token.uuid(),
        due_again,
        claimed.due_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends the live bindings of a user and of an account; both are replaced. Answers the accounts that were let go.
pub(super) async fn end_bindings(
    tx: &mut Tx,
    user: UserId,
    account: Option<i64>,
) -> Result<Vec<(UserId, i64)>, StoreError> {
    let now = tx.now();
    let by_owner = match tx.context().actor {
        Actor::Operator => false,
        Actor::User { id, .. } => id == user,
        _ => true,
    };
    let ended = sqlx::query!(
        "UPDATE bindings SET ended_at = GREATEST($3, bound_at), ended_by_owner = $4
         WHERE (user_id = $1 OR telegram_user_id = $2) AND ended_at IS NULL
         RETURNING user_id, telegram_user_id",
        user.uuid(),
        account,
        now,
        by_owner
    )
    .fetch_all(tx.db())
    .await?;
    Ok(ended.into_iter().map(|row| (UserId::from_uuid(row.user_id), row.telegram_user_id)).collect())
}

pub(super) async fn insert_binding(
    tx: &mut Tx,
    id: BindingId,
    user: UserId,
    account: i64,
    display_name: &str,
) -> Result<(), StoreError> {
    let now = tx.now();
    sqlx::query!(
        "INSERT INTO bindings (id, user_id, telegram_user_id, display_name, bound_at) VALUES ($1, $2, $3, $4, $5)",
        id.uuid(),
        user.uuid(),
        account,
        display_name,
        now
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

/// Uses a deep link's token up. Answers whose it was and their language; nothing if it is unknown, used or too old.
pub(super) async fn redeem_token(
    tx: &mut Tx,
    token_hash: &[u8; 32],
) -> Result<Option<(UserId, String)>, StoreError> {
    let wall = tx.wall();
    let row = sqlx::query!(
        "UPDATE telegram_link_tokens SET used_at = $2
         FROM users
         WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 AND users.id = telegram_link_tokens.user_id
         RETURNING user_id, users.locale",
        token_hash.as_slice(),
        wall
    )
    .fetch_optional(tx.db())
    .await?;
    Ok(row.map(|row| (UserId::from_uuid(row.user_id), row.locale)))
}

pub(super) async fn insert_token(
    tx: &mut Tx,
    user: UserId,
    token_hash: &[u8; 32],
    expires_at: Instant,
) -> Result<(), StoreError> {
    let wall = tx.wall();
    // A new link replaces those that were not used: one lives at a time.
    sqlx::query!("DELETE FROM telegram_link_tokens WHERE user_id = $1 AND used_at IS NULL", user.uuid())
        .execute(tx.db())
        .await?;
    sqlx::query!(
        "INSERT INTO telegram_link_tokens (token_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
        token_hash.as_slice(),
        user.uuid(),
        wall,
        expires_at
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

/// Owes what nobody owes although it is wanted: a change of time and a change of binding can miss each other when they
/// are committed at the same moment. Says how many.
pub(super) async fn owe_mismatches(tx: &mut Tx, limit: i64) -> Result<u64, StoreError> {
    let now = tx.now();
    let done = sqlx::query!(
        "UPDATE memberships SET due_at = $1, attempts = 0
         WHERE (telegram_user_id, channel) IN (
             SELECT place.telegram_user_id, place.channel
             FROM memberships AS place
             LEFT JOIN bindings AS binding
                    ON binding.telegram_user_id = place.telegram_user_id AND binding.ended_at IS NULL
             LEFT JOIN subscriptions
                    ON subscriptions.user_id = binding.user_id AND subscriptions.channel = place.channel
             LEFT JOIN LATERAL (SELECT true AS runs FROM periods
                                WHERE subscription_id = subscriptions.id AND starts_at <= $1 AND $1 < periods.ends_at
                                LIMIT 1) AS time ON true
             WHERE place.due_at IS NULL
               AND NOT EXISTS (SELECT FROM held_removals
                               WHERE held_removals.telegram_user_id = place.telegram_user_id
                                 AND held_removals.channel = place.channel
                                 AND held_removals.state <> 'confirmed')
               AND ((place.observed = 'member' AND time.runs IS NULL
                     AND EXISTS (SELECT FROM bindings WHERE telegram_user_id = place.telegram_user_id))
                    OR (place.observed = 'outside' AND place.invited_at IS NULL AND time.runs))
             LIMIT $2)",
        now,
        limit
    )
    .execute(tx.db())
    .await?;
    Ok(done.rows_affected())
}
