//! What an operator sets for a service of the generic contract, checked once at the start.

use crypto::signature::SigningSecret;
use domain::money::Currency;
use domain::payment::Mode;
use ipnet::IpNet;
use reqwest::Url;
use secrecy::SecretString;

use crate::payments::settings::{SettingsError, base, secret, secrets};

/// How a checkout is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpeningMode {
    /// By a call to the service.
    Api,
    /// By a signed address alone.
    Link,
}

/// A service of the generic contract as configured. Lists of secrets are newest first: the older ones still count while one rotates.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the service answers, with or without a path: `https://pay.example/v1`.
    pub base_url: String,
    /// How a checkout is opened.
    pub opening: OpeningMode,
    /// Shared secrets of our requests to the service.
    pub request_secrets: Vec<SecretString>,
    /// Shared secrets of the service's callbacks to us.
    pub webhook_secrets: Vec<SecretString>,
    /// The shared secret of signed checkout addresses.
    pub link_secret: SecretString,
    /// The currencies that the service takes.
    pub currencies: Vec<Currency>,
    /// Whether its money is real.
    pub mode: Mode,
    /// Where its callbacks come from; empty is anywhere.
    pub networks: Vec<IpNet>,
}

pub(super) struct Checked {
    pub(super) base: Url,
    pub(super) opening: OpeningMode,
    pub(super) request_secrets: Vec<SigningSecret>,
    pub(super) webhook_secrets: Vec<SigningSecret>,
    pub(super) link_secret: SigningSecret,
    pub(super) currencies: Vec<Currency>,
    pub(super) mode: Mode,
    pub(super) networks: Vec<IpNet>,
}

impl Settings {
    pub(super) fn check(self) -> Result<Checked, SettingsError> {
        Ok(Checked {
            base: base("base_url", &self.base_url)?,
            opening: self.opening,
            request_secrets: secrets("request_secrets", &self.request_secrets)?,
            webhook_secrets: secrets("webhook_secrets", &self.webhook_secrets)?,
            link_secret: secret("link_secret", &self.link_secret)?,
            currencies: self.currencies,
            mode: self.mode,
            networks: self.networks,
        })
    }
}

#[cfg(test)]
mod tests {
    use crypto::signature::WeakSigningSecret;

    use super::*;

    fn settings() -> Settings {
        let secret = || SecretString::from("0123456789abcdef0123456789abcdef");
        Settings {
            base_url: "https://pay.example/v1/".to_owned(),
            opening: OpeningMode::Link,
            request_secrets: vec![secret()],
            webhook_secrets: vec![secret()],
            link_secret: secret(),
            currencies: vec![Currency::Eur],
            mode: Mode::Live,
            networks: Vec::new(),
        }
    }

    #[test]
    fn a_missing_or_weak_secret_is_refused_by_name() {
        let none = Settings { webhook_secrets: Vec::new(), ..settings() };
        let empty = Settings { link_secret: SecretString::from("  "), ..settings() };
        let short = Settings { request_secrets: vec![SecretString::from("short")], ..settings() };
        for (broken, which, why) in [
            (none, "webhook_secrets", WeakSigningSecret::Empty),
            (empty, "link_secret", WeakSigningSecret::Empty),
            (short, "request_secrets", WeakSigningSecret::TooShort),
        ] {
            assert_eq!(broken.check().err(), Some(SettingsError::Secret { which, why }));
        }
    }

    #[test]
    fn an_address_with_a_password_is_refused() {
        let broken = Settings { base_url: "https://user:pass@pay.example".to_owned(), ..settings() };
        assert_eq!(broken.check().err(), Some(SettingsError::Address("base_url")));
    }
}
