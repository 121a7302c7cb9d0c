//! Believing an archive or not: offline, with nothing but the published key.

use std::collections::BTreeMap;
use std::io::{self, Read};

use crypto::evidence::EvidenceSignature;
use crypto::fingerprint::sha256;
use crypto::receipt::PublicKeys;
use flate2::bufread::GzDecoder;

use super::{EvidenceError, FORMAT, MANIFEST, Manifest, ManifestFile, SIGNATURE};

/// The longest manifest, in bytes.
const MAX_MANIFEST: u64 = 1024 * 1024;
/// The longest file, in bytes: what claims more is not looked at.
const MAX_FILE: u64 = 1024 * 1024 * 1024;

/// An archive that is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it says of itself.
    pub manifest: Manifest,
    /// The key that signed it.
    pub kid: String,
}

/// Believes an archive whose manifest one of these keys signed and whose files are exactly those of the manifest.
pub fn verify_archive(archive: impl io::BufRead, keys: &PublicKeys) -> Result<Verified, EvidenceError> {
    let mut tape = tar::Archive::new(GzDecoder::new(archive));
    let mut entries = tape.entries().map_err(unreadable)?;
    let (manifest, signature) = (first(&mut entries, MANIFEST)?, first(&mut entries, SIGNATURE)?);
    let signature: EvidenceSignature =
        serde_json::from_slice(&signature).map_err(|_| EvidenceError::Malformed("its signature"))?;
    signature.verify(keys, &manifest)?;
    let manifest: Manifest =
        serde_json::from_slice(&manifest).map_err(|_| EvidenceError::Malformed("its manifest"))?;
    if manifest.format != FORMAT {
        return Err(EvidenceError::Malformed("its form is another"));
    }
    let mut expected: BTreeMap<&str, &ManifestFile> =
        manifest.files.iter().map(|file| (file.name.as_str(), file)).collect();
    for entry in entries {
        let mut entry = entry.map_err(unreadable)?;
        let name = name_of(&entry);
        let file = expected.remove(name.as_str()).ok_or_else(|| EvidenceError::Foreign(name.clone()))?;
        let bytes = read(&mut entry, file.bytes.min(MAX_FILE))?;
        if bytes.len() as u64 != file.bytes || hex::encode(sha256(&bytes)) != file.sha256 {
            return Err(EvidenceError::Changed(name));
        }
    }
    match expected.pop_first() {
        Some((name, _)) => Err(EvidenceError::Missing(name.to_owned())),
        None => Ok(Verified { kid: signature.kid, manifest }),
    }
}

/// The next file, which must be this one.
fn first<R: Read>(entries: &mut tar::Entries<'_, R>, name: &'static str) -> Result<Vec<u8>, EvidenceError> {
    let mut entry =
        entries.next().ok_or_else(|| EvidenceError::Missing(name.to_owned()))?.map_err(unreadable)?;
    if name_of(&entry) != name {
        return Err(EvidenceError::Missing(name.to_owned()));
    }
    let bytes = read(&mut entry, MAX_MANIFEST)?;
    if bytes.len() as u64 > MAX_MANIFEST { Err(EvidenceError::Malformed(name)) } else { Ok(bytes) }
}

fn name_of<R: Read>(entry: &tar::Entry<'_, R>) -> String {
    String::from_utf8_lossy(&entry.path_bytes()).chars().filter(|letter| !letter.is_control()).collect()
}

/// At most one byte more than the limit, so that a longer one shows.
fn read(entry: &mut impl Read, limit: u64) -> Result<Vec<u8>, EvidenceError> {
    let mut bytes = Vec::new();
    entry.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn unreadable(error: io::Error) -> EvidenceError {
    EvidenceError::Read("the archive".to_owned(), error)
}
