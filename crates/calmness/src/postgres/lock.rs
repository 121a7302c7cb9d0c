//! The lock that guards a cluster's folder. The kernel drops it when its holder dies, however it dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Error;

/// How often a lock that others hold is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// A lock held until it is dropped; the file carries the number of the process that took it last.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// By one process alone.
    Alone,
    /// By any number of processes that agree to share.
    Shared,
}

impl Lock {
    /// Takes the lock, or says at once that somebody else has it (`None`).
    pub(super) fn try_take(path: &Path, hold: Hold) -> Result<Option<Self>, Error> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path).map_err(Error::file("open the lock", path))?;
        let lock = Self { file, path: path.to_owned() };
        Ok(lock.try_hold(hold)?.then_some(lock))
    }

    /// Takes the lock alone, waiting for others up to a limit; `None` if they still have it then.
    pub(super) async fn take(path: &Path, limit: Duration) -> Result<Option<Self>, Error> {
        let deadline = Instant::now() + limit;
        loop {
            match Self::try_take(path, Hold::Alone)? {
                None if Instant::now() < deadline => sleep(PAUSE).await,
                answer => return Ok(answer),
            }
        }
    }

    /// Holds the lock in another way, unless somebody else's hold forbids it.
    pub(super) fn try_hold(&self, hold: Hold) -> Result<bool, Error> {
        let tried = match hold {
            Hold::Alone => self.file.try_lock(),
            Hold::Shared => self.file.try_lock_shared(),
        };
        match tried {
            Ok(()) => {
                self.sign().map_err(Error::file("write the lock", &self.path))?;
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(source)) => Err(Error::file("lock", &self.path)(source)),
        }
    }

    fn sign(&self) -> std::io::Result<()> {
        let mut file = &self.file;
        file.rewind()?;
        file.set_len(0)?;
        write!(file, "{}", std::process::id())
    }

    /// The process that took the lock last, if it wrote that down.
    pub(super) fn holder(path: &Path) -> Option<u32> {
        let mut text = String::new();
        File::open(path).ok()?.take(32).read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }
}
