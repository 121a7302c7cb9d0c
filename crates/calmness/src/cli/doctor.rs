//! `doctor`: everything that can be known from outside a running product.

use std::process::ExitCode;

use application::backup;
use application::clock::{Clock, SandboxClock};
use application::database::{self, Rights};
use application::keys::audit_keys;
use application::{audit, invariants, work};
use clap::Args;
use crypto::secret_key::SecretKeys;
use domain::time::Duration;
use serde::Serialize;
use sqlx::PgPool;

use super::Outcome;
use crate::config::{Config, Environment};
use crate::terminal;

/// So far the database's clock may be from ours.
const CLOCK_TOLERANCE: Duration = Duration::seconds(5);
/// So long work may be due before it counts as overdue.
const OVERDUE: Duration = Duration::seconds(60);

/// So many of the newest entries of the audit chain are verified.
const NEWEST: i64 = 2_000;

/// How to tell.
#[derive(Args)]
pub(super) struct DoctorArguments {
    /// One JSON document instead of lines
    #[arg(long)]
    json: bool,
}

/// One examination.
#[derive(Serialize)]
struct Check {
    name: &'static str,
    demand: String,
    ok: bool,
    found: Vec<String>,
}

impl Check {
    fn new(name: &'static str, demand: &str, found: Vec<String>) -> Self {
        Self { name, demand: demand.to_owned(), ok: found.is_empty(), found }
    }
}

pub(super) async fn doctor(config: &Config, arguments: &DoctorArguments) -> Outcome {
    let url = config.database.url.as_ref().ok_or("no database: set DATABASE_URL")?;
    let db = database::connect(url, Rights::OfLogin, 2).await?;
    let checks = examine(config, &db).await?;
    let healthy = checks.iter().all(|check| check.ok);
    if arguments.json {
        terminal::say(&serde_json::to_string(&serde_json::json!({ "ok": healthy, "checks": checks }))?);
    } else {
        for check in &checks {
            terminal::say(&format!(
                "{} {:<36} {}",
                if check.ok { '✓' } else { '✗' },
                check.name,
                check.demand
            ));
            for line in &check.found {
                terminal::say(&format!("    {line}"));
            }
        }
    }
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn examine(
    config: &Config,
    db: &PgPool,
) -> Result<Vec<Check>, Box<dyn std::error::Error + Send + Sync>> {
    let mut checks = vec![Check::new("database", "the database answers", Vec::new())];
    let missing = database::missing_migrations(db).await?;
    let found = if missing == 0 {
        Vec::new()
    } else {
        vec![format!("{missing} are missing: run `calmness migrate`")]
    };
    checks.push(Check::new("migrations", "the database has every migration of this program", found));
    if missing > 0 {
        return Ok(checks);
    }
    checks.push(roles(config, db).await?);
    if backup::is_isolated(db).await? {
        let found =
            vec!["whatever serves on it reaches no provider, mail server, SMS or Telegram".to_owned()];
        let demand = "this database is an ISOLATED copy".to_owned();
        checks.push(Check { name: "isolation", demand, ok: true, found });
    }
    let clock = SandboxClock::new(db.clone());
    let now = clock.now().await?;
    checks.push(Check::new(
        "clock",
        "this machine, the database and business time agree",
        clocks(config, &clock, db).await?,
    ));
    let overdue = work::due(db, now.business - OVERDUE).await?;
    checks.push(Check::new("owed_work", "nothing has been due for more than a minute", overdue));
    checks.push(Check::new(
        "audit_chain",
        "the newest part of the audit chain verifies, and nothing waits long for its seal",
        chain(config, &clock, db).await?,
    ));
    for finding in invariants::check(db, now.business).await? {
        checks.push(Check::new(finding.name, finding.demand, finding.broken_by));
    }
    Ok(checks)
}

/// A quick look at the head; `calmness audit verify` looks at all of it.
async fn chain(
    config: &Config,
    clock: &SandboxClock,
    db: &PgPool,
) -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
    let mut found = Vec::new();
    if let Some(oldest) = audit::oldest_unsealed(db).await?
        && clock.wall() - oldest > audit::MAX_LAG
    {
        found.push(format!("an entry has waited for its seal since {oldest}: does a worker run?"));
    }
    let Some(secret) = &config.secret_key else { return Ok(found) };
    let keys = audit_keys(&SecretKeys::parse(secret, &config.secret_key_previous)?);
    let range = audit::Range::Some { from: None, entries: NEWEST };
    let report = audit::verify_database(db, range, &keys, None, &|_, _| {}).await?;
    found.extend(report.findings.iter().map(ToString::to_string));
    Ok(found)
}

async fn roles(config: &Config, db: &PgPool) -> Result<Check, database::DatabaseError> {
    let excessive = database::excessive_rights(db).await?;
    // Elsewhere one address may serve for everything: the service then puts its own role on.
    let found = if config.environment == Environment::Production { excessive } else { Vec::new() };
    Ok(Check::new("roles", "in production the service's role can't rewrite history", found))
}

async fn clocks(
    config: &Config,
    clock: &SandboxClock,
    db: &PgPool,
) -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
    let mut found = Vec::new();
    let theirs = database::clock(db).await?;
    let apart = (clock.wall() - theirs).abs();
    if apart > CLOCK_TOLERANCE {
        found.push(format!("this machine and the database are {} s apart", apart.whole_seconds()));
    }
    let offset = clock.offset_seconds().await?;
    if offset != 0 && config.environment == Environment::Production {
        found.push(format!("business time was moved {offset} s ahead: this database comes from a sandbox"));
    }
    Ok(found)
}
