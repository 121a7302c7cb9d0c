//! What an operator sets for PayPal, checked once at the start.

use domain::money::Currency;
use domain::payment::Mode;
use ipnet::IpNet;
use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;

use super::signature::PublicKey;
use crate::payments::RequestSigning;
use crate::payments::settings::{self, SettingsError};

/// What PayPal takes of the currencies that are sold in; it takes neither XOF nor XAF.
const CURRENCIES: [Currency; 6] =
    [Currency::Eur, Currency::Usd, Currency::Gbp, Currency::Chf, Currency::Cad, Currency::Jpy];

/// The longest identifier of a webhook (PayPal's own specification), in bytes.
const MAX_WEBHOOK_ID: usize = 50;

/// An application at PayPal as configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether its money is real.
    pub mode: Mode,
    /// Where PayPal answers, if not at its own address of the mode.
    #[serde(default)]
    pub base_url: Option<String>,
    /// The application's client ID.
    pub client_id: SecretString,
    /// The application's secret.
    pub client_secret: SecretString,
    /// PayPal's identifier of our webhook.
    pub webhook_id: String,
    /// PayPal's public keys in PEM: callbacks signed under one of them are verified without asking PayPal.
    #[serde(default)]
    pub webhook_public_keys: Vec<String>,
    /// The currencies that are sold in through PayPal.
    pub currencies: Vec<Currency>,
    /// Whether payers may have PayPal remember their account; PayPal has to allow it.
    #[serde(default)]
    pub saves_methods: bool,
    /// Where its callbacks come from; empty is anywhere.
    #[serde(default)]
    pub networks: Vec<IpNet>,
    /// How our requests are signed besides PayPal's own authentication.
    #[serde(default)]
    pub request_signing: RequestSigning,
}

pub(super) struct Checked {
    pub(super) base: Url,
    pub(super) webhook_keys: Vec<PublicKey>,
    pub(super) settings: Settings,
}

impl Settings {
    pub(super) fn check(self) -> Result<Checked, SettingsError> {
        let own_address = match self.mode {
            Mode::Live => "https://api-m.paypal.com",
            Mode::Test => "https://api-m.sandbox.paypal.com",
        };
        let base = settings::base("base_url", self.base_url.as_deref().unwrap_or(own_address))?;
        settings::credential("client_id", &self.client_id)?;
        settings::credential("client_secret", &self.client_secret)?;
        if self.webhook_id.is_empty() {
            return Err(SettingsError::Missing("webhook_id"));
        }
        let alphanumeric = self.webhook_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !alphanumeric || self.webhook_id.len() > MAX_WEBHOOK_ID {
            let why = "must be the identifier that PayPal shows, letters and digits";
            return Err(SettingsError::Invalid { which: "webhook_id", why });
        }
        if self.currencies.is_empty() {
            return Err(SettingsError::Missing("currencies"));
        }
        if self.currencies.iter().any(|currency| !CURRENCIES.contains(currency)) {
            let why = "must be among EUR, USD, GBP, CHF, CAD and JPY";
            return Err(SettingsError::Invalid { which: "currencies", why });
        }
        let why = "must each be an RSA public key in PEM (BEGIN PUBLIC KEY), of 2048 bits or more";
        let webhook_keys = self
            .webhook_public_keys
            .iter()
            .map(|pem| {
                PublicKey::parse(pem).ok_or(SettingsError::Invalid { which: "webhook_public_keys", why })
            })
            .collect::<Result<_, _>>()?;
        Ok(Checked { base, webhook_keys, settings: self })
    }
}
