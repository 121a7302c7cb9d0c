//! Freezing an account (SEC-61, I2).
//!
//! An admin's freeze stops everything and withholds access and paid time until it is lifted. A rule's freeze stops
//! logins, sessions and payments only: a suspicion must not take from people what they have paid for.

use domain::ids::{SessionId, UserId};
use scoped_futures::ScopedFutureExt;
use serde_json::json;

use super::second_factor::challenge;
use super::{IdentityError, notices, sessions};
use crate::actor::{Actor, Context, Role};
use crate::alerts;
use crate::app::App;
use crate::audit;
use crate::notifications::SecurityEvent;
use crate::subscriptions;
use crate::tx::{StoreError, Tx};

/// The longest reason, in characters.
const MAX_REASON_CHARS: usize = 500;

impl App {
    /// Freezes an account for a reason, and withholds its access. Frozen by a rule already, it is an admin's from now on.
    /// An admin's account is frozen at once by the operator only: over the API it takes a second confirmation (SEC-55).
    pub async fn freeze(&self, context: &Context, user: UserId, reason: &str) -> Result<(), IdentityError> {
        check_reason(reason)?;
        if matches!(context.actor, Actor::User { id, .. } if id == user) {
            return Err(IdentityError::NotYourself);
        }
        let ended = self
            .tx("freeze", context, |tx| {
                async move {
                    let standing = super::standing::lock(tx, user).await?;
                    if standing.role == Role::Admin && !matches!(tx.context().actor, Actor::Operator) {
                        return Err(IdentityError::ApprovalNeeded);
                    }
                    by_admin(tx, user, reason).await
                }
                .scope_boxed()
            })
            .await?;
        self.revoked(&ended);
        Ok(())
    }

    /// Lifts a freeze: paid time runs again from now on.
    pub async fn unfreeze(&self, context: &Context, user: UserId, reason: &str) -> Result<(), IdentityError> {
        check_reason(reason)?;
        self.tx("unfreeze", context, |tx| {
            async move {
                super::store::lock_account(tx, user).await?.ok_or(IdentityError::UnknownUser)?;
                if !lift(tx, user).await? {
                    return Ok(());
                }
                super::standing::changed(tx, user).await?;
                subscriptions::release_all(tx, user).await?;
                audit::record(tx, entry("user.unfrozen", user, "admin", reason)).await?;
                let here = notices::here(tx);
                Ok::<_, IdentityError>(notices::tell(tx, user, SecurityEvent::AccountUnfrozen, &here).await?)
            }
            .scope_boxed()
        })
        .await
    }
}

/// Freezes an account because an admin says so, and withholds its access.
pub(crate) async fn by_admin(
    tx: &mut Tx,
    user: UserId,
    reason: &str,
) -> Result<Vec<SessionId>, IdentityError> {
    super::store::lock_account(tx, user).await?.ok_or(IdentityError::UnknownUser)?;
    super::store::keep_an_admin(tx, user).await?;
    let ended = freeze(tx, user, "admin", reason).await?;
    subscriptions::withhold_all(tx, user).await?;
    Ok(ended)
}

/// Freezes an account because a rule says so: membership and paid time stay as they are. Alerts the company. Of the last
/// admin the sessions end, and no more.
pub(crate) async fn by_rule(tx: &mut Tx, user: UserId, reason: &str) -> Result<Vec<SessionId>, StoreError> {
    if super::store::is_frozen(tx, user).await? {
        return Ok(Vec::new());
    }
    // A thief must not be able to leave the place without anybody who can act (SEC-55).
    let spared = super::store::is_last_admin(tx, user).await?;
    let ended = if spared {
        sessions::end_all(tx, user, "frozen", None).await?
    } else {
        freeze(tx, user, "rule", reason).await?
    };
    let details = json!({ "user": user, "reason": reason, "frozen": !spared });
    alerts::raise(tx, alerts::Kind::AccountFrozen, &format!("frozen:{user}"), details).await?;
    Ok(ended)
}

async fn freeze(tx: &mut Tx, user: UserId, by: &str, reason: &str) -> Result<Vec<SessionId>, StoreError> {
    let now = tx.wall();
    sqlx::query!(
        "UPDATE users SET frozen_at = COALESCE(frozen_at, $2), frozen_by = $3, frozen_for = $4 WHERE id = $1",
        user.uuid(),
        now,
        by,
        reason
    )
    .execute(tx.db())
    .await?;
    super::standing::changed(tx, user).await?;
    challenge::close_all(tx, user).await?;
    let ended = sessions::end_all(tx, user, "frozen", None).await?;
    audit::record(tx, entry("user.frozen", user, by, reason)).await?;
    let here = notices::here(tx);
    notices::tell(tx, user, SecurityEvent::AccountFrozen, &here).await?;
    Ok(ended)
}

async fn lift(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    let lifted = sqlx::query!(
        "UPDATE users SET frozen_at = NULL, frozen_by = NULL, frozen_for = NULL
         WHERE id = $1 AND frozen_at IS NOT NULL",
        user.uuid()
    )
    .execute(tx.db())
    .await?;
    Ok(lifted.rows_affected() == 1)
}

fn check_reason(reason: &str) -> Result<(), IdentityError> {
    let fits = !reason.trim().is_empty() && reason.chars().count() <= MAX_REASON_CHARS;
    if fits { Ok(()) } else { Err(IdentityError::ReasonRequired) }
}

fn entry(action: &'static str, user: UserId, by: &str, reason: &str) -> audit::Entry {
    audit::Entry {
        action,
        subject_kind: "user",
        subject_id: user.to_string(),
        user: Some(user),
        details: json!({ "by": by, "reason": reason }),
    }
}
