//! The sealer: gives what was committed its positions in the chain, and signs.
//!
//! One at a time, under a lock of the database. An entry is taken once every transaction that could still commit before it
//! is over (`pg_snapshot_xmin`), so that the chain has the order of transactions and never comes back to an earlier place.
//! A database that was restored elsewhere counts its transactions anew: what it brought along unsealed is sealed first,
//! whatever its numbers, then its own count begins.

use std::error::Error;
use std::time::Duration as StdDuration;

use crypto::audit_signature::Signed;
use domain::time::{Duration, Instant};
use serde::Serialize;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use super::anchor::Anchors;
use super::canonical::{GENESIS, entry_hash, seal_hash};
use super::stored::{MAX_ENTRIES, Recorded, Seal, checkpoint, last_seal};
use crate::actor::Context;
use crate::alerts;
use crate::app::App;
use crate::tx::StoreError;

/// How often the sealer looks.
const EVERY: StdDuration = StdDuration::from_secs(1);
/// How often the head is kept outside (wall time).
const ANCHOR_EVERY: Duration = Duration::seconds(60);
/// How often it looks whether it is late (wall time).
const LAG_EVERY: Duration = Duration::seconds(15);
/// An entry that waits longer for its seal raises an alert (SEC-54).
pub const MAX_LAG: Duration = Duration::seconds(60);
/// How long the last seal and anchor of a stopping process may take.
const LAST_LIMIT: StdDuration = StdDuration::from_secs(5);

/// What one look of the sealer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// Another instance is sealing.
    Elsewhere,
    /// Nothing was there to seal.
    Nothing,
    /// So many entries got their seal; more may wait if the seal is full.
    Entries(i64),
}

/// The head of the chain: what an anchor keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The number of its seal.
    pub number: i64,
    /// Its last position.
    pub position: i64,
    /// The seal's hash, which holds everything before it.
    pub hash: String,
    /// When it was sealed (wall time).
    #[serde(with = "time::serde::rfc3339")]
    pub sealed_at: Instant,
    /// The key that signed it.
    pub kid: String,
    /// The signature, hexadecimal.
    pub signature: String,
}

impl Head {
    pub(super) fn of(seal: &Seal) -> Self {
        Self {
            number: seal.number,
            position: seal.last(),
            hash: hex::encode(&seal.hash),
            sealed_at: seal.sealed_at,
            kid: seal.kid.clone(),
            signature: hex::encode(&seal.signature),
        }
    }
}

/// Where the database counts its transactions.
struct Place {
    xmin: i64,
    xmax: i64,
    epoch: String,
}

/// What the next seal follows.
struct Before {
    number: i64,
    position: i64,
    hash: Vec<u8>,
    horizon: i64,
    epoch: String,
}

impl App {
    /// Seals what waits, up to a full seal.
    pub async fn seal_audit(&self) -> Result<Sealed, StoreError> {
        let mut turn = self.db().begin().await?;
        let mine = sqlx::query_scalar!(
            r#"SELECT pg_try_advisory_xact_lock(hashtextextended('calmness/audit-sealer', 0)) AS "mine!""#
        );
        if !mine.fetch_one(&mut *turn).await? {
            return Ok(Sealed::Elsewhere);
        }
        let sealed = self.seal_next(&mut turn).await?;
        turn.commit().await?;
        Ok(sealed)
    }

    async fn seal_next(&self, db: &mut PgConnection) -> Result<Sealed, StoreError> {
        let before = before(&mut *db).await?;
        let place = place(&mut *db).await?;
        let starts_anew = before.epoch != place.epoch;
        let entries = if starts_anew {
            remainder(&mut *db, &place).await?
        } else {
            committed_since(&mut *db, before.horizon, place.xmin).await?
        };
        let count = i64::try_from(entries.len()).unwrap_or(MAX_ENTRIES);
        if count == 0 && !starts_anew {
            return Ok(Sealed::Nothing);
        }
        let full = count == MAX_ENTRIES;
        let (horizon, epoch) = match entries.last() {
            // More of the remainder waits: it is still the earlier count.
            Some(_) if full && starts_anew => (before.horizon, before.epoch.clone()),
            Some(last) if full => (last.xact_id, place.epoch),
            _ => (place.xmin, place.epoch),
        };
        let hashes: Vec<Vec<u8>> = entries.iter().map(|entry| entry_hash(entry).to_vec()).collect();
        let mut seal = Seal {
            number: before.number + 1,
            first_position: before.position + 1,
            entries: count,
            previous: before.hash,
            hash: Vec::new(),
            horizon,
            epoch,
            sealed_at: domain::time::to_microseconds(self.clock().wall()),
            kid: self.keys().audit().public().kid.clone(),
            signature: Vec::new(),
        };
        let hash = seal_hash(&seal, &seal.previous, hashes.iter().map(Vec::as_slice));
        seal.hash = hash.to_vec();
        seal.signature = self.keys().audit().sign(Signed::Head, &hash);
        let ids: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
        write(db, &seal, &ids, &hashes).await?;
        Ok(Sealed::Entries(count))
    }

    /// Seals everything that can be sealed now. Says how many entries that were.
    pub async fn seal_audit_wholly(&self) -> Result<i64, StoreError> {
        let mut sealed = 0;
        while let Sealed::Entries(count) = self.seal_audit().await? {
            sealed += count;
            if count < MAX_ENTRIES {
                break;
            }
        }
        Ok(sealed)
    }

    /// The newest seal.
    pub async fn audit_head(&self) -> Result<Option<Head>, StoreError> {
        Ok(last_seal(self.db()).await?.as_ref().map(Head::of))
    }

    /// Raises an alert if an entry has waited too long for its seal.
    pub async fn raise_if_unsealed(&self) -> Result<(), StoreError> {
        let Some(oldest) = oldest_unsealed(self.db()).await? else { return Ok(()) };
        if self.clock().wall() - oldest <= MAX_LAG {
            return Ok(());
        }
        let details = json!({ "oldest_us": domain::time::microseconds_between(Instant::UNIX_EPOCH, oldest) });
        self.raise_of_audit(alerts::Kind::AuditUnsealed, "audit_unsealed", details).await
    }

    pub(super) async fn raise_of_audit(
        &self,
        kind: alerts::Kind,
        condition: &str,
        details: serde_json::Value,
    ) -> Result<(), StoreError> {
        use scoped_futures::ScopedFutureExt;
        let (context, details) = (Context::system("audit"), &details);
        self.tx("audit_alert", &context, |tx| {
            async move { alerts::raise(tx, kind, condition, details.clone()).await }.scope_boxed()
        })
        .await
    }
}

/// When the oldest entry that still waits for its seal was written.
pub async fn oldest_unsealed(db: &PgPool) -> Result<Option<Instant>, StoreError> {
    let from = last_seal(db).await?.map_or(0, |seal| seal.horizon);
    let oldest = sqlx::query_scalar!(
        "SELECT min(occurred_at) FROM audit_logs
         WHERE xact_id >= ($1::bigint)::text::xid8
           AND NOT EXISTS (SELECT FROM audit_chain WHERE entry_id = audit_logs.id)",
        from
    );
    Ok(oldest.fetch_one(db).await?)
}

/// Seals and anchors until `stop`, and once more then.
pub(crate) async fn keep_sealed(app: App, stop: CancellationToken) {
    let mut anchors = Anchors::new(app.options().audit_anchor_file.clone());
    let (mut last_anchor, mut last_lag): (Option<Instant>, Option<Instant>) = (None, None);
    let over = |last: Option<Instant>, now: Instant, every| last.is_none_or(|last| now - last >= every);
    loop {
        if let Err(error) = app.seal_audit_wholly().await {
            tracing::error!(error = &error as &dyn Error, "the audit log could not be sealed");
        }
        let now = app.clock().wall();
        if over(last_anchor, now, ANCHOR_EVERY) {
            last_anchor = Some(now);
            anchor(&app, &mut anchors).await;
        }
        if over(last_lag, now, LAG_EVERY) {
            last_lag = Some(now);
            if let Err(error) = app.raise_if_unsealed().await {
                tracing::error!(error = &error as &dyn Error, "whether the audit log is sealed is not known");
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    let last = async {
        if let Err(error) = app.seal_audit_wholly().await {
            tracing::error!(error = &error as &dyn Error, "the audit log could not be sealed");
        }
        anchor(&app, &mut anchors).await;
    };
    if tokio::time::timeout(LAST_LIMIT, last).await.is_err() {
        tracing::warn!("stopped before the audit log was sealed; the next start seals it");
    }
}

async fn anchor(app: &App, anchors: &mut Anchors) {
    let head = match app.audit_head().await {
        Ok(Some(head)) => head,
        Ok(None) => return,
        Err(error) => {
            tracing::error!(error = &error as &dyn Error, "the head of the audit chain could not be read");
            return;
        }
    };
    if let Err(error) = anchors.keep(&head, app.clock().wall()).await {
        tracing::error!(
            error = &error as &dyn Error,
            "the head of the audit chain could not be kept outside"
        );
    }
}

async fn before(db: &mut PgConnection) -> Result<Before, StoreError> {
    if let Some(seal) = last_seal(&mut *db).await? {
        let position = seal.last();
        return Ok(Before {
            number: seal.number,
            position,
            hash: seal.hash,
            horizon: seal.horizon,
            epoch: seal.epoch,
        });
    }
    let cut = checkpoint(db).await?;
    let (number, position, hash) = match cut {
        Some(cut) => (cut.seal_number, cut.position, cut.hash),
        None => (0, 0, GENESIS.to_vec()),
    };
    Ok(Before { number, position, hash, horizon: 0, epoch: String::new() })
}

/// The cluster and the database in it: a copy elsewhere is another place.
async fn place(db: &mut PgConnection) -> Result<Place, StoreError> {
    let place = sqlx::query_as!(
        Place,
        r#"SELECT pg_snapshot_xmin(snapshot)::text::bigint AS "xmin!", pg_snapshot_xmax(snapshot)::text::bigint AS "xmax!",
                  (SELECT system_identifier FROM pg_control_system()) || '/' ||
                  (SELECT oid FROM pg_database WHERE datname = current_database()) AS "epoch!"
           FROM pg_current_snapshot() AS snapshot"#
    );
    Ok(place.fetch_one(db).await?)
}

macro_rules! select_unsealed {
    ($condition:literal, $order:literal $(, $argument:expr)*) => {
        sqlx::query_as!(
            Recorded,
            r#"SELECT id, xact_id::text::bigint AS "xact_id!", occurred_at, business_at, actor_kind, actor_id, action,
                      subject_kind, subject_id, user_id, request_id, address, details::text AS "details!", personal_hash
               FROM audit_logs
               WHERE NOT EXISTS (SELECT FROM audit_chain WHERE entry_id = audit_logs.id) AND ("#
                + $condition + ") ORDER BY " + $order
            $(, $argument)*
        )
    };
}

async fn committed_since(db: &mut PgConnection, from: i64, xmin: i64) -> Result<Vec<Recorded>, StoreError> {
    let entries = select_unsealed!(
        "xact_id >= ($1::bigint)::text::xid8 AND xact_id < ($2::bigint)::text::xid8",
        "xact_id, id LIMIT $3",
        from,
        xmin,
        MAX_ENTRIES
    );
    Ok(entries.fetch_all(db).await?)
}

/// What a database holds that never sealed here: also entries of transactions that this one has not counted to yet, which
/// only a restored copy can have. They are older than anything of its own.
async fn remainder(db: &mut PgConnection, place: &Place) -> Result<Vec<Recorded>, StoreError> {
    let entries = select_unsealed!(
        "xact_id < ($1::bigint)::text::xid8 OR xact_id >= ($2::bigint)::text::xid8",
        "xact_id < ($2::bigint)::text::xid8, xact_id, id LIMIT $3",
        place.xmin,
        place.xmax,
        MAX_ENTRIES
    );
    Ok(entries.fetch_all(db).await?)
}

async fn write(
    db: &mut PgConnection,
    seal: &Seal,
    ids: &[i64],
    hashes: &[Vec<u8>],
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO audit_chain (position, entry_id, hash)
         SELECT $1 + place - 1, id, hash
         FROM unnest($2::bigint[], $3::bytea[]) WITH ORDINALITY AS link (id, hash, place)",
        seal.first_position,
        ids,
        hashes
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "INSERT INTO audit_seals (number, first_position, entries, previous, hash, horizon, epoch, sealed_at, kid,
                                  signature)
         VALUES ($1, $2, ($3::bigint)::integer, $4, $5, ($6::bigint)::text::xid8, $7, $8, $9, $10)",
        seal.number,
        seal.first_position,
        seal.entries,
        seal.previous,
        seal.hash,
        seal.horizon,
        seal.epoch,
        seal.sealed_at,
        seal.kid,
        seal.signature
    )
    .execute(db)
    .await?;
    Ok(())
}
