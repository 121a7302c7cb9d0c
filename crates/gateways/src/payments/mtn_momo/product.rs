//! One product of MTN: its own credentials, and a token that is fetched with them and kept while it holds.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::time::{Duration, Instant};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::settings::Credentials;
use super::wire::refusal;
use crate::payments::ProviderError;
use crate::payments::call::{Caller, Request, decode, header_value, secret_header};
use crate::payments::settings::{SettingsError, credential};

const SUBSCRIPTION_KEY: HeaderName = HeaderName::from_static("ocp-apim-subscription-key");
const TARGET_ENVIRONMENT: HeaderName = HeaderName::from_static("x-target-environment");

/// How long before its end a token is no longer used: a call that leaves with it must arrive with it.
const TOKEN_MARGIN: Duration = Duration::minutes(1);

pub(super) struct Product {
    name: &'static str,
    basic: SecretString,
    subscription_key: SecretString,
    token: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    value: SecretString,
    until: Instant,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: SecretString,
    expires_in: i64,
}

impl Product {
    pub(super) fn new(name: &'static str, credentials: &Credentials) -> Result<Self, SettingsError> {
        credential("api_user", &credentials.api_user)?;
        credential("api_key", &credentials.api_key)?;
        credential("subscription_key", &credentials.subscription_key)?;
        let (user, key) = (credentials.api_user.expose_secret(), credentials.api_key.expose_secret());
        let basic = format!("Basic {}", STANDARD.encode(format!("{user}:{key}")));
        let subscription_key = credentials.subscription_key.clone();
        Ok(Self { name, basic: basic.into(), subscription_key, token: Mutex::new(None) })
    }

    /// A path of this product.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("{}/{rest}", self.name)
    }

    /// What every call of this product carries.
    pub(super) fn headers(
        &self,
        token: &SecretString,
        environment: &str,
    ) -> Result<HeaderMap, ProviderError> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, secret_header(&format!("Bearer {}", token.expose_secret()))?);
        headers.insert(SUBSCRIPTION_KEY, secret_header(self.subscription_key.expose_secret())?);
        headers.insert(TARGET_ENVIRONMENT, header_value(environment)?);
        Ok(headers)
    }

    /// The token that holds, or a new one. Whoever comes meanwhile waits for the same one.
    pub(super) async fn token(&self, caller: &Caller) -> Result<SecretString, ProviderError> {
        let mut kept = self.token.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| caller.wall() < token.until) {
            return Ok(token.value.clone());
        }
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, secret_header(self.basic.expose_secret())?);
        headers.insert(SUBSCRIPTION_KEY, secret_header(self.subscription_key.expose_secret())?);
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        let target = self.path("token/");
        let answer =
            caller.send(Request { method: Method::POST, target: &target, headers, body: None }).await;
        // Without a token nothing was asked for: whatever went wrong here, the call itself can be repeated.
        let answer = answer.map_err(|error| ProviderError::Unavailable(format!("no token: {error}")))?;
        if answer.status != 200 {
            return Err(ProviderError::Unavailable(format!("no token: {}", refusal(&answer))));
        }
        let read: TokenAnswer = decode(&answer)
            .map_err(|_| ProviderError::Unavailable("the answer holds no token".to_owned()))?;
        let lifetime = Duration::seconds(read.expires_in.clamp(0, 86_400)) - TOKEN_MARGIN;
        *kept = Some(Token { value: read.access_token.clone(), until: caller.wall() + lifetime });
        Ok(read.access_token)
    }

    /// Forgets a token that MTN no longer takes, unless another one has taken its place.
    pub(super) async fn forget(&self, refused: &SecretString) {
        let mut kept = self.token.lock().await;
        if kept.as_ref().is_some_and(|token| token.value.expose_secret() == refused.expose_secret()) {
            *kept = None;
        }
    }
}

impl fmt::Debug for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Product").field("name", &self.name).finish_non_exhaustive()
    }
}
