//! Evidence: what is known of a user, a payment or a period, as one archive that proves by itself that nobody changed it.
//!
//! `manifest.json` names every file with its SHA-256; `manifest.sig.json` is an Ed25519 signature of the manifest. Files are
//! JSON lines, read from one snapshot of the database in a fixed order. What guards accounts (passwords, factors, tokens,
//! keys) is never read; bodies of callbacks only if asked for.

mod archive;
mod gather;
mod log;
#[cfg(test)]
mod tests;
mod verify;

use std::path::PathBuf;

use crypto::evidence::EvidenceSignatureError;
use domain::ids::{PaymentId, UserId};
use domain::time::Instant;
use scoped_futures::ScopedFutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use thiserror::Error;
use time::format_description::well_known::Rfc3339;

pub use self::verify::{Verified, verify_archive};
use super::announce::announce;
use super::{Act, IncidentError, checked_reason};
use crate::actor::{Actor, Context};
use crate::app::App;

/// What the manifest calls its own form.
const FORMAT: &str = "calmness-evidence/1";
const MANIFEST: &str = "manifest.json";
const SIGNATURE: &str = "manifest.sig.json";

/// What evidence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Subject {
    /// Everything in the period.
    Period,
    /// One account.
    User(UserId),
    /// One payment.
    Payment(PaymentId),
}

/// Which evidence.
#[derive(Clone, Debug)]
pub struct EvidenceRequest {
    /// About what.
    pub subject: Subject,
    /// From here on; needed for a period.
    pub from: Option<Instant>,
    /// Before this; needed for a period.
    pub to: Option<Instant>,
    /// Whether the bodies of callbacks are opened.
    pub with_bodies: bool,
    /// Files of the log whose lines are taken along: those of the period that name the subject.
    pub logs: Vec<PathBuf>,
    /// Why.
    pub reason: String,
}

/// What an archive says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its form.
    pub format: String,
    /// The address of the installation that made it.
    pub installation: String,
    /// When (wall time).
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Instant,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub reason: String,
    /// About what.
    pub subject: Subject,
    /// From when on.
    #[serde(with = "time::serde::rfc3339::option")]
    pub from: Option<Instant>,
    /// Before when.
    #[serde(with = "time::serde::rfc3339::option")]
    pub to: Option<Instant>,
    /// Whether bodies of callbacks are in it.
    pub with_bodies: bool,
    /// Every file but this one and its signature, by name.
    pub files: Vec<ManifestFile>,
}

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its name.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
    /// How many lines it has.
    pub lines: u64,
}

/// An archive, ready to be kept.
#[derive(Clone, Debug)]
pub struct Archive {
    /// What it is called.
    pub name: String,
    /// A compressed tape archive.
    pub bytes: Vec<u8>,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// Why there is no evidence, or why it is not believed.
#[derive(Debug, Error)]
pub enum EvidenceError {
    /// A period has two ends, and nothing ends before it begins.
    #[error("a period needs a beginning and an end after it")]
    Period,
    /// No such user or payment.
    #[error("there is no such user or payment")]
    NoSuchSubject,
    /// More than one archive holds.
    #[error("{0} has more than an archive holds: choose a shorter period")]
    TooMuch(&'static str),
    /// A file of the log or the archive cannot be read.
    #[error("{0} cannot be read")]
    Read(String, #[source] std::io::Error),
    /// Not an archive of this form.
    #[error("this is no archive of evidence: {0}")]
    Malformed(&'static str),
    /// The manifest is not believed.
    #[error(transparent)]
    Signature(#[from] EvidenceSignatureError),
    /// A file is not the one that was signed for.
    #[error("{0} was changed")]
    Changed(String),
    /// A file that was signed for is not there.
    #[error("{0} is missing")]
    Missing(String),
    /// A file that nobody signed for.
    #[error("{0} does not belong to it")]
    Foreign(String),
}

/// A file on its way into an archive.
struct File {
    name: &'static str,
    bytes: Vec<u8>,
    lines: u64,
}

impl App {
    /// Gathers evidence, and writes down who took it and the fingerprint of its manifest.
    pub async fn gather_evidence(
        &self,
        context: &Context,
        request: &EvidenceRequest,
    ) -> Result<Archive, IncidentError> {
        let reason = checked_reason(&request.reason)?;
        request.check()?;
        let mut files = gather::files(self, request).await?;
        if !request.logs.is_empty() {
            files.push(log::lines(request).await?);
        }
        files.sort_by_key(|file| file.name);
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            installation: self.options().public_url.clone(),
            created_at: self.clock().wall(),
            created_by: author(&context.actor),
            reason: reason.to_owned(),
            subject: request.subject,
            from: request.from,
            to: request.to,
            with_bodies: request.with_bodies,
            files: files.iter().map(archive::described).collect(),
        };
        let archive = archive::pack(manifest, &files, self.keys().evidence())?;
        let details = json!({
            "subject": request.subject,
            "with_bodies": request.with_bodies,
            "sha256": hex::encode(crypto::fingerprint::sha256(&archive.bytes)),
        });
        self.tx("announce_evidence", context, |tx| {
            let details = details.clone();
            async move { Ok::<_, IncidentError>(announce(tx, Act::EvidenceExported, reason, details).await?) }
                .scope_boxed()
        })
        .await?;
        Ok(archive)
    }
}

impl EvidenceRequest {
    fn check(&self) -> Result<(), EvidenceError> {
        match (self.subject, self.from, self.to) {
            (Subject::Period, None, _) | (Subject::Period, _, None) => Err(EvidenceError::Period),
            (_, Some(from), Some(to)) if to <= from => Err(EvidenceError::Period),
            _ => Ok(()),
        }
    }
}

fn author(actor: &Actor) -> String {
    match actor.id() {
        Some(id) => format!("{} {id}", actor.kind()),
        None => actor.kind().to_owned(),
    }
}

/// What an archive is called: the instant that it was made at.
fn file_name(created_at: Instant) -> String {
    let said = created_at.format(&Rfc3339).unwrap_or_default();
    let digits: String = said.chars().take(19).filter(char::is_ascii_alphanumeric).collect();
    format!("calmness-evidence-{digits}.tar.gz")
}
