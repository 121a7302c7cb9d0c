//! The one way a request leaves for a payment provider: below its address, signed by us besides the provider's own authentication.
//!
//! `X-Signature` is ours (P2): a provider that does not know it ignores it, one that does can tell our requests from anybody else's
//! who holds the same credentials.

use std::fmt;

use crypto::signature::{self, Signed, SigningSecret};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::settings::{self, SettingsError};
use super::{ProviderCode, ProviderError};
use crate::WallClock;
use crate::address;
use crate::http::{Answer, CallError, HttpClient, MAX_ANSWER, Outgoing, TOTAL_TIMEOUT};

const SIGNATURE: HeaderName = HeaderName::from_static("x-signature");

/// How our requests to a provider are signed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum RequestSigning {
    /// With a key of this installation.
    #[default]
    On,
    /// Not at all: for a provider that refuses headers it does not know.
    Off,
    /// With a secret that was agreed on.
    Secret(SecretString),
}

/// What every connector is given: the way out, the clock that requests are dated with, and this installation's key for signing
/// requests to it.
#[derive(Clone)]
pub struct Line {
    /// The shared client.
    pub http: HttpClient,
    /// The wall clock.
    pub wall: WallClock,
    /// Signs requests where no secret was agreed on; one for each provider.
    pub request_key: SigningSecret,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

/// A provider's address with everything that a call needs.
#[derive(Clone)]
pub(super) struct Caller {
    peer: ProviderCode,
    base: Url,
    http: HttpClient,
    wall: WallClock,
    secrets: Vec<SigningSecret>,
}

/// One call, as its connector words it.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    /// Below the base, without a leading slash, perhaps with a query. Escaped already.
    pub(super) target: &'a str,
    pub(super) headers: HeaderMap,
    /// Byte for byte as it travels; JSON unless the headers say otherwise.
    pub(super) body: Option<Vec<u8>>,
}

impl Caller {
    pub(super) fn new(
        peer: ProviderCode,
        base: Url,
        signing: &RequestSigning,
        line: Line,
    ) -> Result<Self, SettingsError> {
        let secrets = match signing {
            RequestSigning::On => vec![line.request_key],
            RequestSigning::Off => Vec::new(),
            RequestSigning::Secret(secret) => vec![settings::secret("request_signing", secret)?],
        };
        Ok(Self { peer, base, http: line.http, wall: line.wall, secrets })
    }

    /// The same with secrets of the connector's own.
    pub(super) fn signing_with(self, secrets: Vec<SigningSecret>) -> Self {
        Self { secrets, ..self }
    }

    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    pub(super) fn wall(&self) -> domain::time::Instant {
        (self.wall)()
    }

    /// Sends a call. An error says whether the provider can have done it.
    pub(super) async fn send(&self, request: Request<'_>) -> Result<Answer, ProviderError> {
        let (path, query) = match request.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (request.target, None),
        };
        let mut url = address::under(&self.base, path);
        url.set_query(query);
        let mut headers = request.headers;
        if !self.secrets.is_empty() {
            let body = request.body.as_deref().unwrap_or_default();
            headers.insert(SIGNATURE, self.sign(&request.method, &url, body)?);
        }
        let shown_path = url.path().to_owned();
        let outgoing = Outgoing {
            peer: self.peer,
            method: request.method,
            url,
            shown_path: &shown_path,
            headers,
            body: request.body,
            timeout: TOTAL_TIMEOUT,
            max_answer: MAX_ANSWER,
        };
        self.http.send(outgoing).await.map_err(|error| match error {
            CallError::NotSent(reason) => ProviderError::Unavailable(reason),
            CallError::Unknown(reason) => ProviderError::Unknown(reason),
        })
    }

    fn sign(&self, method: &Method, url: &Url, body: &[u8]) -> Result<HeaderValue, ProviderError> {
        let target = address::request_target(url);
        let signed = Signed::request(method.as_str(), &target, body);
        let header = signature::sign(&self.secrets, self.wall().unix_timestamp(), signed)
            .map_err(|error| ProviderError::Unavailable(format!("the request cannot be signed: {error}")))?;
        header_value(&header)
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("peer", &self.peer)
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

/// A header of our own making.
pub(super) fn header_value(text: &str) -> Result<HeaderValue, ProviderError> {
    HeaderValue::from_str(text)
        .map_err(|_| ProviderError::Refused("a value does not fit into a header".to_owned()))
}

/// A header that no log of the HTTP client may show.
pub(super) fn secret_header(text: &str) -> Result<HeaderValue, ProviderError> {
    let mut value = header_value(text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// A body in JSON.
pub(super) fn json(request: &impl serde::Serialize) -> Result<Vec<u8>, ProviderError> {
    serde_json::to_vec(request).map_err(|error| ProviderError::Refused(format!("not JSON: {error}")))
}

/// An unreadable success is not a refusal: the provider may well have done it.
pub(super) fn decode<T: DeserializeOwned>(answer: &Answer) -> Result<T, ProviderError> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        ProviderError::Unknown(format!("the answer cannot be read at line {line}, column {column}"))
    })
}
