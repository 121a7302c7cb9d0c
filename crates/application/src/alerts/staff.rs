//! Alerts as the operator's people see them, and saying that somebody looks after one.

use domain::ids::{AlertId, UserId};
use domain::time::Instant;
use scoped_futures::ScopedFutureExt;
use serde_json::{Value, json};
use thiserror::Error;

use crate::actor::{Actor, Context};
use crate::app::App;
use crate::audit;
use crate::tx::{StoreError, tx_error};

/// Why an alert was not acknowledged.
#[derive(Debug, Error)]
pub enum AlertError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such alert.
    #[error("there is no such alert")]
    Unknown,
    /// Somebody looks after it already.
    #[error("somebody looks after this alert already")]
    Acknowledged,
}
tx_error!(AlertError);

/// An alert.
#[derive(Clone, Debug)]
pub struct AlertView {
    /// Which.
    pub id: AlertId,
    /// What kind of inconsistency.
    pub kind: String,
    /// What exactly is wrong.
    pub condition: String,
    /// What is known of it.
    pub details: Value,
    /// How often it was found.
    pub occurrences: i32,
    /// When it was found first (wall time).
    pub first_at: Instant,
    /// When it was found last (wall time).
    pub last_at: Instant,
    /// When somebody began to look after it.
    pub acknowledged_at: Option<Instant>,
    /// Who; nobody's account where it was said on the machine.
    pub acknowledged_by: Option<UserId>,
    /// What they said.
    pub note: Option<String>,
}

/// Which alerts.
#[derive(Clone, Debug, Default)]
pub struct AlertFilter {
    /// Only those that somebody looks after, or that nobody does.
    pub acknowledged: Option<bool>,
    /// Only those of this kind.
    pub kind: Option<String>,
}

impl App {
    /// Alerts, the newest first, at most `limit`.
    pub async fn alerts(
        &self,
        filter: &AlertFilter,
        after: Option<AlertId>,
        limit: i64,
    ) -> Result<Vec<AlertView>, StoreError> {
        let rows = sqlx::query!(
            "SELECT id, kind, condition, details, occurrences, first_at, last_at, acknowledged_at, acknowledged_by,
                    acknowledged_note
             FROM alerts
             WHERE ($1::boolean IS NULL OR (acknowledged_at IS NOT NULL) = $1)
               AND ($2::text IS NULL OR kind = $2) AND ($3::uuid IS NULL OR id < $3)
             ORDER BY id DESC
             LIMIT $4",
            filter.acknowledged,
            filter.kind,
            after.map(AlertId::uuid),
            limit
        )
        .fetch_all(self.db())
        .await?;
        let views = rows.into_iter().map(|row| AlertView {
            id: AlertId::from_uuid(row.id),
            kind: row.kind,
            condition: row.condition,
            details: row.details,
            occurrences: row.occurrences,
            first_at: row.first_at,
            last_at: row.last_at,
            acknowledged_at: row.acknowledged_at,
            acknowledged_by: row.acknowledged_by.map(UserId::from_uuid),
            note: row.acknowledged_note,
        });
        Ok(views.collect())
    }

    /// Somebody looks after an alert. Found again, its condition is a new alert.
    pub async fn acknowledge_alert(
        &self,
        context: &Context,
        id: AlertId,
        note: &str,
    ) -> Result<(), AlertError> {
        self.tx("acknowledge_alert", context, |tx| {
            async move {
                let found = sqlx::query!("SELECT acknowledged_at FROM alerts WHERE id = $1 FOR UPDATE", id.uuid());
                match found.fetch_optional(tx.db()).await? {
                    None => return Err(AlertError::Unknown),
                    Some(known) if known.acknowledged_at.is_some() => return Err(AlertError::Acknowledged),
                    Some(_) => {}
                }
                let by = match tx.context().actor {
                    Actor::User { id, .. } => Some(id.uuid()),
                    _ => None,
                };
                let now = tx.wall();
                sqlx::query!(
                    "UPDATE alerts SET acknowledged_at = $2, acknowledged_by = $3, acknowledged_note = $4 WHERE id = $1",
                    id.uuid(),
                    now,
                    by,
                    note
                )
                .execute(tx.db())
                .await?;
                let entry = audit::Entry {
                    action: "alert.acknowledged",
                    subject_kind: "alert",
                    subject_id: id.to_string(),
                    user: None,
                    details: json!({ "note": note }),
                };
                Ok(audit::record(tx, entry).await?)
            }
            .scope_boxed()
        })
        .await
    }
}
