//! `/api/auth`: sign-up, login, sessions.

use application::identity::{Device, Email, IdentityError, TokenPair};
use application::text::Locale;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{Anonymous, Caller, Json, locale};
use crate::middleware::limits::counted;
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// A sign-up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterRequest {
    /// Where the verification link goes.
    #[schema(value_type = String, format = "email", max_length = 254, example = "awa@example.com")]
    email: String,
    /// At least 15 characters.
    #[schema(value_type = String, format = "password", min_length = 15, max_length = 1024)]
    password: SecretString,
    /// `fr` or `en`; else the language of the request.
    #[schema(value_type = Option<String>, example = "fr")]
    locale: Option<Locale>,
}

/// What a mailed link brings, with the password of that very registration.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyRequest {
    /// From the mail.
    #[schema(value_type = String)]
    token: SecretString,
    /// As given at sign-up.
    #[schema(value_type = String, format = "password")]
    password: SecretString,
}

/// An address to mail to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResendRequest {
    /// As given at sign-up.
    #[schema(format = "email", max_length = 254)]
    email: String,
}

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
}

impl From<TokenPair> for TokenResponse {
    fn from(pair: TokenPair) -> Self {
        Self {
            access_token: pair.access_token.expose_secret().to_owned(),
            token_type: "Bearer",
            expires_in: pair.expires_in,
            refresh_token: pair.refresh_token.expose_secret().to_owned(),
        }
    }
}

/// Signs somebody up: mails a link. The answer never tells whether the address is known.
#[utoipa::path(post, path = "/api/auth/register", tag = "auth", request_body = RegisterRequest, responses(
    (status = 202, description = "If the address is new, a link is on its way"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn register(
    State(state): State<WebState>,
    Anonymous(context): Anonymous,
    headers: HeaderMap,
    Json(body): Json<RegisterRequest>,
) -> Result<StatusCode, Problem> {
    if let Some(address) = context.address {
        state.limits.mails.take(&counted(address))?;
    }
    let email = parse_email(&body.email)?;
    let locale = body.locale.unwrap_or_else(|| locale(&headers, state.app.options().default_locale));
    state.app.register(&context, &email, &body.password, locale).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Makes the user. Needs the token of the mail and the password of that registration.
#[utoipa::path(post, path = "/api/auth/email/verify", tag = "auth", request_body = VerifyRequest, responses(
    (status = 204, description = "The user exists and can log in"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn verify_email(
    State(state): State<WebState>,
    Anonymous(context): Anonymous,
    Json(body): Json<VerifyRequest>,
) -> Result<StatusCode, Problem> {
    let work = state.app.verify_email(&context, body.token.expose_secret(), &body.password);
    counting_failures(&state, &context, work).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Mails new links for registrations of this address that still wait. Always the same answer.
#[utoipa::path(post, path = "/api/auth/email/resend", tag = "auth", request_body = ResendRequest, responses(
    (status = 202, description = "If a registration waits, a link is on its way"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn resend_verification(
    State(state): State<WebState>,
    Anonymous(context): Anonymous,
    Json(body): Json<ResendRequest>,
) -> Result<StatusCode, Problem> {
    if let Some(address) = context.address {
        state.limits.mails.take(&counted(address))?;
    }
    let email = parse_email(&body.email)?;
    state.app.resend_verification(&context, &email).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Lets a program in. Unknown, wrong, frozen and unverified get one and the same answer.
#[utoipa::path(post, path = "/api/auth/login", tag = "auth", request_body = LoginRequest, responses(
    (status = 200, body = TokenResponse),
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
) -> Result<axum::Json<TokenResponse>, Problem> {
    let email = parse_email(&body.email)?;
    let device = device(&headers, &context);
    let work = state.app.login(&context, &email, &body.password, &device);
    Ok(axum::Json(counting_failures(&state, &context, work).await?.into()))
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
    Json(body): Json<RefreshRequest>,
) -> Result<axum::Json<TokenResponse>, Problem> {
    Ok(axum::Json(state.app.refresh(&context, body.refresh_token.expose_secret()).await?.into()))
}

/// Ends this session.
#[utoipa::path(post, path = "/api/auth/logout", tag = "auth", security(("bearer" = [])), responses(
    (status = 204, description = "The session has ended"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn logout(State(state): State<WebState>, caller: Caller) -> Result<StatusCode, Problem> {
    state.app.logout(&caller.context, caller.user, caller.session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends every session of the caller.
#[utoipa::path(post, path = "/api/auth/logout-all", tag = "auth", security(("bearer" = [])), responses(
    (status = 204, description = "Every session has ended"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn logout_all(State(state): State<WebState>, caller: Caller) -> Result<StatusCode, Problem> {
    state.app.logout_all(&caller.context, caller.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parse_email(text: &str) -> Result<Email, Problem> {
    Email::parse(text).map_err(|_| Problem::field("/email", "email"))
}

/// From what the request says it is.
pub(crate) fn device(headers: &HeaderMap, context: &application::Context) -> Device {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Device::new(agent, context.address)
}

/// Runs a try that a guesser would repeat: only what fails counts against its address (SEC-48).
pub(crate) async fn counting_failures<T>(
    state: &WebState,
    context: &application::Context,
    work: impl Future<Output = Result<T, IdentityError>>,
) -> Result<T, Problem> {
    let address = context.address.map(counted);
    if let Some(address) = address {
        state.limits.login_failures.check(address)?;
    }
    work.await.map_err(|error| {
        let guessed = matches!(error, IdentityError::InvalidCredentials | IdentityError::InvalidToken);
        if let Some(address) = address.filter(|_| guessed) {
            state.limits.login_failures.count(address);
        }
        error.into()
    })
}
