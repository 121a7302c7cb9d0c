//! Whether a backup is what was written: by its checksum alone, or opened to its end and counted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, Stdio};

use age::x25519::Identity;

use super::BackupError;
use super::archive::{self, Hashing};
use super::create::last_words;
use super::folder::beside;
use super::manifest::{Dump, Manifest, Sidecar};
use super::progress::Watch;
use crate::postgres::Client;

/// What is known of a backup that was believed.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What it is of.
    pub manifest: Manifest,
    /// Whether it was opened, rather than only compared with its checksum.
    pub opened: bool,
    /// Whether the rows inside were counted: for that `pg_restore` must be at hand.
    pub counted: bool,
}

/// Verifies a backup. With private keys it is opened to its end, and the rows of its dump are counted.
pub async fn verify(
    path: &Path,
    identities: Option<Vec<Identity>>,
    postgresql_bin: Option<&Path>,
    watch: Watch,
) -> Result<Verified, BackupError> {
    let program = Client::newest("pg_restore", postgresql_bin).await;
    let path = path.to_owned();
    let work = move || verify_blocking(&path, identities.as_deref(), program, &watch);
    tokio::task::spawn_blocking(work).await.map_err(|ended| BackupError::Program {
        program: "the thread that reads the backup",
        said: ended.to_string(),
    })?
}

fn verify_blocking(
    path: &Path,
    identities: Option<&[Identity]>,
    program: Option<Client>,
    watch: &Watch,
) -> Result<Verified, BackupError> {
    let sidecar = sidecar(path)?;
    if let Some(sidecar) = &sidecar {
        compare_checksum(path, sidecar, watch)?;
    }
    archive::has_header(path, open(path)?)?;
    let Some(identities) = identities else {
        let missing = || BackupError::damaged(path, "there is no manifest beside it, and no key to open it");
        let manifest = sidecar.ok_or_else(missing)?.manifest;
        return Ok(Verified { manifest, opened: false, counted: false });
    };
    let (manifest, dump, rows) = open_to_the_end(path, identities, program, watch)?;
    if let Some(sidecar) = sidecar
        && (sidecar.manifest != manifest || sidecar.dump != dump)
    {
        return Err(BackupError::damaged(path, "the manifest beside it is not the one inside"));
    }
    let counted = rows.is_some();
    if let Some(rows) = rows {
        let differences = differences(&manifest.contents.rows, &rows);
        if !differences.is_empty() {
            return Err(BackupError::damaged(path, differences.join("; ")));
        }
    }
    Ok(Verified { manifest, opened: true, counted })
}

fn open(path: &Path) -> Result<File, BackupError> {
    File::open(path).map_err(BackupError::file("read", path))
}

/// What lies beside a backup, if anything does.
fn sidecar(path: &Path) -> Result<Option<Sidecar>, BackupError> {
    let beside = beside(path, ".json");
    match std::fs::read(&beside) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|_| BackupError::damaged(path, "the manifest beside it cannot be read")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BackupError::file("read", beside)(error)),
    }
}

fn compare_checksum(path: &Path, sidecar: &Sidecar, watch: &Watch) -> Result<(), BackupError> {
    let mut file = Hashing::new(open(path)?);
    let mut bar = watch.bar("checksum", Some(sidecar.bytes));
    let read = archive::copy(&mut file, &mut io::sink(), &mut |bytes| bar.at(bytes));
    read.map_err(BackupError::file("read", path))?;
    let (_, bytes, sha256) = file.finish();
    if bytes != sidecar.bytes {
        return Err(BackupError::damaged(path, format!("it has {bytes} bytes, not {}", sidecar.bytes)));
    }
    if sha256 != sidecar.sha256 {
        return Err(BackupError::damaged(path, "its checksum is another one"));
    }
    let stated = std::fs::read_to_string(beside(path, ".sha256")).unwrap_or_default();
    match stated.split_whitespace().next() {
        Some(stated) if stated != sha256 => {
            Err(BackupError::damaged(path, "its checksum is not the one in the file beside it"))
        }
        _ => Ok(()),
    }
}

type Rows = BTreeMap<String, i64>;

/// Opens it to its end. Where `pg_restore` is at hand, it reads the dump as well, and the rows are counted.
fn open_to_the_end(
    path: &Path,
    identities: &[Identity],
    program: Option<Client>,
    watch: &Watch,
) -> Result<(Manifest, Dump, Option<Rows>), BackupError> {
    let file = open(path)?;
    let total = file.metadata().map_err(BackupError::file("read", path))?.len();
    let mut file = Hashing::new(file);
    let mut bar = watch.bar("verifying", None);
    let mut tick = |bytes| bar.at(bytes);
    let Some(program) = program else {
        let (manifest, dump) = archive::read(path, &mut file, identities, &mut io::sink(), &mut tick)?;
        return Ok((manifest, dump, None));
    };
    let mut counting = Counting::start(&program)?;
    let read = archive::read(path, &mut file, identities, &mut counting, &mut tick);
    let (manifest, dump) = read.inspect_err(|_| counting.kill())?;
    let (_, bytes, _) = file.finish();
    if bytes != total {
        return Err(BackupError::damaged(path, "something follows its end"));
    }
    // A program that is older than the dump cannot read it; then nothing is counted.
    let rows = counting.finish();
    if program.major < manifest.pg_dump {
        return Ok((manifest, dump, None));
    }
    let rows =
        rows.map_err(|said| BackupError::damaged(path, format!("pg_restore cannot read it: {said}")))?;
    Ok((manifest, dump, Some(rows)))
}

/// `pg_restore` turning a dump back into text, of which the rows are counted.
struct Counting {
    child: std::process::Child,
    input: Option<ChildStdin>,
    rows: Option<std::thread::JoinHandle<io::Result<Rows>>>,
    words: Option<std::thread::JoinHandle<String>>,
}

impl Counting {
    fn start(program: &Client) -> Result<Self, BackupError> {
        let refused =
            |error: io::Error| BackupError::Program { program: "pg_restore", said: error.to_string() };
        let mut command = program.offline_command();
        command.args(["--data-only", "--file=-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(refused)?;
        let rows = child.stdout.take().map(|out| std::thread::spawn(move || count(BufReader::new(out))));
        let words = child.stderr.take().map(last_words);
        let input = child.stdin.take();
        Ok(Self { child, input, rows, words })
    }

    fn kill(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }

    /// The rows, or what it said of the dump.
    fn finish(mut self) -> Result<Rows, String> {
        drop(self.input.take());
        let rows = self.rows.take().and_then(|rows| rows.join().ok());
        let words = self.words.take().and_then(|words| words.join().ok()).unwrap_or_default();
        match (self.child.wait(), rows) {
            (Ok(status), Some(Ok(rows))) if status.success() => Ok(rows),
            _ => Err(words),
        }
    }
}

impl Write for Counting {
    /// What it does not want to read is read all the same: whether the file is whole is not its decision.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(input) = &mut self.input
            && input.write_all(bytes).is_err()
        {
            self.input = None;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Counts the rows of each table in the text of a dump: a line each, between `COPY … FROM stdin;` and `\.`.
fn count(mut text: impl BufRead) -> io::Result<Rows> {
    let (mut rows, mut table, mut line) = (Rows::new(), None::<String>, Vec::new());
    loop {
        line.clear();
        if text.read_until(b'\n', &mut line)? == 0 {
            return Ok(rows);
        }
        match &table {
            Some(_) if line.trim_ascii_end() == b"\\." => table = None,
            Some(table) => *rows.entry(table.clone()).or_default() += 1,
            None => {
                table = copied_table(&line);
                if let Some(table) = &table {
                    rows.insert(table.clone(), 0);
                }
            }
        }
    }
}

/// The table of `COPY public.payments (id, …) FROM stdin;`.
fn copied_table(line: &[u8]) -> Option<String> {
    let line = std::str::from_utf8(line).ok()?;
    let name = line.strip_prefix("COPY public.")?.strip_suffix(" FROM stdin;\n")?;
    let name = name.split_once(" (").map_or(name, |(name, _)| name);
    Some(name.trim_matches('"').to_owned())
}

/// What two counts of rows disagree about, in words.
pub(super) fn differences(expected: &Rows, found: &Rows) -> Vec<String> {
    let tables = expected.keys().chain(found.keys().filter(|table| !expected.contains_key(*table)));
    let differing = tables.filter(|table| expected.get(*table) != found.get(*table));
    let number = |rows: Option<&i64>| rows.map_or_else(|| "no table".to_owned(), ToString::to_string);
    differing
        .map(|table| {
            format!("{table}: {} rows, not {}", number(found.get(table)), number(expected.get(table)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_by_table_whatever_they_hold() {
        let text = "SET x = 0;\n\
            COPY public.users (id, name) FROM stdin;\n1\tCOPY public.fake (id) FROM stdin;\n2\t\\\\.\n\\.\n\n\
            COPY public.\"order\" (id) FROM stdin;\n\\.\n";
        let expected = BTreeMap::from([("users".to_owned(), 2), ("order".to_owned(), 0)]);
        assert_eq!(count(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn whatever_two_counts_disagree_about_is_named() {
        let rows = |rows: &[(&str, i64)]| rows.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
        let (expected, found): (Rows, Rows) = (rows(&[("a", 1), ("b", 2)]), rows(&[("b", 3), ("c", 4)]));
        let told = differences(&expected, &found);
        assert_eq!(told, ["a: no table rows, not 1", "b: 3 rows, not 2", "c: 4 rows, not no table"]);
        assert!(differences(&expected, &expected.clone()).is_empty());
    }
}
