//! What an operator sets for FedaPay, checked once at the start.

use crypto::signature::SigningSecret;
use domain::money::Currency;
use domain::payment::Mode;
use ipnet::IpNet;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::payments::RequestSigning;
use crate::payments::settings::{SettingsError, base, credential, secrets};

const SANDBOX: &str = "https://sandbox-api.fedapay.com/v1";
const LIVE: &str = "https://api.fedapay.com/v1";

/// The currencies that FedaPay takes.
const CURRENCIES: [Currency; 2] = [Currency::Xof, Currency::Gnf];

/// FedaPay as configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where FedaPay answers; its own address in this mode if there is none.
    pub base_url: Option<String>,
    /// `sk_sandbox_…` in test mode, `sk_live_…` in live mode.
    pub secret_key: SecretString,
    /// `wh_…`: what FedaPay signs its callbacks with, newest first.
    pub webhook_secrets: Vec<SecretString>,
    /// The currencies that are offered.
    pub currencies: Vec<Currency>,
    /// Whether its money is real.
    pub mode: Mode,
    /// Where its callbacks come from; empty is anywhere.
    #[serde(default)]
    pub networks: Vec<IpNet>,
    /// How our requests are signed.
    #[serde(default)]
    pub request_signing: RequestSigning,
}

pub(super) struct Checked {
    pub(super) base: Url,
    pub(super) webhook_secrets: Vec<SigningSecret>,
}

impl Settings {
    pub(super) fn check(&self) -> Result<Checked, SettingsError> {
        credential("secret_key", &self.secret_key)?;
        let (address, other, why) = match self.mode {
            Mode::Test => (SANDBOX, "sk_live_", "is a live key in test mode"),
            Mode::Live => (LIVE, "sk_sandbox_", "is a sandbox key in live mode"),
        };
        if self.secret_key.expose_secret().starts_with(other) {
            return Err(SettingsError::Invalid { which: "secret_key", why });
        }
        if self.currencies.is_empty() {
            return Err(SettingsError::Missing("currencies"));
        }
        if !self.currencies.iter().all(|currency| CURRENCIES.contains(currency)) {
            return Err(SettingsError::Invalid { which: "currencies", why: "must be among XOF and GNF" });
        }
        Ok(Checked {
            base: base("base_url", self.base_url.as_deref().unwrap_or(address))?,
            webhook_secrets: secrets("webhook_secrets", &self.webhook_secrets)?,
        })
    }
}
