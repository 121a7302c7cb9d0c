//! `/api/admin/users`: accounts, and freezing them.

use application::approvals::Action;
use application::identity::{Email, IdentityError, UserCursor, UserView};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::ids::UserId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::approvals::{ApprovalResponse, language};
use super::{next_page, page_limit};
use crate::extract::{Caller, Confirmed, IdPath};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// Which users.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsersQuery {
    /// Only the one with this address.
    email: Option<String>,
    /// So many at most, up to 100.
    limit: Option<i64>,
    /// From the page before.
    cursor: Option<Uuid>,
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonBody {
    /// Kept in the audit log; never shown to the user.
    #[schema(min_length = 1, max_length = 500, example = "stolen cards")]
    pub(super) reason: String,
}

/// A freeze.
#[derive(Serialize, ToSchema)]
pub(crate) struct FrozenResponse {
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    /// `admin` (access and paid time wait) or `rule` (only logins and payments).
    by: String,
    reason: String,
}

/// A user.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserResponse {
    id: Uuid,
    #[schema(format = "email")]
    email: String,
    /// `user`, `support` or `admin`.
    role: &'static str,
    /// `fr` or `en`.
    locale: &'static str,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// Whether a second factor is set up.
    second_factor: bool,
    frozen: Option<FrozenResponse>,
    #[serde(with = "time::serde::rfc3339::option")]
    erased_at: Option<OffsetDateTime>,
}

/// A page of users.
#[derive(Serialize, ToSchema)]
pub(crate) struct UsersResponse {
    items: Vec<UserResponse>,
    next_cursor: Option<Uuid>,
}

impl From<UserView> for UserResponse {
    fn from(view: UserView) -> Self {
        Self {
            id: view.id.uuid(),
            email: view.email,
            role: view.role.as_str(),
            locale: view.locale.code(),
            created_at: view.created_at,
            second_factor: view.second_factor,
            frozen: view.frozen.map(|(since, by, reason)| FrozenResponse { since, by, reason }),
            erased_at: view.erased_at,
        }
    }
}

/// Users, the newest first.
#[utoipa::path(get, path = "/api/admin/users", tag = "admin", params(UsersQuery), responses(
    (status = 200, body = UsersResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(state): State<WebState>,
    _: Caller,
    query: Result<Query<UsersQuery>, QueryRejection>,
) -> Result<axum::Json<UsersResponse>, Problem> {
    let Query(query) = query.map_err(|_| Problem::of_status(StatusCode::UNPROCESSABLE_ENTITY))?;
    let (limit, kept) = page_limit(query.limit)?;
    let email = query.email.as_deref().map(Email::parse).transpose();
    let email = email.map_err(|_| Problem::field("/email", "email"))?;
    let after = query.cursor.map(|cursor| UserCursor(UserId::from_uuid(cursor)));
    let mut users = state.app.users(email.as_ref(), after, limit + 1).await?;
    let next_cursor = next_page(&mut users, kept, |user| user.id.uuid());
    Ok(axum::Json(UsersResponse { items: users.into_iter().map(Into::into).collect(), next_cursor }))
}

/// One user.
#[utoipa::path(get, path = "/api/admin/users/{id}", tag = "admin",
    params(("id" = Uuid, Path, description = "The user")), responses(
    (status = 200, body = UserResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn get(
    State(state): State<WebState>,
    _: Caller,
    IdPath(user): IdPath<UserId>,
) -> Result<axum::Json<UserResponse>, Problem> {
    let user = state.app.user(user).await?.ok_or(Problem::not_found())?;
    Ok(axum::Json(user.into()))
}

/// Freezes an account: no login, no payment, no access; its paid time waits.
#[utoipa::path(post, path = "/api/admin/users/{id}/freeze", tag = "admin", request_body = ReasonBody,
    params(("id" = Uuid, Path, description = "The user")), responses(
    (status = 202, body = ApprovalResponse, description = "It is an admin's: it waits for its second confirmation"),
    (status = 204, description = "The account is frozen"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn freeze(
    State(state): State<WebState>,
    headers: HeaderMap,
    IdPath(user): IdPath<UserId>,
    Confirmed { person, body }: Confirmed<ReasonBody>,
) -> Result<Response, Problem> {
    match state.app.freeze(&person.context, user, &body.reason).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(IdentityError::ApprovalNeeded) => {
            let action = Action::FreezeAdmin { user, reason: body.reason.clone() };
            let asked = state.app.propose(&person.context, action, &body.reason).await?;
            let told = ApprovalResponse::of(asked, language(&state, &headers));
            Ok((StatusCode::ACCEPTED, axum::Json(told)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// Lifts a freeze: paid time runs again.
#[utoipa::path(post, path = "/api/admin/users/{id}/unfreeze", tag = "admin", request_body = ReasonBody,
    params(("id" = Uuid, Path, description = "The user")), responses(
    (status = 204, description = "The account is not frozen"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn unfreeze(
    State(state): State<WebState>,
    IdPath(user): IdPath<UserId>,
    Confirmed { person, body }: Confirmed<ReasonBody>,
) -> Result<StatusCode, Problem> {
    state.app.unfreeze(&person.context, user, &body.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
