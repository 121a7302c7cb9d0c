//! `/api/admin/users`: accounts, and freezing them.

use application::approvals::Action;
use application::identity::{Email, IdentityError, UserCursor, UserDetail, UserFilter, UserView};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::ids::UserId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::approvals::{ApprovalResponse, language};
use super::moment::{Moment, instants};
use super::payments::bounded;
use super::{next_page, page_limit};
use crate::extract::{Caller, Confirmed, IdPath, Query};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// The longest reason, in characters.
const MAX_REASON: usize = 500;

/// Which users.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsersQuery {
    /// Only the one with this address.
    email: Option<String>,
    /// Only those whose address begins so.
    email_prefix: Option<String>,
    /// Only those who are `user`, `support` or `admin`.
    role: Option<String>,
    /// Only those who are frozen, or who are not.
    frozen: Option<bool>,
    /// Only those who came then or later: an instant, or a day.
    #[param(value_type = Option<String>)]
    created_from: Option<Moment>,
    /// Only those who came before: an instant, or a day.
    #[param(value_type = Option<String>)]
    created_to: Option<Moment>,
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

/// How a user's account is guarded.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserFactorsBody {
    /// Whether an authenticator app is set up.
    totp: bool,
    /// Whether a telephone is set up.
    sms: bool,
    /// Recovery codes that were not used yet.
    recovery_codes: i64,
}

/// The Telegram account that is bound.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserBindingBody {
    telegram_user_id: i64,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
}

/// A user, with what hangs on the account.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserDetailResponse {
    #[serde(flatten)]
    user: UserResponse,
    /// Of any status.
    payments: i64,
    /// Those that money came for.
    payments_settled: i64,
    subscriptions: i64,
    subscriptions_active: i64,
    binding: Option<UserBindingBody>,
    factors: UserFactorsBody,
    /// Devices that are logged in.
    sessions: i64,
    /// Keys of machines that work.
    api_keys: i64,
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

impl From<UserDetail> for UserDetailResponse {
    fn from(detail: UserDetail) -> Self {
        let binding = |(telegram_user_id, since)| UserBindingBody { telegram_user_id, since };
        Self {
            user: detail.user.into(),
            payments: detail.payments,
            payments_settled: detail.payments_settled,
            subscriptions: detail.subscriptions,
            subscriptions_active: detail.subscriptions_active,
            binding: detail.binding.map(binding),
            factors: UserFactorsBody {
                totp: detail.totp,
                sms: detail.sms,
                recovery_codes: detail.recovery_codes,
            },
            sessions: detail.sessions,
            api_keys: detail.api_keys,
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
    Query(query): Query<UsersQuery>,
) -> Result<axum::Json<UsersResponse>, Problem> {
    let (limit, kept) = page_limit(query.limit)?;
    let email = query.email.as_deref().map(Email::parse).transpose();
    let role = query.role.as_deref().map(str::parse).transpose();
    let (from, to) = instants(query.created_from, query.created_to);
    let filter = UserFilter {
        email: email.map_err(|_| Problem::field("/email", "email"))?,
        email_prefix: query.email_prefix,
        role: role.map_err(|_| Problem::field("/role", "not_allowed"))?,
        frozen: query.frozen,
        from,
        to,
    };
    let after = query.cursor.map(|cursor| UserCursor(UserId::from_uuid(cursor)));
    let mut users = state.app.users(&filter, after, limit + 1).await?;
    let next_cursor = next_page(&mut users, kept, |user| user.id.uuid());
    Ok(axum::Json(UsersResponse { items: users.into_iter().map(Into::into).collect(), next_cursor }))
}

/// One user, with what hangs on the account.
#[utoipa::path(get, path = "/api/admin/users/{id}", tag = "admin",
    params(("id" = Uuid, Path, description = "The user")), responses(
    (status = 200, body = UserDetailResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn get(
    State(state): State<WebState>,
    _: Caller,
    IdPath(user): IdPath<UserId>,
) -> Result<axum::Json<UserDetailResponse>, Problem> {
    let user = state.app.user_detail(user).await?.ok_or(Problem::not_found())?;
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

/// Ends every session of somebody, within a second. Keys of machines work on.
#[utoipa::path(post, path = "/api/admin/users/{id}/sessions/revoke", tag = "admin", request_body = ReasonBody,
    params(("id" = Uuid, Path, description = "The user")), responses(
    (status = 204, description = "They are logged out everywhere"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn revoke_sessions(
    State(state): State<WebState>,
    IdPath(user): IdPath<UserId>,
    Confirmed { person, body }: Confirmed<ReasonBody>,
) -> Result<StatusCode, Problem> {
    let reason = bounded("/reason", &body.reason, MAX_REASON)?;
    state.app.log_out_everywhere(&person.context, user, &reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
