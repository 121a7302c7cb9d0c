//! `audit verify`, `export`, `key` and `prune`.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use application::App;
use application::audit::{self, ExportFilter, Range, Report};
use application::database::{self, Rights};
use clap::{Args, Subcommand};
use crypto::receipt::PublicKeys;
use domain::ids::UserId;
use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime, Time};

use super::{Outcome, load};
use crate::config::Config;
use crate::terminal::{self, Bar};
use crate::wiring::{self, ClockKind};

/// The audit log and its chain.
#[derive(Subcommand)]
pub(super) enum AuditCommand {
    /// Verify the chain; exit code 1 if anything does not fit
    Verify(VerifyArguments),
    /// Write the chain to a file that is verified without a database
    Export(ExportArguments),
    /// Tell the public keys that the chain is verified with
    Key,
    /// Cut whole seals from the beginning, leaving a signed checkpoint; needs the owner's address (MIGRATION_DATABASE_URL)
    Prune(PruneArguments),
}

/// What to verify.
#[derive(Args)]
pub(super) struct VerifyArguments {
    /// Compare with the heads that were kept outside [default: audit.anchor_file, if it is set]
    #[arg(long, value_name = "FILE")]
    anchor_file: Option<PathBuf>,
    /// Verify an exported file instead of the database; needs --keys, and no secret
    #[arg(long, value_name = "FILE", requires = "keys")]
    file: Option<PathBuf>,
    /// The published keys, as `calmness audit key` tells them [default: those of SECRET_KEY and SECRET_KEY_PREVIOUS]
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// One JSON document instead of lines
    #[arg(long)]
    json: bool,
}

/// What to export.
#[derive(Args)]
pub(super) struct ExportArguments {
    /// The file to write; it must not exist
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Seals from then on: a date, or an instant like 2026-01-31T12:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = instant)]
    from: Option<OffsetDateTime>,
    /// Seals up to then
    #[arg(long, value_name = "WHEN", value_parser = instant)]
    to: Option<OffsetDateTime>,
    /// Only this user's entries; of all others the hashes
    #[arg(long, value_name = "ID")]
    user: Option<UserId>,
}

/// What to cut.
#[derive(Args)]
pub(super) struct PruneArguments {
    /// Seals older than this: a date, or an instant like 2026-01-31T12:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = instant)]
    before: OffsetDateTime,
    /// Only tell what would be cut
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn audit(config: Option<PathBuf>, command: AuditCommand) -> Outcome {
    match command {
        AuditCommand::Verify(arguments) => match &arguments.file {
            Some(file) => verify_exported(file, &arguments),
            None => verify(&load(config)?, &arguments).await,
        },
        AuditCommand::Export(arguments) => export(&load(config)?, &arguments).await,
        AuditCommand::Key => {
            let app = open(&load(config)?).await?;
            terminal::say(&serde_json::to_string_pretty(app.keys().audit_keys())?);
            Ok(ExitCode::SUCCESS)
        }
        AuditCommand::Prune(arguments) => prune(&load(config)?, &arguments).await,
    }
}

async fn open(config: &Config) -> Result<App, wiring::WiringError> {
    Ok(wiring::wire(config, ClockKind::System).await?.app)
}

async fn verify(config: &Config, arguments: &VerifyArguments) -> Outcome {
    let app = open(config).await?;
    let keys = match &arguments.keys {
        Some(file) => published(file)?,
        None => app.keys().audit_keys().clone(),
    };
    let configured = config.audit.anchor_file.clone().filter(|file| file.exists());
    let anchors = arguments.anchor_file.clone().or(configured);
    let bar = Bar::new("verifying");
    let progress = |done: i64, of: i64| bar.show(done.unsigned_abs(), of.unsigned_abs());
    let report = app.verify_audit(Range::All, &keys, anchors.as_deref(), &progress).await?;
    bar.clear();
    tell(&report, arguments.json)
}

fn verify_exported(file: &Path, arguments: &VerifyArguments) -> Outcome {
    let keys = arguments.keys.as_deref().ok_or("an exported file is verified with --keys")?;
    let keys = published(keys)?;
    let opened = File::open(file)?;
    let size = opened.metadata()?.len();
    let (bar, shown) = (Bar::new("verifying"), Cell::new(0));
    let progress = |read: u64| {
        if read - shown.get() > size / 200 {
            shown.set(read);
            bar.show(read, size);
        }
    };
    let anchors = arguments.anchor_file.as_deref();
    let report = audit::verify_file(BufReader::new(opened), &keys, anchors, &progress)?;
    bar.clear();
    tell(&report, arguments.json)
}

fn published(file: &Path) -> Result<PublicKeys, Box<dyn std::error::Error + Send + Sync>> {
    let text = std::fs::read_to_string(file)?;
    let keys = serde_json::from_str(&text);
    Ok(keys.map_err(|_| "the file does not hold published keys, as `calmness audit key` tells them")?)
}

fn tell(report: &Report, json: bool) -> Outcome {
    if json {
        terminal::say(&serde_json::to_string(report)?);
    } else {
        for finding in &report.findings {
            terminal::say(&format!("✗ {finding}"));
        }
        let more = report.wrong - report.findings.len();
        if more > 0 {
            terminal::say(&format!("  and {more} more"));
        }
        terminal::say(&summary(report));
    }
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn summary(report: &Report) -> String {
    let mark = if report.holds() { "✓ the chain verifies" } else { "✗ the chain is broken" };
    let mut says = vec![format!("{mark}: {} entries under {} seals", report.entries, report.seals)];
    for (count, what) in [
        (report.anchors, "anchors compared"),
        (report.erased, "entries whose person was erased"),
        (report.unsealed, "entries wait for their seal"),
        (report.unknown_keys, "seals of a key that is not known here, covered by later ones"),
    ] {
        if count > 0 {
            says.push(format!("{count} {what}"));
        }
    }
    if report.began_after > 0 {
        says.push(format!("begins after seal {}", report.began_after));
    }
    says.join("; ")
}

async fn export(config: &Config, arguments: &ExportArguments) -> Outcome {
    let app = open(config).await?;
    let mut export =
        app.export_audit(ExportFilter { from: arguments.from, to: arguments.to, user: arguments.user });
    let head = app.audit_head().await?.map_or(0, |head| head.position);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    // It holds who did what: nobody else's to read.
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = BufWriter::new(options.open(&arguments.output)?);
    let bar = Bar::new("exporting");
    while let Some(lines) = export.next().await? {
        file.write_all(&lines)?;
        bar.show(export.summary().entries.unsigned_abs(), head.unsigned_abs());
    }
    file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    bar.clear();
    let done = export.summary();
    let file = arguments.output.display();
    terminal::say(&format!("{} entries under {} seals are in {file}", done.entries, done.seals));
    Ok(ExitCode::SUCCESS)
}

async fn prune(config: &Config, arguments: &PruneArguments) -> Outcome {
    let app = open(config).await?;
    let there = app.prunable_audit(arguments.before).await?;
    if arguments.dry_run {
        terminal::say(&format!("{} entries under {} seals would be cut", there.entries, there.seals));
        return Ok(ExitCode::SUCCESS);
    }
    let url = config.database.migration_url.as_ref();
    let url = url.ok_or("only the owner of the tables may cut the log: set MIGRATION_DATABASE_URL")?;
    let owner = database::connect(url, Rights::OfLogin, 1).await?;
    let cut = app.prune_audit(&owner, arguments.before).await?;
    terminal::say(&format!(
        "{} entries under {} seals are cut; the rest verifies from a signed checkpoint",
        cut.entries, cut.seals
    ));
    Ok(ExitCode::SUCCESS)
}

/// A date (its first moment, UTC) or an instant.
fn instant(text: &str) -> Result<OffsetDateTime, String> {
    let date = Date::parse(text, &time::format_description::well_known::Iso8601::DATE);
    let date = date.map(|date| date.with_time(Time::MIDNIGHT).assume_utc());
    let at = date.or_else(|_| OffsetDateTime::parse(text, &Rfc3339));
    at.map_err(|_| "expected a date like 2026-01-31 or an instant like 2026-01-31T12:00:00Z".to_owned())
}
