//! A new password: by its owner who is logged in, or by a mailed link (SEC-6, 7).
//!
//! Either way every session ends, and a new password is told to the owner. A mailed link never replaces the second
//! factor: whoever comes by it logs in afterwards, with everything that is asked.

use crypto::token::OpaqueToken;
use domain::ids::{NotificationId, UserId};
use domain::time::Duration;
use scoped_futures::ScopedFutureExt;
use secrecy::SecretString;
use serde_json::json;

use super::devices::{self, Device};
use super::email::Email;
use super::guesses::Counted;
use super::login::{Changed, Client, Entered};
use super::proof::Proof;
use super::second_factor::challenge;
use super::{IdentityError, MIN_PASSWORD_CHARS, MIN_PASSWORD_CHARS_WITH_FACTOR, notices, sessions, store};
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::notifications::{self, Content, Recipient, SecurityEvent};
use crate::text::Locale;
use crate::tx::{StoreError, Tx};

/// How long a mailed link chooses a new password (SEC-6; wall time).
const RESET_LIFE: Duration = Duration::minutes(10);
/// A link is mailed to one address at most once in so many seconds.
const RESET_EVERY: Duration = Duration::seconds(60);

impl App {
    /// Hashes a password that somebody chose for this address, if a guesser would not try it first.
    pub(super) async fn hash_password(
        &self,
        password: &SecretString,
        min_chars: usize,
        email: &Email,
    ) -> Result<String, IdentityError> {
        // What a guesser knows.
        let company = self.company_name();
        let known = [email.address(), &company, &self.options().public_url];
        self.passwords().hash(password, min_chars, &known).await
    }

    /// Changes a password for a fresh proof. Every session ends, and a new one opens for whoever asked.
    pub async fn change_password(
        &self,
        context: &Context,
        user: UserId,
        proof: &Proof,
        new: &SecretString,
        client: Client,
        device: &Device,
    ) -> Result<Entered, IdentityError> {
        let profile = self.profile(user).await?.ok_or(IdentityError::UnknownUser)?;
        let email = Email::parse(&profile.email)?;
        let min_chars = min_chars(!self.methods(user).await?.is_empty());
        // First, so that a password that will not be taken uses no code up.
        let company = self.company_name();
        let known = [email.address(), &company, &self.options().public_url];
        self.passwords().check(new, min_chars, &known).await?;
        let proved = self.verify_proof(context, user, proof).await?;
        let hash = self.hash_password(new, min_chars, &email).await?;
        let known = self.known_device(Some(user), device).await?;
        let (ended, at) = self
            .tx("change_password", context, |tx| {
                let hash = &hash;
                async move {
                    proved.still_holds(tx).await?;
                    let event = SecurityEvent::PasswordChanged;
                    let ended = replace(tx, user, hash, "password_changed", event, device).await?;
                    Ok::<_, IdentityError>((ended, tx.wall()))
                }
                .scope_boxed()
            })
            .await?;
        self.revoked(&ended);
        let changed = Changed { at, second_factor: proved.method.is_some() };
        self.reenter(context, user, client, device, known, changed).await
    }

    /// Mails a link to choose a new password, if the address is a user's. The answer and its time are the same anyway:
    /// whether anybody has this address is looked up when the mail is sent.
    pub async fn forgot_password(
        &self,
        context: &Context,
        email: &Email,
        locale: Locale,
    ) -> Result<(), IdentityError> {
        let token = OpaqueToken::random(&**self.random());
        self.tx("forgot_password", context, |tx| {
            let token = &token;
            async move {
                if !insert_reset(tx, email, &token.hash()).await? {
                    return Ok(());
                }
                let id = NotificationId::new(tx.wall(), &tx.entropy());
                let who = hex::encode(&self.keys().address_index().mac(&[email.key().as_bytes()])[..16]);
                let secret = notifications::seal_secret(self, id, &token.reveal())?;
                let recipient = Recipient::Address { address: email.address().to_owned(), locale };
                let dedupe_key = format!("password_reset:{id}");
                notifications::owe(tx, id, &dedupe_key, recipient, Content::PasswordReset, Some(secret))
                    .await?;
                let entry = audit::Entry {
                    action: "password.forgotten",
                    subject_kind: "address",
                    subject_id: who,
                    user: None,
                    details: json!({}),
                };
                Ok::<_, IdentityError>(audit::record(tx, entry).await?)
            }
            .scope_boxed()
        })
        .await
    }

    /// Sets a new password by a mailed link, which works once. Nobody is logged in by it.
    pub async fn reset_password(
        &self,
        context: &Context,
        token: &str,
        new: &SecretString,
        device: &Device,
    ) -> Result<(), IdentityError> {
        let token = OpaqueToken::parse(token).map_err(|_| IdentityError::InvalidToken)?;
        let (user, email) = self.find_reset(&token).await?.ok_or(IdentityError::InvalidToken)?;
        let has_factor = !self.methods(user).await?.is_empty();
        let hash = self.hash_password(new, min_chars(has_factor), &email).await?;
        let ended = self
            .tx("reset_password", context, |tx| {
                let (hash, token, email) = (&hash, &token, &email);
                async move {
                    if !burn_resets(tx, email, &token.hash()).await? {
                        return Err(IdentityError::InvalidToken);
                    }
                    let event = SecurityEvent::PasswordReset;
                    let ended = replace(tx, user, hash, "password_reset", event, device).await?;
                    // Whoever knew the old password may know the devices too.
                    devices::forget_devices(tx, user).await?;
                    self.forgive_in(tx, &[Counted::Address(email.key()), Counted::Proof(user)]).await?;
                    Ok(ended)
                }
                .scope_boxed()
            })
            .await?;
        self.revoked(&ended);
        Ok(())
    }

    async fn find_reset(&self, token: &OpaqueToken) -> Result<Option<(UserId, Email)>, IdentityError> {
        let (wall, hash) = (self.clock().wall(), token.hash());
        let row = sqlx::query!(
            "SELECT users.id, users.email
             FROM password_resets JOIN users ON users.email_key = password_resets.email_key
             WHERE token_hash = $1 AND expires_at > $2 AND users.frozen_at IS NULL",
            hash.as_slice(),
            wall
        )
        .fetch_optional(self.db())
        .await?;
        row.map(|row| Ok((UserId::from_uuid(row.id), Email::parse(&row.email)?))).transpose()
    }
}

const fn min_chars(has_factor: bool) -> usize {
    if has_factor { MIN_PASSWORD_CHARS_WITH_FACTOR } else { MIN_PASSWORD_CHARS }
}

/// Writes a new hash, and ends what the old password had opened.
async fn replace(
    tx: &mut Tx,
    user: UserId,
    hash: &str,
    action: &'static str,
    event: SecurityEvent,
    device: &Device,
) -> Result<Vec<domain::ids::SessionId>, IdentityError> {
    let account = store::lock_account(tx, user).await?.ok_or(IdentityError::UnknownUser)?;
    if account.frozen {
        return Err(IdentityError::InvalidToken);
    }
    let now = tx.wall();
    sqlx::query!(
        "UPDATE users SET password_hash = $2, password_changed_at = $3 WHERE id = $1",
        user.uuid(),
        hash,
        now
    )
    .execute(tx.db())
    .await?;
    challenge::close_all(tx, user).await?;
    let ended = sessions::end_all(tx, user, action, None).await?;
    let audited = if action == "password_reset" { "password.reset" } else { "password.changed" };
    let entry = audit::Entry {
        action: audited,
        subject_kind: "user",
        subject_id: user.to_string(),
        user: Some(user),
        details: json!({}),
    };
    audit::record(tx, entry).await?;
    notices::tell(tx, user, event, device).await?;
    Ok(ended)
}

/// Says whether it was made: not where one was a moment ago. Those who ask for one address at once take turns.
async fn insert_reset(tx: &mut Tx, email: &Email, token_hash: &[u8; 32]) -> Result<bool, StoreError> {
    let turn = sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('calmness/reset/' || $1))", email.key());
    turn.execute(tx.db()).await?;
    let (id, now) = (uuid::Builder::from_random_bytes(tx.random()).into_uuid(), tx.wall());
    let inserted = sqlx::query!(
        "INSERT INTO password_resets (id, email_key, token_hash, created_at, expires_at)
         SELECT $1, $2, $3, $4, $5
         WHERE NOT EXISTS (SELECT FROM password_resets WHERE email_key = $2 AND created_at > $6)",
        id,
        email.key(),
        token_hash.as_slice(),
        now,
        now + RESET_LIFE,
        now - RESET_EVERY
    )
    .execute(tx.db())
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Ends every link of an address; says whether this one was alive.
async fn burn_resets(tx: &mut Tx, email: &Email, token_hash: &[u8; 32]) -> Result<bool, StoreError> {
    let wall = tx.wall();
    let burnt = sqlx::query_scalar!(
        r#"WITH burnt AS (DELETE FROM password_resets WHERE email_key = $1 RETURNING token_hash, expires_at)
           SELECT EXISTS (SELECT FROM burnt WHERE token_hash = $2 AND expires_at > $3) AS "alive!""#,
        email.key(),
        token_hash.as_slice(),
        wall
    );
    Ok(burnt.fetch_one(tx.db()).await?)
}
