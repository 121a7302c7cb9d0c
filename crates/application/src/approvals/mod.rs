//! Second confirmations: sensitive deletions and money-critical changes happen only once somebody has confirmed exactly
//! what was shown (SEC-55). The rules are [`domain::approval`]'s.
//!
//! A request keeps the [`Action`] sealed, with a [`Summary`] for people, the version of what would change, and a digest
//! of all of it. Whoever confirms repeats the digest; the action is then executed in the transaction of the
//! confirmation, if its object is still in that version. All admins are told when somebody asks and when it is done.
//!
//! A new kind of action is a variant of [`Action`] with its summary, its object's version and its execution, in
//! `action.rs`, and the words `approval-<kind>` of both catalogues.

mod action;
mod decide;
mod request;
mod store;
mod summary;
mod view;

use domain::approval::State;
use domain::ids::{ApprovalId, UserId};
use domain::time::Instant;
use thiserror::Error;

pub use self::action::Action;
pub(crate) use self::action::{Aftermath, Approved};
pub(crate) use self::request::{request, supersede};
pub use self::summary::{Change, Summary};
use crate::access::HoldError;
use crate::identity::IdentityError;
use crate::plans::PlanError;
use crate::settings::SettingError;
use crate::tx::{StoreError, tx_error};

/// The longest reason, in characters.
pub const MAX_REASON_CHARS: usize = 500;
/// How many requests may wait at once.
pub const MAX_PENDING: i64 = 100;

/// A request as admins see it.
#[derive(Clone, Debug)]
pub struct ApprovalView {
    /// Which.
    pub id: ApprovalId,
    /// What kind of change.
    pub kind: String,
    /// What would change, such as `setting:company_email`.
    pub object: String,
    /// What exactly would change; secrets as fingerprints.
    pub summary: Summary,
    /// The digest that a confirmation repeats.
    pub digest: String,
    /// Why somebody asked.
    pub reason: String,
    /// What became of it.
    pub state: State,
    /// Who asked; nobody: the product itself.
    pub requested_by: Option<UserId>,
    /// When (wall time).
    pub requested_at: Instant,
    /// Until when it can be confirmed (wall time).
    pub expires_at: Instant,
    /// Who decided; nobody: the operator on the machine, or the passing of time.
    pub decided_by: Option<UserId>,
    /// When (wall time).
    pub decided_at: Option<Instant>,
    /// Why it was rejected.
    pub decided_for: Option<String>,
    /// Whether whoever asked cannot confirm it themselves.
    pub another_admin_needed: bool,
}

/// Why nothing was asked for or decided.
#[derive(Debug, Error)]
pub enum ApprovalError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such request, or what it is about does not exist.
    #[error("there is no such request")]
    NotFound,
    /// It was decided before.
    #[error("the request was {} before", .0.as_str())]
    Decided(State),
    /// Its time is over.
    #[error("the time to confirm is over; ask again")]
    Expired,
    /// What would change is not any more what it was.
    #[error("what would change has changed since; ask again")]
    Stale,
    /// The digest is not the one of what will change.
    #[error("look again at what will change, and confirm that digest")]
    LookAgain,
    /// Somebody else has to confirm.
    #[error("another admin has to confirm it")]
    AnotherAdminNeeded,
    /// Nobody without the rights of an admin decides, even if they had them a moment ago.
    #[error("only an admin can decide this")]
    NotAllowed,
    /// Too many wait.
    #[error("too many requests wait; decide some of them first")]
    TooMany,
    /// A request and a rejection have a reason.
    #[error("give a reason of at most {MAX_REASON_CHARS} characters")]
    ReasonRequired,
    /// An account cannot be changed like that.
    #[error(transparent)]
    Identity(IdentityError),
    /// A setting cannot be changed like that.
    #[error(transparent)]
    Setting(SettingError),
    /// A plan cannot be changed like that.
    #[error(transparent)]
    Plan(PlanError),
}
tx_error!(ApprovalError);

impl From<IdentityError> for ApprovalError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Store(error) => Self::Store(error),
            IdentityError::UnknownUser => Self::NotFound,
            IdentityError::ReasonRequired => Self::ReasonRequired,
            other => Self::Identity(other),
        }
    }
}

impl From<HoldError> for ApprovalError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Store(error) => Self::Store(error),
            HoldError::NotFound => Self::NotFound,
            HoldError::Changed { .. } => Self::Stale,
        }
    }
}

impl From<PlanError> for ApprovalError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Store(error) => Self::Store(error),
            PlanError::UnknownPlan => Self::NotFound,
            PlanError::Stale(_) => Self::Stale,
            PlanError::Approval(error) => *error,
            other => Self::Plan(other),
        }
    }
}

impl From<SettingError> for ApprovalError {
    fn from(error: SettingError) -> Self {
        match error {
            SettingError::Store(error) => Self::Store(error),
            other => Self::Setting(other),
        }
    }
}

/// A reason as it is kept.
pub(crate) fn reason(text: &str) -> Result<&str, ApprovalError> {
    let text = text.trim();
    let fits =
        !text.is_empty() && text.chars().count() <= MAX_REASON_CHARS && !text.chars().any(char::is_control);
    if fits { Ok(text) } else { Err(ApprovalError::ReasonRequired) }
}
