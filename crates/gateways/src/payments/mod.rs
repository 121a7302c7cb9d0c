//! Payment providers behind one trait without default methods: a missing flow does not compile.

pub mod hmac_psp;

use std::fmt;

use domain::ids::PaymentId;
use domain::money::{Currency, Money};
use domain::payment::Statement;
use domain::time::Instant;
use futures_util::future::BoxFuture;
use thiserror::Error;

/// A provider, as payments, the API and `webhooks/{provider}` name it.
pub type ProviderCode = &'static str;

/// What a provider can do, as it is set up here.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// The currencies that it takes.
    pub currencies: Vec<Currency>,
    /// Whether money can be sent back through it.
    pub refunds: bool,
}

/// One payment as a provider needs to know it.
#[derive(Clone, Debug)]
pub struct Order {
    /// Our payment; also the idempotency key of every call about it.
    pub payment_id: PaymentId,
    /// The frozen amount.
    pub amount: Money,
    /// What the payer reads on the checkout page.
    pub description: String,
    /// Where the browser returns to.
    pub return_url: String,
    /// Where callbacks go.
    pub webhook_url: String,
    /// Until when it can be paid (business time).
    pub expires_at: Instant,
    /// 16 random bytes in hex: makes the signed link of this payment unlike any other.
    pub nonce: String,
}

/// How a checkout of this provider is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// By this signed address alone: nobody needs to be asked.
    Link(String),
    /// By calling [`PaymentProvider::create_checkout`].
    Call,
}

/// A checkout that the provider has opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// The provider's own name for the payment.
    pub reference: Option<String>,
    /// Where the payer pays.
    pub checkout_url: String,
}

/// What the provider's own answer says about one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// It has never heard of it.
    NeverOpened,
    /// It knows it; the statements are everything its answer claims, and may be none.
    Known {
        /// The provider's own name for the payment.
        reference: Option<String>,
        /// What it claims.
        statements: Vec<Statement>,
    },
}

/// What a callback turned out to be.
#[derive(Clone, Debug)]
pub enum Notification {
    /// Signed, timestamped and complete: applied at once.
    Statement {
        /// The provider's identifier of the event; stored once.
        event_id: String,
        /// The provider's word for what happened.
        event_type: String,
        /// Our payment.
        payment_id: PaymentId,
        /// What it states.
        statement: Statement,
    },
    /// Unsigned or incomplete: it only makes us ask.
    Hint {
        /// Our payment.
        payment_id: PaymentId,
    },
    /// Signed, but of no payment of ours or of a kind that we do not act on: stored, nothing follows.
    NotOurs {
        /// The provider's identifier of the event.
        event_id: String,
        /// The provider's word for what happened.
        event_type: String,
        /// Whether it names a payment in our form, which then does not exist or contradicts: quarantined.
        suspicious: Option<String>,
    },
}

/// Why a callback was refused.
#[derive(Debug, Error)]
pub enum NotificationError {
    /// A missing, wrong or stale signature; nothing of it is kept but a count.
    #[error("the signature was refused: {0}")]
    Unverified(String),
    /// Signed by the provider, and yet not readable.
    #[error("the signed body could not be read: {0}")]
    Malformed(String),
}

/// What is known after a call that did not simply succeed.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// The provider answered no: nothing was opened or charged, and repeating changes nothing.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// Nobody knows what the provider did: ask with the same key, never with a new one.
    #[error("the provider's answer is unknown: {0}")]
    Unknown(String),
    /// The call never reached the provider or it asked to come back later: safe to repeat.
    #[error("the provider is not available: {0}")]
    Unavailable(String),
}

/// A refund as the provider accepted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refunded {
    /// The cumulative amount that has gone back.
    pub total: Money,
}

/// Who takes the money.
pub trait PaymentProvider: Send + Sync + fmt::Debug {
    /// Its name here.
    fn code(&self) -> ProviderCode;

    /// What it can do, as it is set up here.
    fn capabilities(&self) -> &Capabilities;

    /// How a checkout for `order` is opened. Pure: no call is made.
    fn opening(&self, order: &Order) -> Opening;

    /// Opens a checkout, with the payment's id as the key: repeating it opens no second one.
    fn create_checkout<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Checkout, ProviderError>>;

    /// Asks what the provider knows about a payment.
    fn fetch(&self, payment: PaymentId) -> BoxFuture<'_, Result<View, ProviderError>>;

    /// Sends money back; `refund` is the key.
    fn refund<'a>(
        &'a self,
        payment: PaymentId,
        refund: &'a str,
        amount: Money,
    ) -> BoxFuture<'a, Result<Refunded, ProviderError>>;

    /// Reads a callback: verifies the raw bytes first, then parses them.
    /// `header` looks a request header up by its lower-case name; `wall` is the wall clock.
    fn parse_notification(
        &self,
        header: &dyn Fn(&str) -> Option<String>,
        body: &[u8],
        wall: Instant,
    ) -> Result<Notification, NotificationError>;
}
