//! One payment in the books: its terms, and everything that happened to it since, each list append-only.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{opening::is_id, providers::Provider};
use crate::{config::web_address, problem::Problem};

/// Which way the checkout was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    Api,
    Link,
}

/// How an unpaid payment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Closed {
    Failed,
    Expired,
    /// By the shop.
    Canceled,
}

/// What a payer's yes does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnPay {
    /// The money moves at once.
    #[default]
    Charge,
    /// The money moves when the shop captures it.
    Approve,
}

/// A payer's yes, and what a capture will take.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Approval {
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    /// Given after the payment had failed or expired.
    pub(crate) late: bool,
}

/// Money taken.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    /// Taken after the payment had failed or expired.
    pub(crate) late: bool,
}

/// Money given back.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the contract's own name, and the snapshot's")]
pub(crate) struct Refund {
    /// The product's name for it where it gave one.
    pub(crate) refund_id: String,
    /// The provider's name for it.
    #[serde(default)]
    pub(crate) reference: String,
    pub(crate) amount: i64,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
}

/// A step of a dispute.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DisputeStep {
    pub(crate) state: Dispute,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Dispute {
    Open,
    Won,
    Lost,
}

/// What a checkout is opened with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quote {
    /// The product's own id of the payment, which every provider is told.
    pub(crate) payment_id: String,
    /// Minor units.
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) description: Option<String>,
    pub(crate) return_url: String,
    pub(crate) webhook_url: Option<String>,
    /// Business time.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) expires_at: OffsetDateTime,
}

impl Quote {
    /// Refuses terms that no service would take.
    pub(crate) fn checked(self) -> Result<Self, Problem> {
        if !is_id(&self.payment_id) {
            return Err(Problem::invalid("payment_id is 1 to 64 letters, digits, - or _"));
        }
        if !(1..=1_000_000_000_000_000).contains(&self.amount) {
            return Err(Problem::invalid("amount is positive, in minor units"));
        }
        if !((3..=5).contains(&self.currency.len())
            && self.currency.bytes().all(|byte| byte.is_ascii_uppercase()))
        {
            return Err(Problem::invalid("currency is a code such as EUR"));
        }
        if self.description.as_ref().is_some_and(|text| text.chars().count() > 500) {
            return Err(Problem::invalid("description is at most 500 characters"));
        }
        if web_address(&self.return_url).is_none() {
            return Err(Problem::invalid("return_url is an http(s) address"));
        }
        if self.webhook_url.as_deref().is_some_and(|url| web_address(url).is_none()) {
            return Err(Problem::invalid("webhook_url is an http(s) address"));
        }
        Ok(self)
    }
}

/// A request to open a checkout.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    pub(crate) provider: Provider,
    pub(crate) quote: Quote,
    pub(crate) way: Way,
    /// The name that the payment gets at the provider; `None`: a new one of the facade's.
    pub(crate) reference: Option<String>,
    pub(crate) on_pay: OnPay,
    /// What only the facade understands.
    pub(crate) extra: Map<String, Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Payment {
    #[serde(default)]
    pub(crate) provider: Provider,
    #[serde(flatten)]
    pub(crate) quote: Quote,
    /// Its name at the provider.
    pub(crate) reference: String,
    pub(crate) opened_by: Way,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) opened_at: OffsetDateTime,
    /// When the books last said something new about it.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) updated_at: OffsetDateTime,
    pub(crate) closed: Option<Closed>,
    #[serde(default)]
    pub(crate) on_pay: OnPay,
    /// Only of a payment whose money moves at capture.
    #[serde(default)]
    pub(crate) approved: Option<Approval>,
    pub(crate) charges: Vec<Charge>,
    pub(crate) refunds: Vec<Refund>,
    pub(crate) disputes: Vec<DisputeStep>,
    /// What only the facade understands.
    #[serde(default)]
    pub(crate) extra: Map<String, Value>,
}

impl Payment {
    pub(crate) fn opened(opening: Opening, reference: String, now: OffsetDateTime) -> Self {
        Self {
            provider: opening.provider,
            quote: opening.quote,
            reference,
            opened_by: opening.way,
            opened_at: now,
            updated_at: now,
            closed: None,
            on_pay: opening.on_pay,
            approved: None,
            charges: Vec::new(),
            refunds: Vec::new(),
            disputes: Vec::new(),
            extra: opening.extra,
        }
    }

    pub(crate) fn status(&self) -> &'static str {
        match (self.charges.is_empty(), self.closed) {
            (false, _) => "succeeded",
            (true, None) => "pending",
            (true, Some(Closed::Failed)) => "failed",
            (true, Some(Closed::Expired)) => "expired",
            (true, Some(Closed::Canceled)) => "canceled",
        }
    }

    /// Whether the payer has agreed, and a capture would take the money.
    pub(crate) fn awaits_capture(&self) -> bool {
        let holds = |approval: &Approval| approval.late || self.closed.is_none();
        self.charges.is_empty() && self.approved.as_ref().is_some_and(holds)
    }

    /// Whether its provider still waits for more of what was asked for.
    pub(crate) fn awaits_the_rest(&self) -> bool {
        let part = (1..self.quote.amount).contains(&self.paid_amount());
        part && self.provider.facade().takes_part_payments()
    }

    pub(crate) fn paid_amount(&self) -> i64 {
        self.charges.iter().map(|charge| charge.amount).sum()
    }

    pub(crate) fn refunded_amount(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.amount).sum()
    }

    pub(crate) fn dispute(&self) -> Option<Dispute> {
        self.disputes.last().map(|step| step.state)
    }

    /// The currency that was paid, or is asked for.
    pub(crate) fn currency(&self) -> &str {
        self.charges.first().map_or(&self.quote.currency, |charge| &charge.currency)
    }

    /// Every name that something about this payment has at its provider.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let charges = self.charges.iter().map(|charge| charge.id.as_str());
        let refunds = self.refunds.iter().map(|refund| refund.reference.as_str());
        std::iter::once(self.reference.as_str()).chain(charges).chain(refunds).filter(|name| !name.is_empty())
    }

    /// How it stands, for programs.
    pub(crate) fn answer(&self) -> Value {
        json!({
            "payment_id": self.quote.payment_id,
            "reference": self.reference,
            "status": self.status(),
            "amount": self.quote.amount,
            "currency": self.currency(),
            "paid_amount": self.paid_amount(),
            "refunded_amount": self.refunded_amount(),
            "dispute": self.dispute(),
            // Business time, as in events: an answer and an event can be put in order.
            "paid_at": self.charges.first().map(|charge| charge.at.unix_timestamp()),
            "updated_at": self.updated_at.unix_timestamp(),
        })
    }
}
