//! Sessions: login, refresh, logout.
//!
//! A refresh token is exchanged once. Its successor is derived from it (SEC-18), so a client that lost the answer gets
//! the identical one when it asks again within seconds; anything older that comes back was stolen, and its family ends.

use std::net::IpAddr;

use crypto::jwt::Claims;
use crypto::token::OpaqueToken;
use domain::ids::{SessionId, UserId};
use domain::time::{Duration, Instant};
use scoped_futures::ScopedFutureExt;
use secrecy::SecretString;
use serde_json::json;

use super::email::Email;
use super::store::{self, Account, Presented};
use super::{IdentityError, MAX_PASSWORD_BYTES};
use crate::actor::{Actor, Context, Role};
use crate::app::App;
use crate::audit;
use crate::text::Locale;
use crate::tx::{StoreError, Tx};
use secrecy::ExposeSecret;

/// A session ends after this long, whatever happens (SEC-19; wall time).
pub const SESSION_LIFE: Duration = Duration::days(30);
/// An access token is believed this long (A2; wall time).
const ACCESS_TOKEN_LIFE: Duration = Duration::seconds(crypto::jwt::MAX_LIFE_SECONDS);
/// So long a client that lost the answer may present the same refresh token again (SEC-18; wall time).
const RETRY_GRACE: Duration = Duration::seconds(10);

/// A session that ended is kept this long, for its owner's list of devices (wall time).
const KEPT_AFTER_END: Duration = Duration::days(30);

/// From what a person logs in.
#[derive(Clone, Debug, Default)]
pub struct Device {
    user_agent: String,
    /// The client's real address.
    pub address: Option<IpAddr>,
}

impl Device {
    /// A device by what its browser says it is, cut to what is kept.
    pub fn new(user_agent: &str, address: Option<IpAddr>) -> Self {
        let printable: String =
            user_agent.chars().filter(|character| !character.is_control()).take(200).collect();
        let end = printable.floor_char_boundary(255);
        Self { user_agent: printable[..end].to_owned(), address }
    }

    pub(super) fn user_agent(&self) -> &str {
        &self.user_agent
    }
}

/// What a program gets at login.
#[derive(Debug)]
pub struct TokenPair {
    /// Signed; proves who acts for half an hour.
    pub access_token: SecretString,
    /// Seconds until the access token ends.
    pub expires_in: i64,
    /// To be exchanged once for the next pair.
    pub refresh_token: SecretString,
}

/// What a browser gets at login.
#[derive(Debug)]
pub struct LoggedIn {
    /// The value of the session cookie.
    pub cookie: SecretString,
    /// Who logged in.
    pub user: UserId,
    /// Their language.
    pub locale: Locale,
}

/// A browser's session that is alive.
#[derive(Clone, Debug)]
pub struct PageSession {
    /// Who acts.
    pub actor: Actor,
    /// Who.
    pub user: UserId,
    /// On which device.
    pub session: SessionId,
    /// Their address, to show them who they are.
    pub email: String,
    /// Their language.
    pub locale: Locale,
}

impl App {
    /// Lets a program in: unknown, wrong, frozen and unverified all get the same answer in the same time (SEC-4).
    pub async fn login(
        &self,
        context: &Context,
        email: &Email,
        password: &SecretString,
        device: &Device,
    ) -> Result<TokenPair, IdentityError> {
        let account = self.authenticate_password(context, email, password).await?;
        let token = OpaqueToken::random(&**self.random());
        let session = self
            .tx("login", context, |tx| {
                let (account, token) = (&account, &token);
                async move {
                    let session = open_session(tx, account, device, None).await?;
                    store::insert_refresh_token(tx, session, &token.hash()).await?;
                    Ok::<_, IdentityError>(session)
                }
                .scope_boxed()
            })
            .await?;
        self.token_pair(account.id, session, account.role, &token)
    }

    /// Lets a browser in, with a cookie instead of tokens.
    pub async fn login_browser(
        &self,
        context: &Context,
        email: &Email,
        password: &SecretString,
        device: &Device,
    ) -> Result<LoggedIn, IdentityError> {
        let account = self.authenticate_password(context, email, password).await?;
        let cookie = OpaqueToken::random(&**self.random());
        self.tx("login_browser", context, |tx| {
            let (account, cookie) = (&account, &cookie);
            async move {
                open_session(tx, account, device, Some(&cookie.hash())).await?;
                Ok::<_, IdentityError>(())
            }
            .scope_boxed()
        })
        .await?;
        Ok(LoggedIn { cookie: cookie.reveal(), user: account.id, locale: account.locale })
    }

    /// Exchanges a refresh token for the next pair.
    pub async fn refresh(&self, context: &Context, presented: &str) -> Result<TokenPair, IdentityError> {
        let token = OpaqueToken::parse(presented).map_err(|_| IdentityError::SessionEnded)?;
        let exchanged = self
            .tx("refresh", context, |tx| {
                let token = &token;
                async move { self.exchange(tx, token).await }.scope_boxed()
            })
            .await?;
        match exchanged {
            Some((found, successor)) => self.token_pair(found.user, found.session, found.role, &successor),
            None => Err(IdentityError::SessionEnded),
        }
    }

    /// `None` refuses, after a commit: the end of a stolen family must be kept.
    async fn exchange(
        &self,
        tx: &mut Tx,
        token: &OpaqueToken,
    ) -> Result<Option<(Presented, OpaqueToken)>, IdentityError> {
        let Some(found) = store::lock_refresh_token(tx, &token.hash()).await? else { return Ok(None) };
        if found.revoked || found.frozen || found.session_expires_at <= tx.wall() {
            return Ok(None);
        }
        let Some(rotation) = &found.rotation else {
            let nonce: [u8; 16] = tx.random();
            let successor = token.successor(self.keys().refresh(), &nonce);
            store::rotate_refresh_token(tx, found.session, &token.hash(), &nonce, &successor.hash()).await?;
            return Ok(Some((found, successor)));
        };
        if rotation.successor_unused && tx.wall() - rotation.at <= RETRY_GRACE {
            let successor = token.successor(self.keys().refresh(), &rotation.nonce);
            return Ok(Some((found, successor)));
        }
        end_session(tx, found.user, found.session, "token_reuse").await?;
        Ok(None)
    }

    /// Ends one session.
    pub async fn logout(
        &self,
        context: &Context,
        user: UserId,
        session: SessionId,
    ) -> Result<(), IdentityError> {
        self.tx("logout", context, |tx| {
            async move { end_session(tx, user, session, "logout").await }.scope_boxed()
        })
        .await?;
        self.revocations().add(session, self.clock().wall());
        Ok(())
    }

    /// Ends every session of a user.
    pub async fn logout_all(&self, context: &Context, user: UserId) -> Result<(), IdentityError> {
        let ended = self
            .tx("logout_all", context, |tx| {
                async move {
                    let ended = store::revoke_sessions(tx, user, "logout_all").await?;
                    let entry = audit::Entry {
                        action: "session.all_ended",
                        subject_kind: "user",
                        subject_id: user.to_string(),
                        user: Some(user),
                        details: json!({ "sessions": ended.len() }),
                    };
                    audit::record(tx, entry).await?;
                    Ok::<_, IdentityError>(ended)
                }
                .scope_boxed()
            })
            .await?;
        for session in ended {
            self.revocations().add(session, self.clock().wall());
        }
        Ok(())
    }

    /// Who presents this access token. Asks the database only when the list of revocations is too old.
    pub async fn authenticate(&self, access_token: &str) -> Result<Actor, IdentityError> {
        let wall = self.clock().wall();
        let verified = self.keys().access_tokens().verify(access_token, wall.unix_timestamp());
        let claims = verified.map(|verified| verified.claims).map_err(|reason| {
            tracing::debug!(jwt.refused = %reason, "access token refused");
            IdentityError::SessionEnded
        })?;
        let session = SessionId::from_uuid(claims.sid);
        if self.revocations().is_revoked(self.db(), session).await? {
            return Err(IdentityError::SessionEnded);
        }
        let role = claims.role.parse().map_err(|_| IdentityError::SessionEnded)?;
        Ok(Actor::User { id: UserId::from_uuid(claims.sub), session, role })
    }

    /// Whose browser presents this cookie.
    pub async fn page_session(&self, cookie: &str) -> Result<Option<PageSession>, IdentityError> {
        let Ok(token) = OpaqueToken::parse(cookie) else { return Ok(None) };
        let (wall, hash) = (self.clock().wall(), token.hash());
        let row = sqlx::query!(
            "SELECT sessions.id, sessions.user_id, users.email, users.role, users.locale
             FROM sessions JOIN users ON users.id = sessions.user_id
             WHERE sessions.cookie_hash = $1
               AND sessions.revoked_at IS NULL
               AND sessions.expires_at > $2
               AND users.frozen_at IS NULL",
            hash.as_slice(),
            wall
        )
        .fetch_optional(self.db())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (user, session) = (UserId::from_uuid(row.user_id), SessionId::from_uuid(row.id));
        let role = store::role(&row.role)?;
        Ok(Some(PageSession {
            actor: Actor::User { id: user, session, role },
            user,
            session,
            email: row.email,
            locale: store::locale(&row.locale)?,
        }))
    }

    /// Forgets sessions that ended long ago, with their refresh tokens. Part of the retention sweep.
    pub(crate) async fn forget_ended_sessions(&self) -> Result<u64, StoreError> {
        let context = Context::system("retention");
        self.tx("forget_ended_sessions", &context, |tx| {
            async move { store::delete_ended_sessions(tx, KEPT_AFTER_END).await }.scope_boxed()
        })
        .await
    }

    async fn authenticate_password(
        &self,
        context: &Context,
        email: &Email,
        password: &SecretString,
    ) -> Result<Account, IdentityError> {
        if password.expose_secret().len() > MAX_PASSWORD_BYTES {
            return Err(IdentityError::InvalidCredentials);
        }
        let account = store::find_account(self.db(), email.key()).await?;
        let stored = account.as_ref().map(|account| account.password_hash.clone());
        let fits = self.passwords().verify(password, stored).await?;
        let user = account.as_ref().map(|account| account.id);
        if let Some(account) = account.filter(|account| fits && !account.frozen) {
            return Ok(account);
        }
        self.tx("login_refused", context, |tx| {
            async move {
                let entry = audit::Entry {
                    action: "login.refused",
                    subject_kind: "user",
                    subject_id: user.map_or_else(|| "unknown".to_owned(), |user| user.to_string()),
                    user,
                    details: json!({}),
                };
                audit::record(tx, entry).await
            }
            .scope_boxed()
        })
        .await?;
        Err(IdentityError::InvalidCredentials)
    }

    fn token_pair(
        &self,
        user: UserId,
        session: SessionId,
        role: Role,
        refresh_token: &OpaqueToken,
    ) -> Result<TokenPair, IdentityError> {
        let iat = self.clock().wall().unix_timestamp();
        let claims = Claims {
            sub: user.uuid(),
            sid: session.uuid(),
            jti: uuid::Builder::from_random_bytes(crypto::random::bytes(&**self.random())).into_uuid(),
            role: role.as_str().to_owned(),
            iat,
            exp: iat + ACCESS_TOKEN_LIFE.whole_seconds(),
        };
        let signed = self.keys().access_tokens().issue(&claims);
        let signed = signed.map_err(|error| StoreError::Encryption(error.to_string()))?;
        Ok(TokenPair {
            access_token: SecretString::from(signed),
            expires_in: ACCESS_TOKEN_LIFE.whole_seconds(),
            refresh_token: refresh_token.reveal(),
        })
    }
}

async fn open_session(
    tx: &mut Tx,
    account: &Account,
    device: &Device,
    cookie_hash: Option<&[u8; 32]>,
) -> Result<SessionId, StoreError> {
    let session = SessionId::new(tx.wall(), &tx.entropy());
    let expires_at: Instant = tx.wall() + SESSION_LIFE;
    store::insert_session(tx, session, account.id, device, cookie_hash, expires_at).await?;
    let entry = audit::Entry {
        action: "login.succeeded",
        subject_kind: "session",
        subject_id: session.to_string(),
        user: Some(account.id),
        details: json!({}),
    };
    audit::record(tx, entry).await?;
    Ok(session)
}

async fn end_session(
    tx: &mut Tx,
    user: UserId,
    session: SessionId,
    cause: &str,
) -> Result<(), IdentityError> {
    if store::revoke_session(tx, session, cause).await? {
        let entry = audit::Entry {
            action: "session.ended",
            subject_kind: "session",
            subject_id: session.to_string(),
            user: Some(user),
            details: json!({ "cause": cause }),
        };
        audit::record(tx, entry).await?;
    }
    Ok(())
}
