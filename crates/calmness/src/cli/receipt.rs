//! `receipt verify`: believes a receipt or not, offline.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use crypto::receipt::{MAX_LEN, PublicKeys};
use serde_json::Value;
use thiserror::Error;

use super::Outcome;
use crate::terminal;

/// Signed receipts.
#[derive(Subcommand)]
pub(super) enum ReceiptCommand {
    /// Verify a receipt with the published keys; needs no server and no network
    Verify {
        /// The receipt: the `jws` text, or the JSON that holds it; `-` is standard input
        receipt: PathBuf,
        /// The published keys, as `GET /api/billing/receipt-key` answers them
        #[arg(long)]
        keys: PathBuf,
    },
}

#[derive(Debug, Error)]
enum VerifyError {
    #[error("{0} cannot be read")]
    Read(PathBuf, #[source] std::io::Error),
    #[error("{0} does not hold published keys, as GET /api/billing/receipt-key answers them")]
    Keys(PathBuf),
}

pub(super) fn receipt(command: &ReceiptCommand) -> Outcome {
    let ReceiptCommand::Verify { receipt, keys } = command;
    let text = read(receipt)?;
    let published: PublicKeys =
        serde_json::from_str(&read(keys)?).map_err(|_| VerifyError::Keys(keys.clone()))?;
    let jws = match serde_json::from_str::<Value>(&text) {
        Ok(document) => document["jws"].as_str().unwrap_or_default().to_owned(),
        Err(_) => text,
    };
    let payload = published.verify(&jws)?;
    let said: Value = serde_json::from_slice(&payload)?;
    terminal::say("The receipt is genuine. It says:");
    for (name, value) in said.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), printable);
        terminal::say(&format!("  {name:<16} {value}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Even what is genuine may hold what a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// A file, or standard input; not more than a receipt or a few keys can be.
fn read(path: &PathBuf) -> Result<String, VerifyError> {
    let mut text = String::new();
    let limit = 4 * MAX_LEN as u64;
    let done = if path.as_os_str() == "-" {
        std::io::stdin().take(limit).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text))
    };
    done.map(|_| text).map_err(|error| VerifyError::Read(path.clone(), error))
}
