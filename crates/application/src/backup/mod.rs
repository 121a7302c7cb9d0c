//! What a backup asks of the database: one snapshot that its dump and its counts share, and what a restored database is.
//!
//! The dump itself is PostgreSQL's own and stands in the binary, as do files and encryption.

use std::collections::BTreeMap;
use std::str::FromStr;

use domain::time::Instant;
use scoped_futures::ScopedFutureExt;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};

use crate::actor::Context;
use crate::alerts::{self, Kind};
use crate::app::App;
use crate::database::DatabaseError;
use crate::tx::StoreError;

/// A setting of the database itself, not of its contents: it is there before the first row of a restored copy, and no
/// backup carries it on.
const ISOLATED: &str = "calmness.isolated";

/// What a backup holds, as its snapshot saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// The major version of the server.
    pub postgresql: u32,
    /// Its whole version, for people.
    pub postgresql_version: String,
    /// The migrations that were applied.
    pub migrations: Vec<i64>,
    /// How many rows each table has.
    pub rows: BTreeMap<String, i64>,
    /// The newest seal of the audit log, if there are seals.
    pub audit_head: Option<Value>,
}

/// A snapshot of the database that another connection can read as well. It lasts as long as this.
#[derive(Debug)]
pub struct Snapshot {
    db: PgConnection,
    /// The name under which another connection takes it.
    pub name: String,
    /// What it holds.
    pub contents: Contents,
}

impl Snapshot {
    /// Takes one. Reading it may take long, so no time-out of the service applies.
    pub async fn take(url: &SecretString) -> Result<Self, DatabaseError> {
        let mut db = connect(url).await?;
        db.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let name: String = sqlx::query_scalar("SELECT pg_export_snapshot()").fetch_one(&mut db).await?;
        let contents = contents(&mut db).await?;
        Ok(Self { db, name, contents })
    }

    /// Lets it go.
    pub async fn end(mut self) -> Result<(), DatabaseError> {
        self.db.execute("ROLLBACK").await?;
        Ok(self.db.close().await?)
    }
}

async fn connect(url: &SecretString) -> Result<PgConnection, DatabaseError> {
    let options = PgConnectOptions::from_str(url.expose_secret()).map_err(|_| DatabaseError::Address)?;
    let options = options.application_name("calmness backup").options([
        ("timezone", "UTC"),
        ("statement_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
    ]);
    Ok(PgConnection::connect_with(&options).await?)
}

async fn contents(db: &mut PgConnection) -> Result<Contents, DatabaseError> {
    let version: String = sqlx::query_scalar("SHOW server_version").fetch_one(&mut *db).await?;
    let number: i32 =
        sqlx::query_scalar("SELECT current_setting('server_version_num')::int").fetch_one(&mut *db).await?;
    let migrations = if exists(db, "_sqlx_migrations").await? {
        let versions = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version";
        sqlx::query_scalar(versions).fetch_all(&mut *db).await?
    } else {
        Vec::new()
    };
    let audit_head = if exists(db, "audit_seals").await? {
        let newest = "SELECT to_jsonb(seal) FROM audit_seals AS seal ORDER BY seal DESC LIMIT 1";
        sqlx::query_scalar(newest).fetch_optional(&mut *db).await?
    } else {
        None
    };
    Ok(Contents {
        postgresql: u32::try_from(number / 10_000).unwrap_or(0),
        postgresql_version: version,
        migrations,
        rows: count_rows(db).await?,
        audit_head,
    })
}

async fn exists(db: &mut PgConnection, table: &str) -> Result<bool, DatabaseError> {
    let found = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(table).fetch_one(db).await?;
    Ok(found)
}

async fn count_rows(db: &mut PgConnection) -> Result<BTreeMap<String, i64>, DatabaseError> {
    let tables: Vec<(String, String)> = sqlx::query_as(
        "SELECT tablename::text, format('%I.%I', schemaname, tablename) FROM pg_tables
         WHERE schemaname = 'public' ORDER BY tablename",
    )
    .fetch_all(&mut *db)
    .await?;
    let mut rows = BTreeMap::new();
    for (name, quoted) in tables {
        // The name is quoted by the database itself.
        let count = AssertSqlSafe(format!("SELECT count(*) FROM {quoted}"));
        rows.insert(name, sqlx::query_scalar(count).fetch_one(&mut *db).await?);
    }
    Ok(rows)
}

/// What a database holds now.
pub async fn inspect(url: &SecretString) -> Result<Contents, DatabaseError> {
    let mut db = connect(url).await?;
    let contents = contents(&mut db).await?;
    db.close().await?;
    Ok(contents)
}

/// How many tables, views, sequences and functions a database has that are not PostgreSQL's own.
pub async fn count_objects(url: &SecretString) -> Result<i64, DatabaseError> {
    let mut db = connect(url).await?;
    let count = sqlx::query_scalar(
        r"WITH own AS (SELECT oid FROM pg_namespace
                      WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema')
         SELECT (SELECT count(*) FROM pg_class WHERE relnamespace IN (SELECT oid FROM own))
              + (SELECT count(*) FROM pg_proc WHERE pronamespace IN (SELECT oid FROM own))",
    );
    let count = count.fetch_one(&mut db).await?;
    db.close().await?;
    Ok(count)
}

/// Marks a database as a copy that must reach nobody outside, whatever it holds. Needs its owner's rights.
pub async fn isolate(url: &SecretString) -> Result<(), DatabaseError> {
    let mut db = connect(url).await?;
    let name: String =
        sqlx::query_scalar("SELECT quote_ident(current_database())").fetch_one(&mut db).await?;
    // The name is quoted by the database itself.
    db.execute(AssertSqlSafe(format!("ALTER DATABASE {name} SET {ISOLATED} = 'on'"))).await?;
    Ok(db.close().await?)
}

/// Whether a database is a copy that must reach nobody outside. Read from the catalogue, so that no session can say
/// otherwise.
pub async fn is_isolated(db: &PgPool) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM pg_db_role_setting AS setting
               JOIN pg_database AS this ON this.oid = setting.setdatabase
               WHERE this.datname = current_database() AND setting.setrole = 0
                 AND $1 = ANY (setting.setconfig)) AS "isolated!""#,
        format!("{ISOLATED}=on")
    );
    Ok(found.fetch_one(db).await?)
}

/// The right to make the nightly backup, which one instance has at a time. It ends with this, or with the process.
#[derive(Debug)]
pub struct NightlyTurn(PgConnection);

impl NightlyTurn {
    /// Gives it to the next instance.
    pub async fn end(self) -> Result<(), StoreError> {
        Ok(self.0.close().await?)
    }
}

impl App {
    /// Takes the right to make the nightly backup, unless another instance has it.
    pub async fn take_nightly_turn(&self) -> Result<Option<NightlyTurn>, StoreError> {
        let mut db = self.db().acquire().await?.detach();
        let taken = sqlx::query_scalar!(
            r#"SELECT pg_try_advisory_lock(hashtextextended('calmness/nightly_backup', 0)) AS "taken!""#
        );
        let taken = taken.fetch_one(&mut db).await?;
        Ok(taken.then_some(NightlyTurn(db)))
    }

    /// Tells that a backup could not be made.
    pub async fn backup_failed(&self, reason: &str) -> Result<(), StoreError> {
        self.raise_backup_alert(Kind::BackupFailed, json!({ "reason": reason })).await
    }

    /// Tells that the newest backup is too old, or that there is none.
    pub async fn backup_is_old(&self, newest: Option<Instant>) -> Result<(), StoreError> {
        let newest = newest.map_or_else(|| "none".to_owned(), |at| at.to_string());
        self.raise_backup_alert(Kind::BackupOld, json!({ "newest": newest })).await
    }

    async fn raise_backup_alert(&self, kind: Kind, details: Value) -> Result<(), StoreError> {
        self.tx("backup_alert", &Context::system("backup"), |tx| {
            let details = details.clone();
            async move { alerts::raise(tx, kind, kind.as_str(), details).await }.scope_boxed()
        })
        .await
    }

    /// Records that the database was copied out, or in (SEC-53).
    pub async fn record_backup(&self, file: &str, details: Value) -> Result<(), StoreError> {
        self.tx("record_backup", &Context::system("backup"), |tx| {
            let entry = crate::audit::Entry {
                action: "backup.made",
                subject_kind: "backup",
                subject_id: file.to_owned(),
                user: None,
                details: details.clone(),
            };
            async move { crate::audit::record(tx, entry).await }.scope_boxed()
        })
        .await
    }
}
