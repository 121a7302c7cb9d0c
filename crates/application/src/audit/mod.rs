//! The audit log: who did what to what, when, from where (SEC-53).
//!
//! An entry is a plain insert in the transaction of the change that it tells of, so there is never one without the
//! other (invariant 7). The service's database role may insert and read, nothing else.

use domain::ids::UserId;
use serde_json::Value;

use crate::tx::{StoreError, Tx};

/// What one entry tells.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `subject.verb`, such as `payment.settled`.
    pub action: &'static str,
    /// What kind of thing it happened to.
    pub subject_kind: &'static str,
    /// Which one.
    pub subject_id: String,
    /// Whose it is.
    pub user: Option<UserId>,
    /// What changed; never secrets or personal data.
    pub details: Value,
}

/// Appends an entry to the log, in the transaction of the change itself.
pub async fn record(tx: &mut Tx, entry: Entry) -> Result<(), StoreError> {
    let context = tx.context().clone();
    let (wall, business) = (tx.wall(), tx.now());
    sqlx::query!(
        "INSERT INTO audit_logs (occurred_at, business_at, actor_kind, actor_id, action, subject_kind, subject_id,
                                 user_id, request_id, address, details)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        wall,
        business,
        context.actor.kind(),
        context.actor.id(),
        entry.action,
        entry.subject_kind,
        entry.subject_id,
        entry.user.map(UserId::uuid),
        context.request_id.as_deref(),
        context.address.map(|address| address.to_string()),
        entry.details
    )
    .execute(tx.db())
    .await?;
    Ok(())
}
