//! `/api/auth/factors`, `/api/auth/totp`, `/api/auth/recovery-codes`: what a login asks for beside the password.

use application::identity::{Factors, RecoveryCodes};
use axum::extract::State;
use axum::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::{ProofBody, counting_failures};
use crate::extract::{Json, Person};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// A code of the authenticator app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeBody {
    /// The code.
    #[schema(value_type = String, example = "123456")]
    pub(super) code: SecretString,
}

/// A factor that is set up.
#[derive(Serialize, ToSchema)]
pub(crate) struct FactorResponse {
    /// The telephone, as its owner recognises it.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    confirmed_at: OffsetDateTime,
    /// From then on it may approve actions that need a step-up.
    #[serde(with = "time::serde::rfc3339")]
    trusted_from: OffsetDateTime,
}

/// What the caller has set up.
#[derive(Serialize, ToSchema)]
pub(crate) struct FactorsResponse {
    /// The authenticator app.
    totp: Option<FactorResponse>,
    /// The telephone.
    sms: Option<FactorResponse>,
    /// How many recovery codes are left.
    recovery_codes_left: i64,
}

/// What an authenticator app needs to know. It is shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnrolmentResponse {
    /// To be typed (base32).
    secret: String,
    /// To be opened on a telephone.
    otpauth_url: String,
    /// To be scanned: an SVG picture.
    qr_svg: String,
}

/// Codes for when the telephone is lost. They are shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryCodesResponse {
    /// Each works once. Empty where earlier ones stay.
    recovery_codes: Vec<String>,
}

impl From<Factors> for FactorsResponse {
    fn from(factors: Factors) -> Self {
        let factor = |phone, confirmed_at, trusted_from| FactorResponse { phone, confirmed_at, trusted_from };
        Self {
            totp: factors.totp.map(|(confirmed_at, trusted_from)| factor(None, confirmed_at, trusted_from)),
            sms: factors.sms.map(|(phone, confirmed_at, from)| factor(Some(phone), confirmed_at, from)),
            recovery_codes_left: factors.recovery_codes_left,
        }
    }
}

impl From<Option<RecoveryCodes>> for RecoveryCodesResponse {
    fn from(codes: Option<RecoveryCodes>) -> Self {
        let reveal = |codes: RecoveryCodes| {
            codes.reveal().iter().map(|code| code.expose_secret().to_owned()).collect()
        };
        Self { recovery_codes: codes.map(reveal).unwrap_or_default() }
    }
}

/// What the caller has set up.
#[utoipa::path(get, path = "/api/auth/factors", tag = "auth", responses(
    (status = 200, body = FactorsResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn factors(
    State(state): State<WebState>,
    person: Person,
) -> Result<axum::Json<FactorsResponse>, Problem> {
    Ok(axum::Json(state.app.factors(person.user).await?.into()))
}

/// Makes a secret for an authenticator app, which waits half an hour for its first code.
#[utoipa::path(post, path = "/api/auth/totp/enroll", tag = "auth", request_body = ProofBody, responses(
    (status = 200, body = EnrolmentResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn enrol_totp(
    State(state): State<WebState>,
    person: Person,
    Json(body): Json<ProofBody>,
) -> Result<axum::Json<EnrolmentResponse>, Problem> {
    let proof = body.proof()?;
    let work = state.app.enrol_totp(&person.context, person.user, &proof);
    let enrolment = counting_failures(&state, &person.context, work).await?;
    Ok(axum::Json(EnrolmentResponse {
        secret: enrolment.secret.expose_secret().to_owned(),
        otpauth_url: enrolment.otpauth.expose_secret().to_owned(),
        qr_svg: enrolment.qr_svg.expose_secret().to_owned(),
    }))
}

/// Confirms the authenticator app by its first code. The first factor brings ten recovery codes.
#[utoipa::path(post, path = "/api/auth/totp/confirm", tag = "auth", request_body = CodeBody, responses(
    (status = 200, body = RecoveryCodesResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn confirm_totp(
    State(state): State<WebState>,
    person: Person,
    Json(body): Json<CodeBody>,
) -> Result<axum::Json<RecoveryCodesResponse>, Problem> {
    let work = state.app.confirm_totp(&person.context, person.user, person.session, &body.code);
    Ok(axum::Json(counting_failures(&state, &person.context, work).await?.into()))
}

/// Removes the authenticator app, and with it the telephone and the recovery codes.
#[utoipa::path(delete, path = "/api/auth/totp", tag = "auth", request_body = ProofBody, responses(
    (status = 204, description = "The account is guarded by its password alone"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn remove_totp(
    State(state): State<WebState>,
    person: Person,
    Json(body): Json<ProofBody>,
) -> Result<StatusCode, Problem> {
    let proof = body.proof()?;
    let work = state.app.remove_totp(&person.context, person.user, &proof);
    counting_failures(&state, &person.context, work).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes ten new recovery codes; all earlier ones are worth nothing any more.
#[utoipa::path(post, path = "/api/auth/recovery-codes", tag = "auth", request_body = ProofBody, responses(
    (status = 200, body = RecoveryCodesResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn replace_recovery_codes(
    State(state): State<WebState>,
    person: Person,
    Json(body): Json<ProofBody>,
) -> Result<axum::Json<RecoveryCodesResponse>, Problem> {
    let proof = body.proof()?;
    let work = state.app.replace_recovery_codes(&person.context, person.user, &proof);
    Ok(axum::Json(Some(counting_failures(&state, &person.context, work).await?).into()))
}
