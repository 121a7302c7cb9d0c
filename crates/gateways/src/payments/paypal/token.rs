//! The access token that every call but its own carries, kept in memory until shortly before it runs out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::time::{Duration, Instant};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tracing::error;

use super::CODE;
use crate::payments::ProviderError;
use crate::payments::call::{Caller, Request, decode, secret_header};

/// How long before its end a token is no longer used.
const MARGIN: Duration = Duration::minutes(1);

/// The longest life that is believed.
const MAX_LIFE_SECONDS: i64 = 24 * 60 * 60;

/// Fetches the token and remembers it. Whoever needs one while it is fetched waits for that one.
pub(super) struct Tokens {
    client_id: SecretString,
    client_secret: SecretString,
    held: Mutex<Option<Held>>,
}

#[derive(Clone)]
struct Held {
    authorization: HeaderValue,
    until: Instant,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: SecretString,
    #[serde(default)]
    expires_in: i64,
}

impl Tokens {
    pub(super) fn new(client_id: SecretString, client_secret: SecretString) -> Self {
        Self { client_id, client_secret, held: Mutex::new(None) }
    }

    /// The `Authorization` of a call. `refused` is the one that PayPal has just answered 401 to: it is not handed out again.
    pub(super) async fn authorization(
        &self,
        caller: &Caller,
        refused: Option<&HeaderValue>,
    ) -> Result<HeaderValue, ProviderError> {
        let mut held = self.held.lock().await;
        let usable = held
            .as_ref()
            .filter(|token| caller.wall() < token.until && Some(&token.authorization) != refused)
            .map(|token| token.authorization.clone());
        if let Some(authorization) = usable {
            return Ok(authorization);
        }
        *held = None;
        let fetched = self.fetch(caller).await?;
        let authorization = fetched.authorization.clone();
        *held = Some(fetched);
        Ok(authorization)
    }

    /// Whatever goes wrong here, the call that needs the token has not been sent.
    async fn fetch(&self, caller: &Caller) -> Result<Held, ProviderError> {
        let credentials =
            format!("{}:{}", self.client_id.expose_secret(), self.client_secret.expose_secret());
        let mut headers = HeaderMap::new();
        let basic = SecretString::from(format!("Basic {}", STANDARD.encode(credentials)));
        headers.insert(AUTHORIZATION, secret_header(basic.expose_secret())?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let request = Request {
            method: Method::POST,
            target: "v1/oauth2/token",
            headers,
            body: Some(b"grant_type=client_credentials".to_vec()),
        };
        let not_sent = |error: ProviderError| ProviderError::Unavailable(format!("no access token: {error}"));
        let asked_at = caller.wall();
        let answer = caller.send(request).await.map_err(not_sent)?;
        if answer.status != 200 {
            if matches!(answer.status, 400 | 401) {
                error!(
                    provider.code = CODE,
                    "PayPal refuses our credentials: compare client_id, client_secret and the mode"
                );
            }
            return Err(ProviderError::Unavailable(format!("no access token: status {}", answer.status)));
        }
        let token: TokenAnswer = decode(&answer).map_err(not_sent)?;
        let authorization = format!("Bearer {}", token.access_token.expose_secret());
        let life = Duration::seconds(token.expires_in.clamp(0, MAX_LIFE_SECONDS));
        Ok(Held {
            authorization: secret_header(&authorization).map_err(not_sent)?,
            until: asked_at.saturating_add(life - MARGIN),
        })
    }
}
