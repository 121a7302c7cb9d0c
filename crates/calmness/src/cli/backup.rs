//! `backup create`, `verify`, `restore`, `list`, `prune`, `keygen`.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use application::clock::{Clock, SystemClock};
use application::invariants::Finding;
use clap::{Args, Subcommand};
use secrecy::{ExposeSecret, SecretString};
use time::format_description::well_known::Rfc3339;

use super::Outcome;
use crate::backup::{self, Manifest, Target, Watch};
use crate::config::Config;
use crate::terminal;
use crate::wiring::{self, ClockKind};

/// Encrypted copies of the database.
#[derive(Subcommand)]
pub(super) enum BackupCommand {
    /// Make a key pair; run it on another machine, where the private key stays
    Keygen {
        /// Where to write the private key; it is shown where none is named
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Make a backup now, in backup.directory, that the keys of backup.recipients open
    Create,
    /// Say whether a backup is whole and unchanged: by its checksum, or with the private key to its last row
    Verify {
        /// The backup
        file: PathBuf,
        /// The file of the private key
        #[arg(long, value_name = "FILE")]
        identity: Option<PathBuf>,
    },
    /// Load a backup into an empty database, migrate it and check it
    Restore(RestoreArguments),
    /// Tell which backups there are, the newest first
    List,
    /// Remove what is not kept (backup.keep_daily, keep_weekly, keep_monthly)
    Prune {
        /// Only tell what would go
        #[arg(long)]
        dry_run: bool,
    },
}

/// What to restore, and where to.
#[derive(Args)]
pub(super) struct RestoreArguments {
    /// The backup
    file: PathBuf,
    /// The file of the private key
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
    /// An empty database, by the role that shall own it. Better in the variable: others can read a command line
    #[arg(long, value_name = "URL", env = "RESTORE_DATABASE_URL", hide_env_values = true)]
    database_url: SecretUrl,
    /// The environment that the backup is of, where it is not the one here; needs --isolated
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// A copy for a drill: whatever serves on it reaches no provider, mail server or Telegram
    #[arg(long)]
    isolated: bool,
}

/// An address with a password, which is never shown.
#[derive(Clone)]
struct SecretUrl(SecretString);

impl std::str::FromStr for SecretUrl {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(SecretString::from(text)))
    }
}

/// Makes a key pair; needs no configuration.
pub(super) fn keygen(output: Option<&Path>) -> Outcome {
    let (text, public) = backup::keygen();
    let Some(path) = output else {
        terminal::say(text.expose_secret().trim_end());
        return Ok(ExitCode::SUCCESS);
    };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.expose_secret().as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    terminal::say(&public);
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn backup(config: &Config, command: BackupCommand) -> Outcome {
    match command {
        BackupCommand::Keygen { output } => keygen(output.as_deref()),
        BackupCommand::Create => create(config).await,
        BackupCommand::Verify { file, identity } => verify(config, &file, identity.as_deref()).await,
        BackupCommand::Restore(arguments) => restore(config, arguments).await,
        BackupCommand::List => list(config),
        BackupCommand::Prune { dry_run } => prune(config, dry_run),
    }
}

async fn create(config: &Config) -> Outcome {
    let plan = backup::plan(config, SystemClock.wall());
    let plan = plan.ok_or("set backup.directory, backup.recipients and the address of the database")?;
    let wired = wiring::wire(config, ClockKind::System).await;
    if let Ok(wired) = &wired
        && application::backup::is_isolated(wired.app.db()).await?
    {
        return Err(
            "this database is an isolated copy: its backup would stand among those of what it is a copy of"
                .into(),
        );
    }
    let made = backup::create(plan, Watch::shown()).await?;
    terminal::say(&format!("{}  {} bytes", made.path.display(), made.sidecar.bytes));
    terminal::say(&format!("sha256 {}", made.sidecar.sha256));
    match wired {
        Ok(wired) => backup::record(&wired.app, &made).await,
        Err(error) => {
            terminal::note(&format!("the backup is made, and not written into the audit log: {error}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(config: &Config, file: &Path, identity: Option<&Path>) -> Outcome {
    let identities = identity.map(backup::identities).transpose()?;
    let bin = config.database.postgresql_bin.as_deref();
    let verified = backup::verify(file, identities, bin, Watch::shown()).await?;
    tell(&verified.manifest)?;
    terminal::say(match (verified.opened, verified.counted) {
        (false, _) => "its checksum is right; only the private key (--identity) shows what is inside",
        (true, false) => {
            "it is whole and unchanged; its rows were not counted, for want of a pg_restore that reads it"
        }
        (true, true) => "it is whole and unchanged, and holds the rows that its manifest says",
    });
    Ok(ExitCode::SUCCESS)
}

fn tell(manifest: &Manifest) -> Result<(), time::error::Format> {
    let contents = &manifest.contents;
    terminal::say(&format!(
        "a backup of {} made {} from PostgreSQL {}, {} migrations, {} tables, {} rows",
        manifest.environment,
        manifest.created.format(&Rfc3339)?,
        contents.postgresql_version,
        contents.migrations.len(),
        contents.rows.len(),
        contents.rows.values().sum::<i64>(),
    ));
    Ok(())
}

async fn restore(config: &Config, arguments: RestoreArguments) -> Outcome {
    let identities = backup::identities(&arguments.identity)?;
    let target = Target {
        database: arguments.database_url.0,
        here: wiring::environment_word(config.environment).to_owned(),
        environment: arguments.environment,
        isolated: arguments.isolated,
        postgresql_bin: config.database.postgresql_bin.clone(),
    };
    let restored = backup::restore(&arguments.file, identities, target, Watch::shown()).await?;
    tell(&restored.manifest)?;
    terminal::say(&format!(
        "restored: every table has as many rows as it had; {} migrations were applied since",
        restored.migrated
    ));
    let broken: Vec<&Finding> = restored.invariants.iter().filter(|found| !found.holds()).collect();
    for finding in &broken {
        terminal::say(&format!("✗ {}: {}", finding.name, finding.broken_by.join("; ")));
    }
    if broken.is_empty() {
        terminal::say("every invariant holds");
    }
    if arguments.isolated {
        terminal::say(
            "THIS IS AN ISOLATED COPY: what serves on it reaches no provider, mail server or Telegram",
        );
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn folder(config: &Config) -> Result<&Path, &'static str> {
    config.backup.directory.as_deref().ok_or("there is no folder of backups: set backup.directory")
}

fn list(config: &Config) -> Outcome {
    for entry in backup::list(folder(config)?)? {
        let created = entry.created.format(&Rfc3339)?;
        let path = entry.path.display();
        terminal::say(&format!("{created}  {:<12} {:>14}  {path}", entry.environment, entry.bytes));
    }
    Ok(ExitCode::SUCCESS)
}

fn prune(config: &Config, dry_run: bool) -> Outcome {
    let environment = wiring::environment_word(config.environment);
    let keep = backup::keep(&config.backup);
    let gone = backup::prune(folder(config)?, environment, keep, SystemClock.wall(), dry_run)?;
    for path in &gone {
        terminal::say(&format!("{} {}", if dry_run { "would remove" } else { "removed" }, path.display()));
    }
    Ok(ExitCode::SUCCESS)
}
