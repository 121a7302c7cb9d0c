//! Anchors: heads of the chain kept outside the database, in a file that only grows and in the log.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use domain::time::Instant;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::sealer::Head;

/// A longer line is no anchor.
const MAX_LINE: u64 = 4_096;

/// Why the anchors cannot be written or read.
#[derive(Debug, Error)]
pub enum AnchorsError {
    /// The file.
    #[error("the anchor file {0} cannot be used")]
    File(PathBuf, #[source] std::io::Error),
    /// A line of it.
    #[error("line {line} of the anchor file {file} is no anchor")]
    Line {
        /// Which file.
        file: PathBuf,
        /// Which line, counted from one.
        line: usize,
    },
    /// The thread that writes.
    #[error("the anchor file could not be written to")]
    Thread(#[from] tokio::task::JoinError),
}

/// One line of the file: what is needed of it to compare.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Anchor {
    /// The number of the seal.
    pub number: i64,
    /// Its last position.
    pub position: i64,
    /// Its hash, hexadecimal.
    pub hash: String,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    head: &'a Head,
    #[serde(with = "time::serde::rfc3339")]
    anchored_at: Instant,
}

/// Where heads are kept.
#[derive(Debug)]
pub struct Anchors {
    file: Option<PathBuf>,
    last: Option<i64>,
}

impl Anchors {
    /// In the log, and in a file if there is one.
    pub const fn new(file: Option<PathBuf>) -> Self {
        Self { file, last: None }
    }

    /// Keeps a head, unless it was the last one that this process kept.
    pub async fn keep(&mut self, head: &Head, now: Instant) -> Result<(), AnchorsError> {
        if self.last == Some(head.number) {
            return Ok(());
        }
        tracing::info!(
            audit.seal = head.number,
            audit.position = head.position,
            audit.hash = head.hash,
            audit.kid = head.kid,
            audit.signature = head.signature,
            "audit head"
        );
        if let Some(file) = self.file.clone() {
            let line = serde_json::to_string(&Line { head, anchored_at: now });
            let line = line.expect("numbers, texts and an instant of our time are JSON");
            tokio::task::spawn_blocking(move || append(&file, &line)).await??;
        }
        self.last = Some(head.number);
        Ok(())
    }

    /// Every anchor of a file, one in memory at a time.
    pub fn read(file: &Path) -> Result<impl Iterator<Item = Result<Anchor, AnchorsError>>, AnchorsError> {
        let failed = |error| AnchorsError::File(file.to_owned(), error);
        let mut reader = BufReader::new(std::fs::File::open(file).map_err(failed)?);
        let (file, mut number) = (file.to_owned(), 0);
        Ok(std::iter::from_fn(move || {
            let mut line = Vec::new();
            number += 1;
            let read = std::io::Read::take(&mut reader, MAX_LINE).read_until(b'\n', &mut line);
            match read {
                Err(error) => Some(Err(AnchorsError::File(file.clone(), error))),
                Ok(0) => None,
                Ok(_) => Some(
                    serde_json::from_slice(&line)
                        .map_err(|_| AnchorsError::Line { file: file.clone(), line: number }),
                ),
            }
        }))
    }
}

/// In one write, so that lines of several processes never mix; and to the disk, because it is what one believes after a fall.
fn append(file: &Path, line: &str) -> Result<(), AnchorsError> {
    let failed = |error| AnchorsError::File(file.to_owned(), error);
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    let mut opened = options.open(file).map_err(failed)?;
    opened.write_all(format!("{line}\n").as_bytes()).map_err(failed)?;
    opened.sync_data().map_err(failed)
}
