//! Packing: the same files give the same bytes.

use std::io;

use crypto::evidence::EvidenceKey;
use crypto::fingerprint::sha256;
use flate2::{Compression, GzBuilder};

use super::{Archive, EvidenceError, File, MANIFEST, Manifest, ManifestFile, SIGNATURE, file_name};

/// What the manifest says of a file.
pub(super) fn described(file: &File) -> ManifestFile {
    ManifestFile {
        name: file.name.to_owned(),
        sha256: hex::encode(sha256(&file.bytes)),
        bytes: file.bytes.len() as u64,
        lines: file.lines,
    }
}

/// Signs the manifest and packs it before its files.
pub(super) fn pack(manifest: Manifest, files: &[File], key: &EvidenceKey) -> Result<Archive, EvidenceError> {
    let name = file_name(manifest.created_at);
    let bytes = write(&manifest, files, key).map_err(|error| EvidenceError::Read(name.clone(), error))?;
    Ok(Archive { name, bytes, manifest })
}

fn write(manifest: &Manifest, files: &[File], key: &EvidenceKey) -> io::Result<Vec<u8>> {
    let text = serde_json::to_vec_pretty(manifest)?;
    let signature = serde_json::to_vec_pretty(&key.sign(&text))?;
    let compressed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    let mut tape = tar::Builder::new(compressed);
    let at = manifest.created_at.unix_timestamp().unsigned_abs();
    append(&mut tape, MANIFEST, &text, at)?;
    append(&mut tape, SIGNATURE, &signature, at)?;
    for file in files {
        append(&mut tape, file.name, &file.bytes, at)?;
    }
    tape.into_inner()?.finish()
}

fn append(tape: &mut tar::Builder<impl io::Write>, name: &str, bytes: &[u8], at: u64) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o600);
    header.set_mtime(at);
    header.set_entry_type(tar::EntryType::Regular);
    tape.append_data(&mut header, name, bytes)
}
