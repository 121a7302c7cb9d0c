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
