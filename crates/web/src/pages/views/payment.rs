//! Payments: the rows of the history, "where is my money", the way to the checkout and back.

use application::billing::Receipt;
use application::text::{Locale, text, text_or};
use askama::Template;
use serde::Serialize;

use super::{Moment, PageFrame};

/// The colour of a badge or a message; its words always say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Under way, or simply over.
    Calm,
    /// Worth a look.
    Warning,
    /// Went wrong.
    Bad,
}

impl Tone {
    /// The class of the stylesheet.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Calm => "calm",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

/// A state in one or two words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    /// Its colour.
    pub tone: Tone,
    /// Its words.
    pub label: String,
}

impl Badge {
    /// The badge of a payment's status as the API writes it, or of `under_review`.
    pub fn payment(locale: Locale, status: &str) -> Self {
        let tone = match status {
            "succeeded" => Tone::Good,
            "disputed" | "partially_refunded" | "pending" | "under_review" => Tone::Warning,
            "failed" | "charged_back" => Tone::Bad,
            _ => Tone::Calm,
        };
        let key = format!("payment-status-{status}");
        Self { tone, label: text_or(locale, &key, "payment-status-pending", &[]) }
    }
}

/// One line of the history.
#[derive(Clone, Debug)]
pub struct PaymentRow {
    /// The address of its page.
    pub href: String,
    /// The day it was asked for.
    pub created_at: Moment,
    /// What the plan is called.
    pub plan: String,
    /// The amount, formatted.
    pub amount: String,
    /// What the provider is called.
    pub provider: String,
    /// Its status.
    pub badge: Badge,
}

/// What a page watches while a state may still change. Its address answers this as JSON; when `state` is
/// another than the page's, the script loads the page again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Where to ask, on this site.
    #[serde(skip)]
    pub href: String,
    /// Changes whenever the page would look different, such as `pending.awaiting`.
    pub state: String,
}

/// What a step of a payment is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// The request was recorded.
    Created,
    /// The provider was asked and has not answered.
    Asking,
    /// The provider has it.
    Opened,
    /// The money is confirmed.
    Settled,
    /// The access was extended.
    Access,
    /// What the provider states contradicts the quote: somebody looks at it.
    Review,
    /// The provider refused.
    Failed,
    /// Nobody paid in time.
    Expired,
    /// Money went back.
    Refunded,
    /// The payer's bank disputes.
    Disputed,
    /// The dispute was lost.
    ChargedBack,
}

impl StepKind {
    const fn code(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Asking => "asking",
            Self::Opened => "opened",
            Self::Settled => "settled",
            Self::Access => "access",
            Self::Review => "review",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Refunded => "refunded",
            Self::Disputed => "disputed",
            Self::ChargedBack => "charged_back",
        }
    }
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// It happened.
    Done,
    /// It is what we wait for.
    Current,
    /// It comes later.
    Ahead,
    /// It went wrong.
    Failed,
}

impl StepState {
    /// The class of the stylesheet.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Current => "current",
            Self::Ahead => "ahead",
            Self::Failed => "failed",
        }
    }
}

/// One step of "where is my money".
#[derive(Clone, Debug)]
pub struct PaymentStep {
    /// What it is about.
    pub title: String,
    /// What that means; empty where the title says it all.
    pub explanation: String,
    /// When it happened.
    pub at: Option<Moment>,
    /// How far it is.
    pub state: StepState,
}

impl PaymentStep {
    /// A step in the words of that language.
    pub fn new(locale: Locale, kind: StepKind, state: StepState, at: Option<Moment>) -> Self {
        let key = format!("payment-step-{}", kind.code());
        // What was being waited for is no longer true once it happened; an outcome stays worth explaining.
        let over = matches!(kind, StepKind::Created | StepKind::Asking | StepKind::Opened);
        let explanation = match state {
            StepState::Ahead => String::new(),
            StepState::Done if over => String::new(),
            _ => text(locale, &format!("{key}-text"), &[]),
        };
        Self { title: text(locale, &key, &[]), explanation, at, state }
    }
}

/// Why a payment failed, in words; a provider's word that has none here is told in general.
pub fn failure_in_words(locale: Locale, reason: Option<&str>) -> String {
    let word = reason.unwrap_or_default().to_ascii_lowercase();
    text_or(locale, &format!("payment-reason-{word}"), "payment-reason-other", &[])
}

/// One payment: what, how much, and each step so far.
#[derive(Template)]
#[template(path = "payment.html")]
pub struct PaymentView {
    /// What surrounds it.
    pub page: PageFrame,
    /// The payment, as people may quote it.
    pub reference: String,
    /// What the plan is called.
    pub plan: String,
    /// The amount, formatted.
    pub amount: String,
    /// What the provider is called.
    pub provider: String,
    /// When it was asked for.
    pub created_at: Moment,
    /// Its status.
    pub badge: Badge,
    /// Its steps, oldest first.
    pub steps: Vec<PaymentStep>,
    /// The page that leads to the checkout, while it can be paid.
    pub checkout_href: Option<String>,
    /// How to pay where there is no checkout page: names and values, none where there is one.
    pub instructions: Vec<(String, String)>,
    /// The receipt, once there is one.
    pub receipt_href: Option<String>,
    /// Whether to offer to choose again: it failed or expired.
    pub try_again: bool,
    /// What the page watches for while the outcome is open.
    pub progress: Option<Progress>,
}

/// A receipt, to read and to print.
#[derive(Template)]
#[template(path = "receipt.html")]
pub struct ReceiptView {
    /// What surrounds it.
    pub page: PageFrame,
    /// The payment's page.
    pub payment_href: String,
    /// What it says.
    pub receipt: Receipt,
    /// What the plan is called.
    pub plan: String,
    /// The amount, formatted.
    pub amount: String,
    /// How much went back, formatted.
    pub refunded: Option<String>,
    /// What the provider is called.
    pub provider: String,
    /// When it was paid.
    pub paid_at: Moment,
    /// Whether no real money moved.
    pub test: bool,
    /// Where the key is published.
    pub key_address: String,
    /// The signed form.
    pub jws: String,
}

/// Leads to the provider's checkout page.
///
/// Browsers hold the redirect after a form to the policy's `form-action`, so the form lands here, on our
/// own site, and this page goes on by itself or by its button.
#[derive(Template)]
#[template(path = "checkout.html")]
pub struct CheckoutView {
    /// What surrounds it.
    pub page: PageFrame,
    /// The amount, formatted.
    pub amount: String,
    /// The provider's page.
    pub checkout_url: String,
}

/// What is known when somebody comes back from a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReturnOutcome {
    /// Nothing yet: the provider is being asked.
    Checking,
    /// What the provider states contradicts the quote: somebody looks at it.
    UnderReview,
    /// The money is there.
    Paid {
        /// Until when the access runs now.
        ends_at: Moment,
    },
    /// It was refused.
    Failed {
        /// Why, in words.
        reason: String,
    },
    /// It was not paid in time.
    Expired,
}

/// The page that providers send people back to.
#[derive(Template)]
#[template(path = "return.html")]
pub struct ReturnView {
    /// What surrounds it.
    pub page: PageFrame,
    /// What is known.
    pub outcome: ReturnOutcome,
    /// The payment's page.
    pub payment_href: String,
    /// What the page watches for; `None` once the outcome is known.
    pub progress: Option<Progress>,
}
