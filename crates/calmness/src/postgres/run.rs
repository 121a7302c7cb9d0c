//! Runs other programs to their end, within a limit of time, and keeps what they said.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Command;

/// A program that has ended.
pub(super) struct Finished {
    status: ExitStatus,
    /// What it wrote to its standard output.
    pub(super) output: String,
    errors: String,
}

impl Finished {
    /// Whether it says that it succeeded.
    pub(super) fn succeeded(&self) -> bool {
        self.status.success()
    }

    /// Its last words, in one line: enough to understand a failure, not enough to flood a terminal.
    pub(super) fn last_words(&self) -> String {
        let said = if self.errors.trim().is_empty() { &self.output } else { &self.errors };
        match last_lines(said) {
            words if words.is_empty() => self.status.to_string(),
            words => words,
        }
    }
}

/// The last lines of a text that say something, joined to one.
pub(super) fn last_lines(text: &str) -> String {
    const LINES: usize = 6;
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join(" / ")
}

/// Runs a program to its end. A program that takes longer than the limit is killed.
pub(super) async fn run(mut command: Command, limit: Duration) -> io::Result<Finished> {
    let ended = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(limit, ended).await.map_err(|_| {
        io::Error::new(io::ErrorKind::TimedOut, format!("not done after {} s", limit.as_secs()))
    })??;
    Ok(Finished {
        status: output.status,
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
