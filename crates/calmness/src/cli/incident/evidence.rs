//! `incident evidence` and `incident verify-evidence`.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use application::identity::Email;
use application::incident::{EvidenceRequest, Subject, verify_archive};
use application::{App, Context};
use clap::Args;
use crypto::receipt::PublicKeys;
use domain::ids::{PaymentId, UserId};
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::Outcome;
use super::{Why, instant};
use crate::terminal;

/// Which evidence.
#[derive(Args)]
pub(in crate::cli) struct EvidenceArguments {
    /// About this user: an address or an id
    #[arg(long, conflicts_with = "payment")]
    user: Option<String>,
    /// About this payment
    #[arg(long)]
    payment: Option<PaymentId>,
    /// From here on, like 2026-11-23T14:05:00Z
    #[arg(long, value_parser = instant, requires = "to")]
    from: Option<OffsetDateTime>,
    /// Before this
    #[arg(long, value_parser = instant, requires = "from")]
    to: Option<OffsetDateTime>,
    /// Open what callbacks said; it may hold payers' details
    #[arg(long)]
    with_bodies: bool,
    /// A file of the log (JSON) whose lines of the period are taken along; may be said again
    #[arg(long, value_name = "FILE")]
    log: Vec<PathBuf>,
    /// Where to write the archive; nothing is overwritten [default: named by the instant, in this folder]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    why: Why,
}

/// What is verified.
#[derive(Args)]
pub(in crate::cli) struct VerifyArguments {
    /// The archive
    archive: PathBuf,
    /// The published keys, as `incident status --evidence-keys` prints them
    #[arg(long)]
    keys: PathBuf,
}

#[derive(Debug, Error)]
enum FileError {
    #[error("{0} cannot be read")]
    Read(PathBuf, #[source] std::io::Error),
    #[error("{0} cannot be written")]
    Write(PathBuf, #[source] std::io::Error),
    #[error("{0} does not hold published keys, as `incident status --evidence-keys` prints them")]
    Keys(PathBuf),
}

pub(super) async fn gather(
    app: &App,
    arguments: EvidenceArguments,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let subject = match (arguments.user, arguments.payment) {
        (Some(user), _) => Subject::User(find_user(app, &user).await?),
        (None, Some(payment)) => Subject::Payment(payment),
        (None, None) => Subject::Period,
    };
    let request = EvidenceRequest {
        subject,
        from: arguments.from,
        to: arguments.to,
        with_bodies: arguments.with_bodies,
        logs: arguments.log,
        reason: arguments.why.reason,
    };
    let archive = app.gather_evidence(&Context::operator(), &request).await?;
    let path = arguments.output.unwrap_or_else(|| PathBuf::from(&archive.name));
    write(&path, &archive.bytes).map_err(|error| FileError::Write(path.clone(), error))?;
    terminal::say(&format!("{}", path.display()));
    for file in &archive.manifest.files {
        terminal::say(&format!("  {:<24} {:>8} lines  sha256 {}", file.name, file.lines, file.sha256));
    }
    terminal::note("it holds personal data: keep it where only those who need it can read it");
    Ok(())
}

async fn find_user(app: &App, said: &str) -> Result<UserId, Box<dyn std::error::Error + Send + Sync>> {
    if let Ok(id) = said.parse() {
        return Ok(id);
    }
    Ok(app.user_of_address(&Email::parse(said)?).await?)
}

/// For its owner alone.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

pub(super) fn verify(arguments: &VerifyArguments) -> Outcome {
    let unreadable = |path: &PathBuf| {
        let path = path.clone();
        move |error| FileError::Read(path, error)
    };
    let keys = std::fs::read(&arguments.keys).map_err(unreadable(&arguments.keys))?;
    let keys: PublicKeys =
        serde_json::from_slice(&keys).map_err(|_| FileError::Keys(arguments.keys.clone()))?;
    let archive = File::open(&arguments.archive).map_err(unreadable(&arguments.archive))?;
    let verified = verify_archive(BufReader::new(archive), &keys)?;
    let manifest = verified.manifest;
    terminal::say("The evidence is genuine and whole.");
    terminal::say(&format!("  signed with  {}", verified.kid));
    terminal::say(&format!("  made         {}", manifest.created_at.format(&Rfc3339)?));
    terminal::say(&format!("  files        {}", manifest.files.len()));
    for file in manifest.files {
        terminal::say(&format!("    {:<24} {:>8} lines", file.name, file.lines));
    }
    Ok(ExitCode::SUCCESS)
}
