//! What an operator sets for a BTCPay Server, checked once at the start.

use crypto::signature::SigningSecret;
use domain::money::Currency;
use domain::payment::Mode;
use ipnet::IpNet;
use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;

use crate::payments::RequestSigning;
use crate::payments::settings::{SettingsError, base, credential, secrets};
use crate::payments::words::is_word;

/// As long as payments are asked about after their quote, in minutes.
const MAX_MONITORING_MINUTES: u32 = 7 * 24 * 60;

/// How many confirmations settle an invoice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpeedPolicy {
    /// None, one if the payment can be replaced.
    HighSpeed,
    /// One.
    #[default]
    MediumSpeed,
    /// Two.
    LowMediumSpeed,
    /// Six.
    LowSpeed,
}

impl SpeedPolicy {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::HighSpeed => "HighSpeed",
            Self::MediumSpeed => "MediumSpeed",
            Self::LowMediumSpeed => "LowMediumSpeed",
            Self::LowSpeed => "LowSpeed",
        }
    }
}

/// A store on a BTCPay Server as configured. Lists of secrets are newest first: the older ones still count while one rotates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the server answers: `https://btcpay.example`.
    pub base_url: String,
    /// The store's identifier.
    pub store_id: String,
    /// A key that may view, create and modify invoices of the store.
    pub api_key: SecretString,
    /// Shared secrets of the store's webhook.
    pub webhook_secrets: Vec<SecretString>,
    /// The currencies that invoices are made in.
    pub currencies: Vec<Currency>,
    /// Whether the server's coins are real.
    pub mode: Mode,
    /// How many confirmations settle an invoice.
    #[serde(default)]
    pub speed_policy: SpeedPolicy,
    /// How long the server watches for late payments after an invoice has expired, in minutes.
    #[serde(default = "default_monitoring_minutes")]
    pub monitoring_minutes: u32,
    /// Where callbacks come from; empty is anywhere.
    #[serde(default)]
    pub networks: Vec<IpNet>,
    /// How our requests are signed besides the key.
    #[serde(default)]
    pub request_signing: RequestSigning,
}

const fn default_monitoring_minutes() -> u32 {
    24 * 60
}

pub(super) struct Checked {
    pub(super) base: Url,
    pub(super) webhook_secrets: Vec<SigningSecret>,
}

impl Settings {
    pub(super) fn check(&self) -> Result<Checked, SettingsError> {
        let invalid = |which, why| Err(SettingsError::Invalid { which, why });
        if self.store_id.is_empty() {
            return Err(SettingsError::Missing("store_id"));
        }
        if !is_word(&self.store_id) {
            return invalid("store_id", "must be the identifier that the store's settings show");
        }
        credential("api_key", &self.api_key)?;
        if self.currencies.is_empty() {
            return Err(SettingsError::Missing("currencies"));
        }
        if self.currencies.contains(&Currency::Usdt) {
            return invalid("currencies", "must not have USDT: the server makes no invoices in it");
        }
        if !(1..=MAX_MONITORING_MINUTES).contains(&self.monitoring_minutes) {
            return invalid("monitoring_minutes", "must be from 1 to 10080, a week");
        }
        Ok(Checked {
            base: base("base_url", &self.base_url)?,
            webhook_secrets: secrets("webhook_secrets", &self.webhook_secrets)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(changed: &serde_json::Value) -> Result<Settings, serde_json::Error> {
        let mut whole = json!({
            "base_url": "https://btcpay.example", "store_id": "9CiNzKoANXxmk5ayZngSXrHTiVvvgCrwrpFQd4m2K776",
            "api_key": "key-0123456789", "webhook_secrets": ["0123456789abcdef0123456789abcdef"],
            "currencies": ["EUR"], "mode": "live",
        });
        whole.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        serde_json::from_value(whole)
    }

    #[test]
    fn one_confirmation_and_a_day_of_watching_are_the_defaults() {
        let settings = settings(&json!({})).unwrap();
        assert!(settings.check().is_ok());
        assert_eq!((settings.speed_policy, settings.monitoring_minutes), (SpeedPolicy::MediumSpeed, 1_440));
        assert!(!format!("{settings:?}").contains("0123456789"));
    }

    #[test]
    fn what_cannot_be_right_is_refused_by_name() {
        for (changed, name) in [
            (json!({"base_url": "https://u:p@btcpay.example"}), "base_url"),
            (json!({"store_id": ""}), "store_id"),
            (json!({"store_id": "../other"}), "store_id"),
            (json!({"api_key": "two words"}), "api_key"),
            (json!({"webhook_secrets": []}), "webhook_secrets"),
            (json!({"webhook_secrets": ["short"]}), "webhook_secrets"),
            (json!({"currencies": []}), "currencies"),
            (json!({"currencies": ["USDT"]}), "currencies"),
            (json!({"monitoring_minutes": 0}), "monitoring_minutes"),
            (json!({"monitoring_minutes": 10_081}), "monitoring_minutes"),
        ] {
            let error = settings(&changed).unwrap().check().err().unwrap().to_string();
            assert!(error.starts_with(name), "{name}: {error}");
        }
        assert!(settings(&json!({"speed_polcy": "low_speed"})).is_err());
    }
}
