//! Payment providers behind one trait without default methods: a missing flow does not compile.
//!
//! A connector translates: it opens, asks, captures, cancels, sends back, and reads callbacks, in the words of its provider. Whether
//! an amount is right, and what follows from it, is decided where the quote is. Every method can run twice: the keys of mutating
//! calls are made from our own row ids, which are stored before the call.

pub mod bank_transfer;
pub mod btcpay;
mod call;
pub mod crypto_address;
pub mod fedapay;
pub mod hmac_psp;
pub mod mtn_momo;
pub mod paypal;
pub mod registry;
mod settings;
pub mod stripe;
mod words;

use std::fmt;
use std::net::IpAddr;

use domain::ids::{PaymentId, RefundId};
use domain::money::{Currency, Money};
use domain::payment::{Mode, Statement};
use domain::time::{Duration, Instant};
use futures_util::future::BoxFuture;
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::call::{Line, RequestSigning};
pub use self::settings::SettingsError;
pub use crate::phone::{PhoneNumber, PhoneNumberError};

/// A provider, as payments, the API and `webhooks/{provider}` name it.
pub type ProviderCode = &'static str;

/// How a payer is led to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckoutKind {
    /// On a page of the provider.
    Page,
    /// By a prompt on the payer's telephone: their number must be known.
    Phone,
    /// By themselves, following [`Instructions`]; an admin confirms what came.
    Instructions,
}

/// How money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundKind {
    /// Through the provider's API.
    Api,
    /// An admin sends it by hand and records it here.
    ByHand,
}

/// What a provider can do, as it is set up here.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// The currencies that it takes.
    pub currencies: Vec<Currency>,
    /// Whether its money is real.
    pub mode: Mode,
    /// How a payer pays.
    pub checkout: CheckoutKind,
    /// How money goes back.
    pub refunds: RefundKind,
    /// Whether a payer can have it remember a way to pay.
    pub saves_methods: bool,
    /// How long a quote holds; the product's own time if the provider has none.
    pub quote_lifetime: Option<Duration>,
    /// How long after its quote a payment may still turn out paid: so long it is asked about.
    pub late_window: Duration,
    /// Where callbacks come from; empty is anywhere.
    pub networks: Vec<IpNet>,
}

impl Capabilities {
    /// Whether a callback may come from this address.
    pub fn admits(&self, address: Option<IpAddr>) -> bool {
        let listed =
            |address: IpAddr| self.networks.iter().any(|network| network.contains(&address.to_canonical()));
        self.networks.is_empty() || address.is_some_and(listed)
    }
}

/// Who pays, as far as a provider needs to know.
#[derive(Clone, Debug)]
pub struct Payer {
    /// Where they read mail.
    pub email: String,
    /// Their telephone, where the payment goes through it.
    pub phone: Option<PhoneNumber>,
    /// `fr` or `en`.
    pub locale: &'static str,
    /// A way to pay that the provider remembered for them.
    pub method: Option<MethodToken>,
    /// Whether they asked for this way to pay to be remembered.
    pub remember: bool,
}

/// The provider's own name for a way to pay that it remembers.
#[derive(Clone, Debug)]
pub struct MethodToken(pub SecretString);

impl PartialEq for MethodToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

/// A way to pay that a provider has remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedMethod {
    /// Its name there.
    pub token: MethodToken,
    /// What the payer recognises it by: `Visa •••• 4242`. Never a whole number.
    pub display: String,
}

/// One payment as a provider needs to know it to open a checkout.
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
    /// When the quote was made (business time).
    pub created_at: Instant,
    /// Until when it can be paid (business time).
    pub expires_at: Instant,
    /// 16 random bytes in hex: makes the signed link of this payment unlike any other.
    pub nonce: String,
    /// Who pays.
    pub payer: Payer,
}

/// One payment as a provider needs to know it to be asked about it later.
#[derive(Clone, Debug)]
pub struct Inquiry {
    /// Our payment.
    pub payment_id: PaymentId,
    /// The provider's own name for it, once known.
    pub reference: Option<String>,
    /// The provider's own name for the movement of the money, once known.
    pub transaction: Option<String>,
    /// The frozen amount.
    pub amount: Money,
    /// When the quote was made (business time).
    pub created_at: Instant,
}

/// How a checkout of this provider is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// By this signed address alone: nobody needs to be asked.
    Link(String),
    /// By calling [`PaymentProvider::create_checkout`].
    Call,
    /// By telling the payer what to do: nobody needs to be asked.
    Instructions {
        /// The name under which the money will come, where it is not the amount that tells.
        reference: Option<String>,
        /// What to do.
        instructions: Instructions,
    },
}

/// What a payer does to pay without a page. Kept with the payment: what was told once stays true for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Instructions {
    /// Transfer the amount to this account.
    BankTransfer {
        /// Whose account it is.
        account_holder: String,
        /// The account.
        iban: String,
        /// The bank, where the payer's own asks for it.
        bic: Option<String>,
        /// The bank's name.
        bank: Option<String>,
        /// What to write on the transfer: how it is recognised.
        reference: String,
    },
    /// Send exactly this amount to this address: its last digits are how it is recognised.
    CryptoAddress {
        /// `bitcoin`, `ethereum` or `tron`.
        network: String,
        /// Where to.
        address: String,
        /// The exact amount as a decimal.
        amount: String,
    },
    /// Approve the request on this telephone.
    PhonePrompt {
        /// The telephone, all but its last digits hidden.
        phone: String,
    },
}

/// A checkout that the provider has opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// The provider's own name for the payment.
    pub reference: Option<String>,
    /// Where the payer pays, or what they do.
    pub way: CheckoutWay,
}

/// Where the payer pays, or what they do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckoutWay {
    /// A page.
    Page(String),
    /// Something else.
    Instructions(Instructions),
}

/// What the provider's own answer says about one payment.
#[derive(Clone, Debug, PartialEq)]
pub enum View {
    /// It has never heard of it.
    NeverOpened,
    /// It knows it.
    Known {
        /// The provider's own name for the payment.
        reference: Option<String>,
        /// Everything that its answer claims, and may be none.
        statements: Vec<Statement>,
        /// The payer has agreed, and [`PaymentProvider::capture`] takes the money.
        capturable: bool,
        /// A way to pay that it remembered with this payment.
        method: Option<SavedMethod>,
    },
}

impl View {
    /// Known, with what its answer claims and nothing else.
    pub const fn known(reference: Option<String>, statements: Vec<Statement>) -> Self {
        Self::Known { reference, statements, capturable: false, method: None }
    }
}

/// What came of closing a checkout that nobody paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It can no longer be paid.
    Closed,
    /// The provider cannot close it, or money is on its way: it must be asked about until its window has passed.
    StillPayable,
}

/// Which of our payments a callback is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// By our own id.
    Payment(PaymentId),
    /// By the provider's own name for the payment.
    Reference(String),
    /// By the provider's own name for the movement of the money.
    Transaction(String),
}

/// The provider's name for one event and its word for what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventName {
    /// The provider's identifier of the event; stored once.
    pub id: String,
    /// The provider's word for what happened.
    pub kind: String,
}

/// What a callback turned out to be.
#[derive(Clone, Debug)]
pub enum Notification {
    /// Complete: applied at once, if its sender was verified.
    Statement {
        /// The event.
        event: EventName,
        /// Whose.
        subject: Subject,
        /// What it states.
        statement: Statement,
    },
    /// Incomplete, or of a provider that does not sign: it only makes us ask.
    Hint {
        /// The event, where the provider names it; kept if its sender was verified.
        event: Option<EventName>,
        /// Whose.
        subject: Subject,
    },
    /// Of no payment of ours or of a kind that we do not act on: stored if verified, nothing follows.
    NotOurs {
        /// The event.
        event: EventName,
        /// What it names in our form and cannot be right about: quarantined.
        suspicious: Option<String>,
    },
}

/// A callback as it arrived.
pub struct Callback<'a> {
    /// Looks a header up by its lower-case name.
    pub header: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// The raw bytes.
    pub body: &'a [u8],
}

/// Whether a callback proves who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authenticity {
    /// By a signature that was verified.
    Verified,
    /// This provider does not sign: anybody could have sent it.
    Unsigned,
}

/// Why a callback was refused.
#[derive(Debug, Error)]
pub enum NotificationError {
    /// A missing, wrong or stale signature; nothing of it is kept but a count.
    #[error("the signature was refused: {0}")]
    Unverified(String),
    /// From the provider, and yet not readable.
    #[error("the body could not be read: {0}")]
    Malformed(String),
    /// Whether it is genuine cannot be found out now: the provider sends it again.
    #[error("the signature could not be checked: {0}")]
    Unavailable(String),
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

/// Money that goes back.
#[derive(Clone, Debug)]
pub struct Refund {
    /// Our refund; also the idempotency key.
    pub id: RefundId,
    /// How much.
    pub amount: Money,
    /// The provider's own name for it, once known: then it is asked about instead of sent.
    pub reference: Option<String>,
    /// It was sent before and no answer came. Keys are forgotten there after a while, so it is looked for before it is sent again.
    pub again: bool,
}

/// How a refund stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refunded {
    /// The provider's own name for it.
    pub reference: Option<String>,
    /// How it stands.
    pub state: RefundState,
    /// The cumulative amount that has gone back for this payment, where the answer says it.
    pub total: Option<Money>,
}

/// How a refund stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundState {
    /// On its way.
    Pending,
    /// The money has gone back.
    Succeeded,
    /// It has not, and will not; the provider's word for why.
    Failed(String),
}

/// Who takes the money.
pub trait PaymentProvider: Send + Sync + fmt::Debug {
    /// Its name here.
    fn code(&self) -> ProviderCode;

    /// What it can do, as it is set up here.
    fn capabilities(&self) -> &Capabilities;

    /// The amount that is asked for at this price. The same as the price, except where the amount itself must tell one payment
    /// from another; `lot` is random.
    fn quote(&self, price: Money, lot: u32) -> Money;

    /// How a checkout for `order` is opened. Pure: no call is made.
    fn opening(&self, order: &Order) -> Opening;

    /// Opens a checkout, with the payment's id as the key: repeating it opens no second one.
    fn create_checkout<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Checkout, ProviderError>>;

    /// Asks what the provider knows about a payment.
    fn fetch<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<View, ProviderError>>;

    /// Takes the money of a payment that its [`View`] called capturable, and tells what came of it.
    fn capture<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<View, ProviderError>>;

    /// Closes a checkout that nobody has paid.
    fn cancel<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<Cancelled, ProviderError>>;

    /// Sends money back, or asks how a refund stands that was sent before.
    fn refund<'a>(
        &'a self,
        inquiry: &'a Inquiry,
        refund: &'a Refund,
    ) -> BoxFuture<'a, Result<Refunded, ProviderError>>;

    /// Finds out whether a callback is genuine, on its raw bytes and before anything of it is read; `wall` is the wall clock.
    fn verify_notification<'a>(
        &'a self,
        callback: &'a Callback<'a>,
        wall: Instant,
    ) -> BoxFuture<'a, Result<Authenticity, NotificationError>>;

    /// Reads a callback. What it says is to be believed only after [`verify_notification`](Self::verify_notification), or if it
    /// was stored after it.
    fn parse_notification(&self, body: &[u8]) -> Result<Notification, NotificationError>;
}
