//! What the commands say: results on standard output, everything else on standard error.

use std::error::Error;
use std::io::{self, IsTerminal, Write};

/// A line of a command's result. A reader that has gone away is no failure of ours.
pub(crate) fn say(line: &str) {
    let _reader_gone = writeln!(io::stdout().lock(), "{line}");
}

/// A line about what is going on.
pub(crate) fn note(line: &str) {
    let _reader_gone = writeln!(io::stderr().lock(), "{line}");
}

/// An error with everything that led to it.
pub(crate) fn complain(error: &(dyn Error + 'static)) {
    note(&format!("error: {error}"));
    let mut cause = error.source();
    while let Some(error) = cause {
        note(&format!("  because: {error}"));
        cause = error.source();
    }
}

/// Whether a person reads standard error.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// A line on the terminal that tells how far something has come. Nobody watches: nothing is written.
pub(crate) struct Bar {
    what: &'static str,
    watched: bool,
    shown: std::sync::atomic::AtomicU64,
}

impl Bar {
    const WIDTH: u64 = 30;

    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, watched: is_watched(), shown: std::sync::atomic::AtomicU64::new(u64::MAX) }
    }

    /// So many of so many; written when a percent more is done.
    pub(crate) fn show(&self, done: u64, of: u64) {
        let percent = (done.saturating_mul(100)).checked_div(of).unwrap_or(100).min(100);
        let before = self.shown.swap(percent, std::sync::atomic::Ordering::Relaxed);
        if !self.watched || before == percent {
            return;
        }
        let filled = usize::try_from(percent * Self::WIDTH / 100).unwrap_or(0);
        let empty = usize::try_from(Self::WIDTH).unwrap_or(0) - filled;
        let (filled, empty) = ("█".repeat(filled), "░".repeat(empty));
        let _reader_gone = write!(io::stderr().lock(), "\r{} {filled}{empty} {percent:>3} %", self.what);
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        if self.watched {
            let _reader_gone = write!(io::stderr().lock(), "\r\u{1b}[K");
        }
    }
}
