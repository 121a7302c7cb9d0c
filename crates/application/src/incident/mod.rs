//! The bad day: what the operator's people do in an emergency.
//!
//! Each act takes a reason, is audited in its own transaction, raises an alert for the company and is mailed to every admin,
//! so that no one of them acts alone and unseen. The acts are switches and copies: none deletes anything, and money that
//! was paid goes on being settled.

mod announce;
mod evidence;
mod keys;
mod replay;
mod sessions;
mod switches;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::evidence::{
    Archive, EvidenceError, EvidenceRequest, Manifest, ManifestFile, Subject, Verified, verify_archive,
};
pub use self::keys::{Renewal, RotatedKeys};
pub use self::replay::{ReplayRequest, Replayed};
pub use self::switches::IncidentStatus;
use crate::identity::IdentityError;
use crate::tx::{StoreError, tx_error};

/// The longest reason, in characters.
const MAX_REASON_CHARS: usize = 500;

/// What can be done in an emergency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Everybody's sessions were ended.
    SessionsRevoked,
    /// Keys were replaced.
    KeysRotated,
    /// No payment can be opened.
    PurchasesPaused,
    /// Payments can be opened again.
    PurchasesResumed,
    /// An account was frozen.
    AccountFrozen,
    /// Kept callbacks were processed again.
    WebhooksReplayed,
    /// Evidence was exported.
    EvidenceExported,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 7] = [
        Self::SessionsRevoked,
        Self::KeysRotated,
        Self::PurchasesPaused,
        Self::PurchasesResumed,
        Self::AccountFrozen,
        Self::WebhooksReplayed,
        Self::EvidenceExported,
    ];

    /// The word in the catalogues of texts and in the condition of its alert.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionsRevoked => "sessions-revoked",
            Self::KeysRotated => "keys-rotated",
            Self::PurchasesPaused => "purchases-paused",
            Self::PurchasesResumed => "purchases-resumed",
            Self::AccountFrozen => "account-frozen",
            Self::WebhooksReplayed => "webhooks-replayed",
            Self::EvidenceExported => "evidence-exported",
        }
    }

    /// `subject.verb`, for the audit log.
    const fn action(self) -> &'static str {
        match self {
            Self::SessionsRevoked => "incident.sessions_revoked",
            Self::KeysRotated => "incident.keys_rotated",
            Self::PurchasesPaused => "incident.purchases_paused",
            Self::PurchasesResumed => "incident.purchases_resumed",
            Self::AccountFrozen => "incident.account_frozen",
            Self::WebhooksReplayed => "incident.webhooks_replayed",
            Self::EvidenceExported => "incident.evidence_exported",
        }
    }
}

/// Why nothing was done.
#[derive(Debug, Error)]
pub enum IncidentError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Each act has a reason.
    #[error("give a reason of at most {MAX_REASON_CHARS} characters")]
    ReasonRequired,
    /// The range ends before it begins.
    #[error("the range ends before it begins")]
    EmptyRange,
    /// An account could not be frozen.
    #[error(transparent)]
    Account(IdentityError),
    /// The evidence could not be gathered.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
}
tx_error!(IncidentError);

impl From<IdentityError> for IncidentError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Store(error) => Self::Store(error),
            IdentityError::ReasonRequired => Self::ReasonRequired,
            other => Self::Account(other),
        }
    }
}

fn checked_reason(reason: &str) -> Result<&str, IncidentError> {
    let reason = reason.trim();
    let fits = !reason.is_empty() && reason.chars().count() <= MAX_REASON_CHARS;
    if fits { Ok(reason) } else { Err(IncidentError::ReasonRequired) }
}
