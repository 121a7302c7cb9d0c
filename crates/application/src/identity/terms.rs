//! Who was an admin when (wall time). Whether a change needs another admin's confirmation is asked of these terms and not of
//! today's roles: a thief who freezes or demotes the other admin gains nothing by it (SEC-55).

use domain::approval::WINDOW;
use domain::ids::UserId;

use crate::actor::Role;
use crate::tx::{StoreError, Tx};

/// Keeps the terms equal to the role that a user has from now on.
pub(super) async fn follow_role(tx: &mut Tx, user: UserId, role: Role) -> Result<(), StoreError> {
    if role == Role::Admin { begin(tx, user).await } else { end(tx, user).await }
}

async fn begin(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    let now = tx.wall();
    let query = sqlx::query!(
        "INSERT INTO admin_terms (user_id, began_at) VALUES ($1, $2)
         ON CONFLICT (user_id) WHERE ended_at IS NULL DO NOTHING",
        user.uuid(),
        now
    );
    query.execute(tx.db()).await?;
    Ok(())
}

/// Ends a user's term, if they are in one.
pub(super) async fn end(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    let now = tx.wall();
    let query = sqlx::query!(
        "UPDATE admin_terms SET ended_at = GREATEST(began_at, $2) WHERE user_id = $1 AND ended_at IS NULL",
        user.uuid(),
        now
    );
    query.execute(tx.db()).await?;
    Ok(())
}

/// Whether at least two people were admins at any time of the last days, frozen or not.
pub(crate) async fn several_admins(tx: &mut Tx) -> Result<bool, StoreError> {
    let since = tx.wall() - WINDOW;
    let query = sqlx::query_scalar!(
        r#"SELECT count(DISTINCT user_id) > 1 AS "several!"
           FROM admin_terms
           WHERE ended_at IS NULL OR ended_at > $1"#,
        since
    );
    Ok(query.fetch_one(tx.db()).await?)
}

/// Whether somebody is an admin who may act: neither frozen nor gone. They stay one until the commit.
pub(crate) async fn is_acting_admin(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar!(
        r#"SELECT role = 'admin' AND frozen_at IS NULL AND erased_at IS NULL AS "acting!"
           FROM users
           WHERE id = $1
           FOR SHARE"#,
        user.uuid()
    );
    Ok(query.fetch_optional(tx.db()).await?.unwrap_or(false))
}

/// Everybody who is an admin now, frozen or not: who is told what happens.
pub(crate) async fn admins(tx: &mut Tx) -> Result<Vec<UserId>, StoreError> {
    let query = sqlx::query_scalar!(
        "SELECT id FROM users WHERE role = 'admin' AND erased_at IS NULL ORDER BY id LIMIT 100"
    );
    Ok(query.fetch_all(tx.db()).await?.into_iter().map(UserId::from_uuid).collect())
}
