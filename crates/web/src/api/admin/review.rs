//! `/api/admin/quarantine` and `/api/admin/webhook-events`: what contradicts, what callbacks told, and deciding about it.

use application::billing::{CaseView, EventFilter, EventView};
use axum::extract::State;
use axum::http::StatusCode;
use domain::ids::{QuarantineId, WebhookEventId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::moment::{Moment, instants};
use super::payments::bounded;
use super::users::ReasonBody;
use super::{known, next_page, page_limit};
use crate::extract::{Caller, Confirmed, IdPath, Query};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// What can come of a callback.
const OUTCOMES: [&str; 5] = ["applied", "already_applied", "ignored", "hinted", "quarantined"];

/// The longest reason, in characters.
const MAX_REASON: usize = 500;

/// Which cases.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CasesQuery {
    /// Decided ones too.
    #[serde(default)]
    all: bool,
    /// So many at most, up to 100.
    limit: Option<i64>,
    /// From the page before.
    cursor: Option<Uuid>,
}

/// A contradiction.
#[derive(Serialize, ToSchema)]
pub(crate) struct CaseResponse {
    id: Uuid,
    provider: String,
    payment_id: Option<Uuid>,
    webhook_event_id: Option<Uuid>,
    /// Such as `amount_mismatch`, `currency_mismatch`, `mode_mismatch`, `paid_twice` or `unknown_payment`.
    code: String,
    /// The same in a sentence.
    why: String,
    /// What was stated.
    #[schema(value_type = Object)]
    stated: Value,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// `accepted`, `rejected` or `replayed`; null while it waits.
    resolution: Option<String>,
    resolution_reason: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    resolved_at: Option<OffsetDateTime>,
}

/// A page of cases.
#[derive(Serialize, ToSchema)]
pub(crate) struct CasesResponse {
    items: Vec<CaseResponse>,
    next_cursor: Option<Uuid>,
}

/// Which events.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Only those of this provider.
    provider: Option<String>,
    /// Only those that came to this: `applied`, `already_applied`, `ignored`, `hinted` or `quarantined`.
    outcome: Option<String>,
    /// Only those about this payment.
    payment_id: Option<Uuid>,
    /// Only those that came then or later: an instant, or a day.
    #[param(value_type = Option<String>)]
    from: Option<Moment>,
    /// Only those that came before: an instant, or a day.
    #[param(value_type = Option<String>)]
    to: Option<Moment>,
    /// So many at most, up to 100.
    limit: Option<i64>,
    /// From the page before.
    cursor: Option<Uuid>,
}

/// A kept callback.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventResponse {
    id: Uuid,
    provider: String,
    /// The provider's identifier.
    event_id: String,
    /// The provider's word for what happened.
    event_type: String,
    payment_id: Option<Uuid>,
    outcome: String,
    /// Why it was quarantined.
    reason: Option<String>,
    /// How often it was processed.
    attempts: i32,
    #[serde(with = "time::serde::rfc3339")]
    received_at: OffsetDateTime,
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventsResponse {
    items: Vec<EventResponse>,
    next_cursor: Option<Uuid>,
}

/// What came of processing an event again.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplayResponse {
    outcome: String,
}

impl From<CaseView> for CaseResponse {
    fn from(view: CaseView) -> Self {
        Self {
            id: view.id.uuid(),
            provider: view.provider,
            payment_id: view.payment.map(domain::ids::PaymentId::uuid),
            webhook_event_id: view.event.map(WebhookEventId::uuid),
            code: view.code,
            why: view.why,
            stated: view.stated,
            created_at: view.created_at,
            resolution: view.resolution,
            resolution_reason: view.resolution_reason,
            resolved_at: view.resolved_at,
        }
    }
}

impl From<EventView> for EventResponse {
    fn from(view: EventView) -> Self {
        Self {
            id: view.id.uuid(),
            provider: view.provider,
            event_id: view.event_id,
            event_type: view.event_type,
            payment_id: view.payment.map(domain::ids::PaymentId::uuid),
            outcome: view.outcome,
            reason: view.reason,
            attempts: view.attempts,
            received_at: view.received_at,
        }
    }
}

/// What contradicts a quote, the newest first: what waits for a decision, or all.
#[utoipa::path(get, path = "/api/admin/quarantine", tag = "admin", params(CasesQuery), responses(
    (status = 200, body = CasesResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn cases(
    State(state): State<WebState>,
    _: Caller,
    Query(query): Query<CasesQuery>,
) -> Result<axum::Json<CasesResponse>, Problem> {
    let (limit, kept) = page_limit(query.limit)?;
    let cursor = query.cursor.map(QuarantineId::from_uuid);
    let mut cases = state.app.quarantine(!query.all, cursor, limit + 1).await?;
    let next_cursor = next_page(&mut cases, kept, |last| last.id.uuid());
    Ok(axum::Json(CasesResponse { items: cases.into_iter().map(Into::into).collect(), next_cursor }))
}

/// Takes the money as it came: the payment settles, whatever its quote says.
#[utoipa::path(post, path = "/api/admin/quarantine/{id}/accept", tag = "admin", request_body = ReasonBody,
    params(("id" = Uuid, Path)), responses(
    (status = 204, description = "The payment is settled"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn accept(
    State(state): State<WebState>,
    IdPath(id): IdPath<QuarantineId>,
    Confirmed { person, body }: Confirmed<ReasonBody>,
) -> Result<StatusCode, Problem> {
    let reason = bounded("/reason", &body.reason, MAX_REASON)?;
    state.app.accept_case(&person.context, person.user, id, &reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets nothing follow from it.
#[utoipa::path(post, path = "/api/admin/quarantine/{id}/reject", tag = "admin", request_body = ReasonBody,
    params(("id" = Uuid, Path)), responses(
    (status = 204, description = "The case is closed"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn reject(
    State(state): State<WebState>,
    IdPath(id): IdPath<QuarantineId>,
    Confirmed { person, body }: Confirmed<ReasonBody>,
) -> Result<StatusCode, Problem> {
    let reason = bounded("/reason", &body.reason, MAX_REASON)?;
    state.app.reject_case(&person.context, person.user, id, &reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Kept callbacks, the newest first. Their bodies stay sealed.
#[utoipa::path(get, path = "/api/admin/webhook-events", tag = "admin", params(EventsQuery), responses(
    (status = 200, body = EventsResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn events(
    State(state): State<WebState>,
    _: Caller,
    Query(query): Query<EventsQuery>,
) -> Result<axum::Json<EventsResponse>, Problem> {
    let (limit, kept) = page_limit(query.limit)?;
    let (from, to) = instants(query.from, query.to);
    let payment = query.payment_id.map(domain::ids::PaymentId::from_uuid);
    let outcome = known("/outcome", query.outcome, &OUTCOMES)?;
    let filter = EventFilter { provider: query.provider, outcome, payment, from, to };
    let cursor = query.cursor.map(WebhookEventId::from_uuid);
    let mut events = state.app.webhook_events(&filter, cursor, limit + 1).await?;
    let next_cursor = next_page(&mut events, kept, |last| last.id.uuid());
    Ok(axum::Json(EventsResponse { items: events.into_iter().map(Into::into).collect(), next_cursor }))
}

/// Processes a kept callback again, as if it came now.
#[utoipa::path(post, path = "/api/admin/webhook-events/{id}/replay", tag = "admin", request_body = ReasonBody,
    params(("id" = Uuid, Path)), responses(
    (status = 200, body = ReplayResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn replay(
    State(state): State<WebState>,
    IdPath(id): IdPath<WebhookEventId>,
    Confirmed { person, body }: Confirmed<ReasonBody>,
) -> Result<axum::Json<ReplayResponse>, Problem> {
    let reason = bounded("/reason", &body.reason, MAX_REASON)?;
    let outcome = state.app.replay_event(&person.context, Some(person.user), id, &reason).await?;
    Ok(axum::Json(ReplayResponse { outcome }))
}
