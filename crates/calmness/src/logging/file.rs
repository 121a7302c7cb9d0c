//! The way to the log's file: a queue with a limit, and one thread that writes.
//!
//! Who logs never waits for the disk. A line that finds the queue full, or the disk, is dropped and counted; standard
//! error is told how many, at most once a minute.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

use super::rotation::{Limits, LogFileError, RotatingFile, WallTime};
use crate::terminal;

/// How many lines may wait.
const QUEUE: usize = 16_384;
/// How often standard error is told of lines that were dropped.
const TELL_EVERY: Duration = Duration::from_mins(1);
/// How long the thread waits for a line before it looks at what was dropped.
const TICK: Duration = Duration::from_secs(1);
/// How long the end waits for what is still in the queue.
const END_LIMIT: Duration = Duration::from_secs(2);

enum Message {
    Line(Vec<u8>),
    End(SyncSender<()>),
}

/// The log's file with its thread.
pub(super) struct FileLog {
    lines: Lines,
    writer: Option<JoinHandle<()>>,
}

/// Where lines are handed in; copies share the queue.
#[derive(Clone)]
pub(super) struct Lines {
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

impl FileLog {
    /// Opens the file and starts its thread.
    pub(super) fn open(path: PathBuf, limits: Limits, wall: WallTime) -> Result<Self, LogFileError> {
        let file = RotatingFile::open(path, limits, wall)?;
        let (queue, waiting) = sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let lines = Lines { queue, dropped: Arc::clone(&dropped) };
        let writer = std::thread::Builder::new()
            .name("log-file".to_owned())
            .spawn(move || write(file, &waiting, &dropped))
            .map_err(LogFileError::Thread)?;
        Ok(Self { lines, writer: Some(writer) })
    }

    /// Where lines are handed in.
    pub(super) fn lines(&self) -> Lines {
        self.lines.clone()
    }
}

impl Drop for FileLog {
    fn drop(&mut self) {
        let (done, ended) = sync_channel(1);
        let asked = self.lines.queue.try_send(Message::End(done)).is_ok();
        // A disk that hangs must not hold up the end of the process.
        if asked && ended.recv_timeout(END_LIMIT).is_ok() {
            let _it_has_ended = self.writer.take().map(JoinHandle::join);
        }
    }
}

/// One line of the subscriber's: it hands each in with one write.
pub(super) struct Line<'a>(&'a Lines);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.queue.try_send(Message::Line(bytes.to_vec())) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.0.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(self)
    }
}

fn write(mut file: RotatingFile, waiting: &Receiver<Message>, dropped: &AtomicU64) {
    let mut complaints = Complaints::default();
    loop {
        match waiting.recv_timeout(TICK) {
            Ok(Message::Line(line)) => {
                if let Err(error) = file.write_line(&line) {
                    dropped.fetch_add(1, Ordering::Relaxed);
                    complaints.last = Some(error.to_string());
                }
            }
            Ok(Message::End(done)) => {
                complaints.tell(dropped, true);
                let _nobody_waits = done.send(());
                return;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        complaints.tell(dropped, false);
    }
}

/// What standard error is told, and when it was told last.
#[derive(Default)]
struct Complaints {
    last: Option<String>,
    told_at: Option<Instant>,
}

impl Complaints {
    fn tell(&mut self, dropped: &AtomicU64, at_the_end: bool) {
        let early = self.told_at.is_some_and(|told| told.elapsed() < TELL_EVERY);
        if early && !at_the_end {
            return;
        }
        let count = dropped.swap(0, Ordering::Relaxed);
        if count > 0 {
            let why = self.last.take().unwrap_or_else(|| "it is too slow".to_owned());
            terminal::note(&format!("the log's file lost {count} lines: {why}"));
            self.told_at = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use time::macros::datetime;

    fn limits() -> Limits {
        Limits { max_bytes: 1_000_000, keep_files: 3, keep_days: 0 }
    }

    #[test]
    fn every_line_that_was_handed_in_is_in_the_file_when_the_log_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calmness.log");
        let wall: WallTime = Arc::new(|| datetime!(2026-11-23 12:00 UTC));
        let log = FileLog::open(path.clone(), limits(), wall).unwrap();
        let lines = log.lines();
        for number in 0..1_000 {
            writeln!(lines.make_writer(), "{number}").unwrap();
        }
        drop(log);
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!(written.lines().count(), 1_000);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn who_logs_never_waits_for_a_queue_that_is_full_and_the_lines_are_counted() {
        let (queue, waiting) = sync_channel(2);
        let lines = Lines { queue, dropped: Arc::default() };
        for _ in 0..5 {
            assert_eq!(lines.make_writer().write(b"x").unwrap(), 1);
        }
        assert_eq!(lines.dropped.load(Ordering::Relaxed), 3);
        drop(waiting);
        assert_eq!(lines.make_writer().write(b"x").unwrap(), 1);
        assert_eq!(lines.dropped.load(Ordering::Relaxed), 4);
    }
}
