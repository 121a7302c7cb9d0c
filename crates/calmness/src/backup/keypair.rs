//! Key pairs of age: made here for those who have no `age-keygen`, and read from its files.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use age::x25519::{Identity, Recipient};
use secrecy::{ExposeSecret, SecretString};

use super::BackupError;

/// The longest file of private keys, in bytes.
const MAX_LENGTH: u64 = 64 * 1024;

/// A new pair: the text of its file, and the public key.
pub fn keygen() -> (SecretString, String) {
    let identity = Identity::generate();
    let public = identity.to_public().to_string();
    let text = format!("# public key: {public}\n{}\n", identity.to_string().expose_secret());
    (SecretString::from(text), public)
}

/// The private keys of a file as `age-keygen` and [`keygen`] write it.
pub fn identities(path: &Path) -> Result<Vec<Identity>, BackupError> {
    let length = fs::metadata(path).map_err(BackupError::file("read", path))?.len();
    if length > MAX_LENGTH {
        return Err(BackupError::Identity(path.to_owned()));
    }
    let text = fs::read_to_string(path).map(SecretString::from).map_err(BackupError::file("read", path))?;
    let lines = text.expose_secret().lines().map(str::trim);
    let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(Identity::from_str);
    // What a line is refused for is not repeated: it may be a key with a slip in it.
    let keys: Result<Vec<Identity>, _> = keys.collect();
    match keys {
        Ok(keys) if !keys.is_empty() => Ok(keys),
        _ => Err(BackupError::Identity(path.to_owned())),
    }
}

/// The public keys of a setting.
pub(super) fn recipients(keys: &[String]) -> Result<Vec<Recipient>, BackupError> {
    if keys.is_empty() {
        return Err(BackupError::NoRecipient);
    }
    // A key that is refused is not repeated: it may be a private one.
    keys.iter().map(|key| Recipient::from_str(key.trim()).map_err(BackupError::Recipient)).collect()
}
