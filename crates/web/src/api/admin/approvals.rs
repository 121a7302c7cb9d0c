//! `/api/admin/approvals`: what waits for a second confirmation, and deciding about it (SEC-55).

use application::approvals::{ApprovalView, Change};
use application::text::{self, Locale};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use domain::approval;
use domain::ids::{ApprovalId, UserId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::users::ReasonBody;
use super::{next_page, page_limit};
use crate::extract::{Caller, Confirmed, IdPath, locale};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// Which requests.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ApprovalsQuery {
    /// Only those in this state: `pending`, `confirmed`, `rejected`, `expired` or `superseded`.
    state: Option<String>,
    /// So many at most, up to 100.
    limit: Option<i64>,
    /// From the page before.
    cursor: Option<Uuid>,
}

/// A confirmation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DigestBody {
    /// The digest that the request shows, of exactly what will change.
    #[schema(min_length = 64, max_length = 64)]
    digest: String,
}

/// One field that will change.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangeResponse {
    field: String,
    /// What it is now; a secret as its fingerprint.
    before: Option<String>,
    /// What it will be; a secret as its fingerprint.
    after: Option<String>,
}

/// A sensitive change that waits for a second confirmation, or what became of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApprovalResponse {
    id: Uuid,
    /// What kind of change, such as `role`.
    kind: String,
    /// The same in words, in the caller's language.
    title: String,
    /// What would change, such as `setting:company_email`.
    object: String,
    /// Whose or which, as people know it.
    subject: String,
    changes: Vec<ChangeResponse>,
    /// Of exactly what will change; a confirmation repeats it.
    digest: String,
    reason: String,
    /// `pending`, `confirmed`, `rejected`, `expired` or `superseded`.
    state: &'static str,
    /// Who asked; null: the product itself.
    requested_by: Option<Uuid>,
    #[serde(with = "time::serde::rfc3339")]
    requested_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    /// Who decided; null: the operator on the machine, or the passing of time.
    decided_by: Option<Uuid>,
    #[serde(with = "time::serde::rfc3339::option")]
    decided_at: Option<OffsetDateTime>,
    /// Why it was rejected.
    decided_for: Option<String>,
    /// Whether whoever asked cannot confirm it themselves.
    another_admin_needed: bool,
}

/// A page of requests.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApprovalsResponse {
    items: Vec<ApprovalResponse>,
    next_cursor: Option<Uuid>,
}

impl ApprovalResponse {
    pub(super) fn of(view: ApprovalView, locale: Locale) -> Self {
        let kind = format!("approval-{}", view.kind);
        let change = |Change { field, before, after }| ChangeResponse { field, before, after };
        Self {
            id: view.id.uuid(),
            title: text::text_or(locale, &kind, "approval-other", &[]),
            kind: view.kind,
            object: view.object,
            subject: view.summary.subject,
            changes: view.summary.changes.into_iter().map(change).collect(),
            digest: view.digest,
            reason: view.reason,
            state: view.state.as_str(),
            requested_by: view.requested_by.map(UserId::uuid),
            requested_at: view.requested_at,
            expires_at: view.expires_at,
            decided_by: view.decided_by.map(UserId::uuid),
            decided_at: view.decided_at,
            decided_for: view.decided_for,
            another_admin_needed: view.another_admin_needed,
        }
    }
}

/// The caller's language.
pub(super) fn language(state: &WebState, headers: &HeaderMap) -> Locale {
    locale(headers, state.app.options().default_locale)
}

/// Requests, the newest first.
#[utoipa::path(get, path = "/api/admin/approvals", tag = "admin", params(ApprovalsQuery), responses(
    (status = 200, body = ApprovalsResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(state): State<WebState>,
    _: Caller,
    headers: HeaderMap,
    query: Result<Query<ApprovalsQuery>, QueryRejection>,
) -> Result<axum::Json<ApprovalsResponse>, Problem> {
    let Query(query) = query.map_err(|_| Problem::of_status(StatusCode::UNPROCESSABLE_ENTITY))?;
    let (limit, kept) = page_limit(query.limit)?;
    let wanted = match &query.state {
        Some(word) => Some(approval::State::parse(word).ok_or(Problem::field("/state", "not_allowed"))?),
        None => None,
    };
    let after = query.cursor.map(ApprovalId::from_uuid);
    let mut found = state.app.approvals(wanted, after, limit + 1).await?;
    let next_cursor = next_page(&mut found, kept, |last| last.id.uuid());
    let locale = language(&state, &headers);
    let items = found.into_iter().map(|view| ApprovalResponse::of(view, locale)).collect();
    Ok(axum::Json(ApprovalsResponse { items, next_cursor }))
}

/// One request, with exactly what would change.
#[utoipa::path(get, path = "/api/admin/approvals/{id}", tag = "admin", params(("id" = Uuid, Path)), responses(
    (status = 200, body = ApprovalResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn get(
    State(state): State<WebState>,
    _: Caller,
    headers: HeaderMap,
    IdPath(id): IdPath<ApprovalId>,
) -> Result<axum::Json<ApprovalResponse>, Problem> {
    let view = state.app.approval(id).await?.ok_or(Problem::not_found())?;
    Ok(axum::Json(ApprovalResponse::of(view, language(&state, &headers))))
}

/// Confirms a request, for the digest of what it shows, and does what it asks for.
#[utoipa::path(post, path = "/api/admin/approvals/{id}/confirm", tag = "admin", request_body = DigestBody,
    params(("id" = Uuid, Path)), responses(
    (status = 200, body = ApprovalResponse, description = "It is done"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn confirm(
    State(state): State<WebState>,
    headers: HeaderMap,
    IdPath(id): IdPath<ApprovalId>,
    Confirmed { person, body }: Confirmed<DigestBody>,
) -> Result<axum::Json<ApprovalResponse>, Problem> {
    let view = state.app.confirm_approval(&person.context, id, &body.digest).await?;
    Ok(axum::Json(ApprovalResponse::of(view, language(&state, &headers))))
}

/// Says no to a request.
#[utoipa::path(post, path = "/api/admin/approvals/{id}/reject", tag = "admin", request_body = ReasonBody,
    params(("id" = Uuid, Path)), responses(
    (status = 200, body = ApprovalResponse, description = "It will not be done"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn reject(
    State(state): State<WebState>,
    headers: HeaderMap,
    IdPath(id): IdPath<ApprovalId>,
    Confirmed { person, body }: Confirmed<ReasonBody>,
) -> Result<axum::Json<ApprovalResponse>, Problem> {
    let view = state.app.reject_approval(&person.context, id, &body.reason).await?;
    Ok(axum::Json(ApprovalResponse::of(view, language(&state, &headers))))
}
