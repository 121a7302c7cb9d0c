//! `/api/admin/payments/{id}`: "where is my money" for staff; and `/api/admin/refunds`.

use application::billing::{MailView, MovementView, PaymentTrace, RefundFilter, StaffRefundView, Step};
use axum::extract::State;
use domain::ids::{PaymentId, RefundId, UserId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::moment::{Moment, instants};
use super::payments::{RefundResponse, StaffPaymentResponse};
use super::review::{CaseResponse, EventResponse};
use super::{next_page, page_limit};
use crate::extract::{Caller, IdPath, Query};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// A step on the way of the money.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffStepBody {
    /// `created`, `asked`, `accepted`, `settled` (by the provider's clock), `recorded` (by ours), `extended`, `invited` or
    /// `joined`.
    name: &'static str,
    /// Null if it was not reached.
    #[serde(with = "time::serde::rfc3339::option")]
    at: Option<OffsetDateTime>,
}

/// Money that moved after it had come.
#[derive(Serialize, ToSchema)]
pub(crate) struct MovementBody {
    /// `refund`, `dispute_lost` or `dispute_won`.
    kind: String,
    /// Minor units of the payment's currency; negative where money left.
    amount: i64,
    /// When we learned of it.
    #[serde(with = "time::serde::rfc3339")]
    booked_at: OffsetDateTime,
    /// When it happened, by the provider's clock.
    #[serde(with = "time::serde::rfc3339")]
    value_at: OffsetDateTime,
}

/// A message about the payment.
#[derive(Serialize, ToSchema)]
pub(crate) struct PaymentMailBody {
    /// Such as `payment_confirmed`.
    kind: String,
    #[serde(with = "time::serde::rfc3339")]
    owed_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    sent_at: Option<OffsetDateTime>,
    /// Why it can never arrive.
    given_up_for: Option<String>,
}

/// Everything that is known of one payment.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffPaymentDetail {
    #[serde(flatten)]
    payment: StaffPaymentResponse,
    steps: Vec<StaffStepBody>,
    movements: Vec<MovementBody>,
    /// Those that were asked for here.
    refunds: Vec<RefundResponse>,
    /// Callbacks that named it, the newest first.
    webhook_events: Vec<EventResponse>,
    /// Contradictions, the newest first.
    quarantine: Vec<CaseResponse>,
    mails: Vec<PaymentMailBody>,
}

/// Which refunds.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RefundsQuery {
    /// Only those that are `requested`, `sent`, `pending`, `succeeded` or `failed`.
    state: Option<String>,
    /// Only those through this provider.
    provider: Option<String>,
    /// Only those of this payment.
    payment_id: Option<Uuid>,
    /// Only those to this user.
    user_id: Option<Uuid>,
    /// Only those that were asked for then or later: an instant, or a day.
    #[param(value_type = Option<String>)]
    from: Option<Moment>,
    /// Only those that were asked for before: an instant, or a day.
    #[param(value_type = Option<String>)]
    to: Option<Moment>,
    /// So many at most, up to 100.
    limit: Option<i64>,
    /// From the page before.
    cursor: Option<Uuid>,
}

/// A refund with whose it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffRefundResponse {
    #[serde(flatten)]
    refund: RefundResponse,
    user_id: Uuid,
    provider: String,
    reason: String,
    requested_by: Uuid,
}

/// A page of refunds.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffRefundsResponse {
    items: Vec<StaffRefundResponse>,
    next_cursor: Option<Uuid>,
}

impl From<PaymentTrace> for StaffPaymentDetail {
    fn from(trace: PaymentTrace) -> Self {
        let step = |step: Step| StaffStepBody { name: step.name, at: step.at };
        let movement = |movement: MovementView| MovementBody {
            kind: movement.kind,
            amount: movement.amount_minor,
            booked_at: movement.booked_at,
            value_at: movement.value_at,
        };
        let mail = |mail: MailView| PaymentMailBody {
            kind: mail.kind,
            owed_at: mail.owed_at,
            sent_at: mail.sent_at,
            given_up_for: mail.given_up_for,
        };
        Self {
            payment: trace.payment.into(),
            steps: trace.steps.into_iter().map(step).collect(),
            movements: trace.movements.into_iter().map(movement).collect(),
            refunds: trace.refunds.into_iter().map(Into::into).collect(),
            webhook_events: trace.events.into_iter().map(Into::into).collect(),
            quarantine: trace.cases.into_iter().map(Into::into).collect(),
            mails: trace.mails.into_iter().map(mail).collect(),
        }
    }
}

impl From<StaffRefundView> for StaffRefundResponse {
    fn from(view: StaffRefundView) -> Self {
        Self {
            refund: view.refund.into(),
            user_id: view.user.uuid(),
            provider: view.provider,
            reason: view.reason,
            requested_by: view.requested_by.uuid(),
        }
    }
}

/// Everything that is known of one payment: where the money is, what was told of it, and who was told.
#[utoipa::path(get, path = "/api/admin/payments/{id}", tag = "admin", params(("id" = Uuid, Path)), responses(
    (status = 200, body = StaffPaymentDetail),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn payment(
    State(state): State<WebState>,
    _: Caller,
    IdPath(id): IdPath<PaymentId>,
) -> Result<axum::Json<StaffPaymentDetail>, Problem> {
    let trace = state.app.trace_payment(id).await?.ok_or(Problem::not_found())?;
    Ok(axum::Json(trace.into()))
}

/// Refunds, the newest first.
#[utoipa::path(get, path = "/api/admin/refunds", tag = "admin", params(RefundsQuery), responses(
    (status = 200, body = StaffRefundsResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn refunds(
    State(state): State<WebState>,
    _: Caller,
    Query(query): Query<RefundsQuery>,
) -> Result<axum::Json<StaffRefundsResponse>, Problem> {
    let (limit, kept) = page_limit(query.limit)?;
    let (from, to) = instants(query.from, query.to);
    let filter = RefundFilter {
        state: query.state,
        provider: query.provider,
        payment: query.payment_id.map(PaymentId::from_uuid),
        user: query.user_id.map(UserId::from_uuid),
        from,
        to,
    };
    let cursor = query.cursor.map(RefundId::from_uuid);
    let mut refunds = state.app.all_refunds(&filter, cursor, limit + 1).await?;
    let next_cursor = next_page(&mut refunds, kept, |view| view.refund.id.uuid());
    let items = refunds.into_iter().map(Into::into).collect();
    Ok(axum::Json(StaffRefundsResponse { items, next_cursor }))
}
