//! The addresses that coins go to, checked once at the start.

use domain::money::Currency;
use domain::payment::Mode;
use serde::Deserialize;

use super::address;
use crate::payments::SettingsError;

/// The longest time that a quote may stay open, in hours: the window for late transfers is as long.
const MAX_QUOTE_HOURS: u16 = 168;

/// Where coins travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// For BTC.
    Bitcoin,
    /// For USDT as an ERC-20 token.
    Ethereum,
    /// For USDT as a TRC-20 token.
    Tron,
}

impl Network {
    /// The word in instructions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bitcoin => "bitcoin",
            Self::Ethereum => "ethereum",
            Self::Tron => "tron",
        }
    }

    fn carries(self, currency: Currency) -> bool {
        match self {
            Self::Bitcoin => currency == Currency::Btc,
            Self::Ethereum | Self::Tron => currency == Currency::Usdt,
        }
    }
}

/// One address.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceivingAddress {
    /// What is paid to it: BTC or USDT.
    pub currency: Currency,
    /// Over which network.
    pub network: Network,
    /// Itself.
    pub address: String,
}

/// Addresses as configured, one for each currency.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where coins go.
    pub addresses: Vec<ReceivingAddress>,
    /// Whether they are real: decides which of Bitcoin's networks an address must belong to.
    pub mode: Mode,
    /// How many hours a payer has.
    #[serde(default = "default_quote_lifetime_hours")]
    pub quote_lifetime_hours: u16,
}

const fn default_quote_lifetime_hours() -> u16 {
    24
}

impl Settings {
    pub(super) fn check(mut self) -> Result<Self, SettingsError> {
        let invalid = |which, why| Err(SettingsError::Invalid { which, why });
        if self.addresses.is_empty() {
            return Err(SettingsError::Missing("addresses"));
        }
        let mut seen = Vec::new();
        for receiving in &mut self.addresses {
            if seen.contains(&receiving.currency) {
                return invalid("addresses", "must name one address for each currency");
            }
            seen.push(receiving.currency);
            if !receiving.network.carries(receiving.currency) {
                return invalid("addresses", "must be BTC on bitcoin, or USDT on ethereum or tron");
            }
            receiving.address = receiving.address.trim().to_owned();
            let address = receiving.address.as_str();
            match receiving.network {
                Network::Bitcoin if !address::bitcoin(address, self.mode) => {
                    return invalid(
                        "addresses",
                        "must be Bitcoin addresses of the right network, with a right checksum",
                    );
                }
                Network::Ethereum if !address::ethereum(address) => {
                    return invalid(
                        "addresses",
                        "must be written with the capitals of EIP-55: they are the checksum",
                    );
                }
                Network::Tron if !address::tron(address) => {
                    return invalid("addresses", "must be Tron addresses with a right checksum");
                }
                _ => {}
            }
        }
        if !(1..=MAX_QUOTE_HOURS).contains(&self.quote_lifetime_hours) {
            return invalid("quote_lifetime_hours", "must be from 1 to 168");
        }
        Ok(self)
    }
}
