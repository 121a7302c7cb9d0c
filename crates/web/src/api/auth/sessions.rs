//! `/api/auth/sessions`, `/api/auth/logout`, `/api/auth/logout-all`: the devices that are logged in.

use application::identity::SessionView;
use axum::extract::State;
use axum::http::StatusCode;
use domain::ids::SessionId;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::extract::{IdPath, Person};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// A session on a device.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionResponse {
    id: Uuid,
    /// Whether it is the caller's own.
    current: bool,
    /// `browser` or `program`.
    kind: &'static str,
    /// What the browser or program says it is.
    user_agent: String,
    /// The network that it was last seen in, short of its address.
    #[schema(example = "203.0.113.0/24")]
    network: String,
    /// Whether a second factor was shown.
    second_factor: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// To within some minutes.
    #[serde(with = "time::serde::rfc3339")]
    last_used_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

/// The caller's sessions, the one used last first.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionsResponse {
    items: Vec<SessionResponse>,
    /// Always null: there are never more than one page.
    next_cursor: Option<String>,
}

impl SessionResponse {
    fn of(view: SessionView, current: SessionId) -> Self {
        Self {
            id: view.id.uuid(),
            current: view.id == current,
            kind: if view.browser { "browser" } else { "program" },
            user_agent: view.user_agent,
            network: view.network,
            second_factor: view.second_factor,
            created_at: view.created_at,
            last_used_at: view.last_used_at,
            expires_at: view.expires_at,
        }
    }
}

/// The devices on which the caller is logged in.
#[utoipa::path(get, path = "/api/auth/sessions", tag = "auth", responses(
    (status = 200, body = SessionsResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(state): State<WebState>,
    person: Person,
) -> Result<axum::Json<SessionsResponse>, Problem> {
    let sessions = state.app.sessions(person.user).await?;
    let items = sessions.into_iter().map(|view| SessionResponse::of(view, person.session)).collect();
    Ok(axum::Json(SessionsResponse { items, next_cursor: None }))
}

/// Ends every session of the caller, this one too.
#[utoipa::path(delete, path = "/api/auth/sessions", tag = "auth", responses(
    (status = 204, description = "Every session has ended"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn end_all(State(state): State<WebState>, person: Person) -> Result<StatusCode, Problem> {
    state.app.logout_all(&person.context, person.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one of the caller's sessions.
#[utoipa::path(delete, path = "/api/auth/sessions/{id}", tag = "auth",
    params(("id" = Uuid, Path, description = "A session of the list")), responses(
    (status = 204, description = "The session has ended"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn end(
    State(state): State<WebState>,
    person: Person,
    IdPath(session): IdPath<SessionId>,
) -> Result<StatusCode, Problem> {
    let ended = state.app.revoke_session(&person.context, person.user, session).await?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

/// Ends this session.
#[utoipa::path(post, path = "/api/auth/logout", tag = "auth", responses(
    (status = 204, description = "The session has ended"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn logout(State(state): State<WebState>, person: Person) -> Result<StatusCode, Problem> {
    state.app.logout(&person.context, person.user, person.session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends every session of the caller.
#[utoipa::path(post, path = "/api/auth/logout-all", tag = "auth", responses(
    (status = 204, description = "Every session has ended"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn logout_all(State(state): State<WebState>, person: Person) -> Result<StatusCode, Problem> {
    state.app.logout_all(&person.context, person.user).await?;
    Ok(StatusCode::NO_CONTENT)
}
