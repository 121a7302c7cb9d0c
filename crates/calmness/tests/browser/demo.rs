//! The world of the story: the demo that people start, as a process of its own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;

/// The program that is tried.
const PROGRAM: &str = env!("CARGO_BIN_EXE_calmness");
/// How long it may take to start.
const START_TIMEOUT: Duration = Duration::from_mins(2);
/// How long it may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// A running demo. Dropped, even by a failing test, it is stopped and leaves nothing behind.
pub(crate) struct Demo {
    process: Child,
    folder: TempDir,
    ready: Ready,
}

/// What is where.
#[derive(Deserialize)]
struct Ready {
    base_url: String,
    sandbox_url: String,
    user: Account,
}

/// Somebody who can log in.
#[derive(Deserialize)]
pub(crate) struct Account {
    pub(crate) email: String,
    pub(crate) password: String,
}

impl Demo {
    /// Starts it in a folder of its own, on free ports.
    pub(crate) async fn start() -> Self {
        // PostgreSQL's own account must be able to reach its data in there.
        let open_to_enter = fs::Permissions::from_mode(0o755);
        let mut named = tempfile::Builder::new();
        let folder = named.prefix("calmness-browser-").permissions(open_to_enter).tempdir().unwrap();
        let errors = File::create(folder.path().join("demo.log")).unwrap();
        let mut process = Command::new(PROGRAM)
            .args(["demo", "--json", "--headless", "--port", "0", "--data-dir"])
            .arg(data(&folder))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let output = process.stdout.take().unwrap();
        let nobody = Account { email: String::new(), password: String::new() };
        let nowhere = Ready { base_url: String::new(), sandbox_url: String::new(), user: nobody };
        // From here on it must not be left behind.
        let mut demo = Self { process, folder, ready: nowhere };
        let first_line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).map(|_| line)
        });
        let line = tokio::time::timeout(START_TIMEOUT, first_line).await.expect("the demo starts in time");
        let line = line.unwrap().unwrap();
        assert!(!line.is_empty(), "the demo did not start:\n{}", demo.log("demo.log"));
        demo.ready = serde_json::from_str(&line).unwrap();
        demo
    }

    /// An address of the product.
    pub(crate) fn product(&self, path: &str) -> String {
        format!("{}{path}", self.ready.base_url)
    }

    /// An address of the simulated world.
    pub(crate) fn sandbox(&self, path: &str) -> String {
        format!("{}{path}", self.ready.sandbox_url)
    }

    /// The customer whom the demo brings along.
    pub(crate) fn customer(&self) -> &Account {
        &self.ready.user
    }

    fn log(&self, name: &str) -> String {
        let mut text = String::new();
        if let Ok(mut log) = File::open(self.folder.path().join(name)) {
            let _unreadable = log.read_to_string(&mut text);
        }
        text
    }

    /// As Ctrl-C does, with an end to the waiting.
    fn stop(&mut self) {
        let asked = Pid::from_raw(self.process.id().cast_signed()).map(|pid| kill_process(pid, Signal::TERM));
        let since = Instant::now();
        while asked.is_some() && since.elapsed() < STOP_TIMEOUT {
            if self.process.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _already_gone = self.process.kill();
        let _already_gone = self.process.wait();
    }
}

fn data(folder: &TempDir) -> PathBuf {
    folder.path().join("data")
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.stop();
        if thread::panicking() {
            keep_log(&data(&self.folder).join("product.log"));
        }
        let _best_effort = Command::new(PROGRAM)
            .args(["demo", "--reset", "--data-dir"])
            .arg(data(&self.folder))
            .stdout(Stdio::null())
            .status();
    }
}

/// Beside the other things that tests leave for their reader.
fn keep_log(log: &Path) {
    let _best_effort = fs::copy(log, Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser-product.log"));
}
