//! What an operator sets for MTN MoMo, checked once at the start.

use domain::money::Currency;
use domain::payment::Mode;
use ipnet::IpNet;
use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;

use super::product::Product;
use crate::payments::RequestSigning;
use crate::payments::settings::{SettingsError, base};

const SANDBOX: &str = "https://sandbox.momodeveloper.mtn.com";

/// The currencies of the countries where MTN takes payments and this product can set prices.
const LIVE_CURRENCIES: [Currency; 4] = [Currency::Xaf, Currency::Xof, Currency::Gnf, Currency::Ghs];

/// MTN's sandbox knows no other.
const SANDBOX_CURRENCIES: [Currency; 1] = [Currency::Eur];

/// MTN MoMo as configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where MTN answers: its sandbox in test mode; in live mode the address in the contract with MTN.
    pub base_url: Option<String>,
    /// `sandbox` in test mode; in live mode the country's word, such as `mtncameroon`.
    pub target_environment: Option<String>,
    /// The credentials of the Collection product: money comes in.
    pub collection: Credentials,
    /// The credentials of the Disbursement product: money goes back. Without them refunds are made by hand.
    #[serde(default)]
    pub disbursement: Option<Credentials>,
    /// Whether MTN is asked to call back. The address's host must be the one registered with the API user.
    #[serde(default)]
    pub callbacks: bool,
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

/// What one product of MTN is called with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The API user, a UUID.
    pub api_user: SecretString,
    /// Its key.
    pub api_key: SecretString,
    /// The key of the subscription to the product.
    pub subscription_key: SecretString,
}

pub(super) struct Checked {
    pub(super) base: Url,
    pub(super) target_environment: String,
    pub(super) collection: Product,
    pub(super) disbursement: Option<Product>,
}

impl Settings {
    pub(super) fn check(&self) -> Result<Checked, SettingsError> {
        let (address, environment) = match self.mode {
            Mode::Test => (Some(SANDBOX), Some("sandbox")),
            Mode::Live => (None, None),
        };
        let address = self.base_url.as_deref().or(address).ok_or(SettingsError::Missing("base_url"))?;
        let environment = self.target_environment.as_deref().or(environment);
        let environment = environment.ok_or(SettingsError::Missing("target_environment"))?;
        if environment.is_empty() || !environment.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let why = "must be one word, such as mtncameroon";
            return Err(SettingsError::Invalid { which: "target_environment", why });
        }
        let (taken, why): (&[Currency], _) = match self.mode {
            Mode::Test => (&SANDBOX_CURRENCIES, "can only be EUR in MTN's sandbox"),
            Mode::Live => (&LIVE_CURRENCIES, "must be among XAF, XOF, GNF and GHS"),
        };
        if self.currencies.is_empty() {
            return Err(SettingsError::Missing("currencies"));
        }
        if !self.currencies.iter().all(|currency| taken.contains(currency)) {
            return Err(SettingsError::Invalid { which: "currencies", why });
        }
        let disbursement = self.disbursement.as_ref();
        Ok(Checked {
            base: base("base_url", address)?,
            target_environment: environment.to_owned(),
            collection: Product::new("collection", &self.collection)?,
            disbursement: disbursement
                .map(|credentials| Product::new("disbursement", credentials))
                .transpose()?,
        })
    }
}
