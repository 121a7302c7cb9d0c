//! Alerts: the one place where inconsistencies land.
//!
//! One open row per condition however often it happens, a log line at error, and one mail to the company.

mod staff;
mod watch;

use domain::ids::{AlertId, NotificationId};
use serde_json::{Value, json};

pub use self::staff::{AlertError, AlertFilter, AlertView};
use crate::audit;
use crate::notifications::{self, Content, Recipient};
use crate::tx::{StoreError, Tx};

/// What kind of inconsistency. Each has a title and advice in the catalogues of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A provider's statement contradicts the quote, or names a payment that does not exist.
    WebhookQuarantined,
    /// Money came after its payment had failed or expired.
    SettledLate,
    /// The payer's bank asks for the money back.
    PaymentDisputed,
    /// The bot lacks a right, or the chat is not there for it.
    TelegramRights,
    /// Telegram refuses what it must do for another reason.
    TelegramUnreachable,
    /// Owed work keeps failing.
    WorkOverdue,
    /// A rule froze an account.
    AccountFrozen,
    /// A provider did not send money back.
    RefundFailed,
    /// Removals that nobody could foresee wait for an admin.
    RemovalsHeld,
    /// The operator's people acted in an emergency.
    IncidentAct,
    /// The service that wraps the data keys does not answer, or refuses.
    KeyBackendAway,
    /// What must always hold does not.
    InvariantBroken,
    /// A backup could not be made.
    BackupFailed,
    /// No backup is young enough.
    BackupOld,
    /// Entries of the audit log wait too long for their seal.
    AuditUnsealed,
    /// The audit chain does not verify.
    AuditBroken,
}

impl Kind {
    /// The word in the database, in logs and in the catalogues of texts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WebhookQuarantined => "webhook_quarantined",
            Self::SettledLate => "settled_late",
            Self::PaymentDisputed => "payment_disputed",
            Self::TelegramRights => "telegram_rights",
            Self::TelegramUnreachable => "telegram_unreachable",
            Self::WorkOverdue => "work_overdue",
            Self::AccountFrozen => "account_frozen",
            Self::RefundFailed => "refund_failed",
            Self::RemovalsHeld => "removals_held",
            Self::IncidentAct => "incident_act",
            Self::KeyBackendAway => "key_backend_away",
            Self::InvariantBroken => "invariant_broken",
            Self::BackupFailed => "backup_failed",
            Self::BackupOld => "backup_old",
            Self::AuditUnsealed => "audit_unsealed",
            Self::AuditBroken => "audit_broken",
        }
    }
}

/// Raises an alert, or counts it where its condition is open already. `condition` identifies what is wrong.
pub async fn raise(tx: &mut Tx, kind: Kind, condition: &str, details: Value) -> Result<(), StoreError> {
    let id = AlertId::new(tx.wall(), &tx.entropy());
    let now = tx.wall();
    let raised = sqlx::query!(
        "INSERT INTO alerts AS open (id, condition, kind, details, first_at, last_at)
           VALUES ($1, $2, $3, $4, $5, $5)
           ON CONFLICT (condition) WHERE acknowledged_at IS NULL
           DO UPDATE SET occurrences = open.occurrences + 1, last_at = EXCLUDED.last_at, details = EXCLUDED.details
           RETURNING id, occurrences",
        id.uuid(),
        condition,
        kind.as_str(),
        details,
        now
    )
    .fetch_one(tx.db())
    .await?;
    tracing::error!(
        alert.kind = kind.as_str(),
        alert.condition = condition,
        alert.occurrences = raised.occurrences,
        alert.details = %details,
        "alert"
    );
    if raised.occurrences > 1 {
        return Ok(());
    }
    // Telegram's numbers are people's, and an entry can never be erased.
    let mut told = details.clone();
    if let Some(members) = told.as_object_mut() {
        members.remove("accounts");
    }
    let entry = audit::Entry {
        action: "alert.raised",
        subject_kind: "alert",
        subject_id: id.to_string(),
        user: None,
        details: json!({ "kind": kind.as_str(), "condition": condition, "details": told }),
    };
    audit::record(tx, entry).await?;
    let content = Content::Alert { kind: kind.as_str().to_owned(), condition: condition.to_owned(), details };
    let notification = NotificationId::new(tx.wall(), &tx.entropy());
    notifications::owe(tx, notification, &format!("alert:{id}"), Recipient::Company, content, None).await?;
    Ok(())
}
