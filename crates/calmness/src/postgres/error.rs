//! What can go wrong with a private cluster, each with what to do about it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::OLDEST_MAJOR;

/// Why there is no private cluster.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder of programs given by a setting holds none.
    #[error(
        "no PostgreSQL server in {}: the setting has to name the folder that holds `postgres` and `initdb`",
        folder.display()
    )]
    NoServerThere {
        /// The folder given.
        folder: PathBuf,
    },
    /// The folder of programs given by a setting holds an old server.
    #[error("PostgreSQL {found} found at {}, need {OLDEST_MAJOR} or newer", folder.display())]
    TooOld {
        /// Its major version.
        found: u32,
        /// Where it is.
        folder: PathBuf,
    },
    /// No way led to a server.
    #[error(
        "no PostgreSQL {OLDEST_MAJOR} or newer, and none could be installed: {}. Install PostgreSQL with your \
         package manager and start again, or set DATABASE_URL to a server that you have",
        .attempts.join("; ")
    )]
    Unavailable {
        /// What was tried, each with why it failed.
        attempts: Vec<String>,
    },
    /// The data was written by a major version that isn't there any more.
    #[error(
        "the data in {} was written by PostgreSQL {wanted}, which could not be found or installed ({}). Install \
         PostgreSQL {wanted}, or forget this data and start afresh",
        folder.display(), .attempts.join("; ")
    )]
    WrongMajor {
        /// The version that wrote the data.
        wanted: u32,
        /// Where the data is.
        folder: PathBuf,
        /// What was tried, each with why it failed.
        attempts: Vec<String>,
    },
    /// Another process runs on the folder.
    #[error(
        "{} is already in use{}: stop that one first, or choose another folder",
        folder.display(),
        .pid.map(|pid| format!(" by process {pid}")).unwrap_or_default()
    )]
    AlreadyInUse {
        /// The folder.
        folder: PathBuf,
        /// The process that uses it, as far as it wrote that down.
        pid: Option<u32>,
    },
    /// The other processes that share the folder did not finish starting it.
    #[error("another process has been starting the PostgreSQL of {} for too long: look at its log there", folder.display())]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or folder could not be used.
    #[error("can't {doing} {}{}", path.display(), hint(source))]
    File {
        /// What was meant to be done, as a verb.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// No unprivileged account to run as.
    #[error(
        "PostgreSQL does not run as root, and no account for it could be made ({reason}): create one with `useradd \
         --system calmness`, or start as another user"
    )]
    NoAccount {
        /// Why not.
        reason: String,
    },
    /// The unprivileged account can't reach the folder or the programs.
    #[error("the account that PostgreSQL runs as (uid {uid}) can't reach {}: allow it to, or choose another folder", path.display())]
    Unreachable {
        /// What can't be reached.
        path: PathBuf,
        /// The account.
        uid: u32,
    },
    /// The wanted port is taken.
    #[error("port {port} is taken: choose another, or none to have a free one found")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// `initdb` failed.
    #[error("PostgreSQL could not make its data folder: {output}")]
    Initialise {
        /// What it said.
        output: String,
    },
    /// The server ended while it started.
    #[error("PostgreSQL did not start: {output} (its log is {})", log.display())]
    Start {
        /// The last lines of its log.
        output: String,
        /// Where the log is.
        log: PathBuf,
    },
    /// The server lives and does not let us in.
    #[error(
        "the PostgreSQL on port {port} (process {pid}) does not answer: look at its log, or stop it with `kill -INT {pid}`"
    )]
    NotAnswering {
        /// Its process.
        pid: u32,
        /// Its port.
        port: u16,
        /// The last answer.
        source: Option<sqlx::Error>,
    },
    /// The server does not stop.
    #[error("PostgreSQL (process {pid}) did not stop in time: look at its log {}", log.display())]
    Stop {
        /// Its process.
        pid: u32,
        /// Where the log is.
        log: PathBuf,
    },
    /// Not a name for a database.
    #[error(
        "{name:?} is no name for a database: use up to 63 small letters, digits and underscores, a letter first"
    )]
    DatabaseName {
        /// The name given.
        name: String,
    },
    /// No client program that could read the server.
    #[error(
        "{name} of PostgreSQL {at_least} or newer is needed, and {}: install it with your package manager \
         (postgresql-client-{at_least}), or set database.postgresql_bin to its folder",
        .newest.map_or_else(|| "none was found".to_owned(), |newest| format!("only {newest} was found"))
    )]
    NoClient {
        /// The program.
        name: &'static str,
        /// The oldest major version that will do.
        at_least: u32,
        /// The newest that was found.
        newest: Option<u32>,
    },
    /// A statement for the cluster as a whole failed.
    #[error("PostgreSQL refused to {doing}")]
    Refused {
        /// What was meant to be done, as a verb.
        doing: &'static str,
        /// Why not.
        source: sqlx::Error,
    },
}

impl Error {
    /// For `map_err`: what was done, and to which file.
    pub(super) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            " (if another user made this folder, start as that user or choose another folder)"
        }
        io::ErrorKind::StorageFull => " (free some space on that disk)",
        _ => "",
    }
}
