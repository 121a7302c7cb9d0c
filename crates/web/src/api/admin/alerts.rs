//! `/api/admin/alerts`: what the product found wrong, and who looks after it.

use application::alerts::{AlertFilter, AlertView};
use axum::extract::State;
use axum::http::StatusCode;
use domain::ids::{AlertId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::payments::bounded;
use super::{next_page, page_limit};
use crate::extract::{Caller, Confirmed, IdPath, Query};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// The longest note, in characters.
const MAX_NOTE: usize = 500;

/// Which alerts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AlertsQuery {
    /// `open`: nobody looks after it; `acknowledged`: somebody does.
    #[param(value_type = Option<String>)]
    state: Option<AlertState>,
    /// Only those of this kind, such as `webhook_quarantined`.
    kind: Option<String>,
    /// So many at most, up to 100.
    limit: Option<i64>,
    /// From the page before.
    cursor: Option<Uuid>,
}

/// Whether somebody looks after it.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AlertState {
    /// Nobody does.
    Open,
    /// Somebody does.
    Acknowledged,
}

/// An alert.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertResponse {
    id: Uuid,
    /// Such as `webhook_quarantined` or `invariant_broken`.
    kind: String,
    /// What exactly is wrong; one open alert each.
    condition: String,
    #[schema(value_type = Object)]
    details: Value,
    occurrences: i32,
    #[serde(with = "time::serde::rfc3339")]
    first_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    acknowledged_at: Option<OffsetDateTime>,
    acknowledged_by: Option<Uuid>,
    note: Option<String>,
}

/// A page of alerts.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertsResponse {
    items: Vec<AlertResponse>,
    next_cursor: Option<Uuid>,
}

/// What somebody says who looks after it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoteBody {
    #[schema(min_length = 1, max_length = 500, example = "I have written to the provider")]
    note: String,
}

impl From<AlertView> for AlertResponse {
    fn from(view: AlertView) -> Self {
        Self {
            id: view.id.uuid(),
            kind: view.kind,
            condition: view.condition,
            details: view.details,
            occurrences: view.occurrences,
            first_at: view.first_at,
            last_at: view.last_at,
            acknowledged_at: view.acknowledged_at,
            acknowledged_by: view.acknowledged_by.map(UserId::uuid),
            note: view.note,
        }
    }
}

/// Alerts, the newest first.
#[utoipa::path(get, path = "/api/admin/alerts", tag = "admin", params(AlertsQuery), responses(
    (status = 200, body = AlertsResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(state): State<WebState>,
    _: Caller,
    Query(query): Query<AlertsQuery>,
) -> Result<axum::Json<AlertsResponse>, Problem> {
    let (limit, kept) = page_limit(query.limit)?;
    let acknowledged = query.state.map(|state| state == AlertState::Acknowledged);
    let filter = AlertFilter { acknowledged, kind: query.kind };
    let cursor = query.cursor.map(AlertId::from_uuid);
    let mut alerts = state.app.alerts(&filter, cursor, limit + 1).await?;
    let next_cursor = next_page(&mut alerts, kept, |alert| alert.id.uuid());
    Ok(axum::Json(AlertsResponse { items: alerts.into_iter().map(Into::into).collect(), next_cursor }))
}

/// Says that somebody looks after an alert. Found again, its condition is a new one.
#[utoipa::path(post, path = "/api/admin/alerts/{id}/acknowledge", tag = "admin", request_body = NoteBody,
    params(("id" = Uuid, Path)), responses(
    (status = 204, description = "Somebody looks after it"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn acknowledge(
    State(state): State<WebState>,
    IdPath(id): IdPath<AlertId>,
    Confirmed { person, body }: Confirmed<NoteBody>,
) -> Result<StatusCode, Problem> {
    let note = bounded("/note", &body.note, MAX_NOTE)?;
    state.app.acknowledge_alert(&person.context, id, &note).await?;
    Ok(StatusCode::NO_CONTENT)
}
