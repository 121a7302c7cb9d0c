//! The tables of identity.

use std::str::FromStr;

use domain::ids::{RegistrationId, SessionId, UserId};
use domain::time::Instant;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::IdentityError;
use super::devices::Device;
use super::email::Email;
use super::sessions::NewSession;
use crate::actor::Role;
use crate::text::Locale;
use crate::tx::{StoreError, Tx};

/// A sign-up that waits for its mailed link.
pub(super) struct Registration {
    pub(super) id: RegistrationId,
    pub(super) email: String,
    pub(super) email_key: String,
    pub(super) password_hash: String,
    pub(super) locale: Locale,
}

/// What a login needs to know of a user.
pub(super) struct Account {
    pub(super) id: UserId,
    pub(super) password_hash: String,
    pub(super) role: Role,
    pub(super) locale: Locale,
    pub(super) frozen: bool,
    /// When its owner last chose a password; a stronger hash of the same one is no change.
    pub(super) password_changed_at: Option<Instant>,
}

struct AccountRow {
    id: Uuid,
    password_hash: String,
    role: String,
    locale: String,
    frozen: bool,
    password_changed_at: Option<Instant>,
}

impl AccountRow {
    fn account(self) -> Result<Account, StoreError> {
        Ok(Account {
            id: UserId::from_uuid(self.id),
            password_hash: self.password_hash,
            role: role(&self.role)?,
            locale: locale(&self.locale)?,
            frozen: self.frozen,
            password_changed_at: self.password_changed_at,
        })
    }
}

struct RegistrationRow {
    id: Uuid,
    email: String,
    email_key: String,
    password_hash: String,
    locale: String,
}

impl RegistrationRow {
    fn registration(self) -> Result<Registration, StoreError> {
        Ok(Registration {
            id: RegistrationId::from_uuid(self.id),
            email: self.email,
            email_key: self.email_key,
            password_hash: self.password_hash,
            locale: locale(&self.locale)?,
        })
    }
}

pub(super) fn role(word: &str) -> Result<Role, StoreError> {
    Role::from_str(word).map_err(|_| StoreError::unknown_word("users.role", word))
}

pub(super) fn locale(word: &str) -> Result<Locale, StoreError> {
    word.parse().map_err(|_| StoreError::unknown_word("locale", word))
}

pub(super) async fn find_account(
    db: impl PgExecutor<'_>,
    email_key: &str,
) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query_as!(
        AccountRow,
        r#"SELECT id, password_hash, role, locale, frozen_at IS NOT NULL AS "frozen!", password_changed_at
           FROM users
           WHERE email_key = $1 AND erased_at IS NULL"#,
        email_key
    )
    .fetch_optional(db)
    .await?;
    row.map(AccountRow::account).transpose()
}

/// Locks a user's row, so that what is decided about the account holds until the commit.
pub(super) async fn lock_account(tx: &mut Tx, user: UserId) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query_as!(
        AccountRow,
        r#"SELECT id, password_hash, role, locale, frozen_at IS NOT NULL AS "frozen!", password_changed_at
           FROM users
           WHERE id = $1 AND erased_at IS NULL
           FOR NO KEY UPDATE"#,
        user.uuid()
    )
    .fetch_optional(tx.db())
    .await?;
    row.map(AccountRow::account).transpose()
}

/// The hash that a password is compared with, and when it last changed.
pub(super) async fn find_password(
    db: impl PgExecutor<'_>,
    user: UserId,
) -> Result<Option<(String, Option<Instant>)>, StoreError> {
    let row = sqlx::query!(
        "SELECT password_hash, password_changed_at
         FROM users
         WHERE id = $1 AND frozen_at IS NULL AND erased_at IS NULL",
        user.uuid()
    );
    Ok(row.fetch_optional(db).await?.map(|row| (row.password_hash, row.password_changed_at)))
}

pub(super) async fn role_of(tx: &mut Tx, user: UserId) -> Result<Option<Role>, StoreError> {
    let word = sqlx::query_scalar!("SELECT role FROM users WHERE id = $1", user.uuid());
    word.fetch_optional(tx.db()).await?.map(|word| role(&word)).transpose()
}

pub(super) async fn locale_of(tx: &mut Tx, user: UserId) -> Result<Locale, StoreError> {
    let word = sqlx::query_scalar!("SELECT locale FROM users WHERE id = $1", user.uuid());
    locale(&word.fetch_one(tx.db()).await?)
}

/// The language of the user with this address, if there is one who may act.
pub(super) async fn locale_of_address(
    db: impl PgExecutor<'_>,
    email_key: &str,
) -> Result<Option<(UserId, Locale)>, StoreError> {
    let row =
        sqlx::query!("SELECT id, locale FROM users WHERE email_key = $1 AND erased_at IS NULL", email_key);
    let row = row.fetch_optional(db).await?;
    row.map(|row| Ok((UserId::from_uuid(row.id), locale(&row.locale)?))).transpose()
}

/// Refuses to touch the last admin who can act and is not leaving (SEC-55).
pub(super) async fn keep_an_admin(tx: &mut Tx, user: UserId) -> Result<(), IdentityError> {
    if is_last_admin(tx, user).await? { Err(IdentityError::LastAdmin) } else { Ok(()) }
}

/// All admins are locked, so two can't be the last together.
pub(super) async fn is_last_admin(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    if role_of(tx, user).await? != Some(Role::Admin) {
        return Ok(false);
    }
    let admins = sqlx::query_scalar!(
        "SELECT id FROM users
         WHERE role = 'admin' AND frozen_at IS NULL AND erased_at IS NULL AND erasure_requested_at IS NULL
         ORDER BY id
         FOR NO KEY UPDATE"
    )
    .fetch_all(tx.db())
    .await?;
    Ok(admins == [user.uuid()])
}

/// Says whether the user was inserted; not if the address is taken.
pub(super) async fn insert_user(
    tx: &mut Tx,
    id: UserId,
    email: &Email,
    password_hash: &str,
    role: Role,
    locale: Locale,
) -> Result<bool, StoreError> {
    let now = tx.wall();
    let done = sqlx::query!(
        "INSERT INTO users (id, email, email_key, password_hash, role, locale, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (email_key) DO NOTHING",
        id.uuid(),
        email.address(),
        email.key(),
        password_hash,
        role.as_str(),
        locale.code(),
        now
    )
    .execute(tx.db())
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn insert_registration(
    tx: &mut Tx,
    id: RegistrationId,
    email: &Email,
    password_hash: &str,
    locale: Locale,
    token_hash: &[u8; 32],
    expires_at: Instant,
) -> Result<(), StoreError> {
    let now = tx.wall();
    sqlx::query!(
        "INSERT INTO registrations (id, email, email_key, password_hash, locale, token_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        id.uuid(),
        email.address(),
        email.key(),
        password_hash,
        locale.code(),
        token_hash.as_slice(),
        now,
        expires_at
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

pub(super) async fn find_registration(
    db: impl PgExecutor<'_>,
    token_hash: &[u8; 32],
    wall: Instant,
) -> Result<Option<Registration>, StoreError> {
    let row = sqlx::query_as!(
        RegistrationRow,
        "SELECT id, email, email_key, password_hash, locale
         FROM registrations
         WHERE token_hash = $1 AND expires_at > $2",
        token_hash.as_slice(),
        wall
    )
    .fetch_optional(db)
    .await?;
    row.map(RegistrationRow::registration).transpose()
}

/// The newest registrations of an address that still live, locked.
pub(super) async fn lock_registrations(
    tx: &mut Tx,
    email_key: &str,
    limit: i64,
) -> Result<Vec<Registration>, StoreError> {
    let wall = tx.wall();
    let rows = sqlx::query_as!(
        RegistrationRow,
        "SELECT id, email, email_key, password_hash, locale
         FROM registrations
         WHERE email_key = $1 AND expires_at > $2
         ORDER BY id DESC
         LIMIT $3
         FOR UPDATE",
        email_key,
        wall,
        limit
    )
    .fetch_all(tx.db())
    .await?;
    rows.into_iter().map(RegistrationRow::registration).collect()
}

pub(super) async fn replace_registration_token(
    tx: &mut Tx,
    id: RegistrationId,
    token_hash: &[u8; 32],
) -> Result<(), StoreError> {
    let query = sqlx::query!(
        "UPDATE registrations SET token_hash = $2 WHERE id = $1",
        id.uuid(),
        token_hash.as_slice()
    );
    query.execute(tx.db()).await?;
    Ok(())
}

/// Deletes every registration of an address; says whether there was any.
pub(super) async fn delete_registrations(tx: &mut Tx, email_key: &str) -> Result<bool, StoreError> {
    let query = sqlx::query!("DELETE FROM registrations WHERE email_key = $1", email_key);
    Ok(query.execute(tx.db()).await?.rows_affected() > 0)
}

pub(super) async fn insert_session(
    tx: &mut Tx,
    id: SessionId,
    new: &NewSession<'_>,
    cookie_hash: Option<&[u8; 32]>,
    now: Instant,
    expires_at: Instant,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO sessions (id, user_id, cookie_hash, user_agent, network, device_id, second_factor_at, created_at,
                               last_used_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)",
        id.uuid(),
        new.user.uuid(),
        cookie_hash.map(<[u8; 32]>::as_slice),
        new.device.user_agent(),
        new.device.network(),
        new.device_id.uuid(),
        new.second_factor.then_some(now),
        now,
        expires_at
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

pub(super) async fn insert_refresh_token(
    tx: &mut Tx,
    session: SessionId,
    token_hash: &[u8; 32],
) -> Result<(), StoreError> {
    let now = tx.wall();
    sqlx::query!(
        "INSERT INTO refresh_tokens (token_hash, session_id, issued_at) VALUES ($1, $2, $3)",
        token_hash.as_slice(),
        session.uuid(),
        now
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

/// A presented refresh token with the session that it belongs to.
pub(super) struct Presented {
    pub(super) session: SessionId,
    pub(super) user: UserId,
    pub(super) role: Role,
    pub(super) frozen: bool,
    pub(super) session_expires_at: Instant,
    pub(super) last_used_at: Instant,
    pub(super) network: String,
    pub(super) second_factor: bool,
    pub(super) revoked: bool,
    pub(super) rotation: Option<Rotation>,
}

/// How a presented token was exchanged before.
pub(super) struct Rotation {
    pub(super) at: Instant,
    pub(super) nonce: [u8; 16],
    pub(super) successor_hash: Vec<u8>,
    pub(super) successor_unused: bool,
}

/// Finds a refresh token and locks its session, so that parallel exchanges of one family take turns.
pub(super) async fn lock_refresh_token(
    tx: &mut Tx,
    token_hash: &[u8; 32],
) -> Result<Option<Presented>, StoreError> {
    let found = sqlx::query_scalar!(
        "SELECT sessions.id
         FROM sessions JOIN refresh_tokens ON refresh_tokens.session_id = sessions.id
         WHERE refresh_tokens.token_hash = $1
         FOR UPDATE OF sessions",
        token_hash.as_slice()
    )
    .fetch_optional(tx.db())
    .await?;
    if found.is_none() {
        return Ok(None);
    }
    // Read only after the lock is held: what another exchange has just written is seen.
    let row = sqlx::query!(
        r#"SELECT sessions.id, sessions.user_id, sessions.expires_at, 
                  sessions.revoked_at IS NOT NULL
                  OR sessions.created_at <= (SELECT not_before FROM session_cutoff) AS "revoked!",
                  sessions.last_used_at, sessions.network, sessions.second_factor_at IS NOT NULL AS "second_factor!",
                  users.role, users.frozen_at IS NOT NULL AS "frozen!",
                  token.rotated_at, token.nonce, token.successor_hash,
                  COALESCE(successor.rotated_at IS NULL, false) AS "successor_unused!"
           FROM refresh_tokens AS token
           JOIN sessions ON sessions.id = token.session_id
           JOIN users ON users.id = sessions.user_id
           LEFT JOIN refresh_tokens AS successor ON successor.token_hash = token.successor_hash
           WHERE token.token_hash = $1"#,
        token_hash.as_slice()
    )
    .fetch_one(tx.db())
    .await?;
    let rotation = match (row.rotated_at, row.nonce) {
        (Some(at), Some(nonce)) => {
            let nonce =
                nonce.try_into().map_err(|_| StoreError::Corrupt("refresh_tokens.nonce".to_owned()))?;
            let successor_hash = row.successor_hash.unwrap_or_default();
            Some(Rotation { at, nonce, successor_hash, successor_unused: row.successor_unused })
        }
        _ => None,
    };
    Ok(Some(Presented {
        session: SessionId::from_uuid(row.id),
        user: UserId::from_uuid(row.user_id),
        role: role(&row.role)?,
        frozen: row.frozen,
        session_expires_at: row.expires_at,
        last_used_at: row.last_used_at,
        network: row.network,
        second_factor: row.second_factor,
        revoked: row.revoked,
        rotation,
    }))
}

pub(super) async fn rotate_refresh_token(
    tx: &mut Tx,
    session: SessionId,
    token_hash: &[u8; 32],
    nonce: &[u8; 16],
    successor_hash: &[u8; 32],
    device: &Device,
) -> Result<(), StoreError> {
    let now = tx.wall();
    sqlx::query!(
        "UPDATE refresh_tokens SET rotated_at = $2, nonce = $3, successor_hash = $4 WHERE token_hash = $1",
        token_hash.as_slice(),
        now,
        nonce.as_slice(),
        successor_hash.as_slice()
    )
    .execute(tx.db())
    .await?;
    insert_refresh_token(tx, session, successor_hash).await?;
    let used = sqlx::query!(
        "UPDATE sessions SET last_used_at = $2, network = $3 WHERE id = $1",
        session.uuid(),
        now,
        device.network()
    );
    used.execute(tx.db()).await?;
    Ok(())
}

/// Ends a session; says whether it was alive.
pub(super) async fn revoke_session(
    tx: &mut Tx,
    user: UserId,
    session: SessionId,
    cause: &str,
) -> Result<bool, StoreError> {
    let now = tx.wall();
    let query = sqlx::query!(
        "UPDATE sessions SET revoked_at = $3, revoked_for = $4
         WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL",
        session.uuid(),
        user.uuid(),
        now,
        cause
    );
    Ok(query.execute(tx.db()).await?.rows_affected() == 1)
}

/// Ends every session of a user but perhaps one, and names them.
pub(super) async fn revoke_sessions(
    tx: &mut Tx,
    user: UserId,
    cause: &str,
    but: Option<SessionId>,
) -> Result<Vec<SessionId>, StoreError> {
    let now = tx.wall();
    let ended = sqlx::query_scalar!(
        "UPDATE sessions SET revoked_at = $2, revoked_for = $3
         WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 AND id IS DISTINCT FROM $4
         RETURNING id",
        user.uuid(),
        now,
        cause,
        but.map(SessionId::uuid)
    )
    .fetch_all(tx.db())
    .await?;
    Ok(ended.into_iter().map(SessionId::from_uuid).collect())
}

pub(super) async fn is_frozen(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar!(
        r#"SELECT frozen_at IS NOT NULL AS "frozen!" FROM users WHERE id = $1"#,
        user.uuid()
    );
    Ok(query.fetch_optional(tx.db()).await?.unwrap_or(false))
}

/// Whether an admin's freeze withholds paid time. It can neither begin nor end before the commit: a period that is
/// written meanwhile would be overlooked, and run on or be withheld for ever.
pub(super) async fn is_withheld(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar!(
        r#"SELECT frozen_at IS NOT NULL AND frozen_by IS DISTINCT FROM 'rule' AS "withheld!"
           FROM users
           WHERE id = $1
           FOR SHARE"#,
        user.uuid()
    );
    Ok(query.fetch_optional(tx.db()).await?.unwrap_or(false))
}

/// Whether there is such a user who was not erased; they are not erased before the commit.
pub(super) async fn exists(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar!(
        r#"SELECT true AS "exists!" FROM users WHERE id = $1 AND erased_at IS NULL FOR SHARE"#,
        user.uuid()
    );
    Ok(query.fetch_optional(tx.db()).await?.is_some())
}
