//! The private cluster as the rest of the program sees it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::binaries::{self, Binaries};
use super::folder::{self, Folder};
use super::lock::{Hold, Lock};
use super::postmaster::{self, Postmaster};
use super::{Durability, Error, OWNER, Options, Progress, download, install, settings};
use crate::config::environment;

/// How long one process waits for another that is starting the cluster that they share.
const SHARE_LIMIT: Duration = Duration::from_mins(10);

/// A running private cluster.
///
/// Dropping it leaves the server running, and the next [`Cluster::start`] on the folder adopts it; [`Cluster::stop`]
/// stops it.
#[derive(Debug)]
pub struct Cluster {
    pub(super) folder: Folder,
    server: Postmaster,
    password: SecretString,
    adopted: bool,
    shared: bool,
    lock: Lock,
}

impl Cluster {
    /// Starts the cluster of a folder, made if it is new; or adopts it, if it still runs because the process that
    /// started it was killed or shares it.
    pub async fn start(options: Options, progress: &dyn Progress) -> Result<Self, Error> {
        let binaries = programs(&options, progress).await?;
        let folder = Folder::open(&options.data_dir, progress).await?;
        if !folder.account.can_enter(&binaries.folder).await {
            return Err(Error::Unreachable { path: binaries.folder, uid: folder.account.uid() });
        }
        let in_use =
            || Error::AlreadyInUse { folder: options.data_dir.clone(), pid: Lock::holder(&folder.lock()) };
        if !options.share {
            let lock = Lock::try_take(&folder.lock(), Hold::Alone)?.ok_or_else(in_use)?;
            return Self::run(binaries, folder, lock, &options, progress).await;
        }
        let busy = || Error::Busy { folder: options.data_dir.clone() };
        let starting = Lock::take(&folder.starting(), SHARE_LIMIT).await?.ok_or_else(busy)?;
        let lock = Lock::try_take(&folder.lock(), Hold::Shared)?.ok_or_else(in_use)?;
        let cluster = Self::run(binaries, folder.clone(), lock, &options, progress).await;
        drop(starting);
        cluster
    }

    /// Adopts or starts; the folder is ours by the lock.
    async fn run(
        binaries: Binaries,
        folder: Folder,
        lock: Lock,
        options: &Options,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let data = folder.data();
        if !data.join("PG_VERSION").is_file() {
            progress.step(&format!(
                "Making a private PostgreSQL {} in {}",
                binaries.major,
                folder.root.display()
            ));
            postmaster::initialise(&binaries, &folder, options.durability).await?;
        }
        let password = folder.password()?;
        if let Some(server) = Self::adopt(&folder, options, &password).await? {
            progress.step(&format!("The private PostgreSQL of {} still runs", folder.root.display()));
            return Ok(Self { folder, server, password, adopted: true, shared: options.share, lock });
        }
        progress.step(&format!("Starting the private PostgreSQL {}", binaries.major));
        let server =
            postmaster::start(&binaries, &folder, options.durability, options.port, &password).await?;
        Ok(Self { folder, server, password, adopted: false, shared: options.share, lock })
    }

    /// The living server of the folder, once it answers. Whoever has it alone gets the durability and the port that
    /// he asks for; whoever shares it takes it as it is.
    async fn adopt(
        folder: &Folder,
        options: &Options,
        password: &SecretString,
    ) -> Result<Option<Postmaster>, Error> {
        let Some(found) = Postmaster::living(&folder.data()).await else { return Ok(None) };
        if !found.answers(&folder.data(), password).await? {
            return Ok(None);
        }
        let Some(server) = Postmaster::living(&folder.data()).await else { return Ok(None) };
        if options.share {
            return Ok(Some(server));
        }
        if options.port.is_some_and(|port| port != server.port) {
            server.stop(folder).await?;
            return Ok(None);
        }
        settings::write(&folder.settings(), server.port, options.durability)?;
        reload(server, password, options.durability).await?;
        Ok(Some(server))
    }

    /// The address of the database `postgres`, as the superuser.
    pub fn admin_url(&self) -> SecretString {
        self.url("postgres")
    }

    /// The address of a database, as the superuser.
    pub fn url(&self, database: &str) -> SecretString {
        let password = self.password.expose_secret();
        let port = self.server.port;
        SecretString::from(format!(
            "postgres://{OWNER}:{password}@127.0.0.1:{port}/{database}?sslmode=disable"
        ))
    }

    /// Where the server listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// The server's process.
    pub fn pid(&self) -> u32 {
        self.server.pid
    }

    /// Whether the server ran already.
    pub fn was_adopted(&self) -> bool {
        self.adopted
    }

    /// Where the cluster's files lie.
    pub fn folder(&self) -> &Path {
        &self.folder.root
    }

    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.folder.log()
    }

    /// Makes a database, unless it is there.
    pub async fn ensure_database(&self, name: &str) -> Result<(), Error> {
        if !is_name(name) {
            return Err(Error::DatabaseName { name: name.to_owned() });
        }
        let refused = |source| Error::Refused { doing: "make a database", source };
        let mut connection = self.connect().await?;
        // The name is checked above, so it can't end its quotes.
        let statement = AssertSqlSafe(format!("CREATE DATABASE \"{name}\""));
        let made = match sqlx::raw_sql(statement).execute(&mut connection).await {
            Err(error) if is_duplicate(&error) => Ok(()),
            other => other.map(|_| ()).map_err(refused),
        };
        connection.close().await.map_err(refused)?;
        made
    }

    async fn connect(&self) -> Result<PgConnection, Error> {
        let Postmaster { pid, port } = self.server;
        postmaster::connect(port, &self.password, "postgres").await.map_err(|source| Error::NotAnswering {
            pid,
            port,
            source: Some(source),
        })
    }

    /// Stops the server and waits for its end. A cluster that others share goes on until the last of them stops it.
    pub async fn stop(self) -> Result<(), Error> {
        if !self.shared {
            return self.server.stop(&self.folder).await;
        }
        let busy = || Error::Busy { folder: self.folder.root.clone() };
        let _starting = Lock::take(&self.folder.starting(), SHARE_LIMIT).await?.ok_or_else(busy)?;
        if self.lock.try_hold(Hold::Alone)? {
            return self.server.stop(&self.folder).await;
        }
        Ok(())
    }
}

/// Forgets a folder's cluster with all its data. A server that an earlier process left behind is stopped first; one
/// that is in use is an error. `Ok(false)` if there was none.
pub async fn erase(data_dir: &Path) -> Result<bool, Error> {
    let mut erased = false;
    if !data_dir.exists() {
        return Ok(erased);
    }
    for root in folder::places(data_dir)? {
        // Without its lock file the folder is none of ours.
        if !root.join("lock").is_file() {
            continue;
        }
        let account = super::account::Account::Ours;
        let folder = Folder { root, account };
        let in_use =
            || Error::AlreadyInUse { folder: data_dir.to_owned(), pid: Lock::holder(&folder.lock()) };
        let _lock = Lock::try_take(&folder.lock(), Hold::Alone)?.ok_or_else(in_use)?;
        if let Some(server) = Postmaster::living(&folder.data()).await {
            server.stop(&folder).await?;
        }
        std::fs::remove_dir_all(&folder.root).map_err(Error::file("remove", &folder.root))?;
        erased = true;
    }
    Ok(erased)
}

/// The server's programs: given, found, installed or downloaded. Data that is there already needs its own version.
async fn programs(options: &Options, progress: &dyn Progress) -> Result<Binaries, Error> {
    let data = existing_data(&options.data_dir);
    let wanted = data.as_ref().map(|(_, major)| *major);
    let downloads = folder::downloads(&options.data_dir, environment::cache_folder());
    let downloaded = downloads.join(download::folder_name());
    let mut attempts = Vec::new();
    if let Some(given) = &options.binaries {
        let binaries = Binaries::given(given).await?;
        if wanted.is_none_or(|wanted| wanted == binaries.major) {
            return Ok(binaries);
        }
        attempts.push(format!("the one in {} is PostgreSQL {}", given.display(), binaries.major));
    }
    let look = || async {
        let folders = binaries::folders(environment::search_path(), &downloaded);
        binaries::find(&folders, wanted).await
    };
    let found = look().await;
    if let Some(binaries) = found.best {
        return Ok(binaries);
    }
    if let Some(Binaries { folder, major }) = found.unfit {
        attempts.push(format!("PostgreSQL {major} is in {}", folder.display()));
    }
    match install::install(wanted, progress).await {
        Ok(()) => match look().await.best {
            Some(binaries) => return Ok(binaries),
            None => attempts.push("the package manager's version is another one".to_owned()),
        },
        Err(reason) => attempts.push(reason),
    }
    if wanted.is_none_or(|wanted| wanted == download::MAJOR) {
        match download::download(&downloaded, progress).await {
            Ok(()) => match Binaries::at(&downloaded.join("bin")).await {
                Some(binaries) => return Ok(binaries),
                None => attempts.push("the downloaded server does not run on this machine".to_owned()),
            },
            Err(reason) => attempts.push(reason),
        }
    }
    Err(match data {
        Some((folder, wanted)) => Error::WrongMajor { wanted, folder, attempts },
        None => Error::Unavailable { attempts },
    })
}

/// Where a folder's cluster has its data, and the version that wrote it.
fn existing_data(data_dir: &Path) -> Option<(PathBuf, u32)> {
    let places = folder::places(data_dir).ok()?;
    places.into_iter().find_map(|root| {
        let version = std::fs::read_to_string(root.join("data/PG_VERSION")).ok()?;
        Some((root.join("data"), version.trim().parse().ok()?))
    })
}

/// Makes a running server read its settings again, and waits until it has.
async fn reload(server: Postmaster, password: &SecretString, durability: Durability) -> Result<(), Error> {
    const ATTEMPTS: u32 = 100;
    let Postmaster { pid, port } = server;
    let unanswered = |source| Error::NotAnswering { pid, port, source };
    let wanted = if durability == Durability::Full { "on" } else { "off" };
    let mut connection =
        postmaster::connect(port, password, "postgres").await.map_err(|source| unanswered(Some(source)))?;
    let refused = |source| Error::Refused { doing: "read its settings again", source };
    sqlx::raw_sql("SELECT pg_reload_conf()").execute(&mut connection).await.map_err(refused)?;
    for _ in 0..ATTEMPTS {
        let fsync: String =
            sqlx::query_scalar("SHOW fsync").fetch_one(&mut connection).await.map_err(refused)?;
        if fsync == wanted {
            return connection.close().await.map_err(refused);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(unanswered(None))
}

fn is_duplicate(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    // duplicate_database; or unique_violation, when two make it at the same moment.
    code.is_some_and(|code| code == "42P04" || code == "23505")
}

fn is_name(name: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= 63 && name.bytes().all(inside) && name.starts_with(|first: char| first.is_ascii_lowercase())
}
