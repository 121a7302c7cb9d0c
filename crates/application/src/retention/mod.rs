//! What is kept is kept for a time only (SEC-59): one table of classes, each with its days, forgotten every night.
//!
//! [`CLASSES`] says what there is, [`Policy`] for how many days it is kept. The first sweep after midnight (UTC) on any
//! instance claims the day and forgets for all of them, in batches, so that no lock is held for long. Payments, periods,
//! idempotency keys, bindings and the audit log are in no class: they stay, and the database role of the service could
//! not delete them.

mod classes;

use std::collections::BTreeMap;

use domain::time::{Duration, Instant, Now};
use scoped_futures::ScopedFutureExt;
use serde_json::json;
use sqlx::AssertSqlSafe;

pub use self::classes::{
    CLASSES, Class, DEVICES, EXPIRED_TOKENS, GUESS_COUNTERS, NOTIFICATIONS, QUARANTINE_DETAILS, SESSIONS,
    SMS_MESSAGES, WEBHOOK_BODIES,
};
use self::classes::{Rule, Stamped};
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::tx::StoreError;

/// How many rows one transaction forgets.
const BATCH: i64 = 2_000;
/// A run that was begun so long ago and has not ended belongs to a process that is gone.
const GIVEN_UP_AFTER: Duration = Duration::hours(1);

/// For how many days each class is kept. Zero is for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy(BTreeMap<&'static str, u32>);

impl Default for Policy {
    fn default() -> Self {
        Self(CLASSES.iter().map(|class| (class.name, class.default_days)).collect())
    }
}

impl Policy {
    /// The same, with this class kept for so many days.
    #[must_use]
    pub fn with(mut self, class: &Class, days: u32) -> Self {
        self.0.insert(class.name, days);
        self
    }

    /// For how many days a class is kept; `None` is for ever.
    pub fn days(&self, class: &Class) -> Option<u32> {
        self.0.get(class.name).copied().filter(|days| *days > 0)
    }

    /// What is older than this is forgotten, by the clock that stamped it.
    fn before(&self, class: &Class, rule: &Rule, now: Now) -> Option<Instant> {
        let now = match rule.stamped {
            Stamped::Wall => now.wall,
            Stamped::Business => now.business,
        };
        let days = self.days(class)?;
        now.checked_sub(Duration::days(days.into()))
    }
}

/// What a run forgot of each class, or would forget.
pub type Counts = BTreeMap<&'static str, u64>;

impl App {
    /// How many rows of each class a run would forget now.
    pub async fn retention_counts(&self) -> Result<Counts, StoreError> {
        let now = self.now().await?;
        let mut counts = Counts::new();
        for class in CLASSES {
            let count: &mut u64 = counts.entry(class.name).or_default();
            for rule in class.rules {
                let Some(before) = self.options().retention.before(class, rule, now) else { continue };
                let sql = format!("SELECT count(*) FROM {} WHERE {}", rule.table, rule.condition);
                let rows: i64 =
                    sqlx::query_scalar(AssertSqlSafe(sql)).bind(before).fetch_one(self.db()).await?;
                *count += u64::try_from(rows).unwrap_or(0);
            }
        }
        Ok(counts)
    }

    /// Forgets what is older than the policy keeps it. Says how much of each class that was.
    pub async fn run_retention(&self, context: &Context) -> Result<Counts, StoreError> {
        let mut counts = Counts::new();
        let mut failed = None;
        for class in CLASSES {
            let count: &mut u64 = counts.entry(class.name).or_default();
            for rule in class.rules {
                // What cannot be forgotten today must not keep the rest.
                match self.forget(context, class, rule).await {
                    Ok(rows) => *count += rows,
                    Err(error) => failed = Some(error),
                }
            }
        }
        self.tx("retention_ran", context, |tx| {
            let counts = &counts;
            async move {
                let wall = tx.wall();
                let entry = audit::Entry {
                    action: "retention.ran",
                    subject_kind: "retention",
                    subject_id: wall.date().to_string(),
                    user: None,
                    details: json!(counts),
                };
                audit::record(tx, entry).await
            }
            .scope_boxed()
        })
        .await?;
        match failed {
            Some(error) => Err(error),
            None => Ok(counts),
        }
    }

    async fn forget(&self, context: &Context, class: &Class, rule: &Rule) -> Result<u64, StoreError> {
        let Some(before) = self.options().retention.before(class, rule, self.now().await?) else {
            return Ok(0);
        };
        let sql = rule.statement();
        let mut forgotten = 0;
        loop {
            let batch = self.tx("retention", context, |tx| {
                let sql = sql.as_str();
                async move {
                    let statement = sqlx::query(AssertSqlSafe(sql.to_owned())).bind(before).bind(BATCH);
                    Ok::<_, StoreError>(statement.execute(tx.db()).await?.rows_affected())
                }
                .scope_boxed()
            });
            let rows = batch.await?;
            forgotten += rows;
            if rows < BATCH.unsigned_abs() {
                return Ok(forgotten);
            }
        }
    }

    /// Forgets for today, unless an instance has done so or is doing so. Part of the sweeps.
    pub async fn run_retention_if_due(&self) -> Result<Option<Counts>, StoreError> {
        let wall = self.clock().wall();
        let claimed = sqlx::query_scalar!(
            r#"INSERT INTO retention_runs AS run (day, started_at)
               VALUES ($1, $2)
               ON CONFLICT (day) DO UPDATE SET started_at = $2
               WHERE run.finished_at IS NULL AND run.started_at < $3
               RETURNING true AS "claimed!""#,
            wall.date(),
            wall,
            wall - GIVEN_UP_AFTER
        )
        .fetch_optional(self.db())
        .await?;
        if claimed.is_none() {
            return Ok(None);
        }
        let counts = self.run_retention(&Context::system("retention")).await?;
        sqlx::query!(
            "UPDATE retention_runs SET finished_at = GREATEST($2, started_at), forgotten = $3 WHERE day = $1",
            wall.date(),
            self.clock().wall(),
            json!(counts)
        )
        .execute(self.db())
        .await?;
        let rows: u64 = counts.values().sum();
        tracing::info!(retention.rows = rows, "what had its time was forgotten");
        Ok(Some(counts))
    }
}
