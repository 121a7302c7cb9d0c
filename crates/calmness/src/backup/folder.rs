//! The folder of backups: names, what lies there, and what may go.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use domain::time::{Duration, Instant};
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::{BackupError, Keep};

const PREFIX: &str = "calmness-";
const SUFFIX: &str = ".dump.zst.age";
/// A backup that is being made.
const PARTIAL: &str = ".partial";
/// What lies beside a backup.
pub(super) const BESIDE: [&str; 2] = [".json", ".sha256"];
const INSTANT: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");
/// One that nobody has finished after so long was left by a process that was killed.
const ABANDONED_AFTER: Duration = Duration::days(2);

/// A backup in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// When it was made, by its name.
    pub created: Instant,
    /// Where it was made, by its name.
    pub environment: String,
    /// Its length.
    pub bytes: u64,
    /// The file.
    pub path: PathBuf,
}

/// The name of a backup.
pub(super) fn name(environment: &str, created: Instant) -> String {
    let created = created.format(INSTANT).unwrap_or_default();
    format!("{PREFIX}{environment}-{created}{SUFFIX}")
}

/// The name while it is being made. No listing takes it for a backup.
pub(super) fn partial(path: &Path) -> PathBuf {
    beside(path, PARTIAL)
}

/// The file that lies beside another under its name with something added.
pub(super) fn beside(path: &Path, addition: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(addition);
    PathBuf::from(name)
}

fn read_name(name: &str) -> Option<(String, Instant)> {
    let (environment, created) = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.rsplit_once('-')?;
    let created = PrimitiveDateTime::parse(created, INSTANT).ok()?.assume_utc();
    Some((environment.to_owned(), created))
}

/// The backups of a folder, the newest first.
pub fn list(folder: &Path) -> Result<Vec<Entry>, BackupError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(BackupError::file("list", folder)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(BackupError::file("list", folder))?;
        let Some((environment, created)) = entry.file_name().to_str().and_then(read_name) else { continue };
        let metadata = entry.metadata().map_err(BackupError::file("read", entry.path()))?;
        if metadata.is_file() {
            found.push(Entry { created, environment, bytes: metadata.len(), path: entry.path() });
        }
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
    Ok(found)
}

/// Removes what is not kept of one environment's backups, and what was left half made. Says what went, or with `dry_run`
/// what would go.
pub fn prune(
    folder: &Path,
    environment: &str,
    keep: Keep,
    wall: Instant,
    dry_run: bool,
) -> Result<Vec<PathBuf>, BackupError> {
    let mut all = list(folder)?;
    all.retain(|entry| entry.environment == environment);
    let made: Vec<Instant> = all.iter().map(|entry| entry.created).collect();
    let kept = keep.kept(&made);
    let mut gone: Vec<PathBuf> =
        all.into_iter().filter(|entry| !kept.contains(&entry.created)).map(|entry| entry.path).collect();
    gone.extend(abandoned(folder, environment, wall)?);
    if dry_run {
        return Ok(gone);
    }
    for path in &gone {
        // The backup first: what lies beside it is nothing without it.
        remove(path)?;
        for addition in BESIDE {
            remove(&beside(path, addition))?;
        }
    }
    sync(folder)?;
    Ok(gone)
}

fn abandoned(folder: &Path, environment: &str, wall: Instant) -> Result<Vec<PathBuf>, BackupError> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(BackupError::file("list", folder))?;
        let name = entry.file_name();
        let whole = name.to_str().and_then(|name| name.strip_suffix(PARTIAL)).and_then(read_name);
        if whole.is_some_and(|(of, created)| of == environment && wall - created > ABANDONED_AFTER) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Makes the folder, for its owner alone.
pub(super) fn make(folder: &Path) -> Result<(), BackupError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(BackupError::file("make the folder", folder))
}

/// A new file for its owner alone; one that is there is never written over, nor a link followed.
pub(super) fn new_file(path: &Path) -> Result<File, BackupError> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    opened.map_err(BackupError::file("make", path))
}

/// A small file, whole and on the disk.
pub(super) fn write_small(path: &Path, text: &str) -> Result<(), BackupError> {
    remove(path)?;
    let mut file = new_file(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(BackupError::file("write", path))
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> Result<(), BackupError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(BackupError::file("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Puts the names of a folder on the disk.
pub(super) fn sync(folder: &Path) -> Result<(), BackupError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(BackupError::file("sync", folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_name_says_where_and_when_and_nothing_else_is_taken_for_a_backup() {
        let at = datetime!(2026-11-23 02:00:05 UTC);
        let written = name("production", at);
        assert_eq!(written, "calmness-production-20261123T020005Z.dump.zst.age");
        assert_eq!(read_name(&written), Some(("production".to_owned(), at)));
        for other in [
            "calmness-production-20261123T020005Z.dump.zst.age.partial",
            "calmness-production-20261123T020005Z.dump.zst.age.json",
            "calmness-production-20261323T020005Z.dump.zst.age",
            "calmness.dump.zst.age",
            "notes.txt",
        ] {
            assert_eq!(read_name(other), None, "{other}");
        }
    }

    #[test]
    fn pruning_takes_what_is_not_kept_with_what_lies_beside_it_and_touches_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let day = |day: u8| datetime!(2026-11-01 02:00 UTC).replace_day(day).unwrap();
        let put = |name: &str| fs::write(folder.path().join(name), "x").unwrap();
        for at in [1, 2, 3, 4] {
            put(&name("production", day(at)));
            put(&format!("{}.json", name("production", day(at))));
        }
        put(&name("staging", day(1)));
        put(&format!("{}.partial", name("production", day(1))));
        put(&format!("{}.partial", name("production", day(4))));
        put("notes.txt");
        let keep = Keep { daily: 2, weekly: 0, monthly: 0 };
        let before = fs::read_dir(folder.path()).unwrap().count();
        let would = prune(folder.path(), "production", keep, day(4), true).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before);
        let gone = prune(folder.path(), "production", keep, day(4), false).unwrap();
        assert_eq!(gone, would);
        let mut left: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut expected = vec![
            name("production", day(3)),
            format!("{}.json", name("production", day(3))),
            name("production", day(4)),
            format!("{}.json", name("production", day(4))),
            format!("{}.partial", name("production", day(4))),
            name("staging", day(1)),
            "notes.txt".to_owned(),
        ];
        expected.sort();
        assert_eq!(left, expected);
    }
}
