//! The product as a child process: started, watched, stopped, killed.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use gateways::http::{HttpClient, MAX_ANSWER, Outgoing};
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{sleep, timeout};

use super::DemoError;

/// How long the product may take to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long it may take to stop when asked to.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// How often readiness is asked for.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// What the product's process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It serves and works off what is owed.
    Full,
    /// It only serves.
    WithoutWorker,
}

pub(super) struct Product {
    child: Child,
    /// Held open for as long as the product should live; waiting for the child must not close it.
    lifeline: Option<ChildStdin>,
    config: PathBuf,
    base_url: String,
    log: PathBuf,
}

impl Product {
    pub(super) async fn start(
        config: PathBuf,
        base_url: String,
        log: PathBuf,
        role: Role,
    ) -> Result<Self, DemoError> {
        let mut child = spawn(&config, &log, role)?;
        let lifeline = child.stdin.take();
        let mut product = Self { child, lifeline, config, base_url, log };
        product.wait_until_ready().await?;
        Ok(product)
    }

    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// Zero once it has ended.
    pub(super) fn pid(&self) -> u32 {
        self.child.id().unwrap_or(0)
    }

    pub(super) async fn ended(&mut self) {
        let ended = self.child.wait().await;
        tracing::warn!(product.ended = ?ended, "the product ended");
    }

    pub(super) async fn kill(&mut self) -> Result<(), DemoError> {
        self.child.kill().await.map_err(DemoError::io("cannot kill the product"))
    }

    pub(super) async fn stop(&mut self) -> Result<(), DemoError> {
        let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) else { return Ok(()) };
        kill_process(pid, Signal::TERM)
            .map_err(|error| DemoError::io("cannot stop the product")(error.into()))?;
        if timeout(STOP_TIMEOUT, self.child.wait()).await.is_err() {
            tracing::warn!("the product does not stop by itself");
            return self.kill().await;
        }
        Ok(())
    }

    pub(super) async fn restart(&mut self, role: Role) -> Result<(), DemoError> {
        self.stop().await?;
        self.child = spawn(&self.config, &self.log, role)?;
        self.lifeline = self.child.stdin.take();
        self.wait_until_ready().await
    }

    async fn wait_until_ready(&mut self) -> Result<(), DemoError> {
        let http = HttpClient::new().map_err(|error| DemoError::Setup(Box::new(error)))?;
        let ready = async {
            while !is_ready(&http, &self.base_url).await {
                if self.child.try_wait().ok().flatten().is_some() {
                    return false;
                }
                sleep(LOOK_EVERY).await;
            }
            true
        };
        match timeout(READY_TIMEOUT, ready).await {
            Ok(true) => Ok(()),
            _ => Err(DemoError::NotReady { log: self.log.clone() }),
        }
    }
}

async fn is_ready(http: &HttpClient, base_url: &str) -> bool {
    let Ok(url) = format!("{base_url}/readyz").parse() else { return false };
    let request = Outgoing {
        peer: "product",
        method: Method::GET,
        url,
        shown_path: "/readyz",
        headers: reqwest::header::HeaderMap::new(),
        body: None,
        timeout: Duration::from_secs(2),
        max_answer: MAX_ANSWER,
    };
    http.send(request).await.is_ok_and(|answer| answer.status == 200)
}

/// Its own process group, so that Ctrl-C reaches the supervisor alone; nothing of our environment but where programs
/// are. Its standard input stays open as long as the supervisor lives: when it closes, the product stops.
fn spawn(config: &Path, log: &Path, role: Role) -> Result<Child, DemoError> {
    let program = std::env::current_exe().map_err(DemoError::io("cannot find this program"))?;
    let log = OpenOptions::new().create(true).append(true).open(log);
    let log = log.map_err(DemoError::io("cannot write the product's log"))?;
    let mut command = Command::new(program);
    command.arg("--config").arg(config).arg("demo-server");
    if role == Role::WithoutWorker {
        command.arg("--no-worker");
    }
    command
        .env_clear()
        .current_dir(config.parent().unwrap_or(Path::new("/")))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log)
        .process_group(0)
        .kill_on_drop(true);
    command.spawn().map_err(DemoError::io("cannot start the product"))
}
