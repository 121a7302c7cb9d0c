//! The world on disk: read at the start, written shortly after changes and at the end, so that a demo started again finds its world.
//!
//! Standing faults and the log are of one run only and not kept.

use std::{io, path::Path, sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::json;
use tokio::{fs, io::AsyncWriteExt, time::Instant};

use crate::{
    config::Error, mail::mailbox::Mailbox, psp::ledger::Ledger, sms::inbox::Inbox, telegram, world::World,
};

/// How long changes are collected before they are written.
const QUIET: Duration = Duration::from_millis(400);

/// Raised when the shape of the file changes; a file of another version is refused, not misread.
const VERSION: u32 = 1;

/// What an earlier run left.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Kept {
    #[serde(default)]
    version: u32,
    #[serde(default)]
    pub(crate) ledger: Ledger,
    #[serde(default)]
    pub(crate) telegram: telegram::state::State,
    #[serde(default)]
    pub(crate) mailbox: Mailbox,
    #[serde(default)]
    pub(crate) sms: Inbox,
}

/// Reads the file; none yet is an empty world.
pub(crate) async fn read(path: Option<&Path>) -> Result<Kept, Error> {
    let Some(path) = path else { return Ok(Kept::default()) };
    let refuse = |source| Error::StateFile { path: path.to_owned(), source };
    let bytes = match fs::read(path).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
        Err(error) => return Err(refuse(error)),
    };
    let mut kept: Kept = serde_json::from_slice(&bytes).map_err(|error| refuse(error.into()))?;
    if kept.version != VERSION {
        return Err(refuse(io::Error::new(io::ErrorKind::InvalidData, "written by another version")));
    }
    kept.ledger = kept.ledger.indexed();
    Ok(kept)
}

/// Writes the world whenever it changed, until the sandbox stops. A slow disk or a large world slows the rhythm, not the peers.
pub(crate) async fn keep(world: Arc<World>) {
    let mut written = 0;
    let mut pause = QUIET;
    while world.sleep(pause).await {
        let changes = world.changes();
        if changes == written {
            continue;
        }
        let started = Instant::now();
        match write(&world).await {
            Ok(()) => written = changes,
            Err(error) => tracing::error!(error = %error, "the sandbox's state could not be written"),
        }
        pause = QUIET.max(started.elapsed() * 20);
    }
}

/// Writes a new file beside the old one and puts it in its place, readable by its owner only.
pub(crate) async fn write(world: &World) -> Result<(), Error> {
    let Some(path) = world.config.state_file.as_deref() else { return Ok(()) };
    let refuse = |source| Error::StateFile { path: path.to_owned(), source };
    let ledger = world.ledger.with(|ledger| json!(ledger));
    let telegram = world.telegram.with(|state| json!(state));
    let mailbox = world.mailbox.with(|mailbox| json!(mailbox));
    let sms = world.sms.with(|inbox| json!(inbox));
    let whole = json!({
        "version": VERSION, "ledger": ledger, "telegram": telegram, "mailbox": mailbox, "sms": sms,
    })
    .to_string();
    let beside = path.with_extension("new");
    replace(&beside, path, whole.as_bytes()).await.map_err(refuse)
}

async fn replace(beside: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(beside).await?;
    file.write_all(bytes).await?;
    file.sync_all().await?;
    drop(file);
    fs::rename(beside, path).await
}
