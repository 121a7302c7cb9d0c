//! The tables of second factors.

use domain::ids::{FactorId, UserId};
use domain::time::Instant;
use sqlx::PgExecutor;

use super::{Factors, TRUSTED_AFTER};
use crate::tx::{StoreError, Tx};

pub(super) async fn factors(db: impl PgExecutor<'_>, user: UserId) -> Result<Factors, StoreError> {
    let row = sqlx::query!(
        r#"SELECT totp.confirmed_at AS "totp_confirmed_at?", totp.trusted_from AS "totp_trusted_from?",
                  sms.phone_masked AS "phone_masked?", sms.confirmed_at AS "sms_confirmed_at?",
                  sms.trusted_from AS "sms_trusted_from?",
                  (SELECT count(*) FROM recovery_codes WHERE recovery_codes.user_id = users.id AND used_at IS NULL)
                      AS "codes_left!"
           FROM users
           LEFT JOIN totp_factors AS totp ON totp.user_id = users.id AND totp.confirmed_at IS NOT NULL
           LEFT JOIN sms_factors AS sms ON sms.user_id = users.id AND sms.confirmed_at IS NOT NULL
           WHERE users.id = $1"#,
        user.uuid()
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(Factors::default()) };
    let sms = row.phone_masked.zip(row.sms_confirmed_at).zip(row.sms_trusted_from);
    Ok(Factors {
        totp: row.totp_confirmed_at.zip(row.totp_trusted_from),
        sms: sms.map(|((masked, confirmed_at), trusted_from)| (masked, confirmed_at, trusted_from)),
        recovery_codes_left: row.codes_left,
    })
}

pub(super) async fn has_any(db: impl PgExecutor<'_>, user: UserId) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM totp_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL)
                  OR EXISTS (SELECT FROM sms_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL) AS "any!""#,
        user.uuid()
    );
    Ok(query.fetch_one(db).await?)
}

/// The secret of an authenticator app, as it is kept.
pub(super) struct StoredTotp {
    pub(super) id: FactorId,
    pub(super) secret_encrypted: Vec<u8>,
    pub(super) created_at: Instant,
}

pub(super) async fn find_totp(
    db: impl PgExecutor<'_>,
    user: UserId,
    confirmed: bool,
) -> Result<Option<StoredTotp>, StoreError> {
    let row = sqlx::query!(
        "SELECT id, secret_encrypted, created_at
         FROM totp_factors
         WHERE user_id = $1 AND (confirmed_at IS NOT NULL) = $2",
        user.uuid(),
        confirmed
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| StoredTotp {
        id: FactorId::from_uuid(row.id),
        secret_encrypted: row.secret_encrypted,
        created_at: row.created_at,
    }))
}

/// Puts a secret in the place of the one that waits, if one does.
pub(super) async fn replace_waiting_totp(
    tx: &mut Tx,
    id: FactorId,
    user: UserId,
    secret_encrypted: &[u8],
    trusted_from: Option<Instant>,
) -> Result<(), StoreError> {
    let now = tx.wall();
    let old =
        sqlx::query!("DELETE FROM totp_factors WHERE user_id = $1 AND confirmed_at IS NULL", user.uuid());
    old.execute(tx.db()).await?;
    sqlx::query!(
        "INSERT INTO totp_factors (id, user_id, secret_encrypted, created_at, trusted_from)
         VALUES ($1, $2, $3, $4, $5)",
        id.uuid(),
        user.uuid(),
        secret_encrypted,
        now,
        trusted_from
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

/// Uses a time step up; says whether it was later than every one before (SEC-9).
pub(super) async fn use_step(db: impl PgExecutor<'_>, id: FactorId, step: i64) -> Result<bool, StoreError> {
    let query = sqlx::query!(
        "UPDATE totp_factors SET last_step = $2 WHERE id = $1 AND (last_step IS NULL OR last_step < $2)",
        id.uuid(),
        step
    );
    Ok(query.execute(db).await?.rows_affected() == 1)
}

/// Lets the waiting secret take the place of the confirmed one, with its first step used up.
pub(super) async fn confirm_totp(
    tx: &mut Tx,
    user: UserId,
    id: FactorId,
    step: i64,
) -> Result<bool, StoreError> {
    let now = tx.wall();
    let old =
        sqlx::query!("DELETE FROM totp_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL", user.uuid());
    old.execute(tx.db()).await?;
    let confirmed = sqlx::query!(
        "UPDATE totp_factors
         SET confirmed_at = $2, last_step = $3, trusted_from = COALESCE(trusted_from, $4)
         WHERE id = $1 AND confirmed_at IS NULL",
        id.uuid(),
        now,
        step,
        now + TRUSTED_AFTER
    )
    .execute(tx.db())
    .await?;
    Ok(confirmed.rows_affected() == 1)
}

/// Says whether there was a confirmed one.
pub(super) async fn delete_totp(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    let deleted =
        sqlx::query!("DELETE FROM totp_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL", user.uuid());
    Ok(deleted.execute(tx.db()).await?.rows_affected() > 0)
}

/// Puts these codes in the place of all earlier ones.
pub(super) async fn replace_recovery_codes(
    tx: &mut Tx,
    user: UserId,
    hashes: &[Vec<u8>],
) -> Result<(), StoreError> {
    let now = tx.wall();
    delete_recovery_codes(tx, user).await?;
    sqlx::query!(
        "INSERT INTO recovery_codes (user_id, code_hash, created_at)
         SELECT $1, code_hash, $3 FROM unnest($2::bytea[]) AS code_hash",
        user.uuid(),
        hashes,
        now
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

pub(super) async fn delete_recovery_codes(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM recovery_codes WHERE user_id = $1", user.uuid()).execute(tx.db()).await?;
    Ok(())
}

/// Uses a recovery code up; says whether it was one of this user's that had not been used.
pub(super) async fn use_recovery_code(
    tx: &mut Tx,
    user: UserId,
    hash: &[u8; 32],
) -> Result<bool, StoreError> {
    let now = tx.wall();
    let burnt = sqlx::query!(
        "UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL",
        user.uuid(),
        hash.as_slice(),
        now
    )
    .execute(tx.db())
    .await?;
    Ok(burnt.rows_affected() == 1)
}

pub(super) async fn delete_all(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    for table in ["totp_factors", "sms_factors", "recovery_codes", "challenges"] {
        // The names are the ones above.
        let sql = sqlx::AssertSqlSafe(format!("DELETE FROM {table} WHERE user_id = $1"));
        sqlx::query(sql).bind(user.uuid()).execute(tx.db()).await?;
    }
    Ok(())
}
