//! The log: one JSON object a line for machines, readable lines on a terminal. Always on standard error, because
//! standard output belongs to the commands' results; what runs on by itself writes the same lines to a file as well, if
//! one is set ([`file`]). `docs/LOGGING.md` lists the events.

mod file;
mod rotation;

use std::sync::Arc;

use application::clock::{Clock, SystemClock};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use self::file::{FileLog, Lines};
use self::rotation::{Limits, LogFileError};
use crate::config::{Log, LogFormat};
use crate::terminal;

/// Holds the log's file; dropped, it writes what is still waiting.
pub(crate) struct Guard(#[expect(dead_code, reason = "it is held for its end")] Option<FileLog>);

/// Starts logging for this process. A level that cannot be read was refused by the configuration's check already.
pub(crate) fn start(log: &Log) {
    init(log, None);
}

/// The same, to the file as well, if one is set.
pub(crate) fn start_with_file(log: &Log) -> Result<Guard, LogFileError> {
    let Some(path) = &log.file else {
        init(log, None);
        return Ok(Guard(None));
    };
    let limits = Limits {
        max_bytes: u64::from(log.file_max_mb.max(1)) * 1_000_000,
        keep_files: log.keep_files,
        keep_days: log.keep_days,
    };
    let file = FileLog::open(path.clone(), limits, Arc::new(|| SystemClock.wall()))?;
    init(log, Some(file.lines()));
    Ok(Guard(Some(file)))
}

fn init(log: &Log, file: Option<Lines>) {
    let filter = EnvFilter::try_new(&log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Pretty => false,
        LogFormat::Auto => !terminal::is_watched(),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if json {
        lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
    } else {
        lines.compact().boxed()
    };
    let file = file.map(|file| {
        let lines = tracing_subscriber::fmt::layer().with_writer(file).with_ansi(false);
        lines.json().flatten_event(true).with_current_span(true).with_span_list(false)
    });
    if tracing_subscriber::registry().with(lines).with(file).with(filter).try_init().is_err() {
        terminal::note("logging was started before");
    }
}
