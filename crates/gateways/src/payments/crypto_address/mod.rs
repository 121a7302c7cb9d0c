//! Coins sent to an address of the operator's own; an admin who sees them there confirms the payment.
//!
//! The address is the same for everybody, so the amount tells payments apart: up to 9,999 of the coin's smallest units are added to
//! the price. What was told to a payer stays with the payment, so a later change of the address doesn't reach them.

mod address;
mod settings;

use domain::money::{Currency, Money};
use domain::time::{Duration, Instant};
use futures_util::future::BoxFuture;

pub use self::settings::{Network, ReceivingAddress, Settings};
use super::{
    Authenticity, Callback, Cancelled, Capabilities, Checkout, CheckoutKind, CheckoutWay, Inquiry,
    Instructions, Notification, NotificationError, Opening, Order, PaymentProvider, ProviderCode,
    ProviderError, Refund, RefundKind, Refunded, SettingsError, View,
};

/// Its name in payments and the API.
pub const CODE: ProviderCode = "crypto_address";

/// How long after its quote a transfer may still arrive.
const LATE_WINDOW: Duration = Duration::days(7);

/// How many different amounts one price can be asked for in.
const LOTS: u32 = 9_999;

const NO_CALLBACKS: &str = "addresses send no callbacks";

/// Addresses that coins go to.
#[derive(Debug)]
pub struct CryptoAddress {
    addresses: Vec<ReceivingAddress>,
    capabilities: Capabilities,
}

impl CryptoAddress {
    /// Offers the addresses that `settings` describes.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let settings = settings.check()?;
        let capabilities = Capabilities {
            currencies: settings.addresses.iter().map(|receiving| receiving.currency).collect(),
            mode: settings.mode,
            checkout: CheckoutKind::Instructions,
            refunds: RefundKind::ByHand,
            saves_methods: false,
            quote_lifetime: Some(Duration::hours(settings.quote_lifetime_hours.into())),
            late_window: LATE_WINDOW,
            networks: Vec::new(),
        };
        Ok(Self { addresses: settings.addresses, capabilities })
    }

    fn told(&self, amount: Money) -> Option<Instructions> {
        let receiving = self.receiving(amount.currency)?;
        Some(Instructions::CryptoAddress {
            network: receiving.network.as_str().to_owned(),
            address: receiving.address.clone(),
            amount: amount.decimal(),
        })
    }

    fn receiving(&self, currency: Currency) -> Option<&ReceivingAddress> {
        self.addresses.iter().find(|receiving| receiving.currency == currency)
    }
}

impl PaymentProvider for CryptoAddress {
    fn code(&self) -> ProviderCode {
        CODE
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn quote(&self, price: Money, lot: u32) -> Money {
        Money::new(price.minor.saturating_add(i64::from(lot % LOTS + 1)), price.currency)
    }

    /// A currency without an address is opened by a call, which refuses it.
    fn opening(&self, order: &Order) -> Opening {
        match self.told(order.amount) {
            Some(instructions) => Opening::Instructions { reference: None, instructions },
            None => Opening::Call,
        }
    }

    /// The same that [`opening`](PaymentProvider::opening) says: nobody is asked.
    fn create_checkout<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Checkout, ProviderError>> {
        let checkout = match self.told(order.amount) {
            Some(told) => Ok(Checkout { reference: None, way: CheckoutWay::Instructions(told) }),
            None => Err(ProviderError::Refused("currency_not_taken".to_owned())),
        };
        Box::pin(async { checkout })
    }

    /// Nobody can be asked: nothing is claimed.
    fn fetch<'a>(&'a self, _: &'a Inquiry) -> BoxFuture<'a, Result<View, ProviderError>> {
        Box::pin(async { Ok(View::known(None, Vec::new())) })
    }

    fn capture<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<View, ProviderError>> {
        self.fetch(inquiry)
    }

    /// Whoever knows the address can pay to it for ever.
    fn cancel<'a>(&'a self, _: &'a Inquiry) -> BoxFuture<'a, Result<Cancelled, ProviderError>> {
        Box::pin(async { Ok(Cancelled::StillPayable) })
    }

    fn refund<'a>(&'a self, _: &'a Inquiry, _: &'a Refund) -> BoxFuture<'a, Result<Refunded, ProviderError>> {
        Box::pin(async { Err(ProviderError::Refused("by_hand".to_owned())) })
    }

    fn verify_notification<'a>(
        &'a self,
        _: &'a Callback<'a>,
        _: Instant,
    ) -> BoxFuture<'a, Result<Authenticity, NotificationError>> {
        Box::pin(async { Err(NotificationError::Unverified(NO_CALLBACKS.to_owned())) })
    }

    fn parse_notification(&self, _: &[u8]) -> Result<Notification, NotificationError> {
        Err(NotificationError::Malformed(NO_CALLBACKS.to_owned()))
    }
}

#[cfg(test)]
mod tests;
