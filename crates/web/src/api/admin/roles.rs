//! `/api/admin/users/{id}/role`: another role takes a second confirmation (SEC-55).

use application::Role;
use application::approvals::Action;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use domain::ids::UserId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::approvals::{ApprovalResponse, language};
use crate::extract::{Confirmed, IdPath};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// Another role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleBody {
    /// `user`, `support` or `admin`.
    #[schema(example = "support")]
    role: String,
    /// Told to the other admins, and kept.
    #[schema(min_length = 1, max_length = 500, example = "answers customers from May on")]
    reason: String,
}

/// Asks to give a user another role, which ends their sessions.
#[utoipa::path(post, path = "/api/admin/users/{id}/role", tag = "admin", request_body = RoleBody,
    params(("id" = uuid::Uuid, Path, description = "The user")), responses(
    (status = 202, body = ApprovalResponse, description = "It waits for its second confirmation"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn change(
    State(state): State<WebState>,
    headers: HeaderMap,
    IdPath(user): IdPath<UserId>,
    Confirmed { person, body }: Confirmed<RoleBody>,
) -> Result<(StatusCode, axum::Json<ApprovalResponse>), Problem> {
    let role: Role = body.role.parse().map_err(|_| Problem::field("/role", "not_allowed"))?;
    let asked = state.app.propose(&person.context, Action::Role { user, role }, &body.reason).await?;
    let told = ApprovalResponse::of(asked, language(&state, &headers));
    Ok((StatusCode::ACCEPTED, axum::Json(told)))
}
