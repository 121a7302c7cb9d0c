//! Finds the server's programs on the machine.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use super::run::run;
use super::{Error, OLDEST_MAJOR};

/// How long a program may take to say its version.
const LIMIT: Duration = Duration::from_secs(20);

/// A PostgreSQL server that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    /// The folder that holds `postgres` and `initdb`.
    pub(super) folder: PathBuf,
    /// Its major version.
    pub(super) major: u32,
}

impl Binaries {
    /// The server in a folder, if there is one that runs.
    pub(super) async fn at(folder: &Path) -> Option<Self> {
        if !folder.join("initdb").is_file() {
            return None;
        }
        let mut command = Command::new(folder.join("postgres"));
        command.arg("--version").env("LC_ALL", "C").current_dir("/");
        let finished = run(command, LIMIT).await.ok()?;
        Some(Self { folder: folder.to_owned(), major: major(&finished.output)? })
    }

    /// The server in the folder that a setting names.
    pub(super) async fn given(folder: &Path) -> Result<Self, Error> {
        match Self::at(folder).await {
            None => Err(Error::NoServerThere { folder: folder.to_owned() }),
            Some(Self { folder, major }) if major < OLDEST_MAJOR => {
                Err(Error::TooOld { found: major, folder })
            }
            Some(binaries) => Ok(binaries),
        }
    }

    fn fits(&self, wanted: Option<u32>) -> bool {
        wanted.map_or(self.major >= OLDEST_MAJOR, |wanted| self.major == wanted)
    }
}

/// What the machine has.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The newest server that will do.
    pub(super) best: Option<Binaries>,
    /// The newest of those that will not.
    pub(super) unfit: Option<Binaries>,
}

/// Looks in some folders for the newest server that will do: the wanted major version, or any that is new enough.
pub(super) async fn find(folders: &[PathBuf], wanted: Option<u32>) -> Found {
    let mut found = Found::default();
    for folder in folders {
        let Some(binaries) = Binaries::at(folder).await else { continue };
        let place = if binaries.fits(wanted) { &mut found.best } else { &mut found.unfit };
        if place.as_ref().is_none_or(|known| known.major < binaries.major) {
            *place = Some(binaries);
        }
    }
    found
}

/// Where a server may lie: the search path, then where Debian, Red Hat, Alpine and Homebrew put theirs (not in the
/// search path), then our own downloads.
pub(super) fn folders(search_path: Option<OsString>, downloads: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        search_path.map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    folders.extend(below("/usr/lib/postgresql", "", "bin"));
    folders.extend(below("/usr", "pgsql-", "bin"));
    folders.extend(below("/usr/libexec", "postgresql", ""));
    for homebrew in ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"] {
        folders.extend(below(homebrew, "postgresql", "bin"));
    }
    folders.push(PathBuf::from("/usr/bin"));
    folders.push(PathBuf::from("/usr/local/pgsql/bin"));
    folders.push(downloads.join("bin"));
    folders
}

/// `parent/<prefix>*/<inside>` for every such folder.
fn below(parent: &str, prefix: &str, inside: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join(inside))
        .collect()
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian …)`, and `17beta1` too.
pub(super) fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    let digits = number.find(|character: char| !character.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_the_server_says() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta2\n"), Some(18));
        assert_eq!(major("postgres (EnterpriseDB) 15\n"), None);
        assert_eq!(major(""), None);
    }
}
