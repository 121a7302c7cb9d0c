//! Every key there is, by what it is for (SEC-32). Never a key itself.

use std::collections::HashMap;

use crypto::secret_key::Purpose;
use domain::time::Instant;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::columns::{COLUMNS, Column};
use super::{KeyService, SigningKeyView, store};
use crate::app::App;
use crate::tx::StoreError;

/// A data key, as far as it may be seen.
#[derive(Clone, Debug)]
pub struct DataKeyView {
    /// Its name in ciphertexts.
    pub id: Uuid,
    /// Whether it seals on this instance now.
    pub seals_now: bool,
    /// The key service that wrapped it.
    pub backend: String,
    /// The key-encryption key that it is under.
    pub kek: String,
    /// When it was made.
    pub created_at: Instant,
    /// From when on it seals.
    pub seals_from: Instant,
    /// Since when, or from when on, it only opens.
    pub retired_at: Option<Instant>,
    /// Since when it opens nothing any more.
    pub revoked_at: Option<Instant>,
    /// How often it has sealed, over all instances.
    pub seals: u64,
    /// How many values are under it; only where they were counted.
    pub rows: Option<i64>,
}

/// Every key there is.
#[derive(Clone, Debug)]
pub struct KeysView {
    /// What everything is bound to.
    pub environment: String,
    /// The key service that wraps.
    pub backend: &'static str,
    /// How it is.
    pub service: KeyService,
    /// What is derived from the secret key.
    pub derived: Vec<Purpose>,
    /// Keys of encrypted columns, the newest first.
    pub data_keys: Vec<DataKeyView>,
    /// Keys of access tokens, the newest first.
    pub jwt_keys: Vec<SigningKeyView>,
}

impl App {
    /// The inventory. Counting the values under each data key reads every encrypted column.
    pub async fn keys_view(&self, count_rows: bool) -> Result<KeysView, StoreError> {
        let counts = if count_rows { Some(self.count_rows().await?) } else { None };
        let keys = self.keys().store();
        let current = keys.loaded().current_id();
        let data_keys = store::all(self.db()).await?.into_iter().map(|row| DataKeyView {
            id: row.stored.id,
            seals_now: row.stored.id == current,
            backend: row.stored.wrapped.backend,
            kek: row.stored.wrapped.kek_id,
            created_at: row.created_at,
            seals_from: row.seals_from,
            retired_at: row.retired_at,
            revoked_at: row.revoked_at,
            seals: row.seals,
            rows: counts.as_ref().map(|counts| counts.get(&row.stored.id).copied().unwrap_or(0)),
        });
        Ok(KeysView {
            environment: keys.backends().environment().to_owned(),
            backend: keys.backends().name(),
            service: keys.service(),
            derived: Purpose::ALL.to_vec(),
            data_keys: data_keys.collect(),
            jwt_keys: self.jwt_keys().await?,
        })
    }

    async fn count_rows(&self) -> Result<HashMap<Uuid, i64>, StoreError> {
        let mut db = self.db().begin().await?;
        take_time(&mut db).await?;
        let mut counts = HashMap::new();
        for column in COLUMNS {
            for (id, rows) in count_by_key(&mut db, column).await? {
                *counts.entry(id).or_insert(0) += rows;
            }
        }
        Ok(counts)
    }
}

/// A count reads whole tables: the limit that guards requests is too short for it.
pub(super) async fn take_time(db: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("SET LOCAL statement_timeout = 0").execute(db).await?;
    Ok(())
}

async fn count_by_key(db: &mut PgConnection, column: &Column) -> Result<Vec<(Uuid, i64)>, StoreError> {
    let (table, name) = (column.label.table(), column.label.column());
    // The names are constants of the inventory.
    let sql = format!(
        "SELECT substring({name} FROM 2 FOR 16), count(*) FROM {table} WHERE {name} IS NOT NULL GROUP BY 1"
    );
    let rows: Vec<(Vec<u8>, i64)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await?;
    let named = rows.into_iter().map(|(id, rows)| (Uuid::from_slice(&id).unwrap_or_default(), rows));
    Ok(named.collect())
}

/// How many values are under a data key.
pub(super) async fn rows_under(db: &mut PgConnection, id: Uuid) -> Result<i64, StoreError> {
    take_time(db).await?;
    let mut rows = 0;
    for column in COLUMNS {
        let (table, name) = (column.label.table(), column.label.column());
        let sql = format!("SELECT count(*) FROM {table} WHERE substring({name} FROM 2 FOR 16) = $1");
        let query = sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).bind(id.as_bytes().to_vec());
        rows += query.fetch_one(&mut *db).await?;
    }
    Ok(rows)
}
