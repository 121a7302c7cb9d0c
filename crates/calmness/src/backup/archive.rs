//! The inside of a backup: `age(note(manifest) · zstd(dump) · note(length and checksum))`.
//!
//! The notes are skippable frames of zstd (RFC 8878 §3.1.2), which every other reader passes over. The end of age's stream
//! is authenticated, so that a file that was cut is never taken for a shorter one; and the stream is ended only after
//! `pg_dump` has said that it succeeded.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use age::x25519::{Identity, Recipient};
use age::{DecryptError, Decryptor, Encryptor};
use aws_lc_rs::digest::{Context, SHA256};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::BackupError;
use super::manifest::{Dump, FORMAT, Manifest};

/// Begins a note: the first of zstd's magic numbers for frames that are passed over.
const NOTE: u32 = 0x184D_2A50;
/// The longest note, in bytes.
const MAX_NOTE: u32 = 4 * 1024 * 1024;
/// zstd's own default: a fair trade of time for size.
const LEVEL: i32 = 3;
/// How much is read at once.
const CHUNK: usize = 128 * 1024;

/// Is asked with each chunk whether to go on, and told how far it is.
pub(super) type Tick<'a> = &'a mut dyn FnMut(u64) -> io::Result<()>;

/// Counts and hashes what passes through.
pub(super) struct Hashing<T> {
    inner: T,
    hash: Context,
    bytes: u64,
}

impl<T> Hashing<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, hash: Context::new(&SHA256), bytes: 0 }
    }

    /// What it passed to or from, its length and its SHA-256 in hex.
    pub(super) fn finish(self) -> (T, u64, String) {
        (self.inner, self.bytes, hex::encode(self.hash.finish()))
    }

    fn see(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.see(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.see(&buffer[..read]);
        Ok(read)
    }
}

/// Writes a backup. `dump` fails instead of ending where the dump is not whole.
pub(super) fn write<W: Write>(
    output: W,
    recipients: &[Recipient],
    manifest: &Manifest,
    dump: impl Read,
    tick: Tick<'_>,
) -> io::Result<(W, Dump)> {
    let recipients = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
    let mut sealed = encryptor.wrap_output(output)?;
    write_note(&mut sealed, manifest)?;
    let mut packed = zstd::stream::write::Encoder::new(sealed, LEVEL)?;
    packed.include_checksum(true)?;
    let mut dump = Hashing::new(dump);
    copy(&mut dump, &mut packed, tick)?;
    let mut sealed = packed.finish()?;
    let (_, bytes, sha256) = dump.finish();
    let dump = Dump { bytes, sha256 };
    write_note(&mut sealed, &dump)?;
    Ok((sealed.finish()?, dump))
}

/// Reads a backup to its end and hands the dump on. Nothing is believed before this has returned.
pub(super) fn read(
    path: &Path,
    input: impl Read,
    identities: &[Identity],
    output: &mut dyn Write,
    tick: Tick<'_>,
) -> Result<(Manifest, Dump), BackupError> {
    let damaged = |error: io::Error| BackupError::damaged(path, error.to_string());
    let decryptor = Decryptor::new_buffered(BufReader::with_capacity(CHUNK, input));
    let decryptor = decryptor.map_err(|error| BackupError::damaged(path, error.to_string()))?;
    let keys = identities.iter().map(|identity| identity as &dyn age::Identity);
    let opened = decryptor.decrypt(keys).map_err(|error| match error {
        DecryptError::NoMatchingKeys => BackupError::WrongIdentity(path.to_owned()),
        other => BackupError::damaged(path, other.to_string()),
    })?;
    let mut opened = BufReader::with_capacity(CHUNK, opened);
    let manifest: Manifest = read_note(&mut opened).map_err(damaged)?;
    if manifest.format != FORMAT {
        return Err(BackupError::damaged(path, format!("its format is {}", manifest.format)));
    }
    let packed = zstd::stream::read::Decoder::with_buffer(opened).map_err(damaged)?.single_frame();
    let mut dump = Hashing::new(packed);
    copy(&mut dump, output, tick).map_err(damaged)?;
    let (packed, bytes, sha256) = dump.finish();
    let mut rest = packed.finish();
    let stated: Dump = read_note(&mut rest).map_err(damaged)?;
    if stated != (Dump { bytes, sha256 }) {
        return Err(BackupError::damaged(path, "the dump inside has another length or checksum"));
    }
    if !rest.fill_buf().map_err(damaged)?.is_empty() {
        return Err(BackupError::damaged(path, "something follows its end"));
    }
    Ok((manifest, stated))
}

/// Whether a file begins as an encrypted one does.
pub(super) fn has_header(path: &Path, input: impl Read) -> Result<(), BackupError> {
    let decryptor = Decryptor::new_buffered(BufReader::new(input));
    decryptor.map(drop).map_err(|error| BackupError::damaged(path, error.to_string()))
}

/// Like `io::copy`, and can be stopped.
pub(super) fn copy(from: &mut dyn Read, to: &mut dyn Write, tick: Tick<'_>) -> io::Result<()> {
    let (mut buffer, mut done) = (vec![0; CHUNK], 0);
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(&buffer[..read])?;
        done += read as u64;
        tick(done)?;
    }
}

fn write_note(to: &mut impl Write, note: &impl Serialize) -> io::Result<()> {
    let note = serde_json::to_vec(note)?;
    let length = u32::try_from(note.len()).ok().filter(|length| *length <= MAX_NOTE);
    let length = length.ok_or_else(|| io::Error::other("the note is too long"))?;
    to.write_all(&NOTE.to_le_bytes())?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&note)
}

fn read_note<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut word = [0; 4];
    from.read_exact(&mut word)?;
    if u32::from_le_bytes(word) != NOTE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a note is missing"));
    }
    from.read_exact(&mut word)?;
    let length = u32::from_le_bytes(word);
    if length > MAX_NOTE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a note is too long"));
    }
    let mut note = vec![0; length as usize];
    from.read_exact(&mut note)?;
    serde_json::from_slice(&note).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
