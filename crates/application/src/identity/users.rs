//! Users as the operator and they themselves see them.

use domain::ids::UserId;
use domain::time::Instant;
use scoped_futures::ScopedFutureExt;
use secrecy::SecretString;
use serde_json::json;

use super::email::Email;
use super::{IdentityError, store};
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
}

impl App {
    /// Makes a user whose address is taken as verified: the operator vouches for it.
    pub async fn create_user(&self, context: &Context, user: NewUser) -> Result<UserId, IdentityError> {
        let password_hash = self.passwords().hash(&user.password).await?;
        self.tx("create_user", context, |tx| {
            let (user, password_hash) = (&user, &password_hash);
            async move {
                let id = UserId::new(tx.wall(), &tx.entropy());
                if !store::insert_user(tx, id, &user.email, password_hash, user.role, user.locale).await? {
                    return Err(IdentityError::EmailTaken);
                }
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

    /// Gives a user another role, and ends their sessions: a token of the old role must not go on.
    pub async fn set_role(&self, context: &Context, email: &Email, role: Role) -> Result<(), IdentityError> {
        self.tx("set_role", context, |tx| {
            async move {
                let changed = sqlx::query!(
                    "UPDATE users SET role = $2 FROM users AS old
                     WHERE users.id = old.id AND users.email_key = $1
                     RETURNING users.id, old.role AS old_role",
                    email.key(),
                    role.as_str()
                )
                .fetch_optional(tx.db())
                .await?;
                let changed = changed.ok_or(IdentityError::UnknownUser)?;
                let id = UserId::from_uuid(changed.id);
                store::revoke_sessions(tx, id, "role_changed").await?;
                let entry = audit::Entry {
                    action: "user.role_changed",
                    subject_kind: "user",
                    subject_id: id.to_string(),
                    user: Some(id),
                    details: json!({ "from": changed.old_role, "to": role.as_str() }),
                };
                Ok(audit::record(tx, entry).await?)
            }
            .scope_boxed()
        })
        .await
    }

    /// What a user may know about themselves.
    pub async fn profile(&self, user: UserId) -> Result<Option<Profile>, StoreError> {
        let row =
            sqlx::query!("SELECT id, email, role, locale, created_at FROM users WHERE id = $1", user.uuid())
                .fetch_optional(self.db())
                .await?;
        row.map(|row| {
            Ok(Profile {
                id: UserId::from_uuid(row.id),
                email: row.email,
                role: store::role(&row.role)?,
                locale: store::locale(&row.locale)?,
                created_at: row.created_at,
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
