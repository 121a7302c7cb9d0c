//! Sign-up: an address and a password wait for the mailed link. Whoever asks always gets the same answer.

use crypto::token::OpaqueToken;
use domain::ids::{NotificationId, RegistrationId, UserId};
use domain::time::Duration;
use scoped_futures::ScopedFutureExt;
use secrecy::SecretString;
use serde_json::json;

use super::email::Email;
use super::{IdentityError, MIN_PASSWORD_CHARS, store};
use crate::actor::{Context, Role};
use crate::app::App;
use crate::audit;
use crate::notifications::{self, Content, Recipient};
use crate::text::Locale;
use crate::tx::{StoreError, Tx};

/// How long a mailed link activates its registration (wall time).
const REGISTRATION_LIFE: Duration = Duration::hours(24);
/// How many pending registrations of one address get a new link when one is asked for again.
const MAX_RESENT: i64 = 3;
/// So many registrations of one address wait at most: more would only fill a mailbox.
const MAX_PENDING: u8 = 5;
/// A registration's link is mailed again at most once in so many seconds.
const RESEND_EVERY_SECONDS: i64 = 60;
/// At most one mail per address and this many seconds tells that an account exists already.
const ALREADY_REGISTERED_EVERY_SECONDS: i64 = 3_600;

impl App {
    /// Takes a sign-up and mails a link. Nothing of the answer, nor the work before it, tells whether the address is known:
    /// a user's own address gets a registration that nobody can use, and is told so when its mail is sent.
    pub async fn register(
        &self,
        context: &Context,
        email: &Email,
        password: &SecretString,
        locale: Locale,
    ) -> Result<(), IdentityError> {
        let password_hash = self.hash_password(password, MIN_PASSWORD_CHARS, email).await?;
        let token = OpaqueToken::random(&**self.random());
        self.tx("register", context, |tx| {
            let (email, password_hash, token) = (email.clone(), password_hash.clone(), token.clone());
            async move {
                if store::lock_registrations(tx, email.key(), MAX_PENDING.into()).await?.len()
                    >= MAX_PENDING.into()
                {
                    // Whoever keeps signing this address up only fills a mailbox.
                    return Ok(());
                }
                let id = RegistrationId::new(tx.wall(), &tx.entropy());
                let expires_at = tx.wall() + REGISTRATION_LIFE;
                store::insert_registration(tx, id, &email, &password_hash, locale, &token.hash(), expires_at)
                    .await?;
                let dedupe_key = format!("verification:{id}");
                self.owe_verification(tx, &dedupe_key, email.address(), locale, &token).await?;
                let entry = audit::Entry {
                    action: "registration.created",
                    subject_kind: "registration",
                    subject_id: id.to_string(),
                    user: None,
                    details: json!({}),
                };
                Ok(audit::record(tx, entry).await?)
            }
            .scope_boxed()
        })
        .await
    }

    /// Mails new links for the registrations of this address that still wait. Always the same answer after the same work:
    /// what waits is looked up when the mail's turn comes.
    pub async fn resend_verification(
        &self,
        context: &Context,
        email: &Email,
        locale: Locale,
    ) -> Result<(), IdentityError> {
        self.tx("resend_verification", context, |tx| {
            async move {
                let id = NotificationId::new(tx.wall(), &tx.entropy());
                let window = tx.wall().unix_timestamp() / RESEND_EVERY_SECONDS;
                let who = hex::encode(&self.keys().address_index().mac(&[email.key().as_bytes()])[..16]);
                let recipient = Recipient::Address { address: email.address().to_owned(), locale };
                let dedupe_key = format!("verification_again:{who}:{window}");
                notifications::owe(tx, id, &dedupe_key, recipient, Content::VerificationAgain, None).await?;
                Ok(())
            }
            .scope_boxed()
        })
        .await
    }

    /// Owes a mail with a new link for each registration of this address that waits.
    pub(crate) async fn renew_links(&self, address: &str, request: NotificationId) -> Result<(), StoreError> {
        let Ok(email) = Email::parse(address) else { return Ok(()) };
        self.tx("renew_links", &Context::system("registration"), |tx| {
            let email = &email;
            async move {
                for registration in store::lock_registrations(tx, email.key(), MAX_RESENT).await? {
                    let token = OpaqueToken::random(&**self.random());
                    let dedupe_key = format!("verification:{}:again:{request}", registration.id);
                    let (address, locale) = (&registration.email, registration.locale);
                    if self.owe_verification(tx, &dedupe_key, address, locale, &token).await? {
                        store::replace_registration_token(tx, registration.id, &token.hash()).await?;
                    }
                }
                Ok(())
            }
            .scope_boxed()
        })
        .await
    }

    /// Makes the user: needs the mailed token and the password of that very registration.
    pub async fn verify_email(
        &self,
        context: &Context,
        token: &str,
        password: &SecretString,
    ) -> Result<UserId, IdentityError> {
        let token = OpaqueToken::parse(token).map_err(|_| IdentityError::InvalidToken)?;
        let wall = self.clock().wall();
        let waiting = store::find_registration(self.db(), &token.hash(), wall).await?;
        let stored = waiting.as_ref().map(|registration| registration.password_hash.clone());
        let fits = self.passwords().verify(password, stored).await?.ok;
        let registration = waiting.filter(|_| fits).ok_or(IdentityError::InvalidToken)?;
        let email = Email::parse(&registration.email)?;
        self.tx("verify_email", context, |tx| {
            let (email, registration) = (email.clone(), &registration);
            async move {
                let id = UserId::new(tx.wall(), &tx.entropy());
                let hash = &registration.password_hash;
                let still_waiting = store::delete_registrations(tx, &registration.email_key).await?;
                let created = still_waiting
                    && store::insert_user(tx, id, &email, hash, Role::User, registration.locale).await?;
                if !created {
                    return Err(IdentityError::InvalidToken);
                }
                let entry = audit::Entry {
                    action: "user.created",
                    subject_kind: "user",
                    subject_id: id.to_string(),
                    user: Some(id),
                    details: json!({ "registration": registration.id }),
                };
                audit::record(tx, entry).await?;
                Ok(id)
            }
            .scope_boxed()
        })
        .await
    }

    /// Says whether the mail was not owed before.
    async fn owe_verification(
        &self,
        tx: &mut Tx,
        dedupe_key: &str,
        address: &str,
        locale: Locale,
        token: &OpaqueToken,
    ) -> Result<bool, StoreError> {
        let id = NotificationId::new(tx.wall(), &tx.entropy());
        let recipient = Recipient::Address { address: address.to_owned(), locale };
        let secret = notifications::seal_secret(self, id, &token.reveal())?;
        notifications::owe(tx, id, dedupe_key, recipient, Content::Verification, Some(secret)).await
    }
}

/// Tells a user that somebody signed up with their address, instead of mailing a link that could do nothing.
pub(crate) async fn tell_already_registered(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    let id = NotificationId::new(tx.wall(), &tx.entropy());
    // A stranger who keeps trying must not flood the owner's mailbox.
    let window = tx.wall().unix_timestamp() / ALREADY_REGISTERED_EVERY_SECONDS;
    let dedupe_key = format!("already_registered:{user}:{window}");
    notifications::owe(tx, id, &dedupe_key, Recipient::User(user), Content::AlreadyRegistered, None).await?;
    Ok(())
}
