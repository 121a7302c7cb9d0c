//! Making a backup: one snapshot, counted and dumped; written aside, and given its name when it is on the disk.

use std::fs;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use age::x25519::Recipient;
use application::backup::Snapshot;
use application::database::DatabaseError;
use domain::time::Instant;
use secrecy::SecretString;

use super::archive::{self, Hashing};
use super::folder::{self, beside};
use super::manifest::{Dump, FORMAT, Manifest, Sidecar};
use super::progress::Watch;
use super::{BackupError, keypair};
use crate::postgres::Client;

/// `pg_dump` waits so long for a lock, such as a migration's, before it gives up.
const LOCK_TIMEOUT: &str = "--lock-wait-timeout=60s";
/// How much of a program's last words is kept.
const MAX_WORDS: u64 = 16 * 1024;

/// What to make a backup of, and where to.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The database, by a role that may read all of it.
    pub database: SecretString,
    /// The folder.
    pub directory: PathBuf,
    /// The public keys.
    pub recipients: Vec<String>,
    /// The environment that it is of.
    pub environment: String,
    /// Where PostgreSQL's programs are, if they are not to be looked for.
    pub postgresql_bin: Option<PathBuf>,
    /// When it is made (wall time).
    pub created: Instant,
}

/// A backup that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The file.
    pub path: PathBuf,
    /// What it says of itself.
    pub sidecar: Sidecar,
}

/// Makes a backup.
pub async fn create(plan: Plan, watch: Watch) -> Result<Made, BackupError> {
    let recipients = keypair::recipients(&plan.recipients)?;
    let snapshot = Snapshot::take(&plan.database).await?;
    let bin = plan.postgresql_bin.as_deref();
    let program = Client::find("pg_dump", snapshot.contents.postgresql, bin).await?;
    let manifest = Manifest {
        format: FORMAT,
        created: plan.created,
        environment: plan.environment.clone(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        pg_dump: program.major,
        contents: snapshot.contents.clone(),
    };
    let mut command = program.command(&plan.database).ok_or(DatabaseError::Address)?;
    command.args(["--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--no-tablespaces"]);
    command.args(["--no-password", LOCK_TIMEOUT]).arg(format!("--snapshot={}", snapshot.name));
    let made = tokio::task::spawn_blocking(move || write(&plan, &recipients, manifest, command, &watch));
    let made = made.await.map_err(|ended| BackupError::Program {
        program: "the thread that writes the backup",
        said: ended.to_string(),
    })?;
    // The dump has been read: a snapshot that ends badly takes nothing from it.
    if let Err(error) = snapshot.end().await {
        tracing::debug!(error = &error as &dyn std::error::Error, "the snapshot of a backup ended badly");
    }
    made
}

fn write(
    plan: &Plan,
    recipients: &[Recipient],
    manifest: Manifest,
    command: Command,
    watch: &Watch,
) -> Result<Made, BackupError> {
    folder::make(&plan.directory)?;
    let name = folder::name(&plan.environment, plan.created);
    let path = plan.directory.join(&name);
    if fs::symlink_metadata(&path).is_ok() {
        return Err(BackupError::file("make", path)(io::ErrorKind::AlreadyExists.into()));
    }
    let aside = folder::partial(&path);
    let written = write_aside(&aside, recipients, &manifest, command, watch);
    let (dump, bytes, sha256) = match written {
        Ok(written) => written,
        Err(error) => {
            folder::remove(&aside)?;
            return Err(error);
        }
    };
    let recipients = recipients.iter().map(ToString::to_string).collect();
    let sidecar = Sidecar { manifest, dump, file: name, bytes, sha256, recipients };
    if let Err(error) = publish(&path, &aside, &sidecar) {
        for left in [aside, beside(&path, ".json"), beside(&path, ".sha256")] {
            folder::remove(&left)?;
        }
        return Err(error);
    }
    Ok(Made { path, sidecar })
}

/// What lies beside it first, its own name last: a backup that can be seen is whole.
fn publish(path: &Path, aside: &Path, sidecar: &Sidecar) -> Result<(), BackupError> {
    let Sidecar { sha256, file, .. } = sidecar;
    let json = serde_json::to_string_pretty(sidecar).map_err(io::Error::from);
    let json = json.map_err(BackupError::file("describe", path))?;
    folder::write_small(&beside(path, ".json"), &json)?;
    folder::write_small(&beside(path, ".sha256"), &format!("{sha256}  {file}\n"))?;
    fs::rename(aside, path).map_err(BackupError::file("name", path))?;
    folder::sync(path.parent().unwrap_or(Path::new(".")))
}

fn write_aside(
    aside: &Path,
    recipients: &[Recipient],
    manifest: &Manifest,
    command: Command,
    watch: &Watch,
) -> Result<(Dump, u64, String), BackupError> {
    let file = BufWriter::new(Hashing::new(folder::new_file(aside)?));
    let mut running = Running::start("pg_dump", command)?;
    let mut bar = watch.bar("dumping", None);
    let written = archive::write(file, recipients, manifest, &mut running, &mut |bytes| bar.at(bytes));
    let (mut file, dump) = written.map_err(|error| running.failure(error, aside))?;
    file.flush().map_err(BackupError::file("write", aside))?;
    let hashing = file.into_inner().map_err(|error| BackupError::file("write", aside)(error.into_error()))?;
    let (file, bytes, sha256) = hashing.finish();
    file.sync_all().map_err(BackupError::file("write", aside))?;
    Ok((dump, bytes, sha256))
}

/// A program whose output is read. Its output ends only if it says that it succeeded, else it fails.
struct Running {
    name: &'static str,
    child: Child,
    output: ChildStdout,
    words: Option<JoinHandle<String>>,
    failed: Option<String>,
}

impl Running {
    fn start(name: &'static str, mut command: Command) -> Result<Self, BackupError> {
        let refused = |error: io::Error| BackupError::Program { program: name, said: error.to_string() };
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(refused)?;
        let words = child.stderr.take().map(last_words);
        let output = child.stdout.take().ok_or_else(|| refused(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Self { name, child, output, words, failed: None })
    }

    /// Whose failure it was: the program's, or that of writing.
    fn failure(&mut self, error: io::Error, aside: &Path) -> BackupError {
        match self.failed.take() {
            Some(said) => BackupError::Program { program: self.name, said },
            None if error.kind() == io::ErrorKind::Interrupted => BackupError::Stopped,
            None => BackupError::file("write", aside)(error),
        }
    }
}

impl Read for Running {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.output.read(buffer)?;
        if read > 0 || buffer.is_empty() {
            return Ok(read);
        }
        let status = self.child.wait()?;
        if status.success() {
            return Ok(0);
        }
        let words = self.words.take().and_then(|words| words.join().ok()).unwrap_or_default();
        let said = if words.is_empty() { status.to_string() } else { words };
        self.failed = Some(said.clone());
        Err(io::Error::other(said))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, or nobody wants its output.
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Reads what a program says about itself, so that it never waits for a reader.
pub(super) fn last_words(stderr: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut said = Vec::new();
        let mut stderr = stderr;
        let _unreadable = stderr.by_ref().take(MAX_WORDS).read_to_end(&mut said);
        let _rest = io::copy(&mut stderr, &mut io::sink());
        let said = String::from_utf8_lossy(&said);
        said.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" / ")
    })
}
