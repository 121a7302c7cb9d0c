//! The providers that an operator sets up while the product runs: a code and a JSON document of settings, connected.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::{Line, PaymentProvider, ProviderCode, SettingsError};

/// Why a provider could not be connected. It never repeats a value.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// No provider of this name.
    #[error("no such provider")]
    UnknownProvider,
    /// Not the document that this provider expects; says where, never what.
    #[error("the settings cannot be read at line {line}, column {column}: {hint}")]
    Unreadable {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// Which kind of trouble.
        hint: &'static str,
    },
    /// A value cannot be right.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl From<serde_json::Error> for ConnectError {
    fn from(error: serde_json::Error) -> Self {
        let hint =
            if error.is_data() { "a field is missing, unknown or of another type" } else { "it is not JSON" };
        Self::Unreadable { line: error.line(), column: error.column(), hint }
    }
}

/// A connected provider.
pub type Connected = Arc<dyn PaymentProvider>;

/// Connects a provider from its JSON document. Nothing is called.
pub fn connect(code: &str, document: &str, line: Line) -> Result<Connected, ConnectError> {
    let Some(entry) = CONFIGURABLE.iter().find(|entry| entry.code == code) else {
        return Err(ConnectError::UnknownProvider);
    };
    (entry.connect)(document, line)
}

/// A provider that can be set up by a document.
pub struct Configurable {
    /// Its name.
    pub code: ProviderCode,
    connect: fn(&str, Line) -> Result<Connected, ConnectError>,
}

impl fmt::Debug for Configurable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

macro_rules! configurable {
    ($($module:ident :: $provider:ident),* ; $($still:ident :: $told:ident),* $(,)?) => {
        /// Every provider that can be set up by a document, in the order in which payers are offered them.
        pub const CONFIGURABLE: &[Configurable] = &[$(Configurable {
            code: super::$module::CODE,
            connect: |document, line| {
                let settings: super::$module::Settings = serde_json::from_str(document)?;
                Ok(Arc::new(super::$module::$provider::new(settings, line)?))
            },
        },)* $(Configurable {
            code: super::$still::CODE,
            // Nobody is called: what it needs to say, it says by itself.
            connect: |document, _| {
                let settings: super::$still::Settings = serde_json::from_str(document)?;
                Ok(Arc::new(super::$still::$told::new(settings)?))
            },
        }),*];
    };
}

configurable!(
    stripe::Stripe, paypal::Paypal, mtn_momo::MtnMomo, fedapay::FedaPay, btcpay::BtcPay;
    bank_transfer::BankTransfer, crypto_address::CryptoAddress,
);
