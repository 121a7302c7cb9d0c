//! `/api/me`: the caller's own account.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::extract::Caller;
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// The caller's own account.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeResponse {
    id: Uuid,
    #[schema(format = "email")]
    email: String,
    /// `user`, `support` or `admin`.
    role: &'static str,
    /// `fr` or `en`.
    locale: &'static str,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

/// Tells who calls.
#[utoipa::path(get, path = "/api/me", tag = "me", security(("bearer" = [])), responses(
    (status = 200, body = MeResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn me(State(state): State<WebState>, caller: Caller) -> Result<Json<MeResponse>, Problem> {
    let profile = state.app.profile(caller.user).await?.ok_or(Problem::unauthorized())?;
    Ok(Json(MeResponse {
        id: profile.id.uuid(),
        email: profile.email,
        role: profile.role.as_str(),
        locale: profile.locale.code(),
        created_at: profile.created_at,
    }))
}
