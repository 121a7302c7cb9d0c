//! What an operator sets for Stripe, checked once at the start.

use crypto::signature::SigningSecret;
use domain::money::Currency;
use domain::payment::Mode;
use ipnet::IpNet;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::payments::RequestSigning;
use crate::payments::settings::{SettingsError, base, credential, secrets};

/// Test and live mode share one address: the key tells them apart.
const ADDRESS: &str = "https://api.stripe.com";

/// The currencies that Stripe takes and counts in the same minor units as we do.
const TAKEN: [Currency; 12] = [
    Currency::Eur,
    Currency::Usd,
    Currency::Gbp,
    Currency::Chf,
    Currency::Cad,
    Currency::Xof,
    Currency::Xaf,
    Currency::Gnf,
    Currency::Cdf,
    Currency::Mad,
    Currency::Ngn,
    Currency::Jpy,
];

/// An account at Stripe as configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where Stripe answers; its own address unless something else stands in for it.
    #[serde(default = "address")]
    pub base_url: String,
    /// `sk_…`, or a restricted `rk_…` that may write checkout sessions and refunds.
    pub secret_key: SecretString,
    /// The `whsec_…` of the webhook endpoint, newest first: the older ones still count while one rotates.
    pub webhook_secrets: Vec<SecretString>,
    /// Whether its money is real; a key of the other mode is refused.
    pub mode: Mode,
    /// The currencies that are offered through it.
    pub currencies: Vec<Currency>,
    /// Where its callbacks come from; empty is anywhere.
    #[serde(default)]
    pub networks: Vec<IpNet>,
    /// How our requests are signed besides its own key.
    #[serde(default)]
    pub request_signing: RequestSigning,
}

fn address() -> String {
    ADDRESS.to_owned()
}

pub(super) struct Checked {
    pub(super) base: Url,
    pub(super) secret_key: SecretString,
    pub(super) webhook_secrets: Vec<SigningSecret>,
    pub(super) mode: Mode,
    pub(super) currencies: Vec<Currency>,
    pub(super) networks: Vec<IpNet>,
    pub(super) request_signing: RequestSigning,
}

impl Settings {
    pub(super) fn check(self) -> Result<Checked, SettingsError> {
        check_key(&self.secret_key, self.mode)?;
        if self.currencies.is_empty() {
            return Err(SettingsError::Missing("currencies"));
        }
        if !self.currencies.iter().all(|currency| TAKEN.contains(currency)) {
            return Err(SettingsError::Invalid {
                which: "currencies",
                why: "must be ones that Stripe takes",
            });
        }
        Ok(Checked {
            base: base("base_url", &self.base_url)?,
            secret_key: self.secret_key,
            webhook_secrets: secrets("webhook_secrets", &self.webhook_secrets)?,
            mode: self.mode,
            currencies: self.currencies,
            networks: self.networks,
            request_signing: self.request_signing,
        })
    }
}

/// A key says itself which mode it is of, and a publishable one can do nothing here.
fn check_key(key: &SecretString, mode: Mode) -> Result<(), SettingsError> {
    credential("secret_key", key)?;
    let expected = match mode {
        Mode::Test => ["sk_test_", "rk_test_"],
        Mode::Live => ["sk_live_", "rk_live_"],
    };
    if expected.iter().any(|start| key.expose_secret().starts_with(start)) {
        Ok(())
    } else {
        let why = match mode {
            Mode::Test => "must begin with sk_test_ or rk_test_ in test mode",
            Mode::Live => "must begin with sk_live_ or rk_live_ in live mode",
        };
        Err(SettingsError::Invalid { which: "secret_key", why })
    }
}

#[cfg(test)]
mod tests {
    use crypto::signature::WeakSigningSecret;
    use serde_json::{Value, json};

    use super::*;

    fn with(changes: &Value) -> Result<Checked, String> {
        let mut whole = json!({
            "secret_key": "sk_live_0123456789", "webhook_secrets": ["whsec_0123456789abcdef"],
            "mode": "live", "currencies": ["EUR", "XOF"],
        });
        whole.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let settings: Settings = serde_json::from_value(whole).map_err(|error| error.to_string())?;
        settings.check().map_err(|error| error.to_string())
    }

    #[test]
    fn without_an_address_it_is_stripes_own() {
        let checked = with(&json!({})).ok().unwrap();
        assert_eq!(checked.base.as_str(), "https://api.stripe.com/");
        assert!(matches!(checked.request_signing, RequestSigning::On));
        assert!(with(&json!({"mode": "test", "secret_key": "rk_test_1"})).is_ok());
    }

    #[test]
    fn what_cannot_be_right_is_refused_by_name_and_without_the_value() {
        let weak = format!("webhook_secrets: {}", WeakSigningSecret::TooShort);
        let table = [
            (json!({"secret_key": ""}), "secret_key is missing"),
            (json!({"secret_key": "sk_live_ canary"}), "secret_key must be printable"),
            (json!({"secret_key": "sk_test_canary"}), "secret_key must begin with sk_live_ or rk_live_"),
            (json!({"secret_key": "pk_live_canary"}), "secret_key must begin with sk_live_ or rk_live_"),
            (json!({"mode": "test"}), "secret_key must begin with sk_test_ or rk_test_"),
            (json!({"webhook_secrets": ["canary"]}), weak.as_str()),
            (json!({"webhook_secrets": []}), "webhook_secrets"),
            (json!({"currencies": []}), "currencies is missing"),
            (json!({"currencies": ["TND"]}), "currencies must be ones that Stripe takes"),
            (json!({"currencies": ["EUR", "BTC"]}), "currencies must be ones that Stripe takes"),
            (json!({"base_url": "https://canary:x@api.stripe.com"}), "base_url must be"),
            (json!({"api_key": "canary"}), "unknown field `api_key`"),
        ];
        for (changes, expected) in table {
            let error = with(&changes).err().unwrap();
            assert!(error.starts_with(expected), "{changes}: {error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
