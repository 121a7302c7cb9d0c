//! The key-encryption key in this process: derived from `SECRET_KEY`, or configured by itself. Its safety is
//! that of the configuration, so production prefers a key service (SEC-30).
//!
//! A wrapped key is `version ‖ key id ‖ nonce ‖ ciphertext ‖ tag`.

use std::fmt;
use std::sync::Arc;

use secrecy::ExposeSecret;

use super::backend::{BoxFuture, DataKeyBytes, KeyBackend, KeyBackendError, Rotation, WrappedKey};
use crate::aead::{Cipher, NONCE_LEN, TAG_LEN, associated_data};
use crate::key::{KEY_LEN, Key};
use crate::random::{self, Random};
use crate::secret_key::{Purpose, SecretKeys};

const VERSION: u8 = 1;
const KEK_ID_LEN: usize = 16;
const WRAPPED_LEN: usize = 1 + KEK_ID_LEN + NONCE_LEN + KEY_LEN + TAG_LEN;

struct Kek {
    id: String,
    cipher: Cipher,
}

impl Kek {
    fn new(key: &Key) -> Self {
        Self { id: key.id(), cipher: Cipher::new(key.expose()) }
    }
}

/// Wraps with AES-256-GCM under a key of this process; earlier keys still unwrap.
pub struct LocalKeyBackend {
    current: Kek,
    previous: Vec<Kek>,
    random: Arc<dyn Random>,
}

impl LocalKeyBackend {
    /// The name that its rows carry.
    pub const NAME: &'static str = "local";

    /// With keys configured for this alone.
    pub fn new(current: &Key, previous: &[Key], random: Arc<dyn Random>) -> Self {
        Self { current: Kek::new(current), previous: previous.iter().map(Kek::new).collect(), random }
    }

    /// With keys derived from `SECRET_KEY` and `SECRET_KEY_PREVIOUS`.
    pub fn derived(secrets: &SecretKeys, random: Arc<dyn Random>) -> Self {
        Self::new(&secrets.current(Purpose::KeyEncryption), &secrets.previous(Purpose::KeyEncryption), random)
    }

    /// The name of the key that wraps now.
    pub fn key_id(&self) -> String {
        self.current.id.clone()
    }

    fn wrap_now(&self, data_key: &DataKeyBytes, context: &str) -> Result<WrappedKey, KeyBackendError> {
        let kek = &self.current;
        let nonce: [u8; NONCE_LEN] = random::bytes(&*self.random);
        let mut bytes = Vec::with_capacity(WRAPPED_LEN);
        bytes.push(VERSION);
        bytes.extend_from_slice(&id_bytes(&kek.id)?);
        bytes.extend_from_slice(&nonce);
        kek.cipher
            .seal(nonce, &wrap_associated(&kek.id, context), data_key.expose(), &mut bytes)
            .map_err(|_| KeyBackendError::Malformed)?;
        Ok(WrappedKey { bytes, backend: Self::NAME.to_owned(), kek_id: kek.id.clone() })
    }

    fn unwrap_now(&self, wrapped: &WrappedKey, context: &str) -> Result<DataKeyBytes, KeyBackendError> {
        if wrapped.bytes.len() != WRAPPED_LEN || wrapped.bytes[0] != VERSION {
            return Err(KeyBackendError::Malformed);
        }
        let (id, rest) = wrapped.bytes[1..].split_at(KEK_ID_LEN);
        let (nonce, sealed) = rest.split_at(NONCE_LEN);
        // The blob itself says which key it is under; the column beside it only helps to find what is due for
        // a rewrap.
        let id = hex::encode(id);
        let kek = std::iter::once(&self.current)
            .chain(&self.previous)
            .find(|kek| kek.id == id)
            .ok_or_else(|| KeyBackendError::UnknownKey { kek_id: id.clone() })?;
        let opened = kek
            .cipher
            .open(nonce, &wrap_associated(&kek.id, context), sealed)
            .map_err(|_| KeyBackendError::Tampered)?;
        DataKeyBytes::from_slice(opened.expose_secret()).ok_or(KeyBackendError::Malformed)
    }
}

fn id_bytes(id: &str) -> Result<[u8; KEK_ID_LEN], KeyBackendError> {
    let mut bytes = [0; KEK_ID_LEN];
    hex::decode_to_slice(id, &mut bytes).map_err(|_| KeyBackendError::Malformed)?;
    Ok(bytes)
}

fn wrap_associated(kek_id: &str, context: &str) -> Vec<u8> {
    associated_data(VERSION, &[b"data-key", kek_id.as_bytes(), context.as_bytes()])
}

impl KeyBackend for LocalKeyBackend {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn wrap<'a>(
        &'a self,
        data_key: &'a DataKeyBytes,
        context: &'a str,
    ) -> BoxFuture<'a, Result<WrappedKey, KeyBackendError>> {
        Box::pin(async move { self.wrap_now(data_key, context) })
    }

    fn unwrap<'a>(
        &'a self,
        wrapped: &'a WrappedKey,
        context: &'a str,
    ) -> BoxFuture<'a, Result<DataKeyBytes, KeyBackendError>> {
        Box::pin(async move { self.unwrap_now(wrapped, context) })
    }

    fn rotate(&self) -> BoxFuture<'_, Result<Rotation, KeyBackendError>> {
        let how = "move SECRET_KEY to SECRET_KEY_PREVIOUS, set a new SECRET_KEY, restart every instance, and run `calmness keys rewrap`";
        Box::pin(async move { Ok(Rotation::ByOperator(how)) })
    }
}

impl fmt::Debug for LocalKeyBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKeyBackend").field("key_id", &self.current.id).finish_non_exhaustive()
    }
}
