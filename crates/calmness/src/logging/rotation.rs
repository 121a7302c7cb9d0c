//! The log's file: it starts anew with each day (UTC) and above a size; older ones go by number and age.
//!
//! Several processes may write to one file. A line is one append; before the file is moved away its writer holds a lock on
//! it and looks whether it is still the one under the name, so that two never move it twice. A file that another program
//! has moved away is noticed and made anew. What a full disk tore is ended, so that it spoils no later line.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::time::{Duration, Instant};
use rustix::fs::OFlags;
use thiserror::Error;
use time::macros::format_description;
use time::{Date, PrimitiveDateTime};

/// Tells wall time.
pub(super) type WallTime = Arc<dyn Fn() -> Instant + Send + Sync>;

/// How an older file is named: when it was moved away.
const MOVED_AT: &[time::format_description::BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second].[subsecond digits:6]Z");

/// When a file is full, and which older ones are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// A file does not grow above this.
    pub(super) max_bytes: u64,
    /// So many older files are kept.
    pub(super) keep_files: u32,
    /// For so many days; zero is as long as their number allows.
    pub(super) keep_days: u32,
}

/// Why there is no file.
#[derive(Debug, Error)]
pub(crate) enum LogFileError {
    /// It cannot be written.
    #[error("the log's file {} cannot be written", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is a link, or no file.
    #[error("the log's file {} is no plain file of our own", .0.display())]
    NotOurs(PathBuf),
    /// There is no thread for it.
    #[error("the log's file has no thread that writes it")]
    Thread(#[source] io::Error),
}

/// The file that is written now.
pub(super) struct RotatingFile {
    path: PathBuf,
    limits: Limits,
    wall: WallTime,
    file: File,
    bytes: u64,
    day: Date,
    /// The last write failed, perhaps in the middle of a line.
    torn: bool,
}

impl RotatingFile {
    pub(super) fn open(path: PathBuf, limits: Limits, wall: WallTime) -> Result<Self, LogFileError> {
        let failed = |source| LogFileError::Open { path: path.clone(), source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o750).create(folder).map_err(failed)?;
        }
        if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(LogFileError::NotOurs(path));
        }
        let file = append_to(&path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        if found.uid() != rustix::process::geteuid().as_raw() {
            return Err(LogFileError::NotOurs(path));
        }
        let day = found.modified().map_or_else(|_| wall(), Instant::from).date();
        let mut opened = Self { path, limits, wall, file, bytes: found.len(), day, torn: false };
        opened.forget_old();
        // An empty one is of no day yet.
        if opened.bytes == 0 {
            opened.day = (opened.wall)().date();
        }
        Ok(opened)
    }

    /// Appends a line, to a new file if this one is full or of another day.
    pub(super) fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        let now = (self.wall)();
        let full = self.bytes > 0 && self.bytes + line.len() as u64 > self.limits.max_bytes;
        if !self.is_under_its_name() {
            self.open_anew(now)?;
        } else if full || self.day != now.date() {
            self.rotate(now)?;
        }
        if self.torn {
            self.file.write_all(b"\n")?;
        }
        self.torn = true;
        self.file.write_all(line)?;
        self.torn = false;
        self.bytes += line.len() as u64;
        Ok(())
    }

    fn is_under_its_name(&self) -> bool {
        let (Ok(ours), Ok(there)) = (self.file.metadata(), fs::symlink_metadata(&self.path)) else {
            return false;
        };
        ours.ino() == there.ino() && ours.dev() == there.dev()
    }

    fn rotate(&mut self, now: Instant) -> io::Result<()> {
        // Released with the file, when another takes its place.
        self.file.lock()?;
        let grown = self.file.metadata()?.len();
        if self.is_under_its_name() && grown > 0 {
            fs::rename(&self.path, self.moved_path(now))?;
        }
        self.open_anew(now)?;
        self.forget_old();
        Ok(())
    }

    fn open_anew(&mut self, now: Instant) -> io::Result<()> {
        self.file = append_to(&self.path)?;
        self.bytes = self.file.metadata()?.len();
        self.day = now.date();
        Ok(())
    }

    /// A name that comes after those of all older files, even if the clock stands or goes back.
    fn moved_path(&self, now: Instant) -> PathBuf {
        let newest = older(&self.path).into_iter().map(|(moved_at, _)| moved_at).max();
        let mut at = newest.map_or(now, |newest| now.max(newest + Duration::MICROSECOND));
        loop {
            let mut name = self.path.as_os_str().to_owned();
            name.push(format!(".{}", at.format(MOVED_AT).unwrap_or_default()));
            let path = PathBuf::from(name);
            if fs::symlink_metadata(&path).is_err() {
                return path;
            }
            at += Duration::MICROSECOND;
        }
    }

    /// What cannot be removed stays; the next file tries again.
    fn forget_old(&self) {
        let mut older = older(&self.path);
        older.sort_unstable_by(|one, other| other.cmp(one));
        let now = (self.wall)();
        for (place, (moved_at, path)) in older.into_iter().enumerate() {
            let too_many = place >= usize::try_from(self.limits.keep_files).unwrap_or(usize::MAX);
            let too_old =
                self.limits.keep_days > 0 && now - moved_at > Duration::days(self.limits.keep_days.into());
            if too_many || too_old {
                let _tried_again_later = fs::remove_file(path);
            }
        }
    }
}

/// For its owner alone; a link is not followed.
fn append_to(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file"));
    }
    if found.mode() & 0o777 != 0o600 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// The older files of a log, with when they were moved away.
fn older(path: &Path) -> Vec<(Instant, PathBuf)> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (Some(name), Ok(entries)) = (path.file_name().and_then(|name| name.to_str()), fs::read_dir(folder))
    else {
        return Vec::new();
    };
    let read = |entry: fs::DirEntry| {
        let moved_at = entry.file_name().to_str()?.strip_prefix(name)?.strip_prefix('.')?.to_owned();
        let moved_at = PrimitiveDateTime::parse(&moved_at, MOVED_AT).ok()?.assume_utc();
        Some((moved_at, entry.path()))
    };
    entries.filter_map(Result::ok).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use tempfile::TempDir;
    use time::macros::datetime;

    struct Log {
        folder: TempDir,
        wall: Arc<Mutex<Instant>>,
    }

    impl Log {
        fn new() -> Self {
            let wall = Arc::new(Mutex::new(datetime!(2100-11-23 12:00 UTC)));
            Self { folder: tempfile::tempdir().unwrap(), wall }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("calmness.log")
        }

        fn open(&self, max_bytes: u64, keep_files: u32, keep_days: u32) -> RotatingFile {
            let wall = Arc::clone(&self.wall);
            let limits = Limits { max_bytes, keep_files, keep_days };
            RotatingFile::open(self.path(), limits, Arc::new(move || *wall.lock().unwrap())).unwrap()
        }

        fn pass(&self, time: Duration) {
            *self.wall.lock().unwrap() += time;
        }

        fn older(&self) -> Vec<String> {
            let mut found = older(&self.path());
            found.sort_unstable();
            found.into_iter().map(|(_, path)| fs::read_to_string(path).unwrap()).collect()
        }

        fn now(&self) -> String {
            fs::read_to_string(self.path()).unwrap()
        }
    }

    #[test]
    fn a_full_file_is_moved_away_whole_and_no_line_is_lost() {
        let log = Log::new();
        let mut file = log.open(10, 100, 0);
        for line in ["one\n", "two\n", "three\n", "a line longer than a whole file\n", "five\n"] {
            file.write_line(line.as_bytes()).unwrap();
        }
        assert_eq!(log.older(), ["one\ntwo\n", "three\n", "a line longer than a whole file\n"]);
        assert_eq!(log.now(), "five\n");
    }

    #[test]
    fn a_new_day_begins_a_new_file() {
        let log = Log::new();
        let mut file = log.open(1_000, 100, 0);
        file.write_line(b"monday\n").unwrap();
        log.pass(Duration::hours(11));
        file.write_line(b"monday too\n").unwrap();
        log.pass(Duration::hours(2));
        file.write_line(b"tuesday\n").unwrap();
        assert_eq!(
            (log.older(), log.now()),
            (vec!["monday\nmonday too\n".to_owned()], "tuesday\n".to_owned())
        );
    }

    #[test]
    fn older_files_go_by_number_and_by_age_and_no_other_file_does() {
        let log = Log::new();
        fs::write(log.folder.path().join("calmness.log.notes"), "kept").unwrap();
        let mut file = log.open(1, 2, 0);
        for line in ["1", "2", "3", "4", "5"] {
            file.write_line(line.as_bytes()).unwrap();
        }
        assert_eq!(log.older(), ["3", "4"]);
        log.pass(Duration::days(8));
        drop(log.open(1, 2, 7));
        assert_eq!(log.older(), Vec::<String>::new());
        assert!(log.folder.path().join("calmness.log.notes").exists());
        assert_eq!(log.now(), "5");
    }

    #[test]
    fn it_goes_on_where_it_ended_and_after_another_program_has_moved_it() {
        let log = Log::new();
        log.open(1_000, 9, 0).write_line(b"before\n").unwrap();
        let mut file = log.open(1_000, 9, 0);
        file.day = (file.wall)().date();
        file.write_line(b"after\n").unwrap();
        assert_eq!(log.now(), "before\nafter\n");
        fs::rename(log.path(), log.folder.path().join("taken")).unwrap();
        file.write_line(b"anew\n").unwrap();
        assert_eq!(log.now(), "anew\n");
    }

    #[test]
    fn two_processes_on_one_file_move_it_once_and_lose_nothing() {
        let log = Log::new();
        let (mut one, mut other) = (log.open(6, 100, 0), log.open(6, 100, 0));
        one.write_line(b"aaaa\n").unwrap();
        one.write_line(b"bbbb\n").unwrap();
        // It does not know that its file was moved.
        other.write_line(b"cccc\n").unwrap();
        let all = log.older().concat() + &log.now();
        assert_eq!(all.lines().collect::<Vec<_>>(), ["aaaa", "bbbb", "cccc"]);
    }

    #[test]
    fn a_link_is_not_followed_and_others_cannot_read_the_file() {
        let log = Log::new();
        let elsewhere = log.folder.path().join("elsewhere");
        fs::write(&elsewhere, "untouched").unwrap();
        std::os::unix::fs::symlink(&elsewhere, log.path()).unwrap();
        let limits = Limits { max_bytes: 9, keep_files: 1, keep_days: 0 };
        let refused = RotatingFile::open(log.path(), limits, Arc::new(|| datetime!(2100-01-01 0:00 UTC)));
        assert!(matches!(refused, Err(LogFileError::NotOurs(_))));
        fs::remove_file(log.path()).unwrap();
        fs::write(log.path(), "").unwrap();
        fs::set_permissions(log.path(), fs::Permissions::from_mode(0o644)).unwrap();
        let mut file = log.open(9, 1, 0);
        assert_eq!(fs::metadata(log.path()).unwrap().mode() & 0o777, 0o600);
        // One that is put there later is not followed either.
        fs::remove_file(log.path()).unwrap();
        std::os::unix::fs::symlink(&elsewhere, log.path()).unwrap();
        assert!(file.write_line(b"x\n").is_err());
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "untouched");
    }

    #[test]
    fn what_cannot_be_written_costs_its_line_and_tears_no_other() {
        let log = Log::new();
        let mut file = log.open(1_000, 9, 0);
        file.write_line(b"before\n").unwrap();
        let writable = std::mem::replace(&mut file.file, File::open(log.path()).unwrap());
        assert!(file.write_line(b"lost\n").is_err());
        file.file = writable;
        // As much as fitted on a disk before it was full.
        file.file.write_all(b"half a li").unwrap();
        file.write_line(b"after\n").unwrap();
        assert_eq!(log.now(), "before\nhalf a li\nafter\n");
    }
}
