//! `/api/billing/payments`: opening a payment, and where the money is.

use std::str::FromStr;

use application::billing::{IdempotencyKey, InitRequest, PaymentView, Step};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::ids::{PaymentId, PaymentMethodId};
use domain::money::Currency;
use domain::plan::PlanCode;
use gateways::payments::{Instructions, PhoneNumber};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::card_number::looks_like_card_number;
use crate::extract::{Caller, IdPath, Json};
use crate::middleware::limits::counted;
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

const KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The longest page of a list (SEC-52).
const MAX_LIMIT: i64 = 100;
const DEFAULT_LIMIT: i64 = 20;

/// What to buy, through whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InitBody {
    #[schema(example = "signaux-monthly")]
    plan_code: String,
    #[schema(example = "hmac_psp")]
    provider: String,
    /// Needed where several prices fit.
    #[schema(example = "EUR")]
    currency: Option<String>,
    /// Instead of the `Idempotency-Key` header: exactly one of the two.
    #[schema(max_length = 255)]
    idempotency_key: Option<String>,
    /// A stored payment method of this provider.
    payment_method_id: Option<Uuid>,
    /// The payer's telephone in the international form, for providers that prompt there.
    #[schema(example = "+22997808080")]
    phone_number: Option<String>,
    /// Have the provider remember this way to pay, where it can.
    #[serde(default)]
    remember: bool,
}

/// A payment.
#[derive(Serialize, ToSchema)]
pub(crate) struct PaymentResponse {
    id: Uuid,
    /// `pending`, `succeeded`, `failed`, `expired`, `refunded`, `partially_refunded`, `disputed` or `charged_back`.
    #[schema(example = "pending")]
    status: &'static str,
    /// `created`, `sent` (the provider's answer is unknown) or `awaiting`.
    #[schema(example = "awaiting")]
    phase: &'static str,
    plan_code: String,
    provider: String,
    /// Minor units.
    #[schema(example = 5999)]
    amount: i64,
    #[schema(example = "EUR")]
    currency: &'static str,
    /// Where to pay, while it can be paid.
    checkout_url: Option<String>,
    /// What to do instead, for ways to pay without a page: `kind` is `bank_transfer`, `crypto_address` or `phone_prompt`.
    #[schema(value_type = Option<Object>)]
    instructions: Option<Instructions>,
    /// `test` (play money) or `live`.
    #[schema(example = "live")]
    mode: &'static str,
    /// Until when the quote holds.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When the provider saw the money.
    #[serde(with = "time::serde::rfc3339::option")]
    settled_at: Option<OffsetDateTime>,
    /// How much went back, in minor units.
    refunded_amount: i64,
    /// The money came after the payment had failed or expired.
    late: bool,
    /// What the provider says contradicts the quote; the operator is looking at it.
    under_review: bool,
    /// Why it failed, in the provider's word.
    failure_reason: Option<String>,
}

/// A payment with its way: "where is my money".
#[derive(Serialize, ToSchema)]
pub(crate) struct PaymentDetail {
    #[serde(flatten)]
    payment: PaymentResponse,
    steps: Vec<StepBody>,
}

/// One step on the way of the money.
#[derive(Serialize, ToSchema)]
pub(crate) struct StepBody {
    /// `created`, `accepted`, `settled`, `extended` or `access`.
    name: &'static str,
    /// When it was reached; null as long as it was not.
    #[serde(with = "time::serde::rfc3339::option")]
    at: Option<OffsetDateTime>,
}

/// A page of payments, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct PaymentsResponse {
    items: Vec<PaymentResponse>,
    /// For the next page; null on the last.
    next_cursor: Option<String>,
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// 1 to 100, 20 if absent.
    limit: Option<i64>,
    /// From the page before.
    cursor: Option<String>,
}

impl From<PaymentView> for PaymentResponse {
    fn from(view: PaymentView) -> Self {
        Self {
            id: view.id.uuid(),
            status: view.status.as_str(),
            phase: view.phase.as_str(),
            plan_code: view.plan_code.to_string(),
            provider: view.provider,
            amount: view.amount.minor,
            currency: view.amount.currency.code(),
            checkout_url: view.checkout_url,
            instructions: view.instructions,
            mode: view.mode.as_str(),
            expires_at: view.expires_at,
            created_at: view.created_at,
            settled_at: view.settled_at,
            refunded_amount: view.refunded_minor,
            late: view.late,
            under_review: view.under_review,
            failure_reason: view.failure_reason,
        }
    }
}

impl From<Step> for StepBody {
    fn from(step: Step) -> Self {
        Self { name: step.name, at: step.at }
    }
}

/// Opens a payment, once per idempotency key. The same key with the same body answers as before, with
/// `Idempotency-Replayed: true`.
#[utoipa::path(post, path = "/api/billing/payments/init", tag = "billing",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters, once: here or in the body")),
    request_body = InitBody,
    responses(
        (status = 200, body = PaymentResponse, description = "Another key had opened this payment, and it is still open"),
        (status = 201, body = PaymentResponse, description = "Opened; with `phase: sent` and `Retry-After` where the provider's answer is unknown"),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json", description = "Purchases pause (`purchases_paused`), or the service is away; with `Retry-After`"),
    ))]
pub(crate) async fn init(
    State(state): State<WebState>,
    caller: Caller,
    headers: HeaderMap,
    Json(body): Json<InitBody>,
) -> Result<Response, Problem> {
    state.limits.init_user.take(caller.user).await?;
    if let Some(address) = caller.context.address {
        state.limits.init_address.take(counted(address)).await?;
    }
    let request = init_request(&caller, &headers, body)?;
    let answer = state.app.init_payment(&caller.context, &request).await?;
    let status = StatusCode::from_u16(answer.code).unwrap_or(StatusCode::CREATED);
    let mut response = (status, axum::Json(PaymentResponse::from(answer.payment))).into_response();
    if answer.replayed {
        response.headers_mut().insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
    }
    if let Some(seconds) = answer.retry_after_seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

fn init_request(caller: &Caller, headers: &HeaderMap, body: InitBody) -> Result<InitRequest, Problem> {
    let key = idempotency_key(headers, body.idempotency_key)?;
    let free_text = [key.as_str(), &body.plan_code, &body.provider];
    if free_text.into_iter().any(looks_like_card_number) {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "card_number_refused"));
    }
    let unknown_plan = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "plan_unknown");
    let phone = body.phone_number.as_deref().map(PhoneNumber::from_str).transpose();
    let currency = body.currency.as_deref().map(Currency::from_str).transpose();
    Ok(InitRequest {
        user: caller.user,
        key: key
            .parse::<IdempotencyKey>()
            .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "idempotency_key_too_long"))?,
        plan_code: PlanCode::from_str(&body.plan_code).map_err(|_| unknown_plan)?,
        provider: body.provider,
        currency: currency.map_err(|_| Problem::field("/currency", "not_allowed"))?,
        phone: phone.map_err(|_| Problem::field("/phone_number", "phone_number"))?,
        method: body.payment_method_id.map(PaymentMethodId::from_uuid),
        remember: body.remember,
    })
}

/// Exactly one, in the header or in the body.
pub(super) fn idempotency_key(headers: &HeaderMap, in_body: Option<String>) -> Result<String, Problem> {
    let missing = || Problem::new(StatusCode::BAD_REQUEST, "idempotency_key_missing");
    let mut in_header = headers.get_all(KEY_HEADER).iter();
    match (in_header.next(), in_header.next(), in_body) {
        (Some(key), None, None) => {
            key.to_str().map(ToOwned::to_owned).map_err(|_| missing()).and_then(not_empty)
        }
        (None, None, Some(key)) => not_empty(key),
        _ => Err(missing()),
    }
}

fn not_empty(key: String) -> Result<String, Problem> {
    if key.is_empty() {
        Err(Problem::new(StatusCode::BAD_REQUEST, "idempotency_key_missing"))
    } else {
        Ok(key)
    }
}

/// The caller's payments, newest first.
#[utoipa::path(get, path = "/api/billing/payments", tag = "billing", params(PageQuery), responses(
    (status = 200, body = PaymentsResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(state): State<WebState>,
    caller: Caller,
    query: Result<Query<PageQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<axum::Json<PaymentsResponse>, Problem> {
    let Query(query) = query.map_err(|_| Problem::of_status(StatusCode::UNPROCESSABLE_ENTITY))?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::field("/limit", "out_of_range"));
    }
    let cursor = query.cursor.as_deref().map(PaymentId::from_str).transpose();
    let cursor = cursor.map_err(|_| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "cursor_invalid"))?;
    // One more than asked for tells whether there is a next page.
    let mut payments = state.app.payments(caller.user, cursor, limit + 1).await?;
    let more = payments.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    payments.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor = payments.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(axum::Json(PaymentsResponse { items: payments.into_iter().map(Into::into).collect(), next_cursor }))
}

/// A payment of the caller, with each step of its money.
#[utoipa::path(get, path = "/api/billing/payments/{id}", tag = "billing",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = PaymentDetail),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn get(
    State(state): State<WebState>,
    caller: Caller,
    IdPath(id): IdPath<PaymentId>,
) -> Result<axum::Json<PaymentDetail>, Problem> {
    let payment = state.app.payment(caller.user, id).await?.ok_or(Problem::not_found())?;
    let steps = state.app.payment_steps(caller.user, id).await?;
    Ok(axum::Json(PaymentDetail {
        payment: payment.into(),
        steps: steps.into_iter().map(Into::into).collect(),
    }))
}
