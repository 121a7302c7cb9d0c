//! The server process: makes its data, starts it, recognises it, stops it.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{Connection, PgConnection};
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

use super::binaries::Binaries;
use super::folder::{Folder, make, remove};
use super::run::{last_lines, run};
use super::{Durability, Error, OWNER, settings};

/// Making the data folder syncs it to the disk, which a busy machine may do slowly.
const INITDB_LIMIT: Duration = Duration::from_mins(5);

/// How long a start may take: recovery after a crash replays the log first.
const START_LIMIT: Duration = Duration::from_mins(2);

/// How long a clean stop may take before clients and checkpoint are no longer waited for. Nothing committed is lost.
const FAST_STOP_LIMIT: Duration = Duration::from_secs(30);

/// How long the stop without a checkpoint may take.
const IMMEDIATE_STOP_LIMIT: Duration = Duration::from_secs(15);

/// How long one attempt to connect may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// How often a start, a stop or an answer is looked for.
const PAUSE: Duration = Duration::from_millis(20);

/// How often a port that was free a moment ago may turn out to be taken.
const PORT_ATTEMPTS: u32 = 8;

/// A pid that no kernel gives out.
const NO_PID: u32 = 999_999_999;

/// A living server process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Postmaster {
    /// Its process.
    pub(super) pid: u32,
    /// Where it listens.
    pub(super) port: u16,
}

impl Postmaster {
    /// The process that the data folder names as its server, if it lives and really is that server: its number may
    /// have gone to another program since.
    pub(super) async fn living(data: &Path) -> Option<Self> {
        let recorded = fs::read_to_string(data.join("postmaster.pid")).ok()?;
        let mut lines = recorded.lines();
        let pid: u32 = lines.next()?.trim().parse().ok()?;
        if !serves(pid, data).await {
            return None;
        }
        // The port comes a moment after the pid; until then the server is not ready either.
        let port = lines.nth(2).and_then(|port| port.trim().parse().ok()).unwrap_or_default();
        Some(Self { pid, port })
    }

    /// Waits until the server answers. `Ok(false)` if it ended instead.
    pub(super) async fn answers(self, data: &Path, password: &SecretString) -> Result<bool, Error> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let Some(now) = Self::living(data).await else { return Ok(false) };
            let source = match connect(now.port, password, "postgres").await {
                Ok(connection) => {
                    // Said goodbye or not, the server has answered.
                    connection.close().await.ok();
                    return Ok(true);
                }
                Err(source) => source,
            };
            if Instant::now() >= deadline || wrong_password(&source) {
                return Err(Error::NotAnswering { pid: now.pid, port: now.port, source: Some(source) });
            }
            sleep(PAUSE).await;
        }
    }

    /// Stops the server: clients are sent away, what runs is rolled back, everything is written to the disk.
    pub(super) async fn stop(self, folder: &Folder) -> Result<(), Error> {
        for (signal, limit) in [(Signal::INT, FAST_STOP_LIMIT), (Signal::QUIT, IMMEDIATE_STOP_LIMIT)] {
            self.signal(signal);
            let deadline = Instant::now() + limit;
            while Instant::now() < deadline {
                if !serves(self.pid, &folder.data()).await {
                    return Ok(());
                }
                sleep(PAUSE).await;
            }
        }
        Err(Error::Stop { pid: self.pid, log: folder.log() })
    }

    fn signal(self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            // A process that is gone needs no signal; whether it is gone is looked at next.
            kill_process(pid, signal).ok();
        }
    }
}

/// A connection to the server, over loopback.
pub(super) async fn connect(
    port: u16,
    password: &SecretString,
    database: &str,
) -> Result<PgConnection, sqlx::Error> {
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username(OWNER)
        .password(password.expose_secret())
        .database(database)
        .ssl_mode(PgSslMode::Disable);
    timeout(CONNECT_LIMIT, PgConnection::connect_with(&options))
        .await
        .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
}

fn wrong_password(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "28P01")
}

/// Makes the data folder, unless it is there. It appears whole: a `kill -9` in between leaves nothing that looks done.
pub(super) async fn initialise(
    binaries: &Binaries,
    folder: &Folder,
    durability: Durability,
) -> Result<(), Error> {
    folder.make_password()?;
    let unfinished = folder.root.join("data.new");
    match fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::file("remove", &unfinished)(error));
        }
        _ => {}
    }
    make(&unfinished, 0o700)?;
    folder.account.give(&unfinished)?;
    let mut command = folder.account.command(&binaries.folder.join("initdb"));
    command.arg("--pgdata").arg(&unfinished).arg("--pwfile").arg(folder.password_file());
    command.args(["--username", OWNER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--data-checksums"]);
    command.args(locale(binaries.major));
    if durability == Durability::TestsOnly {
        command.arg("--no-sync");
    }
    let output = match run(Command::from(command), INITDB_LIMIT).await {
        Ok(finished) if finished.succeeded() => {
            let data = folder.data();
            return fs::rename(&unfinished, &data).map_err(Error::file("move the new data to", data));
        }
        Ok(finished) => finished.last_words(),
        Err(error) => error.to_string(),
    };
    Err(Error::Initialise { output })
}

/// Bytes decide the order, letters are those of Unicode: the same on every machine and after every upgrade.
fn locale(major: u32) -> &'static [&'static str] {
    if major >= 17 {
        &["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    } else if cfg!(target_os = "macos") {
        &["--locale", "C"]
    } else {
        &["--locale", "C.UTF-8"]
    }
}

/// Starts the server and waits until it answers.
pub(super) async fn start(
    binaries: &Binaries,
    folder: &Folder,
    durability: Durability,
    wanted: Option<u16>,
    password: &SecretString,
) -> Result<Postmaster, Error> {
    forget_recycled_pid(folder).await?;
    let deadline = Instant::now() + START_LIMIT;
    let mut attempt = 1;
    loop {
        let port = match wanted {
            Some(port) => port,
            None => free_port().map_err(Error::file("find a free port on", "127.0.0.1"))?,
        };
        settings::write(&folder.settings(), port, durability)?;
        let said = match launch(binaries, folder, port, password).await? {
            Launched::Answers(pid) => return Ok(Postmaster { pid, port }),
            Launched::Ended(said) => said,
        };
        let port_taken =
            said.contains("could not bind") || said.contains("could not create any TCP/IP sockets");
        // Processes of a server that was killed need a moment to notice.
        let leftovers = said.contains("still in use");
        match wanted {
            Some(port) if port_taken => return Err(Error::PortTaken { port }),
            _ if port_taken && attempt < PORT_ATTEMPTS => attempt += 1,
            _ if leftovers && Instant::now() < deadline => sleep(PAUSE * 10).await,
            _ => return Err(Error::Start { output: last_lines(&said), log: folder.log() }),
        }
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

enum Launched {
    Answers(u32),
    Ended(String),
}

async fn launch(
    binaries: &Binaries,
    folder: &Folder,
    port: u16,
    password: &SecretString,
) -> Result<Launched, Error> {
    let program = binaries.folder.join("postgres");
    let mut log = folder.open_log()?;
    let log_begins = log.seek(SeekFrom::End(0)).map_err(Error::file("read", folder.log()))?;
    let twin = log.try_clone().map_err(Error::file("open", folder.log()))?;
    let mut command = folder.account.command(&program);
    command.arg("-D").arg(folder.data());
    command.arg("-c").arg(setting("config_file", &folder.settings()));
    command.stdin(Stdio::null()).stdout(log).stderr(twin);
    // A group of its own: Ctrl-C in the terminal is for us, who then stop the server in order.
    command.process_group(0);
    let mut child = Command::from(command).spawn().map_err(Error::file("run", &program))?;
    let pid = child.id().unwrap_or(NO_PID);
    let said = || {
        let mut text = String::new();
        let mut log = fs::File::open(folder.log())?;
        log.seek(SeekFrom::Start(log_begins))?;
        log.take(64 * 1024).read_to_string(&mut text)?;
        Ok(text)
    };
    let deadline = Instant::now() + START_LIMIT;
    loop {
        if child.try_wait().map_err(Error::file("watch", &program))?.is_some() {
            return Ok(Launched::Ended(said().map_err(Error::file("read", folder.log()))?));
        }
        // Only what this very process wrote counts: an older file may name a port that somebody else has now.
        let source = match Postmaster::living(&folder.data()).await.filter(|server| server.pid == pid) {
            Some(_) => match connect(port, password, "postgres").await {
                Ok(connection) => {
                    connection.close().await.ok();
                    return Ok(Launched::Answers(pid));
                }
                Err(source) => Some(source),
            },
            _ => None,
        };
        let hopeless = source.as_ref().is_some_and(wrong_password);
        if hopeless || Instant::now() >= deadline {
            Postmaster { pid, port }.stop(folder).await?;
            return Err(Error::NotAnswering { pid, port, source });
        }
        sleep(PAUSE).await;
    }
}

fn setting(name: &str, path: &Path) -> std::ffi::OsString {
    let mut setting = std::ffi::OsString::from(name);
    setting.push("=");
    setting.push(path);
    setting
}

/// PostgreSQL sees by itself that the process in `postmaster.pid` is gone, but not that its number belongs to another
/// program of the same account by now; then it would refuse to start. The rest of the file stays, because it tells
/// PostgreSQL whether processes of the old server still hold its memory.
async fn forget_recycled_pid(folder: &Folder) -> Result<(), Error> {
    let data = folder.data();
    let file = data.join("postmaster.pid");
    let Ok(recorded) = fs::read_to_string(&file) else { return Ok(()) };
    if Postmaster::living(&data).await.is_some() {
        return Ok(());
    }
    let rest = recorded.split_once('\n').map_or("", |(_, rest)| rest);
    remove(&file)?;
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file)
        .and_then(|mut opened| write!(opened, "{NO_PID}\n{rest}"))
        .map_err(Error::file("write", &file))?;
    folder.account.give(&file)
}

/// Whether a process is the server of a data folder. A process that has ended and was not yet waited for is not.
async fn serves(pid: u32, data: &Path) -> bool {
    let words: Vec<Vec<u8>> = if cfg!(target_os = "linux") {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect()
    } else {
        let mut command = Command::new("ps");
        command.args(["-o", "command=", "-p", &pid.to_string()]);
        let Ok(finished) = run(command, CONNECT_LIMIT).await else { return false };
        let expected = format!("postgres -D {} ", data.display());
        return finished.output.contains(&expected);
    };
    let data = data.as_os_str().as_encoded_bytes();
    words.first().is_some_and(|program| program.ends_with(b"postgres"))
        && words.iter().any(|word| word.as_slice() == data)
}
