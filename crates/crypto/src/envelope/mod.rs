//! Encryption at rest: columns are sealed under data keys, and data keys are wrapped by a key-encryption key
//! that lives elsewhere.
//!
//! A [`KeyBackend`] holds the key-encryption key (this process with [`LocalKeyBackend`], or a key service)
//! and wraps and unwraps the 32 bytes of a data key. [`generate_data_key`] makes one and gives the row to
//! store, [`open_data_key`] brings it back at start, and [`rewrap_data_key`] moves it under a new
//! key-encryption key without touching a single ciphertext. [`DataKeys`] holds the opened ones in memory and
//! seals and opens the columns: while it is loaded nothing asks the key service (SEC-30, SEC-33).

mod backend;
mod data_keys;
mod label;
mod local;

use uuid::Uuid;

pub use self::backend::{BoxFuture, DataKeyBytes, KeyBackend, KeyBackendError, Rotation, WrappedKey};
pub use self::data_keys::{
    DataKey, DataKeys, DuplicateDataKey, MAX_PLAINTEXT_LEN, MAX_SEALS_PER_KEY, OpenError, SealError,
    sealed_under,
};
pub use self::label::Label;
pub use self::local::LocalKeyBackend;
use crate::random::{self, Random};

/// A data key as the database keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDataKey {
    /// Its name, which every ciphertext under it carries.
    pub id: Uuid,
    /// Its bytes under a key-encryption key.
    pub wrapped: WrappedKey,
}

/// Makes a data key for one environment (`production`, `staging` …): the row to store, and the key ready for
/// use.
///
/// Store the row before the first use: a ciphertext whose key was never stored can't be read again.
pub async fn generate_data_key(
    backend: &dyn KeyBackend,
    random: &dyn Random,
    environment: &str,
) -> Result<(StoredDataKey, DataKey), KeyBackendError> {
    let id = uuid::Builder::from_random_bytes(random::bytes(random)).into_uuid();
    let bytes = DataKeyBytes::random(random);
    let wrapped = backend.wrap(&bytes, &wrap_context(environment, id)).await?;
    Ok((StoredDataKey { id, wrapped }, DataKey::new(id, &bytes)))
}

/// Unwraps a stored data key. The backend must be the one that the row names.
pub async fn open_data_key(
    backend: &dyn KeyBackend,
    environment: &str,
    stored: &StoredDataKey,
) -> Result<DataKey, KeyBackendError> {
    let bytes = unwrap_bytes(backend, environment, stored).await?;
    Ok(DataKey::new(stored.id, &bytes))
}

/// Wraps a stored data key again, under the current key of `to`. What the data key sealed stays as it is
/// (SEC-26).
pub async fn rewrap_data_key(
    from: &dyn KeyBackend,
    to: &dyn KeyBackend,
    environment: &str,
    stored: &StoredDataKey,
) -> Result<StoredDataKey, KeyBackendError> {
    let bytes = unwrap_bytes(from, environment, stored).await?;
    let wrapped = to.wrap(&bytes, &wrap_context(environment, stored.id)).await?;
    Ok(StoredDataKey { id: stored.id, wrapped })
}

async fn unwrap_bytes(
    backend: &dyn KeyBackend,
    environment: &str,
    stored: &StoredDataKey,
) -> Result<DataKeyBytes, KeyBackendError> {
    if stored.wrapped.backend != backend.name() {
        return Err(KeyBackendError::OtherBackend {
            wrapped_by: stored.wrapped.backend.clone(),
            asked: backend.name(),
        });
    }
    backend.unwrap(&stored.wrapped, &wrap_context(environment, stored.id)).await
}

/// Binds a wrapped key to its row and environment. The id has a fixed length and stands last, so two contexts
/// never look alike.
fn wrap_context(environment: &str, id: Uuid) -> String {
    format!("calmness/data-key/1/{environment}/{id}")
}

#[cfg(test)]
mod tests;
