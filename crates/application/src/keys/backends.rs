//! The key services: one wraps, and those before it still unwrap while data keys move.

use std::sync::Arc;

use crypto::envelope::{
    DataKey, KeyBackend, KeyBackendError, Rotation, StoredDataKey, generate_data_key, open_data_key,
    rewrap_data_key,
};
use crypto::random::Random;

/// Who holds the key-encryption keys of this installation.
#[derive(Clone)]
pub struct Backends {
    environment: String,
    current: Arc<dyn KeyBackend>,
    previous: Vec<Arc<dyn KeyBackend>>,
}

impl Backends {
    /// `current` wraps what is new; `previous` only unwrap what they wrapped.
    pub fn new(environment: &str, current: Arc<dyn KeyBackend>, previous: Vec<Arc<dyn KeyBackend>>) -> Self {
        Self { environment: environment.to_owned(), current, previous }
    }

    /// What everything sealed here is bound to.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// The name of the one that wraps.
    pub fn name(&self) -> &'static str {
        self.current.name()
    }

    pub(super) async fn generate(
        &self,
        random: &dyn Random,
    ) -> Result<(StoredDataKey, DataKey), KeyBackendError> {
        generate_data_key(&*self.current, random, &self.environment).await
    }

    pub(super) async fn open(&self, stored: &StoredDataKey) -> Result<DataKey, KeyBackendError> {
        open_data_key(self.of(stored), &self.environment, stored).await
    }

    pub(super) async fn rewrap(&self, stored: &StoredDataKey) -> Result<StoredDataKey, KeyBackendError> {
        rewrap_data_key(self.of(stored), &*self.current, &self.environment, stored).await
    }

    pub(super) async fn rotate(&self) -> Result<Rotation, KeyBackendError> {
        self.current.rotate().await
    }

    /// Who wrapped it; where nobody here did, the current one says so.
    fn of(&self, stored: &StoredDataKey) -> &dyn KeyBackend {
        let all = std::iter::once(&self.current).chain(&self.previous);
        let maker = all.into_iter().find(|backend| backend.name() == stored.wrapped.backend);
        &**maker.unwrap_or(&self.current)
    }
}
