//! Login: the password first, then a second factor where one is set up, then a session.
//!
//! Unknown, wrong, frozen and unverified get the same answer in the same time (SEC-4). Between the two steps nothing is
//! open: a challenge waits, and everything that could have changed meanwhile is looked at again when it is answered.

use crypto::token::OpaqueToken;
use domain::ids::{ChallengeId, DeviceId, SessionId, UserId};
use domain::time::Instant;
use scoped_futures::ScopedFutureExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::devices::{self, Device};
use super::email::Email;
use super::guesses::{Counted, NOTEWORTHY_FAILURES};
use super::second_factor::{self, Method, challenge};
use super::sessions::{self, NewSession, SESSION_LIFE, TokenPair};
use super::store::{self, Account};
use super::{IdentityError, MAX_PASSWORD_BYTES, notices};
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::notifications::SecurityEvent;
use crate::text::Locale;
use crate::tx::Tx;

/// Who logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// A program: it gets tokens.
    Program,
    /// A browser: it gets a cookie.
    Browser,
}

/// What a first factor led to.
#[derive(Debug)]
pub enum LoggedIn {
    /// A session is open.
    In(Entered),
    /// A second factor is asked for.
    SecondFactor(Asked),
}

/// An open session.
#[derive(Debug)]
pub struct Entered {
    /// Who logged in.
    pub user: UserId,
    /// Their language.
    pub locale: Locale,
    /// What this device shows at the next login, so that it is known.
    pub device_token: SecretString,
    /// What the client shows from now on.
    pub pass: Pass,
}

/// What a client shows with each request.
#[derive(Debug)]
pub enum Pass {
    /// A program's tokens.
    Tokens(TokenPair),
    /// The value of a browser's session cookie.
    Cookie(SecretString),
}

/// A second factor that is asked for.
#[derive(Debug)]
pub struct Asked {
    /// Names the challenge; to be shown with the code.
    pub token: SecretString,
    /// How it can be answered.
    pub methods: Vec<Method>,
    /// The language of whoever is asked.
    pub locale: Locale,
}

impl App {
    /// The first step: address and password.
    pub async fn login(
        &self,
        context: &Context,
        email: &Email,
        password: &SecretString,
        client: Client,
        device: &Device,
    ) -> Result<LoggedIn, IdentityError> {
        let (account, known) = self.check_password(context, email, password, device).await?;
        let methods = self.methods(account.id).await?;
        if !methods.is_empty() {
            let token = OpaqueToken::random(&**self.random());
            self.tx("ask_second_factor", context, |tx| {
                let (account, token) = (&account, &token);
                async move { challenge::open_login(tx, account.id, &token.hash(), client).await }
                    .scope_boxed()
            })
            .await?;
            return Ok(LoggedIn::SecondFactor(Asked {
                token: token.reveal(),
                methods,
                locale: account.locale,
            }));
        }
        let admission = Admission::Password { changed_at: account.password_changed_at };
        self.enter(context, account.id, client, device, known, admission).await.map(LoggedIn::In)
    }

    /// The second step: a code for the challenge.
    pub async fn login_with_code(
        &self,
        context: &Context,
        token: &SecretString,
        method: Method,
        code: &SecretString,
        client: Client,
        device: &Device,
    ) -> Result<Entered, IdentityError> {
        let token = OpaqueToken::parse(token.expose_secret()).map_err(|_| IdentityError::ChallengeEnded)?;
        let waiting =
            self.find_login_challenge(&token, client).await?.ok_or(IdentityError::ChallengeEnded)?;
        let known = self.known_device(Some(waiting.user), device).await?;
        let counted = known.map_or(Counted::Codes(waiting.user), Counted::DeviceCodes);
        self.try_code(context, counted, waiting.user, Some(&waiting), method, code).await?;
        self.enter(context, waiting.user, client, device, known, Admission::Challenge(waiting.id)).await
    }

    /// Opens the session, if everything that let its owner in still holds.
    async fn enter(
        &self,
        context: &Context,
        user: UserId,
        client: Client,
        device: &Device,
        known: Option<DeviceId>,
        admission: Admission,
    ) -> Result<Entered, IdentityError> {
        let token = OpaqueToken::random(&**self.random());
        let (session, device_id, account, second_factor) = self
            .tx("login", context, |tx| {
                let token = &token;
                async move {
                    let account = store::lock_account(tx, user).await?;
                    let account =
                        account.filter(|account| !account.frozen).ok_or(IdentityError::InvalidCredentials)?;
                    let second_factor = admission.still_holds(tx, &account).await?;
                    let (session, device_id) =
                        open(tx, &account, client, device, known, second_factor, &token.hash()).await?;
                    Ok::<_, IdentityError>((session, device_id, account, second_factor))
                }
                .scope_boxed()
            })
            .await?;
        let device_token = self.device_token(user, device_id, self.clock().wall());
        let pass = match client {
            Client::Browser => Pass::Cookie(token.reveal()),
            Client::Program => {
                let role = account.role.on_session(second_factor);
                let ends_at = self.clock().wall() + SESSION_LIFE;
                Pass::Tokens(self.token_pair(user, session, role, &token, ends_at)?)
            }
        };
        Ok(Entered { user, locale: account.locale, device_token, pass })
    }

    /// Opens a session for somebody who has just changed their password for a fresh proof.
    pub(super) async fn reenter(
        &self,
        context: &Context,
        user: UserId,
        client: Client,
        device: &Device,
        known: Option<DeviceId>,
        changed: Changed,
    ) -> Result<Entered, IdentityError> {
        self.enter(context, user, client, device, known, Admission::Changed(changed)).await
    }

    /// Finds out whose password it is. Counted before it is tried, refused without hashing when over the limit.
    async fn check_password(
        &self,
        context: &Context,
        email: &Email,
        password: &SecretString,
        device: &Device,
    ) -> Result<(Account, Option<DeviceId>), IdentityError> {
        if password.expose_secret().len() > MAX_PASSWORD_BYTES {
            return Err(IdentityError::InvalidCredentials);
        }
        let account = store::find_account(self.db(), email.key()).await?;
        let known = self.known_device(account.as_ref().map(|account| account.id), device).await?;
        let counted = known.map_or(Counted::Address(email.key()), Counted::Device);
        let attempt = self.count_try(counted).await?;
        let stored = account.as_ref().map(|account| account.password_hash.clone());
        let verified = self.passwords().verify(password, stored).await;
        let verified = match verified {
            // Nothing was tried: it must not count.
            Err(IdentityError::Busy) => {
                self.forgive(attempt).await?;
                return Err(IdentityError::Busy);
            }
            other => other?,
        };
        let user = account.as_ref().map(|account| account.id);
        if let Some(account) = account.filter(|account| verified.ok && !account.frozen) {
            self.forgive(attempt).await?;
            if verified.needs_rehash {
                self.rehash(&account, password).await?;
            }
            return Ok((account, known));
        }
        let noteworthy = attempt.failures == NOTEWORTHY_FAILURES;
        self.refuse(context, user, noteworthy, device).await?;
        Err(IdentityError::InvalidCredentials)
    }

    async fn refuse(
        &self,
        context: &Context,
        user: Option<UserId>,
        noteworthy: bool,
        device: &Device,
    ) -> Result<(), IdentityError> {
        self.tx("login_refused", context, |tx| {
            async move {
                let entry = audit::Entry {
                    action: "login.refused",
                    subject_kind: "user",
                    subject_id: user.map_or_else(|| "unknown".to_owned(), |user| user.to_string()),
                    user,
                    details: json!({}),
                };
                audit::record(tx, entry).await?;
                if let Some(user) = user.filter(|_| noteworthy) {
                    notices::tell_daily(tx, user, SecurityEvent::UnderAttack, device).await?;
                }
                Ok::<_, IdentityError>(())
            }
            .scope_boxed()
        })
        .await
    }

    /// Keeps a stronger hash of a password that was just shown (SEC-3).
    async fn rehash(&self, account: &Account, password: &SecretString) -> Result<(), IdentityError> {
        let stronger = match self.passwords().hash_again(password).await {
            // The next login comes with the same password.
            Err(IdentityError::Busy) => return Ok(()),
            other => other?,
        };
        // Where another login was quicker, or a new password was chosen, theirs stays.
        sqlx::query!(
            "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2",
            account.id.uuid(),
            account.password_hash,
            stronger
        )
        .execute(self.db())
        .await?;
        Ok(())
    }
}

/// What lets somebody in.
#[derive(Clone, Copy)]
enum Admission {
    /// The password that was chosen then, where no second factor is set up.
    Password { changed_at: Option<Instant> },
    /// An answered challenge.
    Challenge(ChallengeId),
    /// A new password, chosen a moment ago.
    Changed(Changed),
}

/// A password that was changed for a fresh proof.
#[derive(Clone, Copy)]
pub(super) struct Changed {
    /// When.
    pub(super) at: Instant,
    /// Whether a second factor was part of the proof.
    pub(super) second_factor: bool,
}

impl Admission {
    /// Whether it still lets in, now that the account is locked; says whether a second factor was shown.
    async fn still_holds(self, tx: &mut Tx, account: &Account) -> Result<bool, IdentityError> {
        match self {
            Self::Password { changed_at } => {
                let set_up_meanwhile = second_factor::has_any(tx, account.id).await?;
                if account.password_changed_at != changed_at || set_up_meanwhile {
                    return Err(IdentityError::InvalidCredentials);
                }
                Ok(false)
            }
            Self::Challenge(id) => {
                if !challenge::close(tx, id).await? {
                    return Err(IdentityError::ChallengeEnded);
                }
                Ok(true)
            }
            Self::Changed(changed) => {
                if account.password_changed_at != Some(changed.at) {
                    return Err(IdentityError::SessionEnded);
                }
                Ok(changed.second_factor)
            }
        }
    }
}

async fn open(
    tx: &mut Tx,
    account: &Account,
    client: Client,
    device: &Device,
    known: Option<DeviceId>,
    second_factor: bool,
    token_hash: &[u8; 32],
) -> Result<(SessionId, DeviceId), IdentityError> {
    let (device_id, worth_telling) = devices::note_login(tx, account.id, known, device).await?;
    let new = NewSession { user: account.id, client, device, device_id, second_factor };
    let session = sessions::open(tx, &new, token_hash).await?;
    if worth_telling {
        notices::tell(tx, account.id, SecurityEvent::NewDevice, device).await?;
    }
    Ok((session, device_id))
}
