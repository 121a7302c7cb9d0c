//! The calls to one of Twilio's addresses, with the account's credentials.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::Serializer;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tracing::error;

use super::error::{SmsError, refusal};
use crate::address;
use crate::http::{Answer, HttpClient, MAX_ANSWER, Outgoing, TOTAL_TIMEOUT};

/// Who we are to Twilio: the account with its token, or an API key with its secret.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: SecretString,
}

#[derive(Clone)]
pub(super) struct Account {
    base: Url,
    credentials: Arc<Credentials>,
    http: HttpClient,
}

impl Account {
    pub(super) fn new(base: Url, credentials: Credentials, http: HttpClient) -> Self {
        Self { base, credentials: Arc::new(credentials), http }
    }

    /// Posts a form once. `shown` is what the log may say of the path, which names the account.
    pub(super) async fn post(
        &self,
        path: &str,
        shown: &'static str,
        form: &[(&str, &str)],
    ) -> Result<Answer, SmsError> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, self.authorization()?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        let outgoing = Outgoing {
            peer: "twilio",
            method: Method::POST,
            url: address::under(&self.base, path),
            shown_path: shown,
            headers,
            body: Some(body.into_bytes()),
            timeout: TOTAL_TIMEOUT,
            max_answer: MAX_ANSWER,
        };
        Ok(self.http.send(outgoing).await?)
    }

    fn authorization(&self) -> Result<HeaderValue, SmsError> {
        let Credentials { user, password } = &*self.credentials;
        let pair = STANDARD.encode(format!("{user}:{}", password.expose_secret().trim()));
        let mut value = HeaderValue::from_str(&format!("Basic {pair}"))
            .map_err(|_| SmsError::Refused("the credentials do not fit a header".to_owned()))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// The awaited answer, or what another one means.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, SmsError> {
    if !matches!(answer.status, 200 | 201) {
        let refused = refusal(answer);
        if refused == SmsError::BadCredentials {
            error!("Twilio refuses our credentials: compare the account's SID with its token or key");
        }
        return Err(refused);
    }
    // An unreadable success is not a refusal: Twilio may well have done it.
    serde_json::from_slice(&answer.body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        SmsError::Unknown(format!("the answer cannot be read at line {line}, column {column}"))
    })
}
