//! AWS KMS: the key never leaves it. Two operations, `Encrypt` and `Decrypt`, signed by our own hand ([`sigv4`]).
//!
//! The encryption context binds a wrapped key to its row and environment; KMS writes it into its own audit log, where
//! it tells who opened which data key. Nothing in it is secret.

mod sigv4;

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::envelope::{BoxFuture, DataKeyBytes, KeyBackend, KeyBackendError, Rotation, WrappedKey};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::json;

pub use self::sigv4::Credentials;
use super::{MAX_ANSWER, Plaintext, SetupError, away, base, body_with, encoded, read, shortened};
use crate::WallClock;
use crate::http::{Answer, HttpClient, Outgoing};

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const MEDIA_TYPE: &str = "application/x-amz-json-1.1";
/// What our context is called, in KMS's log and in key policies.
const CONTEXT: &str = "calmness";
/// One try; three of them stay below what a start may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait before the second and the third try.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];

/// How KMS is reached.
#[derive(Clone, Debug)]
pub struct AwsKmsSettings {
    /// Like `eu-west-3`.
    pub region: String,
    /// Another address than the region's own: a VPC endpoint, or a stand-in.
    pub endpoint: Option<String>,
    /// The key: its id, ARN or alias.
    pub key_id: String,
    /// Who asks.
    pub credentials: Credentials,
}

/// One key of AWS KMS.
pub struct AwsKms {
    settings: AwsKmsSettings,
    url: Url,
    http: HttpClient,
    wall: WallClock,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Encrypted {
    ciphertext_blob: String,
    key_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypted {
    plaintext: Plaintext,
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(rename = "__type", default)]
    kind: String,
    #[serde(alias = "Message", default)]
    message: String,
}

/// What one try brought.
enum Tried {
    Answered(Answer),
    Refused(KeyBackendError),
    /// Worth another try.
    Away(KeyBackendError),
}

impl AwsKms {
    /// The name that its rows carry.
    pub const NAME: &'static str = "aws_kms";

    /// Checks the settings; nothing is asked yet.
    pub fn new(settings: AwsKmsSettings, http: HttpClient, wall: WallClock) -> Result<Self, SetupError> {
        let plain = |char: char| char.is_ascii_alphanumeric() || char == '-';
        if settings.region.is_empty() || !settings.region.chars().all(plain) {
            return Err(SetupError::Name("the region"));
        }
        if settings.key_id.is_empty() || !settings.key_id.chars().all(|char| char.is_ascii_graphic()) {
            return Err(SetupError::Name("the key's id"));
        }
        let url = match &settings.endpoint {
            Some(endpoint) => base(endpoint)?,
            None => base(&format!("https://kms.{}.amazonaws.com", settings.region))?,
        };
        Ok(Self { settings, url, http, wall })
    }

    async fn call(&self, operation: &'static str, body: Vec<u8>) -> Result<Answer, KeyBackendError> {
        let mut pauses = PAUSES.iter();
        loop {
            match (self.attempt(operation, body.clone()).await?, pauses.next()) {
                (Tried::Answered(answer), _) => return Ok(answer),
                (Tried::Refused(error), _) | (Tried::Away(error), None) => return Err(error),
                (Tried::Away(_), Some(pause)) => tokio::time::sleep(*pause).await,
            }
        }
    }

    async fn attempt(&self, operation: &'static str, body: Vec<u8>) -> Result<Tried, KeyBackendError> {
        let target = format!("TrentService.{operation}");
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(TARGET, header(&target)?);
        let scope = sigv4::Scope { region: &self.settings.region, service: "kms", at: (self.wall)() };
        let signed = sigv4::sign(
            &self.settings.credentials,
            &scope,
            &self.url,
            &[("content-type", MEDIA_TYPE), ("x-amz-target", &target)],
            &body,
        );
        for (name, value) in signed {
            let mut value = header(&value)?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
        let sent = self.http.send(Outgoing {
            peer: Self::NAME,
            method: Method::POST,
            url: self.url.clone(),
            shown_path: operation,
            headers,
            body: Some(body),
            timeout: TIMEOUT,
            max_answer: MAX_ANSWER,
        });
        // Encrypt and Decrypt change nothing, so an answer that got lost may be asked for again.
        Ok(match sent.await {
            Err(error) => Tried::Away(away(&error)),
            Ok(answer) if answer.status == 200 => Tried::Answered(answer),
            Ok(answer) => refusal(&answer),
        })
    }

    fn context(context: &str) -> BTreeMap<&'static str, &str> {
        BTreeMap::from([(CONTEXT, context)])
    }
}

/// By the service's own word for it; `com.amazonaws.kms#` may stand before it.
fn refusal(answer: &Answer) -> Tried {
    let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
    let kind = refusal.kind.rsplit('#').next().unwrap_or_default();
    let said = || match kind {
        "" => format!("it answered {}", answer.status),
        kind => shortened(&format!("{kind}: {}", refusal.message)),
    };
    match (kind, answer.status) {
        ("InvalidCiphertextException" | "IncorrectKeyException", _) => {
            Tried::Refused(KeyBackendError::Tampered)
        }
        (
            "ThrottlingException"
            | "Throttling"
            | "LimitExceededException"
            | "KMSInternalException"
            | "DependencyTimeoutException"
            | "KeyUnavailableException",
            _,
        )
        | (_, 429 | 500..=599) => Tried::Away(KeyBackendError::Unavailable(said())),
        _ => Tried::Refused(KeyBackendError::Denied(said())),
    }
}

fn header(text: &str) -> Result<HeaderValue, KeyBackendError> {
    HeaderValue::from_str(text)
        .map_err(|_| KeyBackendError::Denied("its credentials cannot be sent".to_owned()))
}

impl KeyBackend for AwsKms {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn wrap<'a>(
        &'a self,
        data_key: &'a DataKeyBytes,
        context: &'a str,
    ) -> BoxFuture<'a, Result<WrappedKey, KeyBackendError>> {
        Box::pin(async move {
            let body = body_with(&encoded(data_key), |key| {
                json!({
                    "KeyId": self.settings.key_id,
                    "Plaintext": key,
                    "EncryptionContext": Self::context(context),
                })
            });
            let encrypted: Encrypted = read(&self.call("Encrypt", body).await?)?;
            let bytes =
                STANDARD.decode(&encrypted.ciphertext_blob).map_err(|_| KeyBackendError::Malformed)?;
            Ok(WrappedKey { bytes, backend: Self::NAME.to_owned(), kek_id: encrypted.key_id })
        })
    }

    fn unwrap<'a>(
        &'a self,
        wrapped: &'a WrappedKey,
        context: &'a str,
    ) -> BoxFuture<'a, Result<DataKeyBytes, KeyBackendError>> {
        Box::pin(async move {
            // The key is named, so that a blob of somebody else's key opens nothing here.
            let body = json!({
                "KeyId": wrapped.kek_id,
                "CiphertextBlob": STANDARD.encode(&wrapped.bytes),
                "EncryptionContext": Self::context(context),
            });
            let answer = self.call("Decrypt", body.to_string().into_bytes()).await?;
            read::<Decrypted>(&answer)?.plaintext.data_key()
        })
    }

    fn rotate(&self) -> BoxFuture<'_, Result<Rotation, KeyBackendError>> {
        let how = "AWS rotates what is inside a key by itself (turn yearly rotation on); to move to another key, set keys.aws_kms.key_id and run `calmness keys rewrap`";
        Box::pin(async move { Ok(Rotation::ByOperator(how)) })
    }
}

impl std::fmt::Debug for AwsKms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AwsKms").field("key_id", &self.settings.key_id).finish_non_exhaustive()
    }
}
