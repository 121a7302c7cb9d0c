//! Why there is no backup, or why one is not believed.

use std::io;
use std::path::PathBuf;

use application::database::DatabaseError;
use thiserror::Error;

use crate::postgres;

/// Why a backup was not made, not believed or not loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Nobody could open it.
    #[error("there is no key to encrypt to: set backup.recipients (`calmness backup keygen` makes a pair)")]
    NoRecipient,
    /// Not a public key.
    #[error("one of backup.recipients is no public key of age: {0}")]
    Recipient(&'static str),
    /// The file of private keys holds none.
    #[error("{} holds no private key of age (a line AGE-SECRET-KEY-1…)", .0.display())]
    Identity(PathBuf),
    /// A file or folder could not be used.
    #[error("can't {doing} {}", path.display())]
    File {
        /// What was meant to be done, as a verb.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The database could not be read or changed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The programs of PostgreSQL are not there.
    #[error(transparent)]
    Programs(#[from] postgres::Error),
    /// One of them failed.
    #[error("{program} failed: {said}")]
    Program {
        /// Which.
        program: &'static str,
        /// Its last words.
        said: String,
    },
    /// Stopped from outside.
    #[error("stopped before it was done; nothing of it is kept")]
    Stopped,
    /// It is not what was written.
    #[error("{} is not a whole, unchanged backup: {why}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What gives it away.
        why: String,
    },
    /// No key opens it.
    #[error("{} is not encrypted to this private key", .0.display())]
    WrongIdentity(PathBuf),
    /// It comes from elsewhere.
    #[error(
        "this is a backup of {backup}, and here is {here}: restore it with --environment {backup} --isolated, as a copy \
         that reaches nobody, or set the environment to {backup}"
    )]
    OtherEnvironment {
        /// Where it was made.
        backup: String,
        /// Where we are.
        here: String,
    },
    /// The environment that was named is not the backup's.
    #[error("this is a backup of {backup}, not of {named}")]
    NotThatEnvironment {
        /// Where it was made.
        backup: String,
        /// What was named.
        named: String,
    },
    /// There is something in it.
    #[error("the database to restore into is not empty ({0} objects): make a new one with CREATE DATABASE")]
    NotEmpty(i64),
    /// The program is older than the backup.
    #[error(
        "the backup has migrations that this program does not know ({0:?}): use the program's newer version"
    )]
    TooNew(Vec<i64>),
    /// The server is older than the backup's.
    #[error(
        "the backup comes from PostgreSQL {backup}, and this server is {server}: restore into {backup} or newer"
    )]
    OldServer {
        /// The backup's major version.
        backup: u32,
        /// The server's.
        server: u32,
    },
    /// What was loaded is not what was saved.
    #[error("the restored database differs from the manifest: {}. Drop it and look at the server's log", .0.join("; "))]
    Differs(Vec<String>),
}

impl BackupError {
    /// For `map_err`: what was done, and to which file.
    pub(super) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }

    pub(super) fn damaged(path: impl Into<PathBuf>, why: impl Into<String>) -> Self {
        Self::Damaged { path: path.into(), why: why.into() }
    }
}
