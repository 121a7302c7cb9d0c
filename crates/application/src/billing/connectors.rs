//! The providers that the operator's settings name, connected while the product runs: a changed document takes effect on every
//! instance with its next look at the settings.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use gateways::payments::Line;
use gateways::payments::registry::{self, CONFIGURABLE, ConnectError, Connected};
use secrecy::{ExposeSecret, SecretString};

use crate::app::App;
use crate::tx::StoreError;

/// Connected providers by code.
#[derive(Default)]
pub(crate) struct Connectors(RwLock<HashMap<&'static str, Made>>);

/// What a document came to: a provider, unless it could not be used.
struct Made {
    from: [u8; 32],
    connected: Option<Connected>,
}

impl Connectors {
    /// In the order in which payers are offered them.
    pub(crate) fn all(&self) -> Vec<Connected> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let in_order = CONFIGURABLE.iter().filter_map(|entry| known.get(entry.code));
        in_order.filter_map(|made| made.connected.clone()).collect()
    }

    pub(crate) fn get(&self, code: &str) -> Option<Connected> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(code).and_then(|made| made.connected.clone())
    }
}

/// Why a provider's document cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DocumentError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Connects a provider from its document, without keeping it: also how a document is checked.
    pub(crate) fn connect_provider(
        &self,
        code: &'static str,
        document: &SecretString,
    ) -> Result<Option<Connected>, DocumentError> {
        let Some(http) = self.http() else { return Ok(None) };
        let line = Line {
            http: http.clone(),
            wall: self.wall_clock(),
            request_key: self.keys().provider_request(code)?,
        };
        Ok(Some(registry::connect(code, document.expose_secret(), line)?))
    }

    /// Makes the connected providers those of the settings. One whose document is unchanged stays: it holds tokens.
    pub(crate) fn reconnect_providers(&self) {
        let mut known = self.connectors().0.write().unwrap_or_else(PoisonError::into_inner);
        for entry in CONFIGURABLE {
            let Some(document) = self.settings().provider(entry.code) else {
                known.remove(entry.code);
                continue;
            };
            let fingerprint = crypto::fingerprint::sha256(document.expose_secret().as_bytes());
            if known.get(entry.code).is_some_and(|made| made.from == fingerprint) {
                continue;
            }
            let connected = self.connect_provider(entry.code, &document).unwrap_or_else(|error| {
                tracing::error!(
                    provider.code = entry.code,
                    error = &error as &dyn std::error::Error,
                    "a provider's settings cannot be used: it is not offered"
                );
                None
            });
            known.insert(entry.code, Made { from: fingerprint, connected });
        }
    }
}
