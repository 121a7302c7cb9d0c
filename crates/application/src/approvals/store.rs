//! Approvals in the database.

use crypto::envelope::Label;
use domain::approval::{State, WINDOW};
use domain::ids::{ApprovalId, UserId};
use domain::time::Instant;
use secrecy::ExposeSecret;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::request::Sealed;
use super::{Action, ApprovalView};
use crate::keys::Keys;
use crate::tx::{StoreError, Tx};

pub(super) const ACTION: Label = Label::new("approvals", "action_encrypted");
pub(super) const SUMMARY: Label = Label::new("approvals", "summary_encrypted");

/// A request to keep.
pub(super) struct NewApproval<'a> {
    pub(super) id: ApprovalId,
    pub(super) kind: &'a str,
    pub(super) object: &'a str,
    pub(super) version: &'a str,
    pub(super) sealed: &'a Sealed,
    pub(super) reason: &'a str,
    pub(super) requested_by: Option<UserId>,
    pub(super) expires_at: Instant,
}

/// A request that nobody else decides about meanwhile.
pub(super) struct Locked {
    pub(super) id: ApprovalId,
    pub(super) kind: String,
    pub(super) object: String,
    pub(super) object_version: String,
    pub(super) action_encrypted: Option<Vec<u8>>,
    pub(super) digest: Vec<u8>,
    pub(super) reason: String,
    pub(super) state: State,
    pub(super) requested_by: Option<UserId>,
    pub(super) expires_at: Instant,
}

pub(super) async fn count_pending(tx: &mut Tx) -> Result<i64, StoreError> {
    let wall = tx.wall();
    let query = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM approvals WHERE state = 'pending' AND expires_at > $1"#,
        wall
    );
    Ok(query.fetch_one(tx.db()).await?)
}

pub(super) async fn insert(tx: &mut Tx, new: &NewApproval<'_>) -> Result<(), StoreError> {
    let wall = tx.wall();
    sqlx::query!(
        "INSERT INTO approvals (id, kind, object, object_version, action_encrypted, summary_encrypted, digest, reason,
                                requested_by, requested_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        new.id.uuid(),
        new.kind,
        new.object,
        new.version,
        new.sealed.action,
        new.sealed.summary,
        new.sealed.digest.as_slice(),
        new.reason,
        new.requested_by.map(UserId::uuid),
        wall,
        new.expires_at
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

pub(super) async fn lock(tx: &mut Tx, id: ApprovalId) -> Result<Option<Locked>, StoreError> {
    let row = sqlx::query!(
        "SELECT kind, object, object_version, action_encrypted, digest, reason, state, requested_by, expires_at
         FROM approvals
         WHERE id = $1
         FOR UPDATE",
        id.uuid()
    )
    .fetch_optional(tx.db())
    .await?;
    row.map(|row| {
        Ok(Locked {
            id,
            state: state(&row.state)?,
            kind: row.kind,
            object: row.object,
            object_version: row.object_version,
            action_encrypted: row.action_encrypted,
            digest: row.digest,
            reason: row.reason,
            requested_by: row.requested_by.map(UserId::from_uuid),
            expires_at: row.expires_at,
        })
    })
    .transpose()
}

/// What a request asks for; nothing once it is decided.
pub(super) fn open_action(keys: &Keys, locked: &Locked) -> Result<Option<Action>, StoreError> {
    let Some(sealed) = &locked.action_encrypted else { return Ok(None) };
    let text = keys.open_text(&ACTION, locked.id.uuid(), sealed)?;
    // What could not be read is not repeated: secrets may be in it.
    let action = serde_json::from_str(text.expose_secret());
    action.map(Some).map_err(|_| StoreError::Corrupt("approvals.action_encrypted".to_owned()))
}

/// Ends a request, and forgets what it would have done.
pub(super) async fn finish(
    tx: &mut Tx,
    id: ApprovalId,
    state: State,
    by: Option<UserId>,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    let wall = tx.wall();
    let done = sqlx::query!(
        "UPDATE approvals
         SET state = $2, decided_by = $3, decided_at = $4, decided_for = $5, action_encrypted = NULL
         WHERE id = $1 AND state = 'pending'",
        id.uuid(),
        state.as_str(),
        by.map(UserId::uuid),
        wall,
        reason
    )
    .execute(tx.db())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Corrupt(format!("approval {id}"))) }
}

/// Ends what waits for an object, and names what it ended with its kind.
pub(super) async fn supersede(
    tx: &mut Tx,
    object: &str,
) -> Result<Vec<(ApprovalId, String)>, StoreError> {
    let wall = tx.wall();
    let rows = sqlx::query!(
        "UPDATE approvals
         SET state = 'superseded', decided_at = $2, action_encrypted = NULL
         WHERE object = $1 AND state = 'pending'
         RETURNING id, kind",
        object,
        wall
    )
    .fetch_all(tx.db())
    .await?;
    Ok(rows.into_iter().map(|row| (ApprovalId::from_uuid(row.id), row.kind)).collect())
}

/// Ends what nobody decided about in time, and names it with its kind and object.
pub(super) async fn expire(tx: &mut Tx) -> Result<Vec<(ApprovalId, String, String)>, StoreError> {
    let wall = tx.wall();
    let rows = sqlx::query!(
        "UPDATE approvals
         SET state = 'expired', decided_at = $1, action_encrypted = NULL
         WHERE id IN (SELECT id FROM approvals
                      WHERE state = 'pending' AND expires_at <= $1
                      ORDER BY expires_at
                      LIMIT 100
                      FOR UPDATE SKIP LOCKED)
         RETURNING id, kind, object",
        wall
    )
    .fetch_all(tx.db())
    .await?;
    Ok(rows.into_iter().map(|row| (ApprovalId::from_uuid(row.id), row.kind, row.object)).collect())
}

struct Row {
    id: Uuid,
    kind: String,
    object: String,
    summary_encrypted: Vec<u8>,
    digest: Vec<u8>,
    reason: String,
    state: String,
    requested_by: Option<Uuid>,
    requested_at: Instant,
    expires_at: Instant,
    decided_by: Option<Uuid>,
    decided_at: Option<Instant>,
    decided_for: Option<String>,
    several_admins: bool,
}

impl Row {
    fn view(self, keys: &Keys, wall: Instant) -> Result<ApprovalView, StoreError> {
        let summary = keys.open_text(&SUMMARY, self.id, &self.summary_encrypted)?;
        let summary = serde_json::from_str(summary.expose_secret());
        // Nobody can confirm it any more, whenever the sweep comes by.
        let state = match state(&self.state)? {
            State::Pending if domain::approval::has_expired(self.expires_at, wall) => State::Expired,
            state => state,
        };
        Ok(ApprovalView {
            id: ApprovalId::from_uuid(self.id),
            kind: self.kind,
            object: self.object,
            summary: summary.map_err(|_| StoreError::Corrupt("approvals.summary_encrypted".to_owned()))?,
            digest: hex::encode(self.digest),
            reason: self.reason,
            state,
            requested_by: self.requested_by.map(UserId::from_uuid),
            requested_at: self.requested_at,
            expires_at: self.expires_at,
            decided_by: self.decided_by.map(UserId::from_uuid),
            decided_at: self.decided_at,
            decided_for: self.decided_for,
            another_admin_needed: self.requested_by.is_some() && self.several_admins,
        })
    }
}

pub(super) async fn find(
    db: &mut PgConnection,
    keys: &Keys,
    id: ApprovalId,
    wall: Instant,
) -> Result<Option<ApprovalView>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, kind, object, summary_encrypted, digest, reason, state, requested_by, requested_at, expires_at,
                  decided_by, decided_at, decided_for,
                  (SELECT count(DISTINCT user_id) > 1 FROM admin_terms
                   WHERE ended_at IS NULL OR ended_at > $2) AS "several_admins!"
           FROM approvals
           WHERE id = $1"#,
        id.uuid(),
        wall - WINDOW
    );
    row.fetch_optional(db).await?.map(|row| row.view(keys, wall)).transpose()
}

pub(super) async fn list(
    db: &PgPool,
    keys: &Keys,
    state: Option<State>,
    after: Option<ApprovalId>,
    limit: i64,
    wall: Instant,
) -> Result<Vec<ApprovalView>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, kind, object, summary_encrypted, digest, reason, state, requested_by, requested_at, expires_at,
                  decided_by, decided_at, decided_for,
                  (SELECT count(DISTINCT user_id) > 1 FROM admin_terms
                   WHERE ended_at IS NULL OR ended_at > $4) AS "several_admins!"
           FROM approvals
           WHERE ($1::text IS NULL
                  OR CASE WHEN state = 'pending' AND expires_at <= $5 THEN 'expired' ELSE state END = $1)
                 AND ($2::uuid IS NULL OR id < $2)
           ORDER BY id DESC
           LIMIT $3"#,
        state.map(State::as_str),
        after.map(ApprovalId::uuid),
        limit,
        wall - WINDOW,
        wall
    );
    let rows = rows.fetch_all(db).await?;
    rows.into_iter().map(|row| row.view(keys, wall)).collect()
}

fn state(word: &str) -> Result<State, StoreError> {
    State::parse(word).ok_or_else(|| StoreError::unknown_word("approvals.state", word))
}
