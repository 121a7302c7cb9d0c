//! The contract's JSON, and what it means in our words.

use domain::ids::PaymentId;
use domain::money::{Currency, Money};
use domain::payment::{Claim, DisputeState, Statement};
use domain::time::Instant;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use time::UtcOffset;
use time::format_description::well_known::Rfc3339;

use crate::payments::words::{self, failure_reason, is_word, unix};
use crate::payments::{Checkout, CheckoutWay, Order, ProviderError, View};

#[derive(Debug, Serialize)]
pub(super) struct CheckoutRequest<'a> {
    payment_id: PaymentId,
    amount: i64,
    currency: &'static str,
    description: &'a str,
    return_url: &'a str,
    webhook_url: &'a str,
    expires_at: String,
}

impl<'a> CheckoutRequest<'a> {
    pub(super) fn of(order: &'a Order) -> Self {
        Self {
            payment_id: order.payment_id,
            amount: order.amount.minor,
            currency: order.amount.currency.code(),
            description: &order.description,
            return_url: &order.return_url,
            webhook_url: &order.webhook_url,
            expires_at: rfc3339(order.expires_at),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct CheckoutAnswer {
    reference: Option<String>,
    checkout_url: String,
}

impl CheckoutAnswer {
    pub(super) fn into_checkout(self, base: &Url) -> Result<Checkout, ProviderError> {
        let way = CheckoutWay::Page(words::page(&self.checkout_url, base)?);
        Ok(Checkout { reference: bounded_reference(self.reference.as_deref())?, way })
    }
}

#[derive(Debug, Serialize)]
pub(super) struct RefundRequest<'a> {
    pub(super) refund_id: &'a str,
    pub(super) amount: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct RefundAnswer {
    refunded_amount: Option<i64>,
    currency: Option<String>,
}

impl RefundAnswer {
    /// The cumulative refund, where the answer says it.
    pub(super) fn total(&self, asked: Currency) -> Option<Money> {
        refunded(self.refunded_amount, self.currency.as_deref(), asked)
    }
}

/// The service's own view of one payment.
///
/// `paid_amount` is what it really saw, so a wrong amount contradicts the quote instead of passing for a success. `paid_at` and
/// `updated_at` (unix seconds) may be there; an answer without them is dated with the wall clock: it is true as of now.
#[derive(Debug, Deserialize)]
pub(super) struct PaymentAnswer {
    payment_id: String,
    reference: Option<String>,
    status: String,
    currency: Option<String>,
    paid_amount: Option<i64>,
    refunded_amount: Option<i64>,
    dispute: Option<String>,
    outcome: Option<String>,
    paid_at: Option<i64>,
    updated_at: Option<i64>,
}

impl PaymentAnswer {
    /// The answer, if it is about the payment that was asked about.
    pub(super) fn about(self, asked: PaymentId) -> Result<Self, ProviderError> {
        if self.payment_id.parse() == Ok(asked) {
            Ok(self)
        } else {
            Err(ProviderError::Unknown("the answer is about another payment".to_owned()))
        }
    }

    /// The cumulative refund.
    pub(super) fn refunded(&self, asked: Currency) -> Option<Money> {
        refunded(self.refunded_amount, self.currency.as_deref(), asked)
    }

    pub(super) fn into_view(self, wall: Instant) -> Result<View, ProviderError> {
        let reference = bounded_reference(self.reference.as_deref())?;
        let claims = self.claims();
        let updated_at = self.updated_at.and_then(unix).unwrap_or(wall);
        let paid_at = self.paid_at.and_then(unix).unwrap_or(updated_at);
        let statements = claims
            .into_iter()
            .map(|(claim, amount)| {
                let at = if claim == Claim::Succeeded { paid_at } else { updated_at };
                Statement::new(at, claim).of(amount).named(reference.clone())
            })
            .collect();
        Ok(View::known(reference, statements))
    }

    /// Everything that the answer claims. A status that nobody here knows claims nothing: the payment stays pending.
    fn claims(&self) -> Vec<(Claim, Option<Money>)> {
        let money = |minor: Option<i64>| Some(Money::new(minor?, self.currency.as_deref()?.parse().ok()?));
        let mut claims = Vec::new();
        match self.status.as_str() {
            "succeeded" | "partially_refunded" | "refunded" | "disputed" | "charged_back" => {
                claims.push((Claim::Succeeded, money(self.paid_amount)));
            }
            "failed" => {
                claims.push((Claim::Failed { reason: failure_reason(self.outcome.as_deref()) }, None));
            }
            "expired" => claims.push((Claim::Expired, None)),
            _ => {}
        }
        if self.refunded_amount.is_some_and(|minor| minor != 0) {
            claims.push((Claim::Refunded, money(self.refunded_amount)));
        }
        if let Some(state) = self.dispute.as_deref().and_then(dispute_state) {
            claims.push((Claim::Dispute(state), None));
        }
        claims
    }
}

/// A refusal in the service's own words (RFC 9457).
#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    code: Option<String>,
    status: Option<u16>,
}

impl Problem {
    /// `None` for anything that no service of this contract would answer: a page of a proxy, an empty body.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let problem: Self = serde_json::from_slice(body).ok()?;
        (problem.code.is_some() || problem.status.is_some()).then_some(problem)
    }

    /// The code, if it is a word. The texts beside it are for people and may hold anything.
    pub(super) fn into_code(self) -> Option<String> {
        self.code.filter(|code| is_word(code))
    }
}

pub(super) fn dispute_state(word: &str) -> Option<DisputeState> {
    [DisputeState::Open, DisputeState::Won, DisputeState::Lost]
        .into_iter()
        .find(|state| state.as_str() == word)
}

/// RFC 3339 in UTC. A year beyond four digits has no such form and is written plainly; no plan sells one.
pub(super) fn rfc3339(at: Instant) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}

fn refunded(minor: Option<i64>, currency: Option<&str>, asked: Currency) -> Option<Money> {
    let same = currency.is_none_or(|code| code == asked.code());
    minor.filter(|minor| same && *minor > 0).map(|minor| Money::new(minor, asked))
}

fn bounded_reference(reference: Option<&str>) -> Result<Option<String>, ProviderError> {
    reference.map(words::reference).transpose()
}
