//! `/api/auth/sms/…`: codes to a telephone.

use axum::extract::State;
use axum::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::second_factor::CodeBody;
use super::{ProofBody, counting_failures, proof};
use crate::extract::{Json, Person};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// A telephone, with a fresh proof.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnrolRequest {
    /// With its country (E.164).
    #[schema(example = "+2250102030405")]
    phone: String,
    /// The account's password.
    #[schema(value_type = String, format = "password")]
    password: SecretString,
    /// How the second factor is shown: `totp` (if nothing is said) or `recovery_code`.
    #[schema(example = "totp")]
    method: Option<String>,
    /// Its code.
    #[schema(value_type = Option<String>, example = "123456")]
    code: Option<SecretString>,
}

/// Sends a code to a telephone, which becomes a second way to show a second factor once the code comes back.
#[utoipa::path(post, path = "/api/auth/sms/enroll", tag = "auth", request_body = EnrolRequest, responses(
    (status = 202, description = "A code is on its way"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn enrol(
    State(state): State<WebState>,
    person: Person,
    Json(body): Json<EnrolRequest>,
) -> Result<StatusCode, Problem> {
    let proof = proof(body.password, body.method.as_deref(), body.code)?;
    let work = state.app.enrol_sms(&person.context, person.user, &proof, &body.phone);
    counting_failures(&state, &person.context, work).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Confirms the telephone by the code that was sent to it.
#[utoipa::path(post, path = "/api/auth/sms/confirm", tag = "auth", request_body = CodeBody, responses(
    (status = 204, description = "The telephone is confirmed"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn confirm(
    State(state): State<WebState>,
    person: Person,
    Json(body): Json<CodeBody>,
) -> Result<StatusCode, Problem> {
    let work = state.app.confirm_sms(&person.context, person.user, person.session, &body.code);
    counting_failures(&state, &person.context, work).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a code to the confirmed telephone, for a proof or a step-up.
#[utoipa::path(post, path = "/api/auth/sms/send", tag = "auth", responses(
    (status = 202, description = "A code is on its way"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn send(State(state): State<WebState>, person: Person) -> Result<StatusCode, Problem> {
    state.app.send_proof_code(&person.context, person.user).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Removes the telephone.
#[utoipa::path(delete, path = "/api/auth/sms", tag = "auth", request_body = ProofBody, responses(
    (status = 204, description = "The telephone is gone"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn remove(
    State(state): State<WebState>,
    person: Person,
    Json(body): Json<ProofBody>,
) -> Result<StatusCode, Problem> {
    let proof = body.proof()?;
    let work = state.app.remove_sms(&person.context, person.user, &proof);
    counting_failures(&state, &person.context, work).await?;
    Ok(StatusCode::NO_CONTENT)
}
