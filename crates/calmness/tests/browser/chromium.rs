//! Headless Chromium and its driver: found on the machine, started on a port that the system chooses, ended with
//! everything that they started.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use calmness::config::environment;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long the driver may take to say where it listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the system may take to end killed browsers.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// Where the programs are.
pub(crate) struct Chromium {
    browser: PathBuf,
    driver: PathBuf,
}

/// A running driver. Dropped, it ends with every browser that it started.
pub(crate) struct Driver {
    process: Child,
    address: String,
    browser: PathBuf,
    /// The browsers' profiles: gone after the browsers, which still write there until they end.
    profiles: TempDir,
}

impl Chromium {
    /// None where the machine has no browser or no driver for it.
    pub(crate) fn find() -> Option<Self> {
        let path = environment::variables().into_iter().find(|(name, _)| name == "PATH")?.1;
        let find = |program: &str| {
            std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
        };
        Some(Self { browser: find("chromium")?, driver: find("chromedriver")? })
    }

    /// Starts the driver.
    pub(crate) async fn start(self) -> Driver {
        // In a group of its own, so that browsers that outlive it can be ended too.
        let mut process = Command::new(&self.driver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let output = process.stdout.take().unwrap();
        let profiles = TempDir::with_prefix("calmness-profiles-").unwrap();
        let mut driver = Driver { process, address: String::new(), browser: self.browser, profiles };
        let port = tokio::task::spawn_blocking(move || {
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            lines.find_map(|line| {
                Some(line.split_once("successfully on port ")?.1.trim_end_matches('.').to_owned())
            })
        });
        let port = tokio::time::timeout(START_TIMEOUT, port).await.expect("chromedriver starts in time");
        driver.address = format!("http://127.0.0.1:{}", port.unwrap().expect("chromedriver names its port"));
        driver
    }
}

impl Driver {
    /// A browser with an empty profile that asks for pages in these languages.
    pub(crate) async fn browser(&self, languages: &str) -> Client {
        let profile = tempfile::tempdir_in(self.profiles.path()).unwrap().keep();
        let Value::Object(wanted) = json!({
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "binary": self.browser,
                "args": [
                    "--headless=new",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-quic",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    "--disable-dev-shm-usage",
                    "--hide-scrollbars",
                    // A page that scrolls smoothly is still moving when it is clicked.
                    "--force-prefers-reduced-motion",
                    "--window-size=1200,900",
                    format!("--user-data-dir={}", profile.display()),
                ],
                "prefs": { "intl.accept_languages": languages, "credentials_enable_service": false },
            },
        }) else {
            unreachable!("it is written as an object")
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(wanted).connect(&self.address).await.unwrap()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let Some(group) = Pid::from_raw(self.process.id().cast_signed()) else { return };
        let _already_gone = kill_process_group(group, Signal::KILL);
        let _already_gone = self.process.wait();
        let since = Instant::now();
        while test_kill_process_group(group).is_ok() && since.elapsed() < STOP_TIMEOUT {
            thread::sleep(Duration::from_millis(10));
        }
    }
}
