//! Vault's tokens: got by `AppRole`, renewed in the last third of their life, replaced when they can't be.

use std::time::{Duration, Instant as Moment};

use reqwest::header::HeaderValue;
use secrecy::SecretString;
use serde::Deserialize;

use super::{FORBIDDEN, Vault, refusal, sensitive};
use crate::http::Answer;
use crate::keys::read;
use crypto::envelope::KeyBackendError;

/// A token without an end says that it lives for zero seconds; it is asked anew each day all the same.
const DAY: u64 = 86_400;

/// A token that Vault gave.
pub(super) struct Token {
    header: HeaderValue,
    renewable: bool,
    renew_from: Moment,
    ends: Moment,
}

#[derive(Deserialize)]
struct Login {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    client_token: SecretString,
    lease_duration: u64,
    #[serde(default)]
    renewable: bool,
}

impl Token {
    fn read(answer: &Answer, asked: Moment) -> Result<Self, KeyBackendError> {
        let auth = read::<Login>(answer)?.auth;
        let life = Duration::from_secs(if auth.lease_duration == 0 {
            DAY
        } else {
            auth.lease_duration.min(30 * DAY)
        });
        Ok(Self {
            header: sensitive(&auth.client_token)?,
            renewable: auth.renewable,
            renew_from: asked + life * 2 / 3,
            ends: asked + life,
        })
    }
}

impl Vault {
    /// A token that is still believed, as far as its life tells. One caller asks, the others wait for it.
    pub(super) async fn token(&self) -> Result<HeaderValue, KeyBackendError> {
        let mut known = self.token.lock().await;
        let now = Moment::now();
        if let Some(token) = known.as_ref().filter(|token| now < token.renew_from) {
            return Ok(token.header.clone());
        }
        let old = known.take().filter(|token| token.renewable && now < token.ends);
        let renewed = match &old {
            Some(token) => self.renew(token, now).await?,
            None => None,
        };
        let token = match renewed {
            Some(token) => token,
            None => self.log_in(now).await?,
        };
        let header = token.header.clone();
        *known = Some(token);
        Ok(header)
    }

    /// `None` if Vault does not renew it: then a login is due. A renewal near the longest life of a token gives only what
    /// is left of it, which is then over soon.
    async fn renew(&self, token: &Token, now: Moment) -> Result<Option<Token>, KeyBackendError> {
        let path = "v1/auth/token/renew-self";
        let answer = self.post(path, Some(token.header.clone()), b"{}".to_vec()).await?;
        if matches!(answer.status, 400 | FORBIDDEN) {
            return Ok(None);
        }
        let renewed = Token::read(&refusal(answer)?, now)?;
        Ok(Some(renewed).filter(|renewed| renewed.ends > token.ends))
    }

    async fn log_in(&self, now: Moment) -> Result<Token, KeyBackendError> {
        let path = format!("v1/auth/{}/login", self.settings.auth_mount);
        let answer = refusal(self.post(&path, None, self.credentials()).await?);
        Token::read(&answer.map_err(login_refused)?, now)
    }
}

/// Vault answers a wrong `secret_id` with 400, in words that do not say whose mistake it is.
fn login_refused(error: KeyBackendError) -> KeyBackendError {
    match error {
        KeyBackendError::Unavailable(_) => error,
        other => KeyBackendError::Denied(format!("the AppRole login failed: {other}")),
    }
}

#[cfg(test)]
impl Vault {
    /// The token gets older without anybody waiting.
    pub(in crate::keys) async fn age_token(&self, by: Duration) {
        let mut known = self.token.lock().await;
        let token = known.as_mut().expect("a token");
        token.renew_from -= by;
        token.ends -= by;
    }
}
