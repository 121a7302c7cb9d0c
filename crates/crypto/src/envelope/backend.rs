//! Who holds the key-encryption key.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::key::{KEY_LEN, Key};
use crate::random::Random;

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The 32 bytes of a data key on their way to or from a backend.
#[derive(Clone)]
pub struct DataKeyBytes(Key);

impl DataKeyBytes {
    /// Takes what a backend unwrapped; `None` if it is not 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Key::from_bytes(bytes).map(Self)
    }

    /// The bytes, for a backend to wrap.
    pub fn expose(&self) -> &[u8; KEY_LEN] {
        self.0.expose()
    }

    pub(super) fn random(random: &dyn Random) -> Self {
        Self(Key::random(random))
    }
}

impl fmt::Debug for DataKeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKeyBytes([REDACTED])")
    }
}

/// A data key under a key-encryption key: nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// What the backend made; only the backend understands it.
    pub bytes: Vec<u8>,
    /// The [`KeyBackend::name`] that made it.
    pub backend: String,
    /// Which key-encryption key it is under, as the backend names it.
    pub kek_id: String,
}

/// Why a data key could not be wrapped or unwrapped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyBackendError {
    /// The key service did not answer: try again later, and serve on with the keys in memory (SEC-33).
    #[error("the key service is away: {0}")]
    Unavailable(String),
    /// The key service answered no.
    #[error("the key service refused: {0}")]
    Denied(String),
    /// The blob names a key-encryption key that this backend does not hold.
    #[error(
        "the key-encryption key {kek_id} is not configured; a rotated one belongs in SECRET_KEY_PREVIOUS"
    )]
    UnknownKey {
        /// The missing key's name.
        kek_id: String,
    },
    /// The row was wrapped by another backend.
    #[error("the data key was wrapped by `{wrapped_by}`, not by `{asked}`")]
    OtherBackend {
        /// What the row names.
        wrapped_by: String,
        /// Who was asked.
        asked: &'static str,
    },
    /// The blob is not one of this backend's.
    #[error("the wrapped data key is damaged")]
    Malformed,
    /// Authentic under none: changed, or moved to another row or environment.
    #[error("the wrapped data key was changed, or belongs to another row or environment")]
    Tampered,
}

/// Wraps and unwraps data keys. `context` binds the blob to its row and environment: another context must
/// fail to unwrap.
pub trait KeyBackend: Send + Sync {
    /// A stable name, stored beside what it wrapped.
    fn name(&self) -> &'static str;

    /// Puts a data key under the current key-encryption key.
    fn wrap<'a>(
        &'a self,
        data_key: &'a DataKeyBytes,
        context: &'a str,
    ) -> BoxFuture<'a, Result<WrappedKey, KeyBackendError>>;

    /// Brings a data key back, also from under an earlier key-encryption key.
    fn unwrap<'a>(
        &'a self,
        wrapped: &'a WrappedKey,
        context: &'a str,
    ) -> BoxFuture<'a, Result<DataKeyBytes, KeyBackendError>>;

    /// Makes the next key-encryption key, where this product may: what was wrapped before stays readable, and a rewrap
    /// moves it.
    fn rotate(&self) -> BoxFuture<'_, Result<Rotation, KeyBackendError>>;
}

/// What asking for the next key-encryption key brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The service made one; what is wrapped from now on is under it.
    Done,
    /// Only the operator can, and this is how.
    ByOperator(&'static str),
}
