//! Sealing every value anew under the newest data key, while the product serves (SEC-31).
//!
//! There is no list of what was done: a ciphertext names its key, so the rows themselves tell. An interrupted run goes on
//! where it was, two runs at once share the work, and a row that somebody is changing is left for the next pass.

use std::time::Duration as StdDuration;

use crypto::envelope::{DataKeys, Label};
use scoped_futures::ScopedFutureExt;
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::KeysError;
use super::columns::{COLUMNS, Column};
use super::rotation::KeyChangeError;
use super::store;
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::tx::StoreError;

/// How many values are sealed in one transaction: short enough that nobody notices the locks.
const BATCH: i64 = 200;
/// A run that still meets new work after so many passes leaves it to the next one.
const MAX_PASSES: usize = 20;

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RewrapProgress {
    /// Under an earlier key when the pass began.
    pub due: u64,
    /// Looked at since.
    pub done: u64,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// The data key that everything is under now.
    pub data_key: Uuid,
    /// Sealed anew.
    pub moved: u64,
    /// Left as they are because they do not open, by column and row: they were damaged before.
    pub damaged: Vec<String>,
    /// Still under an earlier key: they were being changed each time. Run it again.
    pub left: u64,
}

struct Sealed {
    row: Uuid,
    old: Vec<u8>,
    new: Vec<u8>,
}

impl App {
    /// How long until the newest data key seals; nothing once it does.
    pub async fn until_newest_data_key_seals(&self) -> Result<StdDuration, KeysError> {
        let newest = store::living(self.db()).await?.into_iter().next();
        let wait = newest.map(|row| row.seals_from - self.clock().wall());
        Ok(wait.and_then(|wait| StdDuration::try_from(wait).ok()).unwrap_or_default())
    }

    /// Seals every value of every encrypted column under the data key that seals now. `told` hears after each batch.
    pub async fn rewrap_values(
        &self,
        context: &Context,
        told: &mut (dyn FnMut(RewrapProgress) + Send),
    ) -> Result<Rewrapped, KeyChangeError> {
        self.refresh_data_keys().await?;
        let mut outcome =
            Rewrapped { data_key: self.keys().store().to_seal()?.current_id(), ..Rewrapped::default() };
        for _ in 0..MAX_PASSES {
            outcome.damaged.clear();
            outcome.left = self.count_due(outcome.data_key).await?;
            let mut progress = RewrapProgress { due: outcome.left, done: 0 };
            told(progress);
            let moved = self.pass(context, &mut outcome, &mut progress, told).await?;
            outcome.left = self.count_due(outcome.data_key).await?;
            if moved == 0 || outcome.left == outcome.damaged.len() as u64 {
                break;
            }
        }
        outcome.left = outcome.left.saturating_sub(outcome.damaged.len() as u64);
        let details =
            json!({ "moved": outcome.moved, "damaged": outcome.damaged.len(), "left": outcome.left });
        let data_key = outcome.data_key;
        self.tx("rewrapped", context, |tx| {
            let entry = audit::Entry {
                action: "values.rewrapped",
                subject_kind: "data_key",
                subject_id: data_key.to_string(),
                user: None,
                details: details.clone(),
            };
            audit::record(tx, entry).scope_boxed()
        })
        .await?;
        self.refresh_data_keys().await?;
        Ok(outcome)
    }

    async fn pass(
        &self,
        context: &Context,
        outcome: &mut Rewrapped,
        progress: &mut RewrapProgress,
        told: &mut (dyn FnMut(RewrapProgress) + Send),
    ) -> Result<u64, KeyChangeError> {
        let mut moved = 0;
        for column in COLUMNS {
            let mut after = Uuid::nil();
            loop {
                let keys = self.keys().store().to_seal()?;
                let found = self.find_due(column, outcome.data_key, after).await?;
                let Some((last, _)) = found.last() else { break };
                after = *last;
                progress.done += found.len() as u64;
                let sealed = self.seal_anew(&keys, &column.label, found, outcome)?;
                moved += self.replace(context, column, sealed).await?;
                told(*progress);
            }
        }
        outcome.moved += moved;
        Ok(moved)
    }

    async fn count_due(&self, target: Uuid) -> Result<u64, StoreError> {
        let mut db = self.db().begin().await?;
        super::inventory::take_time(&mut db).await?;
        let mut due = 0;
        for column in COLUMNS {
            let (table, name) = (column.label.table(), column.label.column());
            let sql = format!("SELECT count(*) FROM {table} WHERE substring({name} FROM 2 FOR 16) <> $1");
            let query = sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).bind(target.as_bytes().to_vec());
            due += query.fetch_one(&mut *db).await?.unsigned_abs();
        }
        Ok(due)
    }

    /// The next values of a column that are under another key, by the ids of their rows.
    async fn find_due(
        &self,
        column: &Column,
        target: Uuid,
        after: Uuid,
    ) -> Result<Vec<(Uuid, Vec<u8>)>, StoreError> {
        let (table, name, id) = (column.label.table(), column.label.column(), column.row_id);
        let sql = format!(
            "SELECT {id}, {name} FROM {table}
             WHERE {id} > $1 AND substring({name} FROM 2 FOR 16) <> $2
             ORDER BY {id}
             LIMIT $3"
        );
        let query = sqlx::query_as(AssertSqlSafe(sql)).bind(after).bind(target.as_bytes().to_vec());
        Ok(query.bind(BATCH).fetch_all(self.db()).await?)
    }

    fn seal_anew(
        &self,
        keys: &DataKeys,
        label: &Label,
        found: Vec<(Uuid, Vec<u8>)>,
        outcome: &mut Rewrapped,
    ) -> Result<Vec<Sealed>, StoreError> {
        let mut sealed = Vec::with_capacity(found.len());
        for (row, old) in found {
            let text = match keys.open(label, row, &old) {
                Ok(text) => text,
                Err(error) => {
                    tracing::error!(
                        column = %label,
                        row.id = %row,
                        error = &error as &dyn std::error::Error,
                        "a value does not open and stays as it is"
                    );
                    outcome.damaged.push(format!("{label} of {row}"));
                    continue;
                }
            };
            let new = keys.seal(&**self.random(), label, row, text.expose_secret());
            let new = new.map_err(|error| StoreError::Encryption(error.to_string()))?;
            sealed.push(Sealed { row, old, new });
        }
        Ok(sealed)
    }

    /// Puts the new ciphertexts in the place of exactly the old ones. A row that is locked or was changed since is not
    /// waited for.
    async fn replace(
        &self,
        context: &Context,
        column: &Column,
        sealed: Vec<Sealed>,
    ) -> Result<u64, StoreError> {
        let (table, name, id) = (column.label.table(), column.label.column(), column.row_id);
        let sql = format!(
            "WITH free AS (SELECT {id} AS row FROM {table} WHERE {id} = ANY($1)
                           ORDER BY {id} FOR NO KEY UPDATE SKIP LOCKED)
             UPDATE {table}
             SET {name} = sealed.new
             FROM free, unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS sealed (row, old, new)
             WHERE {table}.{id} = free.row AND sealed.row = free.row AND {table}.{name} = sealed.old"
        );
        let (mut rows, mut old, mut new) = (Vec::new(), Vec::new(), Vec::new());
        for one in sealed {
            rows.push(one.row);
            old.push(one.old);
            new.push(one.new);
        }
        self.tx("rewrap_values", context, |tx| {
            let query = sqlx::query(AssertSqlSafe(sql.clone())).bind(rows.clone()).bind(old.clone());
            let query = query.bind(new.clone());
            async move { Ok::<_, StoreError>(query.execute(tx.db()).await?.rows_affected()) }.scope_boxed()
        })
        .await
    }
}
