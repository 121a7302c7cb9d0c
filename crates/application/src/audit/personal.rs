//! Erasing who somebody was: the rows beside the entries go, the entries and their seals stay as they were.

use domain::ids::UserId;
use domain::time::Instant;
use scoped_futures::ScopedFutureExt;
use serde_json::json;

use super::{Entry, record};
use crate::actor::Context;
use crate::app::App;
use crate::tx::{StoreError, Tx};

/// Erases what identifies a user beside every entry, in the transaction of their erasure.
pub(crate) async fn forget_user(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    let erased = sqlx::query!(
        "DELETE FROM audit_personal
         WHERE owner = $1
            OR (owner IS NULL AND entry_id IN (SELECT id FROM audit_logs WHERE user_id = $1))",
        user.uuid()
    );
    erased.execute(tx.db()).await?;
    Ok(())
}

impl App {
    /// Erases what identifies anybody beside entries older than an instant (wall time): a policy of retention. The entry
    /// that tells of it is why verifying does not miss them. Says how many rows that were.
    pub async fn forget_audit_personal(&self, context: &Context, before: Instant) -> Result<u64, StoreError> {
        // Whole seconds, so that what the entry says is what was done.
        let before = before.unix_timestamp();
        self.tx("forget_audit_personal", context, |tx| {
            async move {
                let query = sqlx::query!(
                    "DELETE FROM audit_personal
                     WHERE entry_id IN (SELECT id FROM audit_logs WHERE occurred_at < to_timestamp($1::bigint))",
                    before
                );
                let erased = query.execute(tx.db()).await?.rows_affected();
                if erased > 0 {
                    let entry = Entry {
                        action: "audit.forgotten",
                        subject_kind: "audit",
                        subject_id: "personal".to_owned(),
                        user: None,
                        details: json!({ "before": before, "rows": erased }),
                    };
                    record(tx, entry).await?;
                }
                Ok(erased)
            }
            .scope_boxed()
        })
        .await
    }
}
