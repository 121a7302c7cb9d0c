//! The rows of data keys.

use crypto::envelope::{StoredDataKey, WrappedKey};
use domain::time::Instant;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::tx::StoreError;

/// A data key as stored.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) stored: StoredDataKey,
    pub(super) environment: Option<String>,
    pub(super) created_at: Instant,
    pub(super) seals_from: Instant,
    pub(super) retired_at: Option<Instant>,
    pub(super) revoked_at: Option<Instant>,
    pub(super) seals: u64,
}

/// Every data key that there ever was, the one that seals last of all first.
pub(super) async fn all(db: impl PgExecutor<'_>) -> Result<Vec<Row>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, backend, wrapped_by, wrapped, environment, created_at, seals_from, retired_at, revoked_at, seals
         FROM data_keys
         ORDER BY seals_from DESC, created_at DESC, id"
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| Row {
        stored: StoredDataKey {
            id: row.id,
            wrapped: WrappedKey { bytes: row.wrapped, backend: row.backend, kek_id: row.wrapped_by },
        },
        environment: row.environment,
        created_at: row.created_at,
        seals_from: row.seals_from,
        retired_at: row.retired_at,
        revoked_at: row.revoked_at,
        seals: row.seals.unsigned_abs(),
    });
    Ok(rows.collect())
}

/// Those that still open something.
pub(super) async fn living(db: impl PgExecutor<'_>) -> Result<Vec<Row>, StoreError> {
    Ok(all(db).await?.into_iter().filter(|row| row.revoked_at.is_none()).collect())
}

/// Whoever adds, retires or revokes data keys takes turns.
pub(super) async fn take_turn(db: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('calmness/data-keys'))").execute(db).await?;
    Ok(())
}

pub(super) async fn insert(
    db: &mut PgConnection,
    stored: &StoredDataKey,
    environment: &str,
    wall: Instant,
    seals_from: Instant,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO data_keys (id, backend, wrapped_by, wrapped, environment, created_at, seals_from)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        stored.id,
        stored.wrapped.backend,
        stored.wrapped.kek_id,
        stored.wrapped.bytes,
        environment,
        wall,
        seals_from
    )
    .execute(db)
    .await?;
    Ok(())
}

/// All others stop sealing when the new one begins.
pub(super) async fn retire_others(
    db: &mut PgConnection,
    new: Uuid,
    retired_at: Instant,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE data_keys SET retired_at = $2 WHERE id <> $1 AND retired_at IS NULL",
        new,
        retired_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says whose it is, once its ciphertexts have shown it by opening.
pub(super) async fn learn_environment(db: impl PgExecutor<'_>, environment: &str) -> Result<(), StoreError> {
    sqlx::query!("UPDATE data_keys SET environment = $1 WHERE environment IS NULL", environment)
        .execute(db)
        .await?;
    Ok(())
}

/// Adds what one process sealed since it last told.
pub(super) async fn add_seals(db: impl PgExecutor<'_>, id: Uuid, seals: u64) -> Result<(), StoreError> {
    let seals = i64::try_from(seals).unwrap_or(i64::MAX);
    sqlx::query!("UPDATE data_keys SET seals = seals + $2 WHERE id = $1", id, seals).execute(db).await?;
    Ok(())
}

/// Puts a data key under another key-encryption key, unless somebody else just did.
pub(super) async fn replace_wrapped(
    db: &mut PgConnection,
    old: &StoredDataKey,
    new: &StoredDataKey,
) -> Result<bool, StoreError> {
    let query = sqlx::query!(
        "UPDATE data_keys SET backend = $3, wrapped_by = $4, wrapped = $5
         WHERE id = $1 AND wrapped = $2 AND revoked_at IS NULL",
        old.id,
        old.wrapped.bytes,
        new.wrapped.backend,
        new.wrapped.kek_id,
        new.wrapped.bytes
    );
    Ok(query.execute(db).await?.rows_affected() == 1)
}

/// Its wrapped bytes are gone for ever.
pub(super) async fn revoke(db: &mut PgConnection, id: Uuid, wall: Instant) -> Result<(), StoreError> {
    sqlx::query!("UPDATE data_keys SET revoked_at = $2, wrapped = '' WHERE id = $1", id, wall)
        .execute(db)
        .await?;
    Ok(())
}
