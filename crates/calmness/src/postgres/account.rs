//! Whom the server runs as. PostgreSQL refuses root, so a process of root picks an unprivileged account.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use super::run::run;
use super::{Error, Progress};

/// How long a lookup or the making of an account may take.
const LIMIT: Duration = Duration::from_secs(30);

/// The account of PostgreSQL's own packages, and the one made where they are missing.
const NAMES: [&str; 2] = ["postgres", "calmness"];

/// Whom the server runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// The user of this process, who isn't root.
    Ours,
    /// An unprivileged account, because this process is root.
    Unprivileged {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
}

/// Whether this process is root.
pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Account {
    /// Our own account; or, for root, the owner of the data that is there already, else `postgres`, else `calmness`,
    /// which is made if need be.
    pub(super) async fn choose(data: Option<&Path>, progress: &dyn Progress) -> Result<Self, Error> {
        if !is_root() {
            return Ok(Self::Ours);
        }
        if let Some(data) = data.and_then(|data| data.metadata().ok())
            && data.uid() != 0
        {
            return Ok(Self::Unprivileged { uid: data.uid(), gid: data.gid() });
        }
        for name in NAMES {
            if let Some(account) = named(name).await {
                return Ok(account);
            }
        }
        progress.step("Making the system account calmness, because PostgreSQL does not run as root");
        let reason = make("calmness").await;
        named("calmness").await.ok_or(Error::NoAccount { reason })
    }

    /// A program that runs as this account, away from our own folder and environment: `PGDATA`, `PGOPTIONS` and
    /// their like are not for a private server.
    pub(super) fn command(self, program: &Path) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C").current_dir("/");
        if let Self::Unprivileged { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Gives a file or folder to this account.
    pub(super) fn give(self, path: &Path) -> Result<(), Error> {
        match self {
            Self::Ours => Ok(()),
            Self::Unprivileged { uid, gid } => {
                std::os::unix::fs::lchown(path, Some(uid), Some(gid)).map_err(Error::file("give away", path))
            }
        }
    }

    /// Whether this account can walk into a folder. Tried, not computed: access lists and mounts count too.
    pub(super) async fn can_enter(self, folder: &Path) -> bool {
        let mut command = self.command(Path::new("/bin/sh"));
        command.arg("-c").arg("cd -- \"$1\"").arg("sh").arg(folder);
        run(Command::from(command), LIMIT).await.is_ok_and(|finished| finished.succeeded())
    }

    /// Its number, for messages.
    pub(super) fn uid(self) -> u32 {
        match self {
            Self::Ours => rustix::process::geteuid().as_raw(),
            Self::Unprivileged { uid, .. } => uid,
        }
    }
}

async fn named(name: &str) -> Option<Account> {
    let (uid, gid) = (id("-u", name).await?, id("-g", name).await?);
    (uid != 0).then_some(Account::Unprivileged { uid, gid })
}

async fn id(which: &str, name: &str) -> Option<u32> {
    let mut command = Command::new("id");
    command.arg(which).arg(name);
    let finished = run(command, LIMIT).await.ok().filter(super::run::Finished::succeeded)?;
    finished.output.trim().parse().ok()
}

/// Tries the two ways that Linux systems know, and answers why the last one failed.
async fn make(name: &str) -> String {
    let useradd = ["--system", "--user-group", "--no-create-home", "--shell", "/bin/false", name];
    let adduser = ["-S", "-D", "-H", "-s", "/bin/false", name];
    let mut reason = String::new();
    for (program, arguments) in [("useradd", useradd), ("adduser", adduser)] {
        let mut command = Command::new(program);
        command.args(arguments);
        match run(command, LIMIT).await {
            Ok(finished) if finished.succeeded() => break,
            Ok(finished) => reason = format!("{program}: {}", finished.last_words()),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !reason.is_empty() => {}
            Err(error) => reason = format!("{program}: {error}"),
        }
    }
    reason
}
