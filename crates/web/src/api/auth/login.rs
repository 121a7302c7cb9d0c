//! `/api/auth/login`, `/api/auth/mfa/…`, `/api/auth/refresh`.

use application::identity::{Client, Entered, LoggedIn, Pass, TokenPair};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{counting_failures, device, parse_email, parse_method};
use crate::extract::{Anonymous, Json};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// A login.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginRequest {
    /// As given at sign-up, without regard to case.
    #[schema(format = "email", max_length = 254)]
    email: String,
    /// As given at sign-up.
    #[schema(value_type = String, format = "password")]
    password: SecretString,
    /// From an earlier login on this device: it gets in even while the account is attacked from elsewhere.
    #[schema(value_type = Option<String>)]
    device_token: Option<SecretString>,
}

/// A code for a login that asked for one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MfaRequest {
    /// From the login.
    #[schema(value_type = String)]
    mfa_token: SecretString,
    /// One of the methods that the login named.
    #[schema(example = "totp")]
    method: String,
    /// The code.
    #[schema(value_type = String, example = "123456")]
    code: SecretString,
    /// From an earlier login on this device.
    #[schema(value_type = Option<String>)]
    device_token: Option<SecretString>,
}

/// A login that asked for a code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MfaSmsRequest {
    /// From the login.
    #[schema(value_type = String)]
    mfa_token: SecretString,
}

/// The next refresh token of a session.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshRequest {
    /// To be presented once.
    #[schema(value_type = String)]
    refresh_token: SecretString,
}

/// What a program gets at login.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenResponse {
    /// For the `Authorization` header.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds until the access token ends.
    #[schema(example = 1800)]
    expires_in: i64,
    /// To be exchanged once for the next pair.
    refresh_token: String,
    /// After a full login: to be kept on this device and shown at its next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
}

/// A code is asked for before the login is complete.
#[derive(Serialize, ToSchema)]
pub(crate) struct MfaResponse {
    /// Always true.
    mfa_required: bool,
    /// To be shown with the code, within ten minutes.
    mfa_token: String,
    /// `totp`, `sms`, `recovery_code`.
    methods: Vec<&'static str>,
}

/// What a login leads to.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum LoginResponse {
    /// A session is open.
    Tokens(TokenResponse),
    /// A second factor is set up.
    Mfa(MfaResponse),
}

impl From<TokenPair> for TokenResponse {
    fn from(pair: TokenPair) -> Self {
        Self {
            access_token: pair.access_token.expose_secret().to_owned(),
            token_type: "Bearer",
            expires_in: pair.expires_in,
            refresh_token: pair.refresh_token.expose_secret().to_owned(),
            device_token: None,
        }
    }
}

impl TryFrom<Entered> for TokenResponse {
    type Error = Problem;

    fn try_from(entered: Entered) -> Result<Self, Problem> {
        let device_token = Some(entered.device_token.expose_secret().to_owned());
        match entered.pass {
            Pass::Tokens(pair) => Ok(Self { device_token, ..pair.into() }),
            Pass::Cookie(_) => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal")),
        }
    }
}

/// Lets a program in. Unknown, wrong, frozen and unverified get one and the same answer; where a second factor is set
/// up, a code is asked for.
#[utoipa::path(post, path = "/api/auth/login", tag = "auth", request_body = LoginRequest, responses(
    (status = 200, body = LoginResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn login(
    State(state): State<WebState>,
    Anonymous(context): Anonymous,
    headers: HeaderMap,
    Json(body): Json<LoginRequest>,
) -> Result<axum::Json<LoginResponse>, Problem> {
    let email = parse_email(&body.email)?;
    let device = device(&headers, &context).holding(body.device_token);
    let work = state.app.login(&context, &email, &body.password, Client::Program, &device);
    let led_to = counting_failures(&state, &context, work).await?;
    Ok(axum::Json(match led_to {
        LoggedIn::In(entered) => LoginResponse::Tokens(entered.try_into()?),
        LoggedIn::SecondFactor(asked) => LoginResponse::Mfa(MfaResponse {
            mfa_required: true,
            mfa_token: asked.token.expose_secret().to_owned(),
            methods: asked.methods.into_iter().map(application::identity::Method::as_str).collect(),
        }),
    }))
}

/// Completes a login with a code. Five wrong ones end it.
#[utoipa::path(post, path = "/api/auth/mfa/verify", tag = "auth", request_body = MfaRequest, responses(
    (status = 200, body = TokenResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn verify_code(
    State(state): State<WebState>,
    Anonymous(context): Anonymous,
    headers: HeaderMap,
    Json(body): Json<MfaRequest>,
) -> Result<axum::Json<TokenResponse>, Problem> {
    let method = parse_method(&body.method)?;
    let device = device(&headers, &context).holding(body.device_token);
    let client = Client::Program;
    let work = state.app.login_with_code(&context, &body.mfa_token, method, &body.code, client, &device);
    Ok(axum::Json(counting_failures(&state, &context, work).await?.try_into()?))
}

/// Sends a code to the confirmed telephone, for a login that asked for one.
#[utoipa::path(post, path = "/api/auth/mfa/sms", tag = "auth", request_body = MfaSmsRequest, responses(
    (status = 202, description = "A code is on its way"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn send_code(
    State(state): State<WebState>,
    Anonymous(context): Anonymous,
    Json(body): Json<MfaSmsRequest>,
) -> Result<StatusCode, Problem> {
    let work = state.app.send_login_code(&context, &body.mfa_token, Client::Program);
    counting_failures(&state, &context, work).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Exchanges a refresh token for the next pair. Presented again later than some seconds, it ends the whole session.
#[utoipa::path(post, path = "/api/auth/refresh", tag = "auth", request_body = RefreshRequest, responses(
    (status = 200, body = TokenResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn refresh(
    State(state): State<WebState>,
    Anonymous(context): Anonymous,
    headers: HeaderMap,
    Json(body): Json<RefreshRequest>,
) -> Result<axum::Json<TokenResponse>, Problem> {
    let device = device(&headers, &context);
    Ok(axum::Json(state.app.refresh(&context, body.refresh_token.expose_secret(), &device).await?.into()))
}
