//! Backups: `pg_dump`, compressed, encrypted to public keys whose private half is not on this machine (SEC-29).
//!
//! A backup is one file, `calmness-<environment>-<instant>.dump.zst.age`: the custom format of `pg_dump` inside zstd inside
//! age, so that `age -d … | zstd -d | pg_restore` opens it where this program is not at hand. A note before the dump and
//! one after it ([`archive`]) say what it holds; zstd passes them over. Beside it lie its manifest (`.json`) and its
//! checksum (`.sha256`), which can be read without a key.
//!
//! Everything streams: memory does not grow with the database. A file gets its name when it is whole and on the disk;
//! one that was cut short or changed is refused before anything of it reaches a database.

mod archive;
mod create;
mod error;
mod folder;
mod keep;
mod keypair;
mod manifest;
mod nightly;
mod progress;
mod restore;
mod verify;

#[cfg(test)]
mod tests;

pub use self::create::{Made, Plan, create};
pub use self::error::BackupError;
pub use self::folder::{Entry, list, prune};
pub use self::keep::Keep;
pub use self::keypair::{identities, keygen};
pub use self::manifest::{Dump, Manifest, Sidecar};
pub(crate) use self::nightly::{keep, plan, record, run as run_nightly};
pub use self::progress::Watch;
pub use self::restore::{Restored, Target, restore};
pub use self::verify::{Verified, verify};
