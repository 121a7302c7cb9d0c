//! Why the configuration could not be read. No message repeats a value: it might be a secret.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why the configuration could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The configuration file or `.env` can't be read.
    #[error("can't read {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The configuration file is no TOML.
    #[error("{}, line {line}: {message}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What TOML expects there.
        message: String,
    },
    /// A line of `.env` is no `NAME=value`.
    #[error("{}: entry {entry} is not NAME=value (a value with spaces needs quotes)", path.display())]
    EnvFile {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        entry: usize,
    },
    /// There is no such key.
    #[error(
        "{origin}: there is no setting {name}{}",
        .nearest.as_ref().map(|name| format!("; did you mean {name}?")).unwrap_or_default()
    )]
    Unknown {
        /// The name as written.
        name: String,
        /// Where it stands.
        origin: String,
        /// The name that was probably meant.
        nearest: Option<String>,
    },
    /// The value can't be what the key needs.
    #[error("{key}, from {origin}: expected {expected}")]
    Invalid {
        /// Which key.
        key: String,
        /// Where the value came from.
        origin: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// One source gives the same key in two ways.
    #[error("{key} is given twice, by {first} and by {second}: keep one")]
    Twice {
        /// Which key.
        key: &'static str,
        /// One place.
        first: String,
        /// The other.
        second: String,
    },
    /// The file of a secret can't be read.
    #[error("{key}, from {origin}: can't read {}", path.display())]
    SecretFile {
        /// Which key.
        key: &'static str,
        /// What named the file.
        origin: String,
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// `.env` tries to say what this installation is for.
    #[error(
        "{} can't choose the environment, because it is only read in development: remove the line, or set \
         CALMNESS__ENVIRONMENT in the environment or `environment` in calmness.toml",
        path.display()
    )]
    EnvironmentInEnvFile {
        /// Which file.
        path: PathBuf,
    },
}
