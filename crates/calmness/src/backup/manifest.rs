//! What a backup says about itself: inside, where it is as safe as the dump, and beside it, where everybody reads it.

use application::backup::Contents;
use domain::time::Instant;
use serde::{Deserialize, Serialize};

/// The format of the file.
pub(super) const FORMAT: u32 = 1;

/// What a backup is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format of the file.
    pub format: u32,
    /// When it was made (wall time).
    #[serde(with = "time::serde::rfc3339")]
    pub created: Instant,
    /// The environment that it was made in.
    pub environment: String,
    /// The version of the program that made it.
    pub program: String,
    /// The major version of the `pg_dump` that wrote it.
    pub pg_dump: u32,
    /// What the database held.
    pub contents: Contents,
}

/// How long the dump is, and its checksum: known when it has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dump {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hex.
    pub sha256: String,
}

/// What lies beside a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sidecar {
    /// What it is of.
    pub manifest: Manifest,
    /// The dump inside.
    pub dump: Dump,
    /// The file's name.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hex.
    pub sha256: String,
    /// The public keys that it is encrypted to.
    pub recipients: Vec<String>,
}
