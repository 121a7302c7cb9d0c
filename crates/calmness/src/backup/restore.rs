//! Loading a backup into an empty database: verified to its end first, loaded in one transaction, counted, migrated.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};

use age::x25519::Identity;
use application::backup;
use application::clock::{Clock, SandboxClock};
use application::database::{self, DatabaseError, Rights};
use application::invariants::{self, Finding};
use secrecy::SecretString;

use super::BackupError;
use super::archive;
use super::create::last_words;
use super::manifest::Manifest;
use super::progress::Watch;
use super::verify::{differences, verify};
use crate::postgres::Client;

/// Where to load a backup, and as what.
#[derive(Clone, Debug)]
pub struct Target {
    /// An empty database, by the role that shall own it.
    pub database: SecretString,
    /// The environment that we are in.
    pub here: String,
    /// The environment that the backup must be of, if it is named.
    pub environment: Option<String>,
    /// A copy that reaches nobody outside.
    pub isolated: bool,
    /// Where PostgreSQL's programs are, if they are not to be looked for.
    pub postgresql_bin: Option<PathBuf>,
}

/// A database that was restored.
#[derive(Debug)]
pub struct Restored {
    /// What it was restored from.
    pub manifest: Manifest,
    /// How many migrations came after the backup.
    pub migrated: usize,
    /// Every invariant, asked of what was restored.
    pub invariants: Vec<Finding>,
}

/// Restores a backup.
pub async fn restore(
    path: &Path,
    identities: Vec<Identity>,
    target: Target,
    watch: Watch,
) -> Result<Restored, BackupError> {
    let bin = target.postgresql_bin.as_deref();
    // Before anything is loaded every byte of it is believed.
    let manifest = verify(path, Some(identities.clone()), bin, watch.clone()).await?.manifest;
    refuse_other_environment(&manifest, &target)?;
    let known = database::known_migrations();
    let unknown: Vec<i64> =
        manifest.contents.migrations.iter().filter(|version| !known.contains(version)).copied().collect();
    if !unknown.is_empty() {
        return Err(BackupError::TooNew(unknown));
    }
    let objects = backup::count_objects(&target.database).await?;
    if objects > 0 {
        return Err(BackupError::NotEmpty(objects));
    }
    let server = backup::inspect(&target.database).await?.postgresql;
    if server < manifest.contents.postgresql {
        return Err(BackupError::OldServer { backup: manifest.contents.postgresql, server });
    }
    let program = Client::find("pg_restore", manifest.pg_dump, bin).await?;
    if target.isolated {
        // Before the first row: at no instant is there a copy that could reach somebody.
        backup::isolate(&target.database).await?;
    }
    let mut command = program.command(&target.database).ok_or(DatabaseError::Address)?;
    command.args(["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]);
    command.args(["--no-password", "--dbname="]).stdin(Stdio::piped());
    let load = {
        let (path, expected) = (path.to_owned(), manifest.clone());
        move || load(&path, &identities, &expected, command, &watch)
    };
    tokio::task::spawn_blocking(load).await.map_err(|ended| BackupError::Program {
        program: "the thread that loads the backup",
        said: ended.to_string(),
    })??;
    finish(&target.database, manifest).await
}

fn refuse_other_environment(manifest: &Manifest, target: &Target) -> Result<(), BackupError> {
    let backup = manifest.environment.clone();
    match &target.environment {
        Some(named) if *named != backup => {
            Err(BackupError::NotThatEnvironment { backup, named: named.clone() })
        }
        Some(_) if target.isolated => Ok(()),
        _ if backup == target.here => Ok(()),
        _ => Err(BackupError::OtherEnvironment { backup, here: target.here.clone() }),
    }
}

/// Hands the dump to `pg_restore`, which loads all of it or nothing.
fn load(
    path: &Path,
    identities: &[Identity],
    expected: &Manifest,
    mut command: Command,
    watch: &Watch,
) -> Result<(), BackupError> {
    let failed = |said: String| BackupError::Program { program: "pg_restore", said };
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let words = child.stderr.take().map(last_words);
    let mut input = Input { pipe: child.stdin.take(), refused: false };
    let file = File::open(path).map_err(BackupError::file("read", path))?;
    let mut bar = watch.bar("restoring", None);
    let read = archive::read(path, file, identities, &mut input, &mut |bytes| bar.at(bytes));
    let read = read.and_then(|(manifest, _)| {
        if manifest == *expected { Ok(()) } else { Err(BackupError::damaged(path, "it changed meanwhile")) }
    });
    if read.is_err() && !input.refused {
        // Killed before its input ends, so that it cannot take what it has for all there is.
        let _ended_already = child.kill();
        let _reaped = child.wait();
        return read;
    }
    drop(input);
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    if status.success() {
        return read;
    }
    let words = words.and_then(|words| words.join().ok()).filter(|words| !words.is_empty());
    Err(failed(words.unwrap_or_else(|| status.to_string())))
}

/// The way into `pg_restore`; remembers whether it was closed from the other side.
struct Input {
    pipe: Option<ChildStdin>,
    refused: bool,
}

impl Write for Input {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(pipe) = &mut self.pipe else { return Err(io::ErrorKind::BrokenPipe.into()) };
        pipe.write(bytes).inspect_err(|_| self.refused = true)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What was loaded is what was saved; then it gets what this program has added since.
async fn finish(url: &SecretString, manifest: Manifest) -> Result<Restored, BackupError> {
    let found = backup::inspect(url).await?;
    let mut differing = differences(&manifest.contents.rows, &found.rows);
    if found.audit_head != manifest.contents.audit_head {
        differing.push("the newest seal of the audit log is another one".to_owned());
    }
    if !differing.is_empty() {
        return Err(BackupError::Differs(differing));
    }
    let owner = database::connect(url, Rights::OfLogin, 2).await?;
    let migrated = database::missing_migrations(&owner).await?;
    database::migrate(&owner).await?;
    let now = SandboxClock::new(owner.clone()).now().await.map_err(from_store)?;
    let invariants = invariants::check(&owner, now.business).await.map_err(from_store)?;
    owner.close().await;
    Ok(Restored { manifest, migrated, invariants })
}

fn from_store(error: application::StoreError) -> BackupError {
    match error {
        application::StoreError::Database(error) => DatabaseError::Database(error).into(),
        other => {
            BackupError::Program { program: "the check of the restored database", said: other.to_string() }
        }
    }
}
