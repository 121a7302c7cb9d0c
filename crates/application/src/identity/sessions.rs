//! Sessions: one login on one device, from its opening to its end.
//!
//! An access token proves a session for half an hour without asking the database ([`super::revocations`]); a cookie
//! names it. Admins and supporters act as such only on a session that has shown a second factor (SEC-24).

use crypto::jwt::{Claims, JwtError};
use crypto::token::{API_KEY_PREFIX, OpaqueToken};
use domain::ids::{DeviceId, SessionId, UserId};
use domain::time::{Duration, Instant};
use scoped_futures::ScopedFutureExt;
use secrecy::SecretString;
use serde_json::json;

use super::devices::Device;
use super::login::Client;
use super::{IdentityError, cutoff, store};
use crate::actor::{Actor, Context, Role, Scope, Scopes};
use crate::app::App;
use crate::audit;
use crate::text::Locale;
use crate::tx::{StoreError, Tx};

/// A session ends after this long, whatever happens (SEC-19; wall time).
pub const SESSION_LIFE: Duration = Duration::days(30);
/// A session that nobody uses for this long ends too (SEC-19; wall time).
pub(super) const IDLE_LIMIT: Duration = Duration::days(14);
/// An access token is believed this long (A2; wall time), and never longer than its session lives.
const ACCESS_TOKEN_LIFE: Duration = Duration::seconds(crypto::jwt::MAX_LIFE_SECONDS);
/// A session that ended is kept this long, for its owner's list of devices (wall time).
const KEPT_AFTER_END: Duration = Duration::days(30);
/// A browser's last use is written down at most this often (wall time).
const NOTE_USE_EVERY: Duration = Duration::minutes(5);

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
    /// What they may do once a second factor was shown.
    pub role: Role,
}

/// A session in its owner's list of devices.
#[derive(Clone, Debug)]
pub struct SessionView {
    /// Which.
    pub id: SessionId,
    /// What the browser or program says it is.
    pub user_agent: String,
    /// The network that it was last seen in, short of its address.
    pub network: String,
    /// Whether it is a browser's.
    pub browser: bool,
    /// Whether a second factor was shown.
    pub second_factor: bool,
    /// When it was opened.
    pub created_at: Instant,
    /// When it was last used, to within some minutes.
    pub last_used_at: Instant,
    /// When it ends, if it is used until then.
    pub expires_at: Instant,
}

impl Role {
    /// What somebody of this role is on a session, depending on whether it has shown a second factor.
    #[must_use]
    pub const fn on_session(self, second_factor: bool) -> Self {
        if second_factor { self } else { Self::User }
    }
}

/// A session to be opened.
pub(super) struct NewSession<'a> {
    pub(super) user: UserId,
    pub(super) client: Client,
    pub(super) device: &'a Device,
    pub(super) device_id: DeviceId,
    pub(super) second_factor: bool,
}

/// Opens a session under a cookie or a first refresh token.
pub(super) async fn open(
    tx: &mut Tx,
    new: &NewSession<'_>,
    token_hash: &[u8; 32],
) -> Result<SessionId, StoreError> {
    let opened_at = cutoff::opening_instant(tx).await?;
    let session = SessionId::new(opened_at, &tx.entropy());
    let expires_at: Instant = opened_at + SESSION_LIFE;
    let cookie_hash = (new.client == Client::Browser).then_some(token_hash);
    store::insert_session(tx, session, new, cookie_hash, opened_at, expires_at).await?;
    if new.client == Client::Program {
        store::insert_refresh_token(tx, session, token_hash).await?;
    }
    let entry = audit::Entry {
        action: "login.succeeded",
        subject_kind: "session",
        subject_id: session.to_string(),
        user: Some(new.user),
        details: json!({ "second_factor": new.second_factor }),
    };
    audit::record(tx, entry).await?;
    Ok(session)
}

/// A second factor was shown on a session.
pub(super) async fn note_second_factor(tx: &mut Tx, session: SessionId) -> Result<(), StoreError> {
    let now = tx.wall();
    let query = sqlx::query!("UPDATE sessions SET second_factor_at = $2 WHERE id = $1", session.uuid(), now);
    query.execute(tx.db()).await?;
    Ok(())
}

/// No session of this user has shown a factor that still exists: whoever acted as more than a user logs in again.
pub(super) async fn forget_second_factors(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    let query = sqlx::query!("UPDATE sessions SET second_factor_at = NULL WHERE user_id = $1", user.uuid());
    query.execute(tx.db()).await?;
    if store::role_of(tx, user).await? != Some(Role::User) {
        end_all(tx, user, "factor_changed", None).await?;
    }
    Ok(())
}

/// Ends one session; says whether it was alive.
pub(super) async fn end(
    tx: &mut Tx,
    user: UserId,
    session: SessionId,
    cause: &str,
) -> Result<bool, StoreError> {
    let ended = store::revoke_session(tx, user, session, cause).await?;
    if ended {
        let entry = audit::Entry {
            action: "session.ended",
            subject_kind: "session",
            subject_id: session.to_string(),
            user: Some(user),
            details: json!({ "cause": cause }),
        };
        audit::record(tx, entry).await?;
    }
    Ok(ended)
}

/// Ends every session of a user but perhaps one, and names them.
pub(super) async fn end_all(
    tx: &mut Tx,
    user: UserId,
    cause: &str,
    but: Option<SessionId>,
) -> Result<Vec<SessionId>, StoreError> {
    let ended = store::revoke_sessions(tx, user, cause, but).await?;
    let entry = audit::Entry {
        action: "session.all_ended",
        subject_kind: "user",
        subject_id: user.to_string(),
        user: Some(user),
        details: json!({ "sessions": ended.len(), "cause": cause }),
    };
    audit::record(tx, entry).await?;
    Ok(ended)
}

impl App {
    /// Ends one session.
    pub async fn logout(
        &self,
        context: &Context,
        user: UserId,
        session: SessionId,
    ) -> Result<(), IdentityError> {
        self.end_session(context, user, session, "logout").await.map(drop)
    }

    /// Ends one of a user's sessions from their list; says whether it was there and alive.
    pub async fn revoke_session(
        &self,
        context: &Context,
        user: UserId,
        session: SessionId,
    ) -> Result<bool, IdentityError> {
        self.end_session(context, user, session, "revoked").await
    }

    async fn end_session(
        &self,
        context: &Context,
        user: UserId,
        session: SessionId,
        cause: &'static str,
    ) -> Result<bool, IdentityError> {
        let ended = self
            .tx("end_session", context, |tx| {
                async move { Ok::<_, IdentityError>(end(tx, user, session, cause).await?) }.scope_boxed()
            })
            .await?;
        if ended {
            self.revocations().add(session, self.clock().wall());
        }
        Ok(ended)
    }

    /// Ends every session of a user.
    pub async fn logout_all(&self, context: &Context, user: UserId) -> Result<(), IdentityError> {
        let ended = self
            .tx("logout_all", context, |tx| {
                async move { Ok::<_, IdentityError>(end_all(tx, user, "logout_all", None).await?) }
                    .scope_boxed()
            })
            .await?;
        self.revoked(&ended);
        Ok(())
    }

    /// What was just revoked here holds here at once.
    pub(crate) fn revoked(&self, sessions: &[SessionId]) {
        for session in sessions {
            self.revocations().add(*session, self.clock().wall());
        }
    }

    /// The living sessions of a user, the one used last first.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<SessionView>, StoreError> {
        let wall = self.clock().wall();
        let rows = sqlx::query!(
            r#"SELECT id, user_agent, network, cookie_hash IS NOT NULL AS "browser!",
                      second_factor_at IS NOT NULL AS "second_factor!", created_at, last_used_at, expires_at
               FROM sessions
               WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 AND last_used_at > $3
                 AND created_at > (SELECT not_before FROM session_cutoff)
               ORDER BY last_used_at DESC
               LIMIT 100"#,
            user.uuid(),
            wall,
            wall - IDLE_LIMIT
        )
        .fetch_all(self.db())
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| SessionView {
                id: SessionId::from_uuid(row.id),
                user_agent: row.user_agent,
                network: row.network,
                browser: row.browser,
                second_factor: row.second_factor,
                created_at: row.created_at,
                last_used_at: row.last_used_at,
                expires_at: row.expires_at,
            })
            .collect())
    }

    /// Who presents this access token or key of a machine. For a token it asks the database only when the list of revocations is too old.
    pub async fn authenticate(&self, access_token: &str) -> Result<Actor, IdentityError> {
        if access_token.starts_with(API_KEY_PREFIX) {
            return self.authenticate_key(access_token).await;
        }
        let now = self.clock().wall().unix_timestamp();
        let mut verified = self.keys().access_tokens().verify(access_token, now);
        if verified.as_ref().err() == Some(&JwtError::UnknownKey) && self.look_for_new_keys().await? {
            verified = self.keys().access_tokens().verify(access_token, now);
        }
        let verified = verified.map_err(|reason| {
            tracing::debug!(jwt.refused = %reason, "access token refused");
            IdentityError::SessionEnded
        })?;
        let claims = verified.claims;
        let session = SessionId::from_uuid(claims.sid);
        if self.revocations().is_revoked(self.db(), session, &verified.kid).await? {
            return Err(IdentityError::SessionEnded);
        }
        let role = claims.role.parse().map_err(|_| IdentityError::SessionEnded)?;
        Ok(Actor::User { id: UserId::from_uuid(claims.sub), session, role })
    }

    /// Writes down that somebody may not do what a route is for. Says whether their role would allow it once they showed a
    /// second factor.
    pub async fn deny(&self, context: &Context, user: UserId, scope: Scope) -> Result<bool, IdentityError> {
        self.tx("deny", context, |tx| {
            async move {
                let role = store::role_of(tx, user).await?;
                let person = matches!(tx.context().actor, Actor::User { .. });
                let entry = audit::Entry {
                    action: "access.denied",
                    subject_kind: "user",
                    subject_id: user.to_string(),
                    user: Some(user),
                    details: json!({ "scope": scope.as_str() }),
                };
                audit::record(tx, entry).await?;
                Ok(person && role.is_some_and(|role| Scopes::of_role(role).contains(scope)))
            }
            .scope_boxed()
        })
        .await
    }

    /// Whose browser presents this cookie.
    pub async fn page_session(&self, cookie: &str) -> Result<Option<PageSession>, IdentityError> {
        let Ok(token) = OpaqueToken::parse(cookie) else { return Ok(None) };
        let (wall, hash) = (self.clock().wall(), token.hash());
        let row = sqlx::query!(
            r#"SELECT sessions.id, sessions.user_id, users.email, users.role, users.locale, sessions.last_used_at,
                      sessions.second_factor_at IS NOT NULL AS "second_factor!"
               FROM sessions JOIN users ON users.id = sessions.user_id
               WHERE sessions.cookie_hash = $1
                 AND sessions.revoked_at IS NULL
                 AND sessions.created_at > (SELECT not_before FROM session_cutoff)
                 AND sessions.expires_at > $2
                 AND sessions.last_used_at > $3
                 AND users.frozen_at IS NULL"#,
            hash.as_slice(),
            wall,
            wall - IDLE_LIMIT
        )
        .fetch_optional(self.db())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (user, session) = (UserId::from_uuid(row.user_id), SessionId::from_uuid(row.id));
        if wall - row.last_used_at > NOTE_USE_EVERY {
            let query =
                sqlx::query!("UPDATE sessions SET last_used_at = $2 WHERE id = $1", session.uuid(), wall);
            query.execute(self.db()).await?;
        }
        let role = store::role(&row.role)?.on_session(row.second_factor);
        Ok(Some(PageSession {
            actor: Actor::User { id: user, session, role },
            user,
            session,
            email: row.email,
            locale: store::locale(&row.locale)?,
            role,
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

    pub(super) fn token_pair(
        &self,
        user: UserId,
        session: SessionId,
        role: Role,
        refresh_token: &OpaqueToken,
        session_ends_at: Instant,
    ) -> Result<TokenPair, IdentityError> {
        let wall = self.clock().wall();
        let iat = wall.unix_timestamp();
        let life = ACCESS_TOKEN_LIFE.min(session_ends_at - wall).whole_seconds();
        let claims = Claims {
            sub: user.uuid(),
            sid: session.uuid(),
            jti: uuid::Builder::from_random_bytes(crypto::random::bytes(&**self.random())).into_uuid(),
            role: role.as_str().to_owned(),
            iat,
            exp: iat + life,
        };
        let signed = self.keys().access_tokens().issue(&claims);
        let signed = signed.map_err(|error| StoreError::Encryption(error.to_string()))?;
        Ok(TokenPair {
            access_token: SecretString::from(signed),
            expires_in: life,
            refresh_token: refresh_token.reveal(),
        })
    }
}
