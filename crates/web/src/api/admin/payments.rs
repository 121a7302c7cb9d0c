//! `/api/admin/payments`: everybody's payments, sending money back, confirming transfers.

use std::str::FromStr;

use application::billing::{
    Confirmation, IdempotencyKey, PaymentFilter, RefundRequest, RefundView, StaffPaymentView,
};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::ids::{PaymentId, UserId};
use domain::money::{Currency, Money};
use domain::payment::Status;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::moment::{Moment, instants};
use super::{known, next_page, page_limit};
use crate::api::payments::{PaymentResponse, idempotency_key};
use crate::extract::{Caller, Confirmed, IdPath, Query};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// What a payment can be (`domain::payment::Status`).
const STATUSES: [&str; 8] = [
    Status::Pending.as_str(),
    Status::Succeeded.as_str(),
    Status::Failed.as_str(),
    Status::Expired.as_str(),
    Status::Refunded.as_str(),
    Status::PartiallyRefunded.as_str(),
    Status::Disputed.as_str(),
    Status::ChargedBack.as_str(),
];
/// The longest reason, in characters.
const MAX_REASON: usize = 500;
/// The longest name of a transfer, in characters.
const MAX_TRANSACTION: usize = 128;

/// Which payments.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PaymentsQuery {
    /// Only those of this status.
    status: Option<String>,
    /// Only those through this provider.
    provider: Option<String>,
    /// Only those of this user.
    user_id: Option<Uuid>,
    /// Only those of exactly this amount, in minor units.
    amount: Option<i64>,
    /// Only those in this currency.
    currency: Option<String>,
    /// Only those that the provider, or the bank, calls so.
    reference: Option<String>,
    /// Only those that were opened then or later: an instant, or a day.
    #[param(value_type = Option<String>)]
    from: Option<Moment>,
    /// Only those that were opened before: an instant, or a day.
    #[param(value_type = Option<String>)]
    to: Option<Moment>,
    /// So many at most, up to 100.
    limit: Option<i64>,
    /// From the page before.
    cursor: Option<Uuid>,
}

/// A payment as staff see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffPaymentResponse {
    #[serde(flatten)]
    payment: PaymentResponse,
    user_id: Uuid,
    /// The provider's own name for the payment.
    provider_reference: Option<String>,
    /// The provider's own name for the movement of the money.
    transaction: Option<String>,
}

/// A page of payments.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffPaymentsResponse {
    items: Vec<StaffPaymentResponse>,
    next_cursor: Option<Uuid>,
}

/// Money that goes back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefundBody {
    /// Minor units of the payment's currency; all that is left if absent.
    #[schema(minimum = 1, example = 5999)]
    amount: Option<i64>,
    /// Kept; never shown to the payer.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// Instead of the `Idempotency-Key` header: exactly one of the two.
    #[schema(max_length = 255)]
    idempotency_key: Option<String>,
}

/// A refund.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefundResponse {
    id: Uuid,
    payment_id: Uuid,
    /// Minor units.
    amount: i64,
    currency: &'static str,
    /// `requested`, `sent` (its outcome is unknown), `pending`, `succeeded` or `failed`.
    state: String,
    /// Why it failed, in the provider's word.
    failure_reason: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
}

/// A transfer that came.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmBody {
    /// Its name at the bank or on the chain; each confirms one payment only.
    #[schema(min_length = 1, max_length = 128)]
    transaction: String,
    /// What came, in minor units.
    #[schema(minimum = 1)]
    amount: i64,
    #[schema(example = "EUR")]
    currency: String,
    /// When it came; now if absent.
    #[serde(default, with = "time::serde::rfc3339::option")]
    received_at: Option<OffsetDateTime>,
    /// Where it was seen: a statement, a block explorer.
    #[schema(min_length = 1, max_length = 500)]
    proof: String,
}

impl From<StaffPaymentView> for StaffPaymentResponse {
    fn from(view: StaffPaymentView) -> Self {
        Self {
            payment: view.payment.into(),
            user_id: view.user.uuid(),
            provider_reference: view.reference,
            transaction: view.transaction,
        }
    }
}

impl From<RefundView> for RefundResponse {
    fn from(view: RefundView) -> Self {
        Self {
            id: view.id.uuid(),
            payment_id: view.payment.uuid(),
            amount: view.amount.minor,
            currency: view.amount.currency.code(),
            state: view.state,
            failure_reason: view.failure_reason,
            created_at: view.created_at,
            finished_at: view.finished_at,
        }
    }
}

/// Payments, the newest first.
#[utoipa::path(get, path = "/api/admin/payments", tag = "admin", params(PaymentsQuery), responses(
    (status = 200, body = StaffPaymentsResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(state): State<WebState>,
    _: Caller,
    Query(query): Query<PaymentsQuery>,
) -> Result<axum::Json<StaffPaymentsResponse>, Problem> {
    let (limit, kept) = page_limit(query.limit)?;
    let (from, to) = instants(query.from, query.to);
    let currency = query.currency.as_deref().map(Currency::from_str).transpose();
    let filter = PaymentFilter {
        status: known("/status", query.status, &STATUSES)?,
        provider: query.provider,
        user: query.user_id.map(UserId::from_uuid),
        amount_minor: query.amount,
        currency: currency.map_err(|_| Problem::field("/currency", "not_allowed"))?,
        reference: query.reference,
        from,
        to,
    };
    let cursor = query.cursor.map(PaymentId::from_uuid);
    let mut payments = state.app.all_payments(&filter, cursor, limit + 1).await?;
    let next_cursor = next_page(&mut payments, kept, |last| last.payment.id.uuid());
    let items = payments.into_iter().map(Into::into).collect();
    Ok(axum::Json(StaffPaymentsResponse { items, next_cursor }))
}

/// Sends money back, once per idempotency key: all that is left, or a part. 202: the provider is being asked.
#[utoipa::path(post, path = "/api/admin/payments/{id}/refund", tag = "admin", request_body = RefundBody,
    params(("id" = Uuid, Path),
           ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters, once: here or in the body")),
    responses(
    (status = 200, body = RefundResponse, description = "Known already under this key"),
    (status = 202, body = RefundResponse, description = "Asked for"),
    (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn refund(
    State(state): State<WebState>,
    IdPath(payment): IdPath<PaymentId>,
    headers: HeaderMap,
    Confirmed { person, body }: Confirmed<RefundBody>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, body.idempotency_key)?;
    let key = key
        .parse::<IdempotencyKey>()
        .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "idempotency_key_too_long"))?;
    if body.amount.is_some_and(|amount| amount <= 0) {
        return Err(Problem::field("/amount", "out_of_range"));
    }
    let reason = bounded("/reason", &body.reason, MAX_REASON)?;
    let request = RefundRequest { by: person.user, key, payment, amount: body.amount, reason };
    let (refund, fresh) = state.app.request_refund(&person.context, &request).await?;
    let status = if fresh { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, axum::Json(RefundResponse::from(refund))).into_response())
}

/// Confirms that the money of a bank transfer or a crypto address came. What differs from the quote is kept as a case: 409.
#[utoipa::path(post, path = "/api/admin/payments/{id}/confirm", tag = "admin", request_body = ConfirmBody,
    params(("id" = Uuid, Path)), responses(
    (status = 204, description = "The payment is settled"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn confirm(
    State(state): State<WebState>,
    IdPath(payment): IdPath<PaymentId>,
    Confirmed { person, body }: Confirmed<ConfirmBody>,
) -> Result<StatusCode, Problem> {
    let currency =
        Currency::from_str(&body.currency).map_err(|_| Problem::field("/currency", "not_allowed"))?;
    if body.amount <= 0 {
        return Err(Problem::field("/amount", "out_of_range"));
    }
    let confirmation = Confirmation {
        payment,
        transaction: bounded("/transaction", &body.transaction, MAX_TRANSACTION)?,
        amount: Money::new(body.amount, currency),
        received_at: body.received_at,
        proof: bounded("/proof", &body.proof, MAX_REASON)?,
    };
    state.app.confirm_payment(&person.context, &confirmation).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A text that is kept: trimmed, not empty, without control characters, not too long.
pub(super) fn bounded(pointer: &str, text: &str, most: usize) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() {
        Err(Problem::field(pointer, "required"))
    } else if text.chars().count() > most {
        Err(Problem::field(pointer, "too_long"))
    } else if text.chars().any(char::is_control) {
        Err(Problem::field(pointer, "not_allowed"))
    } else {
        Ok(text.to_owned())
    }
}
