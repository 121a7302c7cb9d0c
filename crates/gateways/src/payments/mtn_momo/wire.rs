//! MTN's JSON, and what it means in our words.

use domain::ids::PaymentId;
use domain::money::Money;
use domain::payment::{Claim, Statement};
use domain::time::Instant;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::error;

use super::CODE;
use crate::http::Answer;
use crate::payments::words::{self, failure_reason, is_reference, is_word};
use crate::payments::{NotificationError, Order, PhoneNumber, ProviderError, Refund, RefundState, View};

/// The longest message to a payer, in characters.
const MAX_MESSAGE: usize = 160;

/// What repeating cannot change. MTN sends most of these as a 500.
const REFUSALS: [&str; 11] = [
    "PAYER_NOT_FOUND",
    "PAYEE_NOT_FOUND",
    "PAYEE_NOT_ALLOWED_TO_RECEIVE",
    "NOT_ALLOWED",
    "NOT_ALLOWED_TARGET_ENVIRONMENT",
    "INVALID_CALLBACK_URL_HOST",
    "INVALID_CURRENCY",
    "NOT_ENOUGH_FUNDS",
    "PAYER_LIMIT_REACHED",
    "APPROVAL_REJECTED",
    "EXPIRED",
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PayRequest<'a> {
    amount: String,
    currency: &'static str,
    external_id: PaymentId,
    payer: Party<'a>,
    payer_message: String,
    payee_note: PaymentId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Party<'a> {
    party_id_type: &'static str,
    party_id: &'a str,
}

impl<'a> PayRequest<'a> {
    pub(super) fn of(order: &Order, phone: &'a PhoneNumber) -> Self {
        Self {
            amount: order.amount.decimal(),
            currency: order.amount.currency.code(),
            external_id: order.payment_id,
            payer: Party { party_id_type: "MSISDN", party_id: phone.as_e164().trim_start_matches('+') },
            payer_message: order.description.chars().take(MAX_MESSAGE).collect(),
            payee_note: order.payment_id,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefundRequest {
    amount: String,
    currency: &'static str,
    external_id: String,
    payer_message: String,
    payee_note: PaymentId,
    reference_id_to_refund: String,
}

impl RefundRequest {
    pub(super) fn of(payment: PaymentId, refund: &Refund, reference_id_to_refund: String) -> Self {
        Self {
            amount: refund.amount.decimal(),
            currency: refund.amount.currency.code(),
            external_id: refund.id.to_string(),
            payer_message: format!("Refund {payment}"),
            payee_note: payment,
            reference_id_to_refund,
        }
    }
}

/// MTN's own view of a request to pay or of a refund.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusAnswer {
    status: String,
    #[serde(default)]
    amount: Value,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    financial_transaction_id: Value,
    #[serde(default)]
    reason: Value,
}

impl StatusAnswer {
    /// The answer, if it is about the payment that was asked about.
    pub(super) fn about(self, asked: PaymentId) -> Result<Self, ProviderError> {
        if self.external_id.as_deref().and_then(words::payment_id) == Some(asked) {
            Ok(self)
        } else {
            Err(ProviderError::Unknown("the answer is about another payment".to_owned()))
        }
    }

    /// MTN tells no instant: what it says is true as of now. A status that nobody here knows claims nothing.
    pub(super) fn into_view(self, reference: String, wall: Instant) -> View {
        let claim = match self.status.as_str() {
            "SUCCESSFUL" => Some(Claim::Succeeded),
            "FAILED" => Some(Claim::Failed { reason: self.reason() }),
            _ => None,
        };
        let reference = Some(reference);
        let statements = claim.map(|claim| {
            let amount = if claim == Claim::Succeeded { self.money() } else { None };
            let transaction = text(&self.financial_transaction_id).filter(|text| is_reference(text));
            Statement::new(wall, claim).of(amount).named(reference.clone()).moved_by(transaction)
        });
        View::known(reference, statements.into_iter().collect())
    }

    pub(super) fn refund_state(&self) -> RefundState {
        match self.status.as_str() {
            "SUCCESSFUL" => RefundState::Succeeded,
            "FAILED" => RefundState::Failed(self.reason()),
            _ => RefundState::Pending,
        }
    }

    fn money(&self) -> Option<Money> {
        Money::parse_decimal(&text(&self.amount)?, self.currency.as_deref()?.parse().ok()?)
    }

    /// A word, or a word within an object.
    fn reason(&self) -> String {
        failure_reason(self.reason.get("code").unwrap_or(&self.reason).as_str())
    }
}

/// MTN sends numbers as texts; both are read.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// MTN's code in the body of a refusal. `None` for anything that MTN's own service would not answer.
pub(super) fn code(answer: &Answer) -> Option<String> {
    #[derive(Deserialize)]
    struct Problem {
        code: String,
    }
    let problem: Problem = serde_json::from_slice(&answer.body).ok()?;
    Some(problem.code).filter(|code| is_word(code))
}

/// What an answer other than the awaited one says.
pub(super) fn refusal(answer: &Answer) -> ProviderError {
    let code = code(answer);
    let said = code.clone().unwrap_or_else(|| format!("status {}", answer.status));
    let known = code.as_deref().is_some_and(|code| REFUSALS.contains(&code));
    match answer.status {
        400..=599 if known => ProviderError::Refused(said),
        401 | 403 => {
            error!(
                provider.code = CODE,
                provider.said = said,
                "MTN refuses our credentials: compare the API user, its key and the subscription key"
            );
            ProviderError::Unavailable(said)
        }
        409 | 429 => ProviderError::Unavailable(said),
        503 if answer.retry_after.is_some() => ProviderError::Unavailable(said),
        // A 4xx in MTN's own words is a no; anybody else's page in between proves nothing.
        400 | 422 if code.is_some() => ProviderError::Refused(said),
        _ => ProviderError::Unknown(said),
    }
}

/// Which payment a callback names. Nothing else of it is looked at: anybody could have sent it.
pub(super) fn named_payment(body: &[u8]) -> Result<PaymentId, NotificationError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        external_id: String,
    }
    let malformed = |what: &str| NotificationError::Malformed(what.to_owned());
    let named: Named = serde_json::from_slice(body).map_err(|_| malformed("not a callback of MTN"))?;
    words::payment_id(&named.external_id).ok_or_else(|| malformed("it names no payment in our form"))
}
