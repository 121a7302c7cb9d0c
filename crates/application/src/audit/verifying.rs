//! Verifying what the database holds.

use std::path::Path;

use crypto::receipt::PublicKeys;
use serde_json::json;
use sqlx::PgPool;

use super::anchor::{Anchors, AnchorsError};
use super::stored::{Links, MAX_ENTRIES, checkpoint, last_seal, seal, seals_after};
use super::verify::{Finding, Kind, Report, Walk};
use crate::alerts;
use crate::app::App;
use crate::tx::StoreError;

/// So many inserted entries are named.
const MAX_NAMED: i64 = 1_000;

/// How much to verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Everything, also what no seal holds.
    All,
    /// From a seal on, up to so many entries: a bounded look.
    Some {
        /// The first seal; the newest ones if there is none.
        from: Option<i64>,
        /// The most entries; whole seals are looked at.
        entries: i64,
    },
}

/// Tells how far it has come: so many of so many positions.
pub type Progress<'a> = &'a (dyn Fn(i64, i64) + Sync);

impl App {
    /// Verifies the chain against the published keys, and against anchors if a file of them is given. What is wrong raises
    /// an alert.
    pub async fn verify_audit(
        &self,
        range: Range,
        keys: &PublicKeys,
        anchors: Option<&Path>,
        progress: Progress<'_>,
    ) -> Result<Report, AnchorsOrStore> {
        let report = verify_database(self.db(), range, keys, anchors, progress).await?;
        if !report.holds() {
            let first = report.findings.first().map(|finding| finding.says.clone());
            let details = json!({ "wrong": report.wrong, "first": first });
            self.raise_of_audit(alerts::Kind::AuditBroken, "audit_broken", details).await?;
        }
        Ok(report)
    }
}

/// Verifies what a database holds, without telling anybody.
pub async fn verify_database(
    db: &PgPool,
    range: Range,
    keys: &PublicKeys,
    anchors: Option<&Path>,
    progress: Progress<'_>,
) -> Result<Report, AnchorsOrStore> {
    let mut walk = walk(db, range, keys, progress).await?;
    if let Some(file) = anchors {
        compare_anchors(db, &mut walk, file).await?;
    }
    Ok(walk.finish())
}

async fn walk<'a>(
    db: &PgPool,
    range: Range,
    keys: &'a PublicKeys,
    progress: Progress<'_>,
) -> Result<Walk<'a>, StoreError> {
    let head = last_seal(db).await?;
    let cut = checkpoint(db).await?;
    let mut walk = Walk::start(keys, cut.as_ref());
    let (last, end) = head.as_ref().map_or((0, 0), |head| (head.number, head.last()));
    let mut budget = i64::MAX;
    if let Range::Some { from, entries } = range {
        budget = entries;
        let before = match from {
            Some(from) => from.saturating_sub(1),
            None => seal_before_position(db, end.saturating_sub(entries)).await?,
        };
        if let Some(before) = seal(db, before).await? {
            walk = Walk::after(keys, &before);
        }
    }
    let mut links = Links::from(db, walk.next_position());
    let mut after = walk.report.began_after;
    walk.report.complete = range == Range::All || after == cut.as_ref().map_or(0, |cut| cut.seal_number);
    'seals: loop {
        let seals = seals_after(db, after, last).await?;
        let Some(newest) = seals.last() else { break };
        after = newest.number;
        for seal in &seals {
            if walk.report.seals > 0 && walk.report.entries.saturating_add(seal.entries) > budget {
                walk.report.complete = false;
                break 'seals;
            }
            let follows = walk.is_followed_by(seal);
            while let Some(link) = links.before(seal.first_position).await? {
                // Positions of a seal that is missing are told with it.
                if follows {
                    walk.report.find(stray(link.position, link.entry_id));
                }
            }
            let mut of_seal = Vec::new();
            while i64::try_from(of_seal.len()).unwrap_or(MAX_ENTRIES) < MAX_ENTRIES {
                let Some(link) = links.before(seal.end()).await? else { break };
                of_seal.push(link);
            }
            walk.seal(seal, &of_seal);
            progress(walk.next_position().saturating_sub(1), end);
        }
    }
    if range == Range::All {
        look_beside(db, &mut walk.report).await?;
    }
    Ok(walk)
}

async fn seal_before_position(db: &PgPool, position: i64) -> Result<i64, StoreError> {
    let number = sqlx::query_scalar!(
        "SELECT max(number) FROM audit_seals WHERE first_position + entries - 1 <= $1",
        position
    );
    Ok(number.fetch_one(db).await?.unwrap_or(0))
}

/// Entries that no position names though the sealer has passed them, and personal data without an entry.
async fn look_beside(db: &PgPool, report: &mut Report) -> Result<(), StoreError> {
    let rows = sqlx::query!(
        r#"WITH head AS (SELECT horizon, epoch FROM audit_seals ORDER BY number DESC LIMIT 1),
               place AS (SELECT (SELECT system_identifier FROM pg_control_system()) || '/' ||
                                (SELECT oid FROM pg_database WHERE datname = current_database()) AS epoch)
           SELECT id, EXISTS (SELECT FROM head, place
                              WHERE head.epoch = place.epoch
                                AND (audit_logs.xact_id < head.horizon
                                     OR audit_logs.xact_id >= pg_snapshot_xmax(pg_current_snapshot()))) AS "passed!"
           FROM audit_logs
           WHERE NOT EXISTS (SELECT FROM audit_chain WHERE entry_id = audit_logs.id)
           ORDER BY 2 DESC, id
           LIMIT $1"#,
        MAX_NAMED
    )
    .fetch_all(db)
    .await?;
    for row in rows {
        if row.passed {
            let says = "the entry was put in behind the sealer: no position names it";
            report.find(Finding::of_entry(Kind::Inserted, row.id, says));
        } else {
            report.unsealed += 1;
        }
    }
    let strays = sqlx::query!(
        "SELECT position, entry_id FROM audit_chain
         WHERE position > (SELECT COALESCE(max(first_position + entries - 1), 0) FROM audit_seals)
         ORDER BY position LIMIT $1",
        MAX_NAMED
    );
    for row in strays.fetch_all(db).await? {
        report.find(stray(row.position, row.entry_id));
    }
    let orphans = sqlx::query_scalar!(
        "SELECT entry_id FROM audit_personal
         WHERE NOT EXISTS (SELECT FROM audit_logs WHERE id = entry_id)
         ORDER BY entry_id LIMIT $1",
        MAX_NAMED
    );
    for entry in orphans.fetch_all(db).await? {
        let says = "personal data stands there for an entry that does not";
        report.find(Finding::of_entry(Kind::PersonalMismatch, entry, says));
    }
    Ok(())
}

async fn compare_anchors(db: &PgPool, walk: &mut Walk<'_>, file: &Path) -> Result<(), AnchorsOrStore> {
    let cut = checkpoint(db).await?.map_or(0, |cut| cut.seal_number);
    for anchor in Anchors::read(file)? {
        let anchor = anchor?;
        // What retention has cut is vouched for by its checkpoint.
        if anchor.number > cut {
            let found = seal(db, anchor.number).await?;
            walk.anchor(&anchor, found.as_ref());
        }
    }
    Ok(())
}

fn stray(position: i64, entry: i64) -> Finding {
    let says = "this position is in the chain and no seal holds it";
    Finding { position: Some(position), ..Finding::of_entry(Kind::Inserted, entry, says) }
}

/// Why verifying ended early.
#[derive(Debug, thiserror::Error)]
pub enum AnchorsOrStore {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The anchors cannot be read.
    #[error(transparent)]
    Anchors(#[from] AnchorsError),
}
