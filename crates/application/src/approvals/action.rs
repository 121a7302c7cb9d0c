//! What can wait for a second confirmation. Each capability says itself what its action would change, in which version
//! that is, and how it is done; here stands only who is asked.

use std::fmt;

use domain::ids::{ApprovalId, RemovalHoldId, SessionId, UserId};
use serde::{Deserialize, Serialize};

use super::{ApprovalError, Summary};
use crate::access::{self, HoldError, RemovalDecision};
use crate::actor::Role;
use crate::app::App;
use crate::identity;
use crate::tx::Tx;

/// A change that needs a second confirmation. It may hold secrets: it is kept sealed, and never shown.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Gives a user another role.
    Role {
        /// Whose.
        user: UserId,
        /// Which.
        role: Role,
    },
    /// Freezes an admin.
    FreezeAdmin {
        /// Whom.
        user: UserId,
        /// Why.
        reason: String,
    },
    /// Removes people whose removal nobody could foresee.
    RemoveMembers {
        /// The list that they are on.
        list: RemovalHoldId,
    },
}

/// The request whose confirmation an action is executed for.
#[derive(Clone, Debug)]
pub(crate) struct Approved {
    /// Which.
    pub(crate) id: ApprovalId,
    /// Why somebody asked.
    pub(crate) reason: String,
}

/// What must happen in memory once an action's transaction is committed.
#[derive(Debug, Default)]
pub(crate) struct Aftermath {
    /// Sessions that ended.
    pub(crate) ended: Vec<SessionId>,
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Action({})", self.kind())
    }
}

impl Action {
    /// The word in the database, the API and the catalogues of texts.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Role { .. } => "role",
            Self::FreezeAdmin { .. } => "freeze_admin",
            Self::RemoveMembers { .. } => "remove_members",
        }
    }

    /// What it changes.
    pub fn object(&self) -> String {
        match self {
            Self::Role { user, .. } | Self::FreezeAdmin { user, .. } => identity::object(*user),
            Self::RemoveMembers { list } => access::hold_object(*list),
        }
    }

    /// The version of what it changes, which is locked and stays so until the commit.
    pub(super) async fn version(&self, tx: &mut Tx) -> Result<String, ApprovalError> {
        match self {
            Self::Role { user, .. } | Self::FreezeAdmin { user, .. } => {
                Ok(identity::lock_standing(tx, *user).await?.version.to_string())
            }
            Self::RemoveMembers { list } => Ok(access::lock_hold(tx, *list).await?.to_string()),
        }
    }

    /// What would change now. Refuses what could not be done.
    pub(super) async fn describe(&self, _: &App, tx: &mut Tx) -> Result<Summary, ApprovalError> {
        match self {
            Self::Role { user, role } => Ok(identity::describe_role(tx, *user, *role).await?),
            Self::FreezeAdmin { user, .. } => Ok(identity::describe_freeze(tx, *user).await?),
            Self::RemoveMembers { list } => Ok(access::describe_hold(tx, *list).await?),
        }
    }

    /// Does it.
    pub(super) async fn execute(
        &self,
        _: &App,
        tx: &mut Tx,
        approved: &Approved,
    ) -> Result<Aftermath, ApprovalError> {
        tracing::debug!(approval.id = %approved.id, approval.kind = self.kind(), "executing");
        match self {
            Self::Role { user, role } => {
                Ok(Aftermath { ended: identity::change_role(tx, *user, *role).await? })
            }
            Self::FreezeAdmin { user, reason } => {
                Ok(Aftermath { ended: identity::freeze_by_admin(tx, *user, reason).await? })
            }
            Self::RemoveMembers { list } => {
                access::decide_hold(tx, *list, RemovalDecision::Confirm).await?;
                Ok(Aftermath::default())
            }
        }
    }

    /// What a rejection decides beyond not doing it.
    pub(super) async fn reject(&self, tx: &mut Tx) -> Result<(), ApprovalError> {
        match self {
            Self::Role { .. } | Self::FreezeAdmin { .. } => Ok(()),
            Self::RemoveMembers { list } => {
                match access::decide_hold(tx, *list, RemovalDecision::Reject).await {
                    // Nobody is left on it, which is what was wanted.
                    Ok(()) | Err(HoldError::NotFound) => Ok(()),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }
}

impl App {
    /// Brings memory up to date with what an action has committed.
    pub(super) fn follow(&self, aftermath: &Aftermath) {
        self.revoked(&aftermath.ended);
    }
}
