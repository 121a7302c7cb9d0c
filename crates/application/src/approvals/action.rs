//! What can wait for a second confirmation. Each capability says itself what its action would change, in which version
//! that is, and how it is done; here stands only who is asked.

use std::fmt;

use domain::ids::{ApprovalId, RemovalHoldId, SessionId, UserId};
use domain::plan::PlanCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{ApprovalError, Summary};
use crate::access::{self, HoldError, RemovalDecision};
use crate::actor::Role;
use crate::app::App;
use crate::identity;
use crate::plans::{self, PlanChange};
use crate::settings::{self, Key};
use crate::tx::{StoreError, Tx};

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
    /// Sets a setting.
    SettingSet {
        /// Which.
        key: Key,
        /// To what; it may be a secret.
        value: String,
    },
    /// Deletes a setting.
    SettingDelete {
        /// Which.
        key: Key,
    },
    /// Changes a plan whose prices fall far, or end in a currency.
    PlanPrices {
        /// Which.
        plan: PlanCode,
        /// How.
        change: PlanChange,
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
    /// Settings are others.
    pub(crate) settings: bool,
    /// The price list is another.
    pub(crate) plans: bool,
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Action({})", self.kind())
    }
}

impl Action {
    /// Sets a setting.
    pub fn set(key: Key, value: &SecretString) -> Self {
        Self::SettingSet { key, value: value.expose_secret().to_owned() }
    }

    /// The word in the database, the API and the catalogues of texts.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Role { .. } => "role",
            Self::FreezeAdmin { .. } => "freeze_admin",
            Self::SettingSet { .. } => "setting_set",
            Self::SettingDelete { .. } => "setting_delete",
            Self::PlanPrices { .. } => "plan_prices",
            Self::RemoveMembers { .. } => "remove_members",
        }
    }

    /// What it changes.
    pub fn object(&self) -> String {
        match self {
            Self::Role { user, .. } | Self::FreezeAdmin { user, .. } => identity::object(*user),
            Self::SettingSet { key, .. } | Self::SettingDelete { key } => settings::object(*key),
            Self::PlanPrices { plan, .. } => plans::object(plan),
            Self::RemoveMembers { list } => access::hold_object(*list),
        }
    }

    /// The version of what it changes, which is locked and stays so until the commit.
    pub(super) async fn version(&self, app: &App, tx: &mut Tx) -> Result<String, ApprovalError> {
        match self {
            Self::Role { user, .. } | Self::FreezeAdmin { user, .. } => {
                Ok(identity::lock_standing(tx, *user).await?.version.to_string())
            }
            Self::SettingSet { key, .. } | Self::SettingDelete { key } => {
                Ok(settings::lock_version(app, tx, *key).await?)
            }
            Self::PlanPrices { plan, .. } => Ok(plans::lock_version(tx, plan).await?.to_string()),
            Self::RemoveMembers { list } => Ok(access::lock_hold(tx, *list).await?.to_string()),
        }
    }

    /// What would change now. Refuses what could not be done.
    pub(super) async fn describe(&self, app: &App, tx: &mut Tx) -> Result<Summary, ApprovalError> {
        match self {
            Self::Role { user, role } => Ok(identity::describe_role(tx, *user, *role).await?),
            Self::FreezeAdmin { user, .. } => Ok(identity::describe_freeze(tx, *user).await?),
            Self::SettingSet { key, value } => {
                let value = SecretString::from(value.as_str());
                Ok(settings::describe(app, tx, *key, Some(&value)).await?)
            }
            Self::SettingDelete { key } => Ok(settings::describe(app, tx, *key, None).await?),
            Self::PlanPrices { plan, change } => Ok(plans::describe(tx, plan, change).await?),
            Self::RemoveMembers { list } => Ok(access::describe_hold(tx, *list).await?),
        }
    }

    /// Does it.
    pub(super) async fn execute(
        &self,
        app: &App,
        tx: &mut Tx,
        approved: &Approved,
    ) -> Result<Aftermath, ApprovalError> {
        match self {
            Self::Role { user, role } => {
                let ended = identity::change_role(tx, *user, *role).await?;
                Ok(Aftermath { ended, ..Aftermath::default() })
            }
            Self::FreezeAdmin { user, reason } => {
                let ended = identity::freeze_by_admin(tx, *user, reason).await?;
                Ok(Aftermath { ended, ..Aftermath::default() })
            }
            Self::SettingSet { key, value } => {
                let value = SecretString::from(value.as_str());
                settings::set_approved(app, tx, *key, &value, approved).await?;
                Ok(Aftermath { settings: true, ..Aftermath::default() })
            }
            Self::SettingDelete { key } => {
                settings::delete_approved(app, tx, *key, approved).await?;
                Ok(Aftermath { settings: true, ..Aftermath::default() })
            }
            Self::PlanPrices { plan, change } => {
                plans::change(tx, plan, change).await?;
                Ok(Aftermath { plans: true, ..Aftermath::default() })
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
            Self::Role { .. }
            | Self::FreezeAdmin { .. }
            | Self::SettingSet { .. }
            | Self::SettingDelete { .. }
            | Self::PlanPrices { .. } => Ok(()),
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
    pub(super) async fn follow(&self, aftermath: &Aftermath) -> Result<(), StoreError> {
        self.revoked(&aftermath.ended);
        if aftermath.settings {
            self.follow_settings().await?;
        }
        if aftermath.plans {
            self.catalogue().reload(self.db()).await?;
        }
        Ok(())
    }
}
