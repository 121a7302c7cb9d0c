//! The log: one JSON object a line for machines, readable lines on a terminal. Always on standard error, because
//! standard output belongs to the commands' results. `docs/LOGGING.md` lists the events.

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};
use crate::terminal;

/// Starts logging for this process. A level that cannot be read was refused by the configuration's check already.
pub(crate) fn start(log: &Log) {
    let filter = EnvFilter::try_new(&log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Pretty => false,
        LogFormat::Auto => !terminal::is_watched(),
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if json {
        lines.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    } else {
        lines.compact().try_init()
    };
    if started.is_err() {
        terminal::note("logging was started before");
    }
}
