//! The exchange of refresh tokens (SEC-17, 18).
//!
//! A refresh token is exchanged once. Its successor is derived from it, so a client that lost the answer gets the
//! identical one when it asks again within seconds; anything older that comes back was stolen, and its family ends. Where
//! it comes back from another network than the family was last seen in, somebody else has it: the account is frozen
//! until an admin has looked at it (SEC-61).

use crypto::token::OpaqueToken;
use domain::time::Duration;
use scoped_futures::ScopedFutureExt;
use serde_json::json;

use super::devices::Device;
use super::sessions::{self, IDLE_LIMIT, TokenPair};
use super::store::{self, Presented};
use super::{IdentityError, freeze, notices};
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::notifications::SecurityEvent;
use crate::tx::Tx;

/// So long a client that lost the answer may present the same refresh token again (SEC-18; wall time).
const RETRY_GRACE: Duration = Duration::seconds(10);

/// How an exchange ended.
enum Exchanged {
    /// The next token.
    For(Box<Presented>, OpaqueToken),
    /// Not one of ours, or its session is over.
    Refused,
    /// It came back after it was exchanged: its family has ended, and these sessions with it.
    Stolen(Vec<domain::ids::SessionId>),
}

impl App {
    /// Exchanges a refresh token for the next pair.
    pub async fn refresh(
        &self,
        context: &Context,
        presented: &str,
        device: &Device,
    ) -> Result<TokenPair, IdentityError> {
        let token = OpaqueToken::parse(presented).map_err(|_| IdentityError::SessionEnded)?;
        let exchanged = self
            .tx("refresh", context, |tx| {
                let token = &token;
                async move { self.exchange(tx, token, device).await }.scope_boxed()
            })
            .await?;
        match exchanged {
            Exchanged::For(found, successor) => {
                let role = found.role.on_session(found.second_factor);
                self.token_pair(found.user, found.session, role, &successor, found.session_expires_at)
            }
            Exchanged::Refused => Err(IdentityError::SessionEnded),
            Exchanged::Stolen(sessions) => {
                self.revoked(&sessions);
                Err(IdentityError::SessionEnded)
            }
        }
    }

    /// A refusal is no error here: the end of a stolen family must be committed.
    async fn exchange(
        &self,
        tx: &mut Tx,
        token: &OpaqueToken,
        device: &Device,
    ) -> Result<Exchanged, IdentityError> {
        let Some(found) = store::lock_refresh_token(tx, &token.hash()).await? else {
            return Ok(Exchanged::Refused);
        };
        let idle = tx.wall() - found.last_used_at > IDLE_LIMIT;
        if found.revoked || found.frozen || idle || found.session_expires_at <= tx.wall() {
            return Ok(Exchanged::Refused);
        }
        let Some(rotation) = &found.rotation else {
            let nonce: [u8; 16] = tx.random();
            let successor = token.successor(self.keys().refresh(), &nonce);
            store::rotate_refresh_token(tx, found.session, &token.hash(), &nonce, &successor.hash(), device)
                .await?;
            return Ok(Exchanged::For(Box::new(found), successor));
        };
        if rotation.successor_unused && tx.wall() - rotation.at <= RETRY_GRACE {
            // The one that was given out, by whichever secret was in use then.
            let mut made = self.keys().refreshes().iter().map(|key| token.successor(key, &rotation.nonce));
            if let Some(successor) = made.find(|made| made.hash().as_slice() == rotation.successor_hash) {
                return Ok(Exchanged::For(Box::new(found), successor));
            }
            // Made by an instance that has another secret: nobody's fault, but nothing that can be told again here.
            return Ok(Exchanged::Refused);
        }
        stolen(tx, &found, device).await.map(Exchanged::Stolen)
    }
}

async fn stolen(
    tx: &mut Tx,
    found: &Presented,
    device: &Device,
) -> Result<Vec<domain::ids::SessionId>, IdentityError> {
    sessions::end(tx, found.user, found.session, "token_reuse").await?;
    let elsewhere = found.network != device.network();
    let entry = audit::Entry {
        action: "session.stolen",
        subject_kind: "session",
        subject_id: found.session.to_string(),
        user: Some(found.user),
        details: json!({ "other_network": elsewhere }),
    };
    audit::record(tx, entry).await?;
    notices::tell(tx, found.user, SecurityEvent::SessionStolen, device).await?;
    let mut ended = vec![found.session];
    if elsewhere {
        let reason = "a refresh token was used twice, the second time from another network";
        ended.extend(freeze::by_rule(tx, found.user, reason).await?);
    }
    Ok(ended)
}
