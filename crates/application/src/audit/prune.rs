//! Retention of the log itself: whole seals are cut from the beginning, and a signed checkpoint stands in their place.
//!
//! The service may not delete, so the owner's connection does it.

use crypto::audit_signature::Signed;
use domain::time::Instant;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use thiserror::Error;

use super::canonical::checkpoint_hash;
use super::stored::{Checkpoint, seal};
use crate::actor::Actor;
use crate::app::App;
use crate::tx::StoreError;

/// So many seals are cut with one commit.
const SEALS: i64 = 500;

/// Why nothing was cut.
#[derive(Debug, Error)]
pub enum PruneError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address is not the owner's.
    #[error("only the owner of the tables may cut the log: set MIGRATION_DATABASE_URL")]
    NotTheOwner,
}

impl From<sqlx::Error> for PruneError {
    fn from(error: sqlx::Error) -> Self {
        let refused = error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("42501"));
        if refused { Self::NotTheOwner } else { Self::Store(error.into()) }
    }
}

/// What was cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// So many seals.
    pub seals: i64,
    /// So many entries.
    pub entries: i64,
}

impl App {
    /// What a cut would take: whole seals older than an instant (wall time), never the newest one.
    pub async fn prunable_audit(&self, before: Instant) -> Result<Pruned, StoreError> {
        let found = sqlx::query!(
            r#"SELECT count(*) AS "seals!", COALESCE(sum(entries), 0)::bigint AS "entries!" FROM audit_seals
               WHERE sealed_at < $1 AND number < (SELECT max(number) FROM audit_seals)"#,
            before
        );
        let found = found.fetch_one(self.db()).await?;
        Ok(Pruned { seals: found.seals, entries: found.entries })
    }

    /// Cuts whole seals older than an instant (wall time), never the newest one; the rest verifies from a checkpoint.
    pub async fn prune_audit(&self, owner: &PgPool, before: Instant) -> Result<Pruned, PruneError> {
        let mut pruned = Pruned::default();
        loop {
            let mut turn = owner.begin().await?;
            sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('calmness/audit-sealer', 0))")
                .execute(&mut *turn)
                .await?;
            let cut = self.cut(&mut turn, before).await?;
            turn.commit().await?;
            if cut.seals == 0 {
                return Ok(pruned);
            }
            pruned.seals += cut.seals;
            pruned.entries += cut.entries;
        }
    }

    async fn cut(&self, db: &mut PgConnection, before: Instant) -> Result<Pruned, PruneError> {
        // In the chain's order, so that what is left begins where the checkpoint says.
        let number = sqlx::query_scalar!(
            "SELECT max(number) FROM (SELECT number, bool_and(sealed_at < $1) OVER (ORDER BY number) AS old
                                      FROM audit_seals ORDER BY number LIMIT $2) AS first
             WHERE old AND number < (SELECT max(number) FROM audit_seals)",
            before,
            SEALS
        );
        let Some(number) = number.fetch_one(&mut *db).await? else { return Ok(Pruned::default()) };
        let Some(last) = seal(&mut *db, number).await? else { return Ok(Pruned::default()) };
        let position = last.last();
        let reach = sqlx::query_scalar!(
            "SELECT max(business_at) FROM audit_logs JOIN audit_chain ON entry_id = id WHERE position <= $1",
            position
        );
        let reach = reach.fetch_one(&mut *db).await?;
        let known = sqlx::query_scalar!("SELECT max(business_until) FROM audit_checkpoints");
        let known = known.fetch_one(&mut *db).await?;
        let wall = domain::time::to_microseconds(self.clock().wall());
        let mut checkpoint = Checkpoint {
            seal_number: number,
            position,
            hash: last.hash,
            business_until: reach.max(known).unwrap_or(last.sealed_at),
            cut_at: wall,
            kid: self.keys().audit().public().kid.clone(),
            signature: Vec::new(),
        };
        checkpoint.signature = self.keys().audit().sign(Signed::Checkpoint, &checkpoint_hash(&checkpoint));
        insert(db, &checkpoint).await?;
        let pruned = delete(db, number, position).await?;
        let details = json!({ "seal": number, "position": position, "entries": pruned.entries });
        let business = self.now().await?.business;
        sqlx::query!(
            "INSERT INTO audit_logs (occurred_at, business_at, actor_kind, action, subject_kind, subject_id, details)
             VALUES ($1, $2, $3, 'audit.pruned', 'audit', 'chain', $4)",
            wall,
            business,
            Actor::Operator.kind(),
            details
        )
        .execute(db)
        .await?;
        Ok(pruned)
    }
}

async fn insert(db: &mut PgConnection, checkpoint: &Checkpoint) -> Result<(), PruneError> {
    sqlx::query!(
        "INSERT INTO audit_checkpoints (seal_number, position, hash, business_until, cut_at, kid, signature)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        checkpoint.seal_number,
        checkpoint.position,
        checkpoint.hash,
        checkpoint.business_until,
        checkpoint.cut_at,
        checkpoint.kid,
        checkpoint.signature
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn delete(db: &mut PgConnection, number: i64, position: i64) -> Result<Pruned, PruneError> {
    sqlx::query!(
        "DELETE FROM audit_personal USING audit_chain
         WHERE audit_personal.entry_id = audit_chain.entry_id AND position <= $1",
        position
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("DELETE FROM audit_logs USING audit_chain WHERE id = entry_id AND position <= $1", position)
        .execute(&mut *db)
        .await?;
    let entries = sqlx::query!("DELETE FROM audit_chain WHERE position <= $1", position);
    let entries = entries.execute(&mut *db).await?.rows_affected();
    let seals = sqlx::query!("DELETE FROM audit_seals WHERE number <= $1", number);
    let seals = seals.execute(db).await?.rows_affected();
    let count = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
    Ok(Pruned { seals: count(seals), entries: count(entries) })
}
