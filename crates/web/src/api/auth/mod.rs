//! `/api/auth`: sign-up, login, and what guards an account.

pub(crate) mod api_keys;
pub(crate) mod login;
pub(crate) mod password;
pub(crate) mod second_factor;
pub(crate) mod sessions;
pub(crate) mod sms;
pub(crate) mod step_up;

use application::identity::{Device, Email, IdentityError, Method, Proof};
use application::text::Locale;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{Anonymous, Json, locale};
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
    take_mail(&state, &context).await?;
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
    headers: HeaderMap,
    Json(body): Json<ResendRequest>,
) -> Result<StatusCode, Problem> {
    take_mail(&state, &context).await?;
    let email = parse_email(&body.email)?;
    let locale = locale(&headers, state.app.options().default_locale);
    state.app.resend_verification(&context, &email, locale).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Each of these sends a mail to whatever address was given.
pub(crate) async fn take_mail(state: &WebState, context: &application::Context) -> Result<(), Problem> {
    if let Some(address) = context.address {
        state.limits.mails.take(counted(address)).await?;
    }
    Ok(())
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
        state.limits.login_failures.check(address).await?;
    }
    match work.await {
        Ok(done) => Ok(done),
        Err(error) => {
            if let Some(address) = address.filter(|_| error.is_guess()) {
                state.limits.login_failures.count(address).await;
            }
            Err(error.into())
        }
    }
}

/// A fresh proof of who calls: the password, and a code where a second factor is set up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProofBody {
    /// The account's password.
    #[schema(value_type = String, format = "password")]
    password: SecretString,
    /// How the second factor is shown: `totp` (if nothing is said), `sms` or `recovery_code`.
    #[schema(example = "totp")]
    method: Option<String>,
    /// Its code; needed where a second factor is set up.
    #[schema(value_type = Option<String>, example = "123456")]
    code: Option<SecretString>,
}

impl ProofBody {
    pub(crate) fn proof(self) -> Result<Proof, Problem> {
        proof(self.password, self.method.as_deref(), self.code)
    }
}

/// Puts the parts of a proof together.
pub(crate) fn proof(
    password: SecretString,
    method: Option<&str>,
    code: Option<SecretString>,
) -> Result<Proof, Problem> {
    let method = parse_method(method.unwrap_or(Method::Totp.as_str()))?;
    Ok(Proof { password, code: code.map(|code| (method, code)) })
}

fn parse_method(word: &str) -> Result<Method, Problem> {
    word.parse().map_err(|_| Problem::field("/method", "method"))
}
