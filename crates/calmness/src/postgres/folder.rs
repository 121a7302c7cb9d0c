//! Where a cluster's files lie:
//!
//! ```text
//! <data_dir>/postgresql/     ours; for root /var/lib/calmness/<hash> where no other account can reach data_dir
//! ├── data/                  PostgreSQL's own, owned by the account that it runs as
//! ├── password               of the superuser, 0600
//! ├── postgresql.conf        the settings
//! ├── server.log
//! ├── lock                   held while the cluster is in use
//! └── lock.starting          held for a moment by processes that share the cluster
//! ```
//!
//! When this process is root, everything but `data` stays root's, so that the unprivileged account can't put a link
//! in the way of a file that root writes.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::{digest, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

use super::account::{Account, is_root};
use super::{Error, Progress};

/// Where root keeps what no other account could reach otherwise.
const SYSTEM_FOLDER: &str = "/var/lib/calmness";

/// The log starts anew above this size, with one older file kept.
const MAX_LOG_BYTES: u64 = 16 * 1024 * 1024;

/// The folder of one cluster.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    /// The folder itself.
    pub(super) root: PathBuf,
    /// Whom the server runs as.
    pub(super) account: Account,
}

impl Folder {
    /// The folder for the data of a person or test, made if it is not there.
    pub(super) async fn open(data_dir: &Path, progress: &dyn Progress) -> Result<Self, Error> {
        fs::create_dir_all(data_dir).map_err(Error::file("make the folder", data_dir))?;
        let places = places(data_dir)?;
        let used = places.iter().find(|place| place.join("data/PG_VERSION").is_file());
        let account = Account::choose(used.map(|place| place.join("data")).as_deref(), progress).await?;
        let root = match used {
            Some(place) => place.clone(),
            None => Self::pick(&places, data_dir, account, progress).await?,
        };
        let mode = if account == Account::Ours { 0o700 } else { 0o711 };
        make(&root, mode)?;
        // Resolved, because the server reports its data folder so.
        let root = fs::canonicalize(&root).map_err(Error::file("open", &root))?;
        if !account.can_enter(&root).await {
            return Err(Error::Unreachable { path: root, uid: account.uid() });
        }
        Ok(Self { root, account })
    }

    async fn pick(
        places: &[PathBuf],
        data_dir: &Path,
        account: Account,
        progress: &dyn Progress,
    ) -> Result<PathBuf, Error> {
        let [beside, elsewhere @ ..] = places else {
            return Err(Error::Unreachable { path: data_dir.to_owned(), uid: account.uid() });
        };
        let Some(elsewhere) = elsewhere.first().filter(|_| account != Account::Ours) else {
            return Ok(beside.clone());
        };
        if account.can_enter(data_dir).await {
            return Ok(beside.clone());
        }
        progress.step(&format!(
            "No unprivileged account can reach {}, so PostgreSQL keeps its data in {}",
            data_dir.display(),
            elsewhere.display()
        ));
        make(Path::new(SYSTEM_FOLDER), 0o755)?;
        Ok(elsewhere.clone())
    }

    /// The server's data.
    pub(super) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The server's settings.
    pub(super) fn settings(&self) -> PathBuf {
        self.root.join("postgresql.conf")
    }

    /// The server's log.
    pub(super) fn log(&self) -> PathBuf {
        self.root.join("server.log")
    }

    /// The lock held while the cluster is in use.
    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The lock held while one of several sharers starts or stops the cluster.
    pub(super) fn starting(&self) -> PathBuf {
        self.root.join("lock.starting")
    }

    /// The superuser's password as it is kept on the disk.
    pub(super) fn password_file(&self) -> PathBuf {
        self.root.join("password")
    }

    /// The superuser's password.
    pub(super) fn password(&self) -> Result<SecretString, Error> {
        let file = self.password_file();
        let text = fs::read_to_string(&file).map_err(Error::file("read the password in", &file))?;
        Ok(SecretString::from(text.trim_end().to_owned()))
    }

    /// Makes a password and keeps it in its file, which the server's account may read: `initdb` takes it from there.
    pub(super) fn make_password(&self) -> Result<SecretString, Error> {
        let mut bytes = [0; 32];
        let file = self.password_file();
        rand::fill(&mut bytes)
            .map_err(|_| Error::file("make a password for", &file)(ErrorKind::Unsupported.into()))?;
        let password = SecretString::from(URL_SAFE_NO_PAD.encode(bytes));
        remove(&file)?;
        let mut options = OpenOptions::new();
        let opened = options.write(true).create_new(true).mode(0o600).open(&file);
        opened
            .and_then(|mut opened| {
                opened.write_all(password.expose_secret().as_bytes())?;
                opened.sync_all()
            })
            .map_err(Error::file("write", &file))?;
        self.account.give(&file)?;
        Ok(password)
    }

    /// Opens the log for the server to append to.
    pub(super) fn open_log(&self) -> Result<fs::File, Error> {
        let log = self.log();
        if log.metadata().is_ok_and(|about| about.len() > MAX_LOG_BYTES) {
            fs::rename(&log, log.with_extension("log.1")).map_err(Error::file("move", &log))?;
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600).open(&log).map_err(Error::file("open the log", &log))
    }
}

/// Where the files of a data folder may lie, the usual place first.
pub(super) fn places(data_dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let data_dir = fs::canonicalize(data_dir).map_err(Error::file("open", data_dir))?;
    let mut places = vec![data_dir.join("postgresql")];
    if is_root() {
        let digest = digest::digest(&digest::SHA256, data_dir.as_os_str().as_encoded_bytes());
        places.push(Path::new(SYSTEM_FOLDER).join(URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12])));
    }
    Ok(places)
}

/// The folder that downloaded servers are kept in.
pub(super) fn downloads(data_dir: &Path, cache: Option<PathBuf>) -> PathBuf {
    match cache {
        _ if is_root() => PathBuf::from(SYSTEM_FOLDER),
        Some(cache) => cache.join("calmness"),
        None => data_dir.to_owned(),
    }
}

/// Makes a folder, or gives the one that is there the right mode.
pub(super) fn make(path: &Path, mode: u32) -> Result<(), Error> {
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(Error::file("make the folder", path)(error));
        }
        _ => {}
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(Error::file("set the mode of", path))
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::file("remove", path)(error)),
        _ => Ok(()),
    }
}
