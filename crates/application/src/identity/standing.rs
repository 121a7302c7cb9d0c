//! What an account may do: its role, and whether it is frozen. Each change counts, so that a second confirmation of an
//! older state is refused (SEC-55).

use domain::ids::{SessionId, UserId};
use serde_json::json;

use super::{IdentityError, store, terms};
use crate::actor::{Actor, Role};
use crate::approvals::{self, Change, Summary};
use crate::audit;
use crate::tx::{StoreError, Tx};

/// What an account may do now.
pub(crate) struct Standing {
    /// Counts its changes.
    pub(crate) version: i32,
    pub(super) role: Role,
    email: String,
    frozen: bool,
}

/// An account as the object of an approval.
pub(crate) fn object(user: UserId) -> String {
    format!("user:{user}")
}

/// Reads what an account may do, and keeps it so until the commit.
pub(crate) async fn lock(tx: &mut Tx, user: UserId) -> Result<Standing, IdentityError> {
    let row = sqlx::query!(
        r#"SELECT standing_version, role, email, frozen_at IS NOT NULL AS "frozen!"
           FROM users
           WHERE id = $1 AND erased_at IS NULL
           FOR NO KEY UPDATE"#,
        user.uuid()
    )
    .fetch_optional(tx.db())
    .await?
    .ok_or(IdentityError::UnknownUser)?;
    let role = store::role(&row.role)?;
    Ok(Standing { version: row.standing_version, role, email: row.email, frozen: row.frozen })
}

/// Notes that it has changed: what waits for a confirmation of the older state is at its end.
pub(super) async fn changed(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    let query =
        sqlx::query!("UPDATE users SET standing_version = standing_version + 1 WHERE id = $1", user.uuid());
    query.execute(tx.db()).await?;
    approvals::supersede(tx, &object(user)).await
}

/// What another role would change.
pub(crate) async fn describe_role(tx: &mut Tx, user: UserId, role: Role) -> Result<Summary, IdentityError> {
    let standing = lock(tx, user).await?;
    if standing.role == role {
        return Err(IdentityError::NothingToConfirm);
    }
    if role != Role::Admin {
        store::keep_an_admin(tx, user).await?;
    }
    let changes = vec![Change::of("role", standing.role.as_str(), role.as_str())];
    Ok(Summary { subject: standing.email, changes })
}

/// What a freeze would change.
pub(crate) async fn describe_freeze(tx: &mut Tx, user: UserId) -> Result<Summary, IdentityError> {
    if matches!(tx.context().actor, Actor::User { id, .. } if id == user) {
        return Err(IdentityError::NotYourself);
    }
    let standing = lock(tx, user).await?;
    store::keep_an_admin(tx, user).await?;
    let changes = vec![Change::of("frozen", if standing.frozen { "true" } else { "false" }, "true")];
    Ok(Summary { subject: standing.email, changes })
}

/// Gives a user another role, and ends their sessions.
pub(crate) async fn change_role(
    tx: &mut Tx,
    user: UserId,
    role: Role,
) -> Result<Vec<SessionId>, IdentityError> {
    let standing = lock(tx, user).await?;
    if role != Role::Admin {
        store::keep_an_admin(tx, user).await?;
    }
    let query = sqlx::query!("UPDATE users SET role = $2 WHERE id = $1", user.uuid(), role.as_str());
    query.execute(tx.db()).await?;
    terms::follow_role(tx, user, role).await?;
    changed(tx, user).await?;
    let ended = store::revoke_sessions(tx, user, "role_changed", None).await?;
    let entry = audit::Entry {
        action: "user.role_changed",
        subject_kind: "user",
        subject_id: user.to_string(),
        user: Some(user),
        details: json!({ "from": standing.role.as_str(), "to": role.as_str() }),
    };
    audit::record(tx, entry).await?;
    Ok(ended)
}
