//! Where the key-encryption key is.

use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;

use super::sections::{optional_url, secret};

/// Who wraps the data keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyService {
    /// Who wraps what is new.
    pub backend: KeyBackendKind,
    /// Who wrapped before, and still opens while data keys move.
    pub previous_backend: Option<KeyBackendKind>,
    /// Whether production may keep the key-encryption key in its own configuration.
    pub allow_local: bool,
    /// How long the keys in memory serve while the service is away, in hours.
    pub serve_without_backend_hours: u32,
    /// Vault or `OpenBao`.
    pub vault: VaultService,
    /// AWS KMS.
    pub aws_kms: AwsKmsService,
}

/// A kind of key service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyBackendKind {
    /// This process, with a key derived from the secret key.
    #[default]
    Local,
    /// Vault or `OpenBao` Transit.
    Vault,
    /// AWS KMS.
    AwsKms,
}

/// The transit engine of Vault or `OpenBao`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VaultService {
    /// Where it is.
    #[serde(deserialize_with = "optional_url")]
    pub address: Option<Url>,
    /// Where the transit engine is mounted.
    pub mount: String,
    /// The derived transit key.
    pub key: String,
    /// Where `AppRole` is mounted.
    pub auth_mount: String,
    /// The role.
    pub role_id: Option<String>,
    /// What proves it.
    #[serde(deserialize_with = "secret")]
    pub secret_id: Option<SecretString>,
    /// The namespace, where there are some.
    pub namespace: Option<String>,
}

/// A key of AWS KMS.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AwsKmsService {
    /// The region.
    pub region: Option<String>,
    /// Another address than the region's own.
    #[serde(deserialize_with = "optional_url")]
    pub endpoint: Option<Url>,
    /// The key's id, ARN or alias.
    pub key_id: Option<String>,
    /// The id of the access key.
    #[serde(deserialize_with = "secret")]
    pub access_key_id: Option<SecretString>,
    /// Its secret.
    #[serde(deserialize_with = "secret")]
    pub secret_access_key: Option<SecretString>,
    /// The token of temporary credentials.
    #[serde(deserialize_with = "secret")]
    pub session_token: Option<SecretString>,
}

impl KeyService {
    /// Whether a kind is in use, for new keys or for earlier ones.
    pub fn uses(&self, kind: KeyBackendKind) -> bool {
        self.backend == kind || self.previous_backend == Some(kind)
    }
}

impl Default for KeyService {
    fn default() -> Self {
        Self {
            backend: KeyBackendKind::default(),
            previous_backend: None,
            allow_local: false,
            serve_without_backend_hours: 24,
            vault: VaultService::default(),
            aws_kms: AwsKmsService::default(),
        }
    }
}

impl Default for VaultService {
    fn default() -> Self {
        Self {
            address: None,
            mount: "transit".to_owned(),
            key: "calmness".to_owned(),
            auth_mount: "approle".to_owned(),
            role_id: None,
            secret_id: None,
            namespace: None,
        }
    }
}
