//! Users as the operator and they themselves see them.

use domain::ids::UserId;
use domain::time::Instant;
use scoped_futures::ScopedFutureExt;
use secrecy::SecretString;
use serde_json::json;

use super::email::Email;
use super::guesses::Counted;
use super::{IdentityError, MIN_PASSWORD_CHARS, standing, store, terms};
use crate::actor::{Context, Role};
use crate::app::App;
use crate::audit;
use crate::text::Locale;
use crate::tx::StoreError;

/// A user that the operator makes.
#[derive(Debug)]
pub struct NewUser {
    /// Where mail goes.
    pub email: Email,
    /// As the user will type it.
    pub password: SecretString,
    /// What they may do.
    pub role: Role,
    /// Their language.
    pub locale: Locale,
}

/// What a user may know about themselves.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Who.
    pub id: UserId,
    /// Where mail goes.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Their language.
    pub locale: Locale,
    /// Since when.
    pub created_at: Instant,
    /// When its owner asked to erase it, if they did (business time).
    pub erasure_requested_at: Option<Instant>,
}

/// A user as admins and supporters see them.
#[derive(Clone, Debug)]
pub struct UserView {
    /// Who.
    pub id: UserId,
    /// Where mail goes.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Their language.
    pub locale: Locale,
    /// Since when.
    pub created_at: Instant,
    /// Whether a second factor is set up.
    pub second_factor: bool,
    /// Since when the account is frozen, by `admin` or `rule`, and why.
    pub frozen: Option<(Instant, String, String)>,
    /// When it was erased.
    pub erased_at: Option<Instant>,
}

/// Where the next page of users starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserCursor(pub UserId);

impl App {
    /// Users from the newest to the oldest, at most `limit`; those with this address, if one is given.
    pub async fn users(
        &self,
        email: Option<&Email>,
        after: Option<UserCursor>,
        limit: i64,
    ) -> Result<Vec<UserView>, StoreError> {
        let rows = sqlx::query_as!(
            UserRow,
            r#"SELECT id, email, role, locale, created_at, frozen_at, COALESCE(frozen_by, 'admin') AS "frozen_by!",
                      COALESCE(frozen_for, '') AS "frozen_for!", erased_at,
                      EXISTS (SELECT FROM totp_factors
                              WHERE totp_factors.user_id = users.id AND confirmed_at IS NOT NULL) AS "second_factor!"
               FROM users
               WHERE ($1::text IS NULL OR email_key = $1) AND ($2::uuid IS NULL OR id < $2)
               ORDER BY id DESC
               LIMIT $3"#,
            email.map(Email::key),
            after.map(|cursor| cursor.0.uuid()),
            limit
        )
        .fetch_all(self.db())
        .await?;
        rows.into_iter().map(UserRow::view).collect()
    }

    /// One user.
    pub async fn user(&self, id: UserId) -> Result<Option<UserView>, StoreError> {
        let row = sqlx::query_as!(
            UserRow,
            r#"SELECT id, email, role, locale, created_at, frozen_at, COALESCE(frozen_by, 'admin') AS "frozen_by!",
                      COALESCE(frozen_for, '') AS "frozen_for!", erased_at,
                      EXISTS (SELECT FROM totp_factors
                              WHERE totp_factors.user_id = users.id AND confirmed_at IS NOT NULL) AS "second_factor!"
               FROM users
               WHERE id = $1"#,
            id.uuid()
        );
        row.fetch_optional(self.db()).await?.map(UserRow::view).transpose()
    }

    /// The user with this address.
    pub async fn user_of_address(&self, email: &Email) -> Result<UserId, IdentityError> {
        let found = store::find_account(self.db(), email.key()).await?;
        found.map(|account| account.id).ok_or(IdentityError::UnknownUser)
    }

    /// Lets an operator vouch for somebody who is locked out of their second factor's waits and youth: failures are
    /// forgotten, and confirmed factors may approve actions at once.
    pub async fn trust_factors(&self, context: &Context, email: &Email) -> Result<(), IdentityError> {
        let user = self.user_of_address(email).await?;
        self.tx("trust_factors", context, |tx| {
            async move {
                let now = tx.wall();
                for table in ["totp_factors", "sms_factors"] {
                    let sql = format!(
                        "UPDATE {table} SET trusted_from = $2
                         WHERE user_id = $1 AND confirmed_at IS NOT NULL AND trusted_from > $2"
                    );
                    let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(user.uuid()).bind(now);
                    query.execute(tx.db()).await?;
                }
                let counted = [Counted::Address(email.key()), Counted::Codes(user), Counted::Proof(user)];
                self.forgive_in(tx, &counted).await?;
                let entry = audit::Entry {
                    action: "user.factors_trusted",
                    subject_kind: "user",
                    subject_id: user.to_string(),
                    user: Some(user),
                    details: json!({}),
                };
                Ok(audit::record(tx, entry).await?)
            }
            .scope_boxed()
        })
        .await
    }

    /// Makes a user whose address is taken as verified: the operator vouches for it.
    pub async fn create_user(&self, context: &Context, user: NewUser) -> Result<UserId, IdentityError> {
        let password_hash = self.hash_password(&user.password, MIN_PASSWORD_CHARS, &user.email).await?;
        self.tx("create_user", context, |tx| {
            let (user, password_hash) = (&user, &password_hash);
            async move {
                let id = UserId::new(tx.wall(), &tx.entropy());
                if !store::insert_user(tx, id, &user.email, password_hash, user.role, user.locale).await? {
                    return Err(IdentityError::EmailTaken);
                }
                terms::follow_role(tx, id, user.role).await?;
                store::delete_registrations(tx, user.email.key()).await?;
                let entry = audit::Entry {
                    action: "user.created",
                    subject_kind: "user",
                    subject_id: id.to_string(),
                    user: Some(id),
                    details: json!({ "role": user.role.as_str() }),
                };
                audit::record(tx, entry).await?;
                Ok(id)
            }
            .scope_boxed()
        })
        .await
    }

    /// Gives a user another role, and ends their sessions: a token of the old role must not go on. The operator's way;
    /// over the API it takes a second confirmation (SEC-55).
    pub async fn set_role(&self, context: &Context, email: &Email, role: Role) -> Result<(), IdentityError> {
        let user = self.user_of_address(email).await?;
        let ended = self
            .tx("set_role", context, |tx| {
                async move { standing::change_role(tx, user, role).await }.scope_boxed()
            })
            .await?;
        self.revoked(&ended);
        Ok(())
    }

    /// What a user may know about themselves.
    pub async fn profile(&self, user: UserId) -> Result<Option<Profile>, StoreError> {
        let row = sqlx::query!(
            "SELECT id, email, role, locale, created_at, erasure_requested_at
             FROM users
             WHERE id = $1 AND erased_at IS NULL",
            user.uuid()
        )
        .fetch_optional(self.db())
        .await?;
        row.map(|row| {
            Ok(Profile {
                id: UserId::from_uuid(row.id),
                email: row.email,
                role: store::role(&row.role)?,
                locale: store::locale(&row.locale)?,
                created_at: row.created_at,
                erasure_requested_at: row.erasure_requested_at,
            })
        })
        .transpose()
    }

    /// Remembers the language that a user chose.
    pub async fn set_locale(
        &self,
        context: &Context,
        user: UserId,
        locale: Locale,
    ) -> Result<(), StoreError> {
        self.tx("set_locale", context, |tx| {
            async move {
                let query =
                    sqlx::query!("UPDATE users SET locale = $2 WHERE id = $1", user.uuid(), locale.code());
                query.execute(tx.db()).await?;
                Ok(())
            }
            .scope_boxed()
        })
        .await
    }
}

struct UserRow {
    id: uuid::Uuid,
    email: String,
    role: String,
    locale: String,
    created_at: Instant,
    frozen_at: Option<Instant>,
    frozen_by: String,
    frozen_for: String,
    erased_at: Option<Instant>,
    second_factor: bool,
}

impl UserRow {
    fn view(self) -> Result<UserView, StoreError> {
        Ok(UserView {
            id: UserId::from_uuid(self.id),
            email: self.email,
            role: store::role(&self.role)?,
            locale: store::locale(&self.locale)?,
            created_at: self.created_at,
            second_factor: self.second_factor,
            frozen: self.frozen_at.map(|at| (at, self.frozen_by, self.frozen_for)),
            erased_at: self.erased_at,
        })
    }
}
