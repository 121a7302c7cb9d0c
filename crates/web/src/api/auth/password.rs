//! `/api/auth/password/…`: change, forgot, reset.

use application::identity::Client;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

use super::login::TokenResponse;
use super::{counting_failures, device, parse_email, proof, take_mail};
use crate::extract::{Anonymous, Json, Person, locale};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// A new password, with a fresh proof.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeRequest {
    /// The password until now.
    #[schema(value_type = String, format = "password")]
    current_password: SecretString,
    /// At least 15 characters, or 8 where a second factor is set up.
    #[schema(value_type = String, format = "password", min_length = 8, max_length = 1024)]
    new_password: SecretString,
    /// How the second factor is shown: `totp` (if nothing is said), `sms` or `recovery_code`.
    #[schema(example = "totp")]
    method: Option<String>,
    /// Its code; needed where a second factor is set up.
    #[schema(value_type = Option<String>, example = "123456")]
    code: Option<SecretString>,
    /// From an earlier login on this device.
    #[schema(value_type = Option<String>)]
    device_token: Option<SecretString>,
}

/// An address to mail to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForgotRequest {
    /// As given at sign-up.
    #[schema(format = "email", max_length = 254)]
    email: String,
}

/// What a mailed link brings, with a new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetRequest {
    /// From the mail.
    #[schema(value_type = String)]
    token: SecretString,
    /// At least 15 characters, or 8 where a second factor is set up.
    #[schema(value_type = String, format = "password", min_length = 8, max_length = 1024)]
    password: SecretString,
}

/// Changes the caller's password. Every session ends, this one too: the answer brings a new one.
#[utoipa::path(post, path = "/api/auth/password/change", tag = "auth", request_body = ChangeRequest, responses(
    (status = 200, body = TokenResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn change(
    State(state): State<WebState>,
    person: Person,
    headers: HeaderMap,
    Json(body): Json<ChangeRequest>,
) -> Result<axum::Json<TokenResponse>, Problem> {
    let (context, user) = (&person.context, person.user);
    let proof = proof(body.current_password, body.method.as_deref(), body.code)?;
    let device = device(&headers, context).holding(body.device_token);
    let new = &body.new_password;
    let work = state.app.change_password(context, user, &proof, new, Client::Program, &device);
    let entered = counting_failures(&state, context, work).await.map_err(in_new_password)?;
    Ok(axum::Json(entered.try_into()?))
}

/// What is wrong with a password is wrong with the new one, which this body calls so.
fn in_new_password(mut problem: Problem) -> Problem {
    for (pointer, _) in &mut problem.fields {
        if pointer == "/password" {
            "/new_password".clone_into(pointer);
        }
    }
    problem
}

/// Mails a link to choose a new password, if the address is a user's. Always the same answer.
#[utoipa::path(post, path = "/api/auth/password/forgot", tag = "auth", request_body = ForgotRequest, responses(
    (status = 202, description = "If the address is a user's, a link is on its way"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn forgot(
    State(state): State<WebState>,
    Anonymous(context): Anonymous,
    headers: HeaderMap,
    Json(body): Json<ForgotRequest>,
) -> Result<StatusCode, Problem> {
    take_mail(&state, &context).await?;
    let email = parse_email(&body.email)?;
    let locale = locale(&headers, state.app.options().default_locale);
    state.app.forgot_password(&context, &email, locale).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Sets a new password by a mailed link, which works once within ten minutes. Every session ends; nobody is logged in.
#[utoipa::path(post, path = "/api/auth/password/reset", tag = "auth", request_body = ResetRequest, responses(
    (status = 204, description = "The password is set; log in with it"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn reset(
    State(state): State<WebState>,
    Anonymous(context): Anonymous,
    headers: HeaderMap,
    Json(body): Json<ResetRequest>,
) -> Result<StatusCode, Problem> {
    let device = device(&headers, &context);
    let work = state.app.reset_password(&context, body.token.expose_secret(), &body.password, &device);
    counting_failures(&state, &context, work).await?;
    Ok(StatusCode::NO_CONTENT)
}
