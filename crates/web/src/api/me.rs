//! `/api/me`: the caller's own account.

use application::identity::COOLING_TIME;
use application::text::Locale;
use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::{ProofBody, counting_failures};
use crate::extract::{Caller, Json, Person};
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
    /// What this token or key may do now.
    scopes: Vec<&'static str>,
    /// `fr` or `en`.
    locale: &'static str,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When the account will be erased, if its owner asked for it.
    #[serde(with = "time::serde::rfc3339::option")]
    erases_at: Option<OffsetDateTime>,
}

/// What may be changed about one's own account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeMeRequest {
    /// `fr` or `en`.
    #[schema(value_type = String, example = "fr")]
    locale: Locale,
}

/// When the account will be erased.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasureResponse {
    /// Until then it can still be kept.
    #[serde(with = "time::serde::rfc3339")]
    erases_at: OffsetDateTime,
}

async fn profile(state: &WebState, caller: &Caller) -> Result<Answer<MeResponse>, Problem> {
    let profile = state.app.profile(caller.user).await?.ok_or(Problem::unauthorized())?;
    Ok(Answer(MeResponse {
        id: profile.id.uuid(),
        email: profile.email,
        role: profile.role.as_str(),
        scopes: caller.context.actor.scopes().iter().map(application::actor::Scope::as_str).collect(),
        locale: profile.locale.code(),
        created_at: profile.created_at,
        erases_at: profile.erasure_requested_at.map(|asked| asked + COOLING_TIME),
    }))
}

/// Tells who calls.
#[utoipa::path(get, path = "/api/me", tag = "me", responses(
    (status = 200, body = MeResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn me(State(state): State<WebState>, caller: Caller) -> Result<Answer<MeResponse>, Problem> {
    profile(&state, &caller).await
}

/// Changes the caller's language.
#[utoipa::path(patch, path = "/api/me", tag = "me", request_body = ChangeMeRequest, responses(
    (status = 200, body = MeResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn change(
    State(state): State<WebState>,
    caller: Caller,
    Json(body): Json<ChangeMeRequest>,
) -> Result<Answer<MeResponse>, Problem> {
    state.app.set_locale(&caller.context, caller.user, body.locale).await?;
    profile(&state, &caller).await
}

/// Asks for the erasure of the account, which happens after seven days. Payments stay, under a number that names nobody.
#[utoipa::path(delete, path = "/api/me", tag = "me", request_body = ProofBody, responses(
    (status = 202, body = ErasureResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn erase(
    State(state): State<WebState>,
    person: Person,
    Json(body): Json<ProofBody>,
) -> Result<(StatusCode, Answer<ErasureResponse>), Problem> {
    let proof = body.proof()?;
    let work = state.app.request_erasure(&person.context, person.user, &proof);
    counting_failures(&state, &person.context, work).await?;
    let profile = state.app.profile(person.user).await?.ok_or(Problem::unauthorized())?;
    let asked = profile.erasure_requested_at.ok_or(Problem::not_found())?;
    Ok((StatusCode::ACCEPTED, Answer(ErasureResponse { erases_at: asked + COOLING_TIME })))
}

/// Keeps the account after all.
#[utoipa::path(delete, path = "/api/me/erasure", tag = "me", responses(
    (status = 204, description = "The account stays"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn keep(State(state): State<WebState>, person: Person) -> Result<StatusCode, Problem> {
    let kept = state.app.cancel_erasure(&person.context, person.user).await?;
    if kept { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

/// Everything that is kept about the caller, as a file.
#[utoipa::path(get, path = "/api/me/export", tag = "me", responses(
    (status = 200, description = "A JSON document", content_type = "application/json"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn export(State(state): State<WebState>, person: Person) -> Result<Response, Problem> {
    let document = state.app.export(person.user).await?.ok_or(Problem::unauthorized())?;
    let file = HeaderValue::from_static("attachment; filename=\"calmness-export.json\"");
    Ok(([(header::CONTENT_DISPOSITION, file)], Answer(document)).into_response())
}
