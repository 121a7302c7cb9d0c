//! Reaching PostgreSQL: migrations by the owner, service by a role that cannot change history (Q4, SEC-53).
//!
//! The owner's connection migrates and grants. The service acts under the group role [`SERVICE_ROLE`]: it owns
//! nothing, and may neither change nor delete the audit log.

use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor, PgConnection, PgPool, Postgres};
use thiserror::Error;

use crate::tx::StoreError;

/// The group role of the service: a login role that serves must be a member of it.
pub const SERVICE_ROLE: &str = "calmness_service";
/// The group role that reads the audit log.
pub const AUDITOR_ROLE: &str = "calmness_auditor";

/// How long a request waits for a connection before it is told to come back.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// No statement of ours takes longer in health; a stuck one must not hold locks.
const STATEMENT_TIMEOUT_MS: &str = "30000";
/// A transaction forgotten by a dying process must not hold locks either.
const IDLE_IN_TRANSACTION_TIMEOUT_MS: &str = "30000";

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// What the service's role may do, granted anew after every migration.
const GRANTS: &str = include_str!("grants.sql");

/// Why the database cannot be used as it is.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// The address cannot be read. It is not repeated here: it may hold a password.
    #[error("the database address is not of the form postgres://user:password@host:port/name")]
    Address,
    /// It could not be reached, or refused.
    #[error("the database could not be reached or refused")]
    Database(#[from] sqlx::Error),
    /// A migration failed; nothing of it was kept.
    #[error("the migration failed")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

/// Under which rights a pool's connections act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Those of the login role itself.
    OfLogin,
    /// `SET ROLE` to the service's role: for development, where one address serves for everything.
    OfService,
}

/// Opens a pool; the first connection proves the address.
pub async fn connect(
    url: &SecretString,
    rights: Rights,
    max_connections: u32,
) -> Result<PgPool, DatabaseError> {
    let options = PgConnectOptions::from_str(url.expose_secret()).map_err(|_| DatabaseError::Address)?;
    let options = options.application_name("calmness").options([
        ("statement_timeout", STATEMENT_TIMEOUT_MS),
        ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT_MS),
        ("timezone", "UTC"),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                if rights == Rights::OfService {
                    connection.execute(AssertSqlSafe(format!("SET ROLE {SERVICE_ROLE}"))).await?;
                }
                Ok(())
            })
        })
        .connect_with(options)
        .await?;
    Ok(pool)
}

/// A connection of the pool for an answer that must come soon. Unless it is given back it is closed: one on which an
/// answer is still awaited would wait for it inside the pool, and where the network swallows packets without a word that
/// is for ever.
pub(crate) struct Lent(Option<PoolConnection<Postgres>>);

impl Lent {
    /// Waits for it until an instant.
    pub(crate) async fn until(db: &PgPool, until: tokio::time::Instant) -> Result<Self, StoreError> {
        let connection = in_time(until, db.acquire()).await?;
        Ok(Self(Some(connection)))
    }

    /// The connection, for one question.
    pub(crate) fn db(&mut self) -> &mut PgConnection {
        self.0.as_mut().expect("it is taken out only when this is given back or dropped")
    }

    /// Everything that was asked has been answered.
    pub(crate) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}

/// A database that is deaf rather than gone says nothing at all: after a while that counts as being away.
pub(crate) async fn in_time<T>(
    until: tokio::time::Instant,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout_at(until, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(StoreError::Database(sqlx::Error::PoolTimedOut)),
    }
}

/// Closes the connections that nobody uses: when several do not answer, none of them can be believed to.
pub(crate) fn close_idle(db: &PgPool) {
    while let Some(connection) = db.try_acquire() {
        drop(connection.detach());
    }
}

/// Creates the group roles where they are missing, migrates, and grants. Needs the owner's rights.
pub async fn migrate(owner: &PgPool) -> Result<(), DatabaseError> {
    create_roles(owner).await?;
    let mut patient = owner.acquire().await?;
    // A migration of a large table takes as long as it takes.
    patient.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0").await?;
    MIGRATIONS.run(&mut *patient).await?;
    patient.execute(sqlx::raw_sql(GRANTS)).await?;
    drop(patient.detach());
    Ok(())
}

/// How many migrations this program has that the database has not.
pub async fn missing_migrations(db: &PgPool) -> Result<usize, DatabaseError> {
    let table =
        sqlx::query_scalar!("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(db).await?;
    if table != Some(true) {
        return Ok(MIGRATIONS.iter().count());
    }
    // The table is the migrator's own, so it is not there when queries are checked.
    let applied: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success").fetch_all(db).await?;
    Ok(MIGRATIONS.iter().filter(|migration| !applied.contains(&migration.version)).count())
}

/// The migrations that this program has.
pub fn known_migrations() -> Vec<i64> {
    MIGRATIONS.iter().map(|migration| migration.version).collect()
}

/// Roles belong to the whole cluster: another database may have created them, or be doing so right now.
async fn create_roles(owner: &PgPool) -> Result<(), DatabaseError> {
    for role in [SERVICE_ROLE, AUDITOR_ROLE] {
        let known = sqlx::query_scalar!("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role)
            .fetch_one(owner)
            .await?;
        if known == Some(true) {
            continue;
        }
        let created = owner.execute(AssertSqlSafe(format!("CREATE ROLE {role} NOLOGIN"))).await;
        match created {
            Err(sqlx::Error::Database(error))
                if matches!(error.code().as_deref(), Some("42710" | "23505")) => {}
            other => {
                other?;
            }
        }
    }
    Ok(())
}

/// What is wrong with the rights of the role that serves; empty when all is well. Production refuses otherwise.
pub async fn excessive_rights(db: &PgPool) -> Result<Vec<String>, DatabaseError> {
    let mut findings = Vec::new();
    let owned = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM pg_tables
           WHERE schemaname = 'public' AND pg_has_role(current_user, tableowner, 'USAGE')"#
    )
    .fetch_one(db)
    .await?;
    if owned > 0 {
        findings.push(format!("the database role of the service owns {owned} tables"));
    }
    for table in ["audit_logs", "audit_chain", "audit_seals", "audit_checkpoints"] {
        for right in ["UPDATE", "DELETE", "TRUNCATE"] {
            let may = sqlx::query_scalar!(
                r#"SELECT has_table_privilege(current_user, $1, $2) AS "may!""#,
                table,
                right
            )
            .fetch_one(db)
            .await?;
            if may {
                findings.push(format!("the database role of the service may {right} {table}"));
            }
        }
    }
    Ok(findings)
}

/// What the database's own clock says; only to be compared with ours.
pub async fn clock(db: &PgPool) -> Result<domain::time::Instant, DatabaseError> {
    Ok(sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(db).await?)
}
