//! The product's own binary as a child process.

use std::fs::{self, OpenOptions};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::time::{sleep, timeout};

use crate::process::command;
use crate::world::World;
use crate::{Fallible, processor};

/// How often a starting server is asked whether it is ready.
const LOOK_EVERY: Duration = Duration::from_millis(2);
const READY_LIMIT: Duration = Duration::from_secs(20);
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// A server that is ready.
pub(crate) struct Server {
    child: Child,
    pid: u32,
    /// From its start as a process to its first 200 on `/readyz`.
    pub(crate) ready_after: Duration,
}

/// What it holds, in megabytes of 1,000,000 bytes.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// Resident now, its program's own pages included.
    pub(crate) resident: f64,
    /// The most that was ever resident.
    pub(crate) highest: f64,
}

impl Server {
    /// Starts it without a worker, and waits until it can serve.
    pub(crate) async fn start(world: &World) -> Fallible<Self> {
        let log = OpenOptions::new().create(true).append(true).open(world.folder.join("server.log"))?;
        let mut start = command(&world.arguments.program);
        start.arg("--config").arg(&world.config).args(["serve", "--no-worker"]);
        start.current_dir(&world.folder).stderr(log).process_group(0);
        let began = Instant::now();
        let mut child = start.spawn()?;
        let pid = child.id().ok_or("the server ended at once")?;
        let ready = async {
            while !is_ready(world.port).await {
                if let Some(ended) = child.try_wait()? {
                    let log = fs::read_to_string(world.folder.join("server.log")).unwrap_or_default();
                    return Err(format!("the server ended with {ended}: {}", log.trim_end()).into());
                }
                sleep(LOOK_EVERY).await;
            }
            Fallible::Ok(began.elapsed())
        };
        let ready_after =
            timeout(READY_LIMIT, ready).await.map_err(|_| "the server does not become ready")??;
        Ok(Self { child, pid, ready_after })
    }

    /// The processor time that it has used, in seconds.
    pub(crate) fn seconds(&self) -> Fallible<f64> {
        processor::of_process(self.pid)
    }

    pub(crate) fn memory(&self) -> Fallible<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let megabytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kib: u32 = line.trim_start_matches(':').split_whitespace().next()?.parse().ok()?;
            Some(f64::from(kib) * 1024.0 / 1e6)
        };
        let both = megabytes("VmRSS").zip(megabytes("VmHWM"));
        both.map(|(resident, highest)| Memory { resident, highest }).ok_or_else(|| "no memory is told".into())
    }

    pub(crate) async fn stop(mut self) -> Fallible<()> {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw).ok_or("a process without a number")?;
        kill_process(pid, Signal::TERM)?;
        timeout(STOP_LIMIT, self.child.wait()).await.map_err(|_| "the server does not stop")??;
        Ok(())
    }
}

async fn is_ready(port: u16) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n").await?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await?;
        std::io::Result::Ok(answer == *b"HTTP/1.1 200")
    };
    asked.await.unwrap_or(false)
}
