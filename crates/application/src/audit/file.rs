//! Verifying an exported file: no database, no secret, only the published keys.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use std::path::Path;

use crypto::audit_signature::{self, Signed};
use crypto::fingerprint::Sha256;
use crypto::receipt::PublicKeys;
use thiserror::Error;

use super::anchor::{Anchor, Anchors, AnchorsError};
use super::lines::{Line, VERSION};
use super::stored::{Link, MAX_ENTRIES, Seal};
use super::verify::{Finding, Kind, Report, Walk};

/// A longer line is none of ours.
const MAX_LINE: u64 = 16 * 1024 * 1024;

/// Why a file cannot be verified at all.
#[derive(Debug, Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("the file cannot be read")]
    Read(#[from] std::io::Error),
    /// A line of it is not of the format.
    #[error("line {0} is not a line of an exported audit log")]
    Line(usize),
    /// Made by a newer program.
    #[error("the file has format {0}, and this program knows format {VERSION}")]
    Version(u32),
    /// The anchors cannot be read.
    #[error(transparent)]
    Anchors(#[from] AnchorsError),
}

/// Verifies a file line by line, keeping one seal of it in memory, and the anchors if a file of them is given. `progress`
/// is told how many bytes were read.
pub fn verify_file(
    file: impl BufRead,
    keys: &PublicKeys,
    anchors: Option<&Path>,
    progress: &dyn Fn(u64),
) -> Result<Report, FileError> {
    let kept: BTreeMap<i64, Anchor> = match anchors {
        Some(path) => Anchors::read(path)?
            .map(|anchor| anchor.map(|anchor| (anchor.number, anchor)))
            .collect::<Result<_, _>>()?,
        None => BTreeMap::new(),
    };
    let mut reading = Reading { walk: Walk::start(keys, None), kept, keys, open: None, ended: false };
    let mut lines = Lines { file, digest: Sha256::default(), number: 0, bytes: 0 };
    while let Some((line, digest)) = lines.next()? {
        let number = lines.number;
        reading.take(line, digest).map_err(|error| error.unwrap_or(FileError::Line(number)))?;
        progress(lines.bytes);
    }
    Ok(reading.finish())
}

struct Lines<R> {
    file: R,
    digest: Sha256,
    number: usize,
    bytes: u64,
}

impl<R: BufRead> Lines<R> {
    /// The next line; with the last one the digest of everything before it.
    fn next(&mut self) -> Result<Option<(Line, [u8; 32])>, FileError> {
        let mut bytes = Vec::new();
        (&mut self.file).take(MAX_LINE).read_until(b'\n', &mut bytes)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        self.bytes += bytes.len() as u64;
        let line: Line = serde_json::from_slice(&bytes).map_err(|_| FileError::Line(self.number))?;
        let digest = match &line {
            Line::End { .. } => std::mem::take(&mut self.digest).finish(),
            _ => [0; 32],
        };
        self.digest.update(&bytes);
        Ok(Some((line, digest)))
    }
}

struct Reading<'a> {
    walk: Walk<'a>,
    kept: BTreeMap<i64, Anchor>,
    keys: &'a PublicKeys,
    open: Option<(Seal, Vec<Link>)>,
    ended: bool,
}

impl Reading<'_> {
    /// `Err(None)` is a line that is not of the format.
    fn take(&mut self, line: Line, digest: [u8; 32]) -> Result<(), Option<FileError>> {
        if self.ended {
            let says = "there are lines after the end";
            self.walk.report.find(Finding::of_seal(Kind::Inserted, self.walk.report.last_seal, says));
        }
        match line {
            Line::Header { version, .. } if version != VERSION => {
                return Err(Some(FileError::Version(version)));
            }
            Line::Header { .. } => {}
            Line::Checkpoint(cut) => {
                self.walk = Walk::start(self.keys, Some(&cut.into_checkpoint().ok_or(None)?));
            }
            Line::Before(seal) => self.walk = Walk::after(self.keys, &seal.into_seal().ok_or(None)?),
            Line::Seal(seal) => {
                self.close();
                self.open = Some((seal.into_seal().ok_or(None)?, Vec::new()));
            }
            Line::Entry(entry) => {
                let sealed = entry.into_link().ok_or(None)?;
                let (_, links) = self.open.as_mut().ok_or(None)?;
                if i64::try_from(links.len()).unwrap_or(i64::MAX) < MAX_ENTRIES {
                    links.push(sealed);
                }
            }
            Line::End { seals, entries, kid, signature } => {
                self.close();
                self.ended = true;
                self.end(seals, entries, &kid, &signature, &digest);
            }
        }
        Ok(())
    }

    fn close(&mut self) {
        if let Some((seal, links)) = self.open.take() {
            if let Some(anchor) = self.kept.remove(&seal.number) {
                self.walk.anchor(&anchor, Some(&seal));
            }
            self.walk.seal(&seal, &links);
        }
    }

    fn end(&mut self, seals: i64, entries: i64, kid: &str, signature: &str, digest: &[u8; 32]) {
        let last = self.walk.report.last_seal;
        if (seals, entries) != (self.walk.report.seals, self.walk.report.entries) {
            let says =
                format!("the file says that it holds {seals} seals and {entries} entries, and it does not");
            self.walk.report.find(Finding::of_seal(Kind::Missing, last, says));
        }
        let signature = hex::decode(signature).unwrap_or_default();
        if audit_signature::verify(self.keys, kid, Signed::Export, digest, &signature).is_err() {
            let says = "the signature of the whole file does not fit: it was changed after it was exported";
            self.walk.report.find(Finding::of_seal(Kind::BadSignature, last, says));
        }
    }

    fn finish(mut self) -> Report {
        self.close();
        if !self.ended {
            let says = "the file's last line is missing: it was cut";
            self.walk.report.find(Finding::of_seal(Kind::Missing, self.walk.report.last_seal, says));
        }
        self.walk.report.complete = self.ended;
        self.walk.finish()
    }
}
