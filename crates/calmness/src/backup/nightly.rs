//! The backup of every night: made by one instance, told of when it fails or grows old.

use std::error::Error;
use std::path::Path;
use std::time::Duration as StdDuration;

use application::{App, backup};
use domain::time::{Duration, Instant};
use secrecy::SecretString;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{BackupError, Keep, Made, Plan, Watch, create, list, prune, verify};
use crate::config::{self, Config};
use crate::wiring;

/// How often it is looked at.
const LOOK_EVERY: StdDuration = StdDuration::from_mins(1);
/// How long it waits after a failure.
const RETRY_AFTER: Duration = Duration::hours(1);
/// A newest backup of this age is told of.
const OLD_AFTER: Duration = Duration::hours(48);

/// What the loop remembers.
struct Memory {
    started: Instant,
    failed: Option<Instant>,
    told_old: Option<Instant>,
}

/// Makes backups until `stop`, if the configuration has a place and a key for them.
pub(crate) async fn run(app: App, config: Config, stop: CancellationToken) {
    if !config.backup.is_configured() {
        return;
    }
    match backup::is_isolated(app.db()).await {
        Ok(false) => {}
        // A copy's backups would stand among those of what it is a copy of.
        Ok(true) => return tracing::warn!("an isolated copy makes no backups"),
        Err(error) => {
            tracing::error!(error = &error as &dyn Error, "the nightly backup could not be looked at");
        }
    }
    let mut memory = Memory { started: app.clock().wall(), failed: None, told_old: None };
    loop {
        if let Err(error) = look(&app, &config, &stop, &mut memory).await {
            tracing::error!(error = &*error as &dyn Error, "the nightly backup could not be looked at");
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn look(
    app: &App,
    config: &Config,
    stop: &CancellationToken,
    memory: &mut Memory,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let Some(plan) = plan(config, app.clock().wall()) else { return Ok(()) };
    let wall = plan.created;
    let newest = newest(&plan)?;
    if is_old(newest, memory.started, wall) && over(memory.told_old, wall) {
        app.backup_is_old(newest).await?;
        memory.told_old = Some(wall);
    }
    if !is_due(newest, wall, config.backup.hour) || !over(memory.failed, wall) {
        return Ok(());
    }
    let Some(turn) = app.take_nightly_turn().await? else { return Ok(()) };
    let made = if is_due(self::newest(&plan)?, wall, config.backup.hour) {
        make(app, config, plan, stop).await
    } else {
        Ok(())
    };
    turn.end().await?;
    match made {
        Ok(()) => memory.failed = None,
        Err(BackupError::Stopped) => {}
        Err(error) => {
            memory.failed = Some(wall);
            app.backup_failed(&chain(&error)).await?;
        }
    }
    Ok(())
}

/// What to make, if there is a place, a key and a database.
pub(crate) fn plan(config: &Config, created: Instant) -> Option<Plan> {
    Some(Plan {
        database: database(&config.database)?,
        directory: config.backup.directory.clone()?,
        recipients: config.backup.recipients.clone(),
        environment: wiring::environment_word(config.environment).to_owned(),
        postgresql_bin: config.database.postgresql_bin.clone(),
        created,
    })
}

/// The owner's address where it is known: it may read all of the database.
fn database(database: &config::Database) -> Option<SecretString> {
    database.migration_url.as_ref().or(database.url.as_ref()).cloned()
}

async fn make(app: &App, config: &Config, plan: Plan, stop: &CancellationToken) -> Result<(), BackupError> {
    let (directory, environment, wall) = (plan.directory.clone(), plan.environment.clone(), plan.created);
    let watch = Watch::until(stop.clone());
    let made = create(plan, watch.clone()).await?;
    // What was read back is on the disk as it was written; only then may an older one go.
    verify(&made.path, None, None, watch).await?;
    record(app, &made).await;
    let gone = prune(&directory, &environment, keep(&config.backup), wall, false)?;
    tracing::info!(
        backup.file = made.sidecar.file,
        backup.bytes = made.sidecar.bytes,
        backup.pruned = gone.len(),
        "a backup was made"
    );
    Ok(())
}

/// How many backups the configuration keeps.
pub(crate) fn keep(backup: &config::Backup) -> Keep {
    Keep { daily: backup.keep_daily, weekly: backup.keep_weekly, monthly: backup.keep_monthly }
}

/// The backup is there whether or not it could be written down.
pub(crate) async fn record(app: &App, made: &Made) {
    let details = json!({ "sha256": made.sidecar.sha256, "bytes": made.sidecar.bytes });
    if let Err(error) = app.record_backup(&made.sidecar.file, details).await {
        tracing::error!(error = &error as &dyn Error, "that a backup was made could not be recorded");
    }
}

fn newest(plan: &Plan) -> Result<Option<Instant>, BackupError> {
    let all = list(Path::new(&plan.directory))?;
    Ok(all.into_iter().find(|entry| entry.environment == plan.environment).map(|entry| entry.created))
}

/// Whether the last instant at which a backup should have been made has none.
fn is_due(newest: Option<Instant>, wall: Instant, hour: u32) -> bool {
    let today = wall.replace_time(time::Time::MIDNIGHT) + Duration::hours(hour.into());
    let last = if wall >= today { today } else { today - Duration::DAY };
    newest.is_none_or(|newest| newest < last)
}

fn is_old(newest: Option<Instant>, started: Instant, wall: Instant) -> bool {
    wall - newest.unwrap_or(started) > OLD_AFTER
}

fn over(last: Option<Instant>, wall: Instant) -> bool {
    last.is_none_or(|last| wall - last >= RETRY_AFTER)
}

fn chain(error: &BackupError) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_backup_is_due_once_from_its_hour_on_and_at_once_where_there_is_none() {
        let night = datetime!(2026-11-23 02:00 UTC);
        let table = [
            (None, datetime!(2026-11-23 12:00 UTC), true),
            (Some(night), night, false),
            (Some(night), datetime!(2026-11-24 01:59:59 UTC), false),
            (Some(night), datetime!(2026-11-24 02:00 UTC), true),
            (Some(night), datetime!(2026-11-27 01:00 UTC), true),
            // One that was made by hand in the evening does not stand for the night's.
            (Some(datetime!(2026-11-23 20:00 UTC)), datetime!(2026-11-24 02:00 UTC), true),
        ];
        for (newest, wall, due) in table {
            assert_eq!(is_due(newest, wall, 2), due, "{newest:?} at {wall}");
        }
    }

    #[test]
    fn a_newest_backup_is_old_after_two_days_and_none_at_all_two_days_after_the_start() {
        let start = datetime!(2026-11-23 02:00 UTC);
        for (newest, hours, old) in [
            (None, 47, false),
            (None, 49, true),
            (Some(start), 48, false),
            (Some(start), 49, true),
            (Some(start + Duration::hours(10)), 50, false),
        ] {
            assert_eq!(is_old(newest, start, start + Duration::hours(hours)), old, "{newest:?} {hours}");
        }
    }
}
