//! Questions that wait for a code.

use crypto::token::OpaqueToken;
use domain::ids::{ChallengeId, UserId};
use domain::time::{Duration, Instant};

use crate::app::App;
use crate::identity::login::Client;
use crate::tx::{StoreError, Tx};

/// How long a challenge waits (SEC-12; wall time).
const CHALLENGE_LIFE: Duration = Duration::minutes(10);

/// A challenge that waits.
#[derive(Clone, Debug)]
pub(in crate::identity) struct Waiting {
    pub(in crate::identity) id: ChallengeId,
    pub(in crate::identity) user: UserId,
    /// The hash of the code that was sent to the telephone.
    pub(super) sms_code_hash: Option<Vec<u8>>,
    /// The provider's name of its own check.
    pub(super) sms_reference: Option<String>,
    pub(super) sms_expires_at: Option<Instant>,
}

/// What a challenge that nobody holds a token for is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::identity) enum Purpose {
    /// A telephone is confirmed.
    SmsConfirm,
    /// Somebody who is logged in proves who they are.
    Proof,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::SmsConfirm => "sms_confirm",
            Self::Proof => "proof",
        }
    }
}

/// Opens the challenge of a login.
pub(in crate::identity) async fn open_login(
    tx: &mut Tx,
    user: UserId,
    token_hash: &[u8; 32],
    client: Client,
) -> Result<(), StoreError> {
    let (id, now) = (ChallengeId::new(tx.wall(), &tx.entropy()), tx.wall());
    sqlx::query!(
        "INSERT INTO challenges (id, user_id, purpose, token_hash, browser, created_at, expires_at)
         VALUES ($1, $2, 'login', $3, $4, $5, $6)",
        id.uuid(),
        user.uuid(),
        token_hash.as_slice(),
        client == Client::Browser,
        now,
        now + CHALLENGE_LIFE
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

/// Opens the one challenge of its kind anew; the tries and messages of one that still waits go on counting.
pub(super) async fn open(tx: &mut Tx, user: UserId, purpose: Purpose) -> Result<ChallengeId, StoreError> {
    let (id, now) = (ChallengeId::new(tx.wall(), &tx.entropy()), tx.wall());
    let opened = sqlx::query_scalar!(
        "INSERT INTO challenges AS waiting (id, user_id, purpose, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (user_id, purpose) WHERE token_hash IS NULL DO UPDATE
         SET created_at = $4,
             expires_at = $5,
             sms_code_hash = NULL,
             sms_reference = NULL,
             sms_expires_at = NULL,
             tries = CASE WHEN waiting.expires_at > $4 THEN waiting.tries ELSE 0 END,
             sms_sent = CASE WHEN waiting.expires_at > $4 THEN waiting.sms_sent ELSE 0 END
         RETURNING id",
        id.uuid(),
        user.uuid(),
        purpose.as_str(),
        now,
        now + CHALLENGE_LIFE
    )
    .fetch_one(tx.db())
    .await?;
    Ok(ChallengeId::from_uuid(opened))
}

/// Ends a challenge that was answered; says whether it still waited.
pub(in crate::identity) async fn close(tx: &mut Tx, id: ChallengeId) -> Result<bool, StoreError> {
    let wall = tx.wall();
    let query = sqlx::query!("DELETE FROM challenges WHERE id = $1 AND expires_at > $2", id.uuid(), wall);
    Ok(query.execute(tx.db()).await?.rows_affected() == 1)
}

/// Ends every challenge of a user: what they were about has changed.
pub(in crate::identity) async fn close_all(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM challenges WHERE user_id = $1", user.uuid()).execute(tx.db()).await?;
    Ok(())
}

impl App {
    /// The login that somebody holds a token for.
    pub(in crate::identity) async fn find_login_challenge(
        &self,
        token: &OpaqueToken,
        client: Client,
    ) -> Result<Option<Waiting>, StoreError> {
        let (wall, hash) = (self.clock().wall(), token.hash());
        let row = sqlx::query!(
            "SELECT challenges.id, user_id, sms_code_hash, sms_reference, sms_expires_at
             FROM challenges JOIN users ON users.id = challenges.user_id
             WHERE token_hash = $1 AND purpose = 'login' AND browser = $2 AND expires_at > $3
               AND users.frozen_at IS NULL",
            hash.as_slice(),
            client == Client::Browser,
            wall
        )
        .fetch_optional(self.db())
        .await?;
        Ok(row.map(|row| Waiting {
            id: ChallengeId::from_uuid(row.id),
            user: UserId::from_uuid(row.user_id),
            sms_code_hash: row.sms_code_hash,
            sms_reference: row.sms_reference,
            sms_expires_at: row.sms_expires_at,
        }))
    }

    /// The one challenge of its kind that a user has.
    pub(super) async fn find_challenge(
        &self,
        user: UserId,
        purpose: Purpose,
    ) -> Result<Option<Waiting>, StoreError> {
        let wall = self.clock().wall();
        let row = sqlx::query!(
            "SELECT id, user_id, sms_code_hash, sms_reference, sms_expires_at
             FROM challenges
             WHERE user_id = $1 AND purpose = $2 AND token_hash IS NULL AND expires_at > $3",
            user.uuid(),
            purpose.as_str(),
            wall
        )
        .fetch_optional(self.db())
        .await?;
        Ok(row.map(|row| Waiting {
            id: ChallengeId::from_uuid(row.id),
            user: UserId::from_uuid(row.user_id),
            sms_code_hash: row.sms_code_hash,
            sms_reference: row.sms_reference,
            sms_expires_at: row.sms_expires_at,
        }))
    }
}
