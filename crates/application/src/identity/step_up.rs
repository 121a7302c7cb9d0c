//! Step-up: permission for one action, given for a fresh second factor (SEC-24).
//!
//! The token is bound to the session, the method, the path and the body of the request that it is for, lives five
//! minutes and is burnt by its first use, whatever comes of it.

use crypto::fingerprint::constant_time_eq;
use crypto::token::OpaqueToken;
use domain::ids::{SessionId, UserId};
use domain::time::Duration;
use scoped_futures::ScopedFutureExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::IdentityError;
use super::guesses::Counted;
use super::second_factor::{self, Method};
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::tx::Tx;

/// How long a permission lives (wall time).
pub const STEP_UP_LIFE: Duration = Duration::minutes(5);

/// The one request that a permission is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// `POST`, `DELETE` …
    pub method: String,
    /// Its path, with its query.
    pub path: String,
    /// SHA-256 of its body.
    pub body_sha256: [u8; 32],
}

impl App {
    /// Gives a permission for a code of a factor that is old enough.
    pub async fn step_up(
        &self,
        context: &Context,
        user: UserId,
        session: SessionId,
        action: &Action,
        method: Method,
        code: &SecretString,
    ) -> Result<SecretString, IdentityError> {
        let trusted = self
            .tx("look_at_factor", context, |tx| {
                async move { Ok::<_, IdentityError>(second_factor::is_trusted(tx, user, method).await?) }
                    .scope_boxed()
            })
            .await?;
        if !trusted {
            return Err(IdentityError::FactorNotTrusted);
        }
        let challenge = self.proof_challenge(user, method).await?;
        self.try_code(context, Counted::Codes(user), user, challenge.as_ref(), method, code).await?;
        let token = OpaqueToken::random(&**self.random());
        self.tx("step_up", context, |tx| {
            let token = &token;
            async move {
                insert(tx, session, action, &token.hash()).await?;
                let details = json!({ "method": action.method, "path": action.path });
                Ok::<_, IdentityError>(
                    audit::record(tx, entry("step_up.granted", user, session, details)).await?,
                )
            }
            .scope_boxed()
        })
        .await?;
        Ok(token.reveal())
    }

    /// Burns a permission; an error unless it was for exactly this request of this session.
    pub async fn use_step_up(
        &self,
        context: &Context,
        user: UserId,
        session: SessionId,
        action: &Action,
        token: &SecretString,
    ) -> Result<(), IdentityError> {
        let token = OpaqueToken::parse(token.expose_secret()).map_err(|_| IdentityError::StepUpRequired)?;
        let fits = self
            .tx("use_step_up", context, |tx| {
                let hash = token.hash();
                async move {
                    let fits = burn(tx, session, action, &hash).await?;
                    if !fits {
                        audit::record(tx, entry("step_up.refused", user, session, json!({}))).await?;
                    }
                    Ok::<_, IdentityError>(fits)
                }
                .scope_boxed()
            })
            .await?;
        if fits { Ok(()) } else { Err(IdentityError::StepUpRequired) }
    }
}

async fn insert(
    tx: &mut Tx,
    session: SessionId,
    action: &Action,
    token_hash: &[u8; 32],
) -> Result<(), IdentityError> {
    let now = tx.wall();
    sqlx::query!(
        "INSERT INTO step_ups (token_hash, session_id, method, path, body_sha256, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        token_hash.as_slice(),
        session.uuid(),
        action.method,
        action.path,
        action.body_sha256.as_slice(),
        now,
        now + STEP_UP_LIFE
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

async fn burn(
    tx: &mut Tx,
    session: SessionId,
    action: &Action,
    token_hash: &[u8; 32],
) -> Result<bool, IdentityError> {
    let wall = tx.wall();
    let row = sqlx::query!(
        "DELETE FROM step_ups WHERE token_hash = $1 RETURNING session_id, method, path, body_sha256, expires_at",
        token_hash.as_slice()
    )
    .fetch_optional(tx.db())
    .await?;
    Ok(row.is_some_and(|row| {
        row.session_id == session.uuid()
            && row.method == action.method
            && row.path == action.path
            && constant_time_eq(&row.body_sha256, &action.body_sha256)
            && row.expires_at > wall
    }))
}

fn entry(action: &'static str, user: UserId, session: SessionId, details: serde_json::Value) -> audit::Entry {
    audit::Entry {
        action,
        subject_kind: "session",
        subject_id: session.to_string(),
        user: Some(user),
        details,
    }
}
