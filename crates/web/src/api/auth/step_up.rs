//! `/api/auth/step-up`: permission for one action.

use application::identity::{Action, Method, STEP_UP_LIFE};
use axum::extract::State;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{counting_failures, parse_method};
use crate::extract::{Json, Person};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// The request to be permitted, with a fresh second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepUpRequest {
    /// The method of the request to be permitted.
    #[schema(example = "POST")]
    method: String,
    /// Its path, with its query.
    #[schema(example = "/api/admin/users/018f2b7e-0000-7000-8000-000000000000/freeze")]
    path: String,
    /// SHA-256 of its body, in hex.
    #[schema(example = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    body_sha256: String,
    /// `totp` (if nothing is said) or `sms`. It must be older than a day, or approved by an older one.
    #[schema(example = "totp")]
    factor: Option<String>,
    /// Its code.
    #[schema(value_type = String, example = "123456")]
    code: SecretString,
}

/// The permission.
#[derive(Serialize, ToSchema)]
pub(crate) struct StepUpResponse {
    /// For the `Step-Up` header of that very request, once.
    step_up_token: String,
    /// Seconds until it ends.
    #[schema(example = 300)]
    expires_in: i64,
}

/// Permits one request of this session: its method, path and body.
#[utoipa::path(post, path = "/api/auth/step-up", tag = "auth", request_body = StepUpRequest, responses(
    (status = 200, body = StepUpResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn step_up(
    State(state): State<WebState>,
    person: Person,
    Json(body): Json<StepUpRequest>,
) -> Result<axum::Json<StepUpResponse>, Problem> {
    let factor = parse_method(body.factor.as_deref().unwrap_or(Method::Totp.as_str()))?;
    let action = action(&body)?;
    let (context, user, session) = (&person.context, person.user, person.session);
    let work = state.app.step_up(context, user, session, &action, factor, &body.code);
    let token = counting_failures(&state, context, work).await?;
    Ok(axum::Json(StepUpResponse {
        step_up_token: token.expose_secret().to_owned(),
        expires_in: STEP_UP_LIFE.whole_seconds(),
    }))
}

fn action(body: &StepUpRequest) -> Result<Action, Problem> {
    let mut body_sha256 = [0; 32];
    hex::decode_to_slice(&body.body_sha256, &mut body_sha256)
        .map_err(|_| Problem::field("/body_sha256", "sha256"))?;
    let method = body.method.to_ascii_uppercase();
    if method.is_empty() || method.len() > 16 || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(Problem::field("/method", "not_allowed"));
    }
    if !body.path.starts_with('/') || body.path.len() > 2_048 {
        return Err(Problem::field("/path", "not_allowed"));
    }
    Ok(Action { method, path: body.path.clone(), body_sha256 })
}
