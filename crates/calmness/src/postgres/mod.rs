//! A private PostgreSQL for people who have none yet: `demo`, `rehearse` and the tests run on it.
//!
//! [`Cluster::start`] finds the server's programs on the machine, else asks the package manager, else downloads
//! them (`binaries`, `install`, `download`); decides where the files lie and whom they belong to, because
//! PostgreSQL refuses to run as root (`account`, `folder`); takes a lock, so that two programs never run on one
//! folder (`lock`); then makes the cluster and starts it, or adopts the living one that an earlier process left
//! behind when it was killed (`postmaster`). Everything durable stays durable: `fsync` is on unless a test says
//! otherwise.

mod account;
mod binaries;
mod clients;
mod cluster;
mod download;
mod error;
mod folder;
mod install;
mod lock;
mod postmaster;
mod run;
mod settings;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub(crate) use self::clients::Client;
pub use self::cluster::{Cluster, erase};
pub use self::error::Error;

/// The superuser of every private cluster.
pub const OWNER: &str = "calmness_owner";

/// The oldest PostgreSQL that the product runs on.
pub const OLDEST_MAJOR: u32 = 15;

/// What a private cluster is asked to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder that the cluster belongs to; its files lie in `postgresql/` below it, or under `/var/lib/calmness`
    /// if this process is root and no unprivileged account can reach the folder.
    pub data_dir: PathBuf,
    /// Whether a commit survives a power cut.
    pub durability: Durability,
    /// The port to listen on; `None` takes a free one.
    pub port: Option<u16>,
    /// Whether several processes may use the cluster at once, as parallel tests do. Otherwise a second start beside
    /// a running one is an error.
    pub share: bool,
    /// The folder that holds `postgres` and `initdb`; `None` looks for them.
    pub binaries: Option<PathBuf>,
}

impl Options {
    /// A durable cluster of one owner on a free port.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            durability: Durability::Full,
            port: None,
            share: false,
            binaries: None,
        }
    }
}

/// Whether a commit survives a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Every commit is on the disk when it is acknowledged.
    Full,
    /// Faster, and lost or torn when the machine stops: for data that a test throws away.
    TestsOnly,
}

/// Is told, in one line each, what takes time.
pub trait Progress: Send + Sync {
    /// Something that takes a moment begins.
    fn step(&self, sentence: &str);
}

impl<F: Fn(&str) + Send + Sync> Progress for F {
    fn step(&self, sentence: &str) {
        self(sentence);
    }
}
