//! FedaPay's JSON, and what it means in our words.

use domain::ids::PaymentId;
use domain::money::{Currency, Money};
use domain::payment::{Claim, Statement};
use domain::time::Instant;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::{error, warn};

use super::CODE;
use crate::http::Answer;
use crate::payments::words::{self, is_reference};
use crate::payments::{Order, PhoneNumber, ProviderError};

/// The countries that FedaPay collects in, by their calling codes.
const COUNTRIES: [(&str, &str); 8] = [
    ("+229", "bj"),
    ("+228", "tg"),
    ("+225", "ci"),
    ("+221", "sn"),
    ("+227", "ne"),
    ("+224", "gn"),
    ("+223", "ml"),
    ("+226", "bf"),
];

#[derive(Serialize)]
pub(super) struct TransactionRequest<'a> {
    description: &'a str,
    amount: i64,
    currency: Iso,
    callback_url: &'a str,
    merchant_reference: PaymentId,
    customer: Customer<'a>,
}

#[derive(Serialize)]
struct Iso {
    iso: &'static str,
}

#[derive(Serialize)]
struct Customer<'a> {
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<Telephone<'a>>,
}

#[derive(Serialize)]
struct Telephone<'a> {
    number: &'a str,
    country: &'static str,
}

impl<'a> TransactionRequest<'a> {
    pub(super) fn of(order: &'a Order) -> Self {
        Self {
            description: &order.description,
            // XOF and GNF have no decimals: minor units are whole francs.
            amount: order.amount.minor,
            currency: Iso { iso: order.amount.currency.code() },
            callback_url: &order.return_url,
            merchant_reference: order.payment_id,
            customer: Customer {
                email: &order.payer.email,
                phone_number: order.payer.phone.as_ref().and_then(telephone),
            },
        }
    }
}

/// A number of a country where FedaPay does not collect is of no use to it.
fn telephone(phone: &PhoneNumber) -> Option<Telephone<'_>> {
    let code = phone.calling_code();
    let (_, country) = COUNTRIES.into_iter().find(|(calling_code, _)| *calling_code == code)?;
    Some(Telephone { number: phone.as_e164(), country })
}

/// A transaction as FedaPay answers it, and as its events carry it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Transaction {
    pub(super) id: i64,
    pub(super) status: String,
    #[serde(default)]
    reference: Option<String>,
    #[serde(default)]
    pub(super) merchant_reference: Option<String>,
    #[serde(default)]
    amount: Value,
    #[serde(default)]
    currency: Value,
    #[serde(default)]
    pub(super) currency_id: Option<i64>,
    #[serde(default)]
    approved_at: Option<String>,
    #[serde(default)]
    transferred_at: Option<String>,
    #[serde(default)]
    declined_at: Option<String>,
    #[serde(default)]
    canceled_at: Option<String>,
    #[serde(default)]
    refunded_at: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
}

impl Transaction {
    /// FedaPay wraps a resource in its own name, slash included.
    pub(super) fn read(answer: &Answer) -> Result<Self, ProviderError> {
        #[derive(Deserialize)]
        struct Wrapped {
            #[serde(rename = "v1/transaction")]
            transaction: Transaction,
        }
        crate::payments::call::decode::<Wrapped>(answer).map(|wrapped| wrapped.transaction)
    }

    /// The same, unless it names another payment than the one that was asked about.
    pub(super) fn about(self, asked: PaymentId) -> Result<Self, ProviderError> {
        let other = |text: &str| words::payment_id(text) != Some(asked);
        if self.merchant_reference.as_deref().is_some_and(other) {
            Err(ProviderError::Unknown("the answer is about another payment".to_owned()))
        } else {
            Ok(self)
        }
    }

    /// The currency, where the transaction itself says it.
    pub(super) fn currency(&self) -> Option<Currency> {
        self.currency.get("iso")?.as_str()?.parse().ok()
    }

    /// Everything that is claimed, dated by FedaPay where it says when, else by `otherwise`. A status that nobody here knows claims
    /// nothing: the payment stays pending.
    pub(super) fn statements(
        &self,
        currency: Option<Currency>,
        otherwise: Option<Instant>,
    ) -> Option<Vec<Statement>> {
        let paid = || instant(&[&self.approved_at, &self.transferred_at, &self.updated_at]).or(otherwise);
        let amount = self.amount.as_i64().zip(currency).map(|(minor, currency)| Money::new(minor, currency));
        let failed = |reason: &str| Claim::Failed { reason: reason.to_owned() };
        let claims = match self.status.as_str() {
            "approved" | "transferred" => vec![(paid()?, Claim::Succeeded, amount)],
            "approved_partially_refunded" | "transferred_partially_refunded" => {
                warn!(
                    provider.code = CODE,
                    provider.reference = self.id,
                    "FedaPay has sent a part of a payment back without saying how much: record the refund by hand"
                );
                vec![(paid()?, Claim::Succeeded, amount)]
            }
            "refunded" => {
                let at = instant(&[&self.refunded_at, &self.updated_at]).or(otherwise)?;
                vec![(paid()?, Claim::Succeeded, amount), (at, Claim::Refunded, amount)]
            }
            "declined" => {
                let at = instant(&[&self.declined_at, &self.updated_at]).or(otherwise)?;
                vec![(at, failed("declined"), None)]
            }
            "canceled" => {
                let at = instant(&[&self.canceled_at, &self.updated_at]).or(otherwise)?;
                vec![(at, failed("canceled"), None)]
            }
            "expired" => vec![(instant(&[&self.updated_at]).or(otherwise)?, Claim::Expired, None)],
            _ => Vec::new(),
        };
        let transaction = self.reference.clone().filter(|text| is_reference(text));
        let stated = |(at, claim, amount)| {
            let reference = Some(self.id.to_string());
            Statement::new(at, claim).of(amount).named(reference).moved_by(transaction.clone())
        };
        Some(claims.into_iter().map(stated).collect())
    }
}

/// The first of these that is there and can be read.
fn instant(candidates: &[&Option<String>]) -> Option<Instant> {
    let read = |text: &String| OffsetDateTime::parse(text, &Rfc3339).ok();
    candidates.iter().find_map(|text| text.as_ref().and_then(read))
}

/// The currency behind FedaPay's own number for it.
#[derive(Deserialize)]
pub(super) struct CurrencyAnswer {
    #[serde(rename = "v1/currency")]
    pub(super) currency: CurrencyWords,
}

#[derive(Deserialize)]
pub(super) struct CurrencyWords {
    pub(super) id: i64,
    pub(super) iso: String,
}

/// The page where a transaction is paid.
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    pub(super) url: String,
}

/// Whether FedaPay itself said no: its refusals carry a message.
pub(super) fn is_own(answer: &Answer) -> bool {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    body.is_some_and(|body| body.get("message").is_some_and(Value::is_string))
}

/// What an answer other than the awaited one says. Its texts are for people and may hold anything: only the status is repeated.
pub(super) fn refusal(answer: &Answer) -> ProviderError {
    let said = format!("status {}", answer.status);
    match answer.status {
        401 | 403 => {
            error!(provider.code = CODE, "FedaPay refuses our key: compare secret_key, and its mode");
            ProviderError::Unavailable(said)
        }
        409 | 429 => ProviderError::Unavailable(said),
        503 if answer.retry_after.is_some() => ProviderError::Unavailable(said),
        400 | 422 if is_own(answer) => ProviderError::Refused(said),
        _ => ProviderError::Unknown(said),
    }
}
