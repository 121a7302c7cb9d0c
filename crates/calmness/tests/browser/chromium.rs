//! Headless Chromium and its driver: found on the machine, started on a port that the system chooses, ended with
//! everything that they started.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use calmness::config::environment;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long the driver may take to say where it listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);

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
        let mut driver = Driver { process, address: String::new(), browser: self.browser };
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
    pub(crate) async fn browser(&self, languages: &str) -> (Client, TempDir) {
        let profile = TempDir::with_prefix("calmness-profile-").unwrap();
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
                    format!("--user-data-dir={}", profile.path().display()),
                ],
                "prefs": { "intl.accept_languages": languages, "credentials_enable_service": false },
            },
        }) else {
            unreachable!("it is written as an object")
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        (builder.capabilities(wanted).connect(&self.address).await.unwrap(), profile)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(self.process.id().cast_signed()) {
            let _already_gone = kill_process_group(group, Signal::KILL);
        }
        let _already_gone = self.process.wait();
    }
}
