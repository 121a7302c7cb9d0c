//! Bank transfers: the payer sends the money by themselves, an admin who sees it on the account confirms it.
//!
//! Nobody can be asked and nobody calls: all that is made here is the instruction, with a [`reference`] by which the transfer is
//! recognised. What was told to a payer stays with the payment, so a later change of the account doesn't reach them.

pub mod reference;
mod settings;

use domain::money::Money;
use domain::time::{Duration, Instant};
use futures_util::future::BoxFuture;

pub use self::settings::Settings;
use super::{
    Authenticity, Callback, Cancelled, Capabilities, Checkout, CheckoutKind, CheckoutWay, Inquiry,
    Instructions, Notification, NotificationError, Opening, Order, PaymentProvider, ProviderCode,
    ProviderError, Refund, RefundKind, Refunded, SettingsError, View,
};

/// Its name in payments and the API.
pub const CODE: ProviderCode = "bank_transfer";

/// How long after its quote a transfer may still arrive.
const LATE_WINDOW: Duration = Duration::days(30);

const NO_CALLBACKS: &str = "bank transfers send no callbacks";

/// An account that transfers go to.
#[derive(Debug)]
pub struct BankTransfer {
    settings: Settings,
    capabilities: Capabilities,
}

impl BankTransfer {
    /// Offers the account that `settings` describes.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let settings = settings.check()?;
        let capabilities = Capabilities {
            currencies: settings.currencies.clone(),
            mode: settings.mode,
            checkout: CheckoutKind::Instructions,
            refunds: RefundKind::ByHand,
            saves_methods: false,
            quote_lifetime: Some(Duration::days(settings.quote_lifetime_days.into())),
            late_window: LATE_WINDOW,
            networks: Vec::new(),
        };
        Ok(Self { settings, capabilities })
    }

    fn told(&self, order: &Order) -> (String, Instructions) {
        let reference = reference::of(order.payment_id);
        let instructions = Instructions::BankTransfer {
            account_holder: self.settings.account_holder.clone(),
            iban: self.settings.iban.clone(),
            bic: self.settings.bic.clone(),
            bank: self.settings.bank.clone(),
            reference: reference.clone(),
        };
        (reference, instructions)
    }
}

impl PaymentProvider for BankTransfer {
    fn code(&self) -> ProviderCode {
        CODE
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn quote(&self, price: Money, _: u32) -> Money {
        price
    }

    fn opening(&self, order: &Order) -> Opening {
        let (reference, instructions) = self.told(order);
        Opening::Instructions { reference: Some(reference), instructions }
    }

    /// The same that [`opening`](PaymentProvider::opening) says: nobody is asked.
    fn create_checkout<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Checkout, ProviderError>> {
        let (reference, instructions) = self.told(order);
        let way = CheckoutWay::Instructions(instructions);
        Box::pin(async { Ok(Checkout { reference: Some(reference), way }) })
    }

    /// Nobody can be asked: nothing is claimed.
    fn fetch<'a>(&'a self, _: &'a Inquiry) -> BoxFuture<'a, Result<View, ProviderError>> {
        Box::pin(async { Ok(View::known(None, Vec::new())) })
    }

    fn capture<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<View, ProviderError>> {
        self.fetch(inquiry)
    }

    /// A transfer that is on its way arrives, whatever was decided here.
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
