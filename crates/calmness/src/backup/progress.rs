//! How far it is, for a person who watches; and whether to stop, for a process that ends.

use std::io::{self, Write};

use tokio_util::sync::CancellationToken;

use crate::terminal;

/// How many signs wide the bar is.
const WIDTH: u64 = 30;
const MEGABYTE: u64 = 1_000_000;

/// Watches something that takes long.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    stop: CancellationToken,
    shown: bool,
}

impl Watch {
    /// Shown on a terminal.
    pub fn shown() -> Self {
        Self { stop: CancellationToken::new(), shown: terminal::is_watched() }
    }

    /// Stops with this, and shows nothing.
    pub fn until(stop: CancellationToken) -> Self {
        Self { stop, shown: false }
    }

    /// A bar for one step. Its length is in bytes; unknown, it only counts.
    pub(super) fn bar(&self, what: &'static str, total: Option<u64>) -> Bar {
        Bar { watch: self.clone(), what, total, shown_at: None }
    }
}

/// The bar of one step.
pub(super) struct Bar {
    watch: Watch,
    what: &'static str,
    total: Option<u64>,
    shown_at: Option<u64>,
}

impl Bar {
    /// So far it is. Fails when it is time to stop.
    pub(super) fn at(&mut self, bytes: u64) -> io::Result<()> {
        if self.watch.stop.is_cancelled() {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "stopped"));
        }
        let step = bytes / MEGABYTE;
        if self.watch.shown && self.shown_at != Some(step) {
            self.shown_at = Some(step);
            let _terminal_gone = write!(io::stderr().lock(), "\r{}", line(self.what, bytes, self.total));
        }
        Ok(())
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.shown_at.is_some() {
            terminal::note("");
        }
    }
}

fn line(what: &str, bytes: u64, total: Option<u64>) -> String {
    let megabytes = bytes / MEGABYTE;
    let Some(total) = total.filter(|total| *total > 0) else { return format!("{what}  {megabytes} MB") };
    let done = bytes.min(total);
    let filled = usize::try_from(done.saturating_mul(WIDTH) / total).unwrap_or(0);
    let empty = usize::try_from(WIDTH).unwrap_or(0) - filled;
    let percent = done.saturating_mul(100) / total;
    format!("{what}  [{}{}] {percent:>3} %  {megabytes} MB", "█".repeat(filled), "·".repeat(empty))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_at_the_end_and_never_fuller() {
        assert!(line("a", 0, Some(100)).contains("  0 %"));
        assert!(line("a", 50, Some(100)).contains(" 50 %"));
        assert!(line("a", 100, Some(100)).contains("100 %"));
        assert!(line("a", 900, Some(100)).contains("100 %"));
        assert_eq!(line("a", 3 * MEGABYTE, None), "a  3 MB");
    }

    #[test]
    fn what_is_watched_stops_when_it_is_told_to() {
        let stop = CancellationToken::new();
        let mut bar = Watch::until(stop.clone()).bar("a", None);
        assert!(bar.at(1).is_ok());
        stop.cancel();
        assert!(bar.at(2).is_err());
    }
}
