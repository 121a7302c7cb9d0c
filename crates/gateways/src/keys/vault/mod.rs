//! Vault's or OpenBao's Transit engine: the key never leaves it.
//!
//! The transit key must be a *derived* one: encrypt and decrypt then take a context, and another context opens nothing.
//! Whether it is one is tried before the first data key of a process is wrapped, because a plain key takes the context
//! without a word and ignores it.

mod login;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::envelope::{BoxFuture, DataKeyBytes, KeyBackend, KeyBackendError, Rotation, WrappedKey};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell};

use self::login::Token;
use super::{MAX_ANSWER, Plaintext, SetupError, away, base, body_with, encoded, read, shortened};
use crate::address::under;
use crate::http::{Answer, HttpClient, Outgoing, TOTAL_TIMEOUT};

const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE_HEADER: HeaderName = HeaderName::from_static("x-vault-namespace");
const FORBIDDEN: u16 = 403;

/// How Vault is reached.
#[derive(Clone, Debug)]
pub struct VaultSettings {
    /// Where it is, like `https://vault.example:8200`.
    pub address: String,
    /// Where the transit engine is mounted, usually `transit`.
    pub mount: String,
    /// The transit key.
    pub key: String,
    /// Where `AppRole` is mounted, usually `approle`.
    pub auth_mount: String,
    /// The role.
    pub role_id: String,
    /// What proves it.
    pub secret_id: SecretString,
    /// The namespace, where there are some.
    pub namespace: Option<String>,
}

/// The transit engine of one Vault.
pub struct Vault {
    settings: VaultSettings,
    base: Url,
    namespace: Option<HeaderValue>,
    http: HttpClient,
    token: Mutex<Option<Token>>,
    bound: OnceCell<()>,
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct Encrypted {
    ciphertext: String,
}

#[derive(Deserialize)]
struct Decrypted {
    plaintext: Plaintext,
}

#[derive(Default, Deserialize)]
struct Errors {
    #[serde(default)]
    errors: Vec<String>,
}

impl Vault {
    /// The name that its rows carry.
    pub const NAME: &'static str = "vault";

    /// Checks the settings; nothing is asked yet.
    pub fn new(settings: VaultSettings, http: HttpClient) -> Result<Self, SetupError> {
        for (what, name) in [
            ("the mount of the transit engine", &settings.mount),
            ("the name of the transit key", &settings.key),
            ("the mount of AppRole", &settings.auth_mount),
        ] {
            if !is_path(name) {
                return Err(SetupError::Name(what));
            }
        }
        let namespace = settings.namespace.as_deref().map(HeaderValue::from_str).transpose();
        let namespace = namespace.map_err(|_| SetupError::Name("the namespace"))?;
        let base = base(&settings.address)?;
        Ok(Self { base, namespace, http, settings, token: Mutex::default(), bound: OnceCell::new() })
    }

    async fn encrypt(&self, data_key: &DataKeyBytes, context: &str) -> Result<WrappedKey, KeyBackendError> {
        let context = STANDARD.encode(context);
        let body = body_with(&encoded(data_key), |key| json!({ "plaintext": key, "context": context }));
        let answer = self.call("encrypt", body).await?;
        let ciphertext = read::<Data<Encrypted>>(&answer)?.data.ciphertext;
        let kek_id = self.kek_id(&ciphertext).ok_or(KeyBackendError::Malformed)?;
        Ok(WrappedKey { bytes: ciphertext.into_bytes(), backend: Self::NAME.to_owned(), kek_id })
    }

    async fn decrypt(&self, ciphertext: &str, context: &str) -> Result<DataKeyBytes, KeyBackendError> {
        let body = json!({ "ciphertext": ciphertext, "context": STANDARD.encode(context) });
        let answer = self.call("decrypt", body.to_string().into_bytes()).await?;
        read::<Data<Decrypted>>(&answer)?.data.plaintext.data_key()
    }

    /// Another context must not open what was just wrapped.
    async fn refuse_unbound(&self, wrapped: &WrappedKey, context: &str) -> Result<(), KeyBackendError> {
        let tried = self.bound.get_or_try_init(|| async {
            match self.decrypt(text(&wrapped.bytes)?, &format!("{context}/another")).await {
                Err(KeyBackendError::Tampered) => Ok(()),
                Err(other) => Err(other),
                Ok(_) => Err(KeyBackendError::Denied(format!(
                    "the transit key {} is not derived, so nothing binds a data key to its row and environment: make one with derived=true",
                    self.settings.key
                ))),
            }
        });
        tried.await.copied()
    }

    /// `transit/calmness:v3`: the version stands in the ciphertext, `vault:v3:…`.
    fn kek_id(&self, ciphertext: &str) -> Option<String> {
        let version = ciphertext.strip_prefix("vault:v")?.split(':').next()?;
        let version: u32 = version.parse().ok()?;
        Some(format!("{}/{}:v{version}", self.settings.mount, self.settings.key))
    }

    /// One operation of the transit key. A token that is believed no more is replaced once.
    async fn call(&self, operation: &str, body: Vec<u8>) -> Result<Answer, KeyBackendError> {
        let path = match operation {
            "rotate" => format!("v1/{}/keys/{}/rotate", self.settings.mount, self.settings.key),
            _ => format!("v1/{}/{operation}/{}", self.settings.mount, self.settings.key),
        };
        let answer = self.post(&path, Some(self.token().await?), body.clone()).await?;
        if answer.status != FORBIDDEN {
            return refusal(answer);
        }
        self.forget_token().await;
        refusal(self.post(&path, Some(self.token().await?), body).await?)
    }

    async fn post(
        &self,
        path: &str,
        token: Option<HeaderValue>,
        body: Vec<u8>,
    ) -> Result<Answer, KeyBackendError> {
        let mut headers = HeaderMap::new();
        if let Some(namespace) = &self.namespace {
            headers.insert(NAMESPACE_HEADER, namespace.clone());
        }
        if let Some(token) = token {
            headers.insert(TOKEN_HEADER, token);
        }
        let url = under(&self.base, path);
        let sent = self.http.send(Outgoing {
            peer: Self::NAME,
            method: Method::POST,
            url,
            shown_path: path,
            headers,
            body: Some(body),
            timeout: TOTAL_TIMEOUT,
            max_answer: MAX_ANSWER,
        });
        sent.await.map_err(|error| away(&error))
    }
}

/// What an answer that is none says: by status, and by the engine's words where one status means several things.
fn refusal(answer: Answer) -> Result<Answer, KeyBackendError> {
    if (200..300).contains(&answer.status) {
        return Ok(answer);
    }
    let errors = serde_json::from_slice::<Errors>(&answer.body).unwrap_or_default().errors;
    let said = shortened(&errors.join("; "));
    Err(match answer.status {
        400 if said.contains("message authentication failed") => KeyBackendError::Tampered,
        400 if said.contains("invalid ciphertext") => KeyBackendError::Malformed,
        404 => KeyBackendError::Denied("there is no such transit key or engine".to_owned()),
        // A limit, a standby, or sealed: all of them pass.
        status @ (412 | 429 | 472 | 473 | 500..=599) => {
            KeyBackendError::Unavailable(format!("it answered {status}: {said}"))
        }
        status => KeyBackendError::Denied(format!("it answered {status}: {said}")),
    })
}

fn text(bytes: &[u8]) -> Result<&str, KeyBackendError> {
    std::str::from_utf8(bytes).map_err(|_| KeyBackendError::Malformed)
}

/// Names as Vault has them in paths; nothing that could lead elsewhere.
fn is_path(name: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.'))
    };
    name.len() <= 200 && name.split('/').all(plain)
}

impl KeyBackend for Vault {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn wrap<'a>(
        &'a self,
        data_key: &'a DataKeyBytes,
        context: &'a str,
    ) -> BoxFuture<'a, Result<WrappedKey, KeyBackendError>> {
        Box::pin(async move {
            let wrapped = self.encrypt(data_key, context).await?;
            self.refuse_unbound(&wrapped, context).await?;
            Ok(wrapped)
        })
    }

    fn unwrap<'a>(
        &'a self,
        wrapped: &'a WrappedKey,
        context: &'a str,
    ) -> BoxFuture<'a, Result<DataKeyBytes, KeyBackendError>> {
        Box::pin(async move { self.decrypt(text(&wrapped.bytes)?, context).await })
    }

    fn rotate(&self) -> BoxFuture<'_, Result<Rotation, KeyBackendError>> {
        Box::pin(async move {
            self.call("rotate", Value::Object(serde_json::Map::new()).to_string().into_bytes()).await?;
            Ok(Rotation::Done)
        })
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("key", &self.settings.key).finish_non_exhaustive()
    }
}

impl Vault {
    fn credentials(&self) -> Vec<u8> {
        body_with(
            &self.settings.secret_id,
            |secret_id| json!({ "role_id": self.settings.role_id, "secret_id": secret_id }),
        )
    }

    async fn forget_token(&self) {
        *self.token.lock().await = None;
    }
}

/// A header that logs don't show.
fn sensitive(token: &SecretString) -> Result<HeaderValue, KeyBackendError> {
    let mut value = HeaderValue::from_str(token.expose_secret())
        .map_err(|_| KeyBackendError::Denied("its token cannot be sent".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}
