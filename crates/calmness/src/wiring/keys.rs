//! From the configuration to the services that hold the key-encryption keys.

use std::sync::Arc;

use application::keys::Backends;
use crypto::envelope::{KeyBackend, LocalKeyBackend};
use crypto::random::Random;
use crypto::secret_key::SecretKeys;
use gateways::WallClock;
use gateways::http::HttpClient;
use gateways::keys::aws_kms::{AwsKms, AwsKmsSettings, Credentials};
use gateways::keys::vault::{Vault, VaultSettings};
use reqwest::Url;
use secrecy::SecretString;

use super::{WiringError, environment_word};
use crate::config::{Config, KeyBackendKind};

/// Who wraps data keys, and who did before.
pub(super) fn backends(
    config: &Config,
    secrets: &SecretKeys,
    random: &Arc<dyn Random>,
    wall: &WallClock,
) -> Result<Backends, WiringError> {
    let http = HttpClient::new().map_err(WiringError::peer("the HTTP client"))?;
    let make = |kind| -> Result<Arc<dyn KeyBackend>, WiringError> {
        Ok(match kind {
            KeyBackendKind::Local => Arc::new(LocalKeyBackend::derived(secrets, Arc::clone(random))),
            KeyBackendKind::Vault => Arc::new(vault(config, http.clone())?),
            KeyBackendKind::AwsKms => Arc::new(aws_kms(config, http.clone(), Arc::clone(wall))?),
        })
    };
    let previous = config.keys.previous_backend.map(make).transpose()?;
    let current = make(config.keys.backend)?;
    Ok(Backends::new(environment_word(config.environment), current, previous.into_iter().collect()))
}

fn vault(config: &Config, http: HttpClient) -> Result<Vault, WiringError> {
    let vault = &config.keys.vault;
    let settings = VaultSettings {
        address: address(vault.address.as_ref()),
        mount: vault.mount.clone(),
        key: vault.key.clone(),
        auth_mount: vault.auth_mount.clone(),
        role_id: vault.role_id.clone().unwrap_or_default(),
        secret_id: given(vault.secret_id.as_ref()),
        namespace: vault.namespace.clone(),
    };
    Vault::new(settings, http).map_err(WiringError::peer("keys.vault"))
}

fn aws_kms(config: &Config, http: HttpClient, wall: WallClock) -> Result<AwsKms, WiringError> {
    let kms = &config.keys.aws_kms;
    let settings = AwsKmsSettings {
        region: kms.region.clone().unwrap_or_default(),
        endpoint: kms.endpoint.as_ref().map(|url| address(Some(url))),
        key_id: kms.key_id.clone().unwrap_or_default(),
        credentials: Credentials {
            access_key_id: given(kms.access_key_id.as_ref()),
            secret_access_key: given(kms.secret_access_key.as_ref()),
            session_token: kms.session_token.clone(),
        },
    };
    AwsKms::new(settings, http, wall).map_err(WiringError::peer("keys.aws_kms"))
}

fn address(url: Option<&Url>) -> String {
    url.map(ToString::to_string).unwrap_or_default()
}

/// The check of the configuration has said what is missing before this is asked.
fn given(secret: Option<&SecretString>) -> SecretString {
    secret.cloned().unwrap_or_else(|| SecretString::from(String::new()))
}
