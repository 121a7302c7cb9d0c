//! `/api/webhooks`: what providers and Telegram call. The raw bytes are verified before anything is read.

use application::Context;
use application::billing::{WebhookAnswer, WebhookError};
use application::identity::SmsCallback;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use gateways::telegram::{SECRET_HEADER, parse_update, webhook_secret_matches};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::Anonymous;
use crate::middleware::limits::counted;
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// The callback is kept.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReceivedResponse {
    received: bool,
}

/// Takes a callback of a payment provider, signed by the provider's own scheme (`X-Signature` for `hmac_psp`).
/// 200 after the commit, also for duplicates and for what was quarantined.
#[utoipa::path(post, path = "/api/webhooks/{provider}", tag = "webhooks",
    params(("provider" = String, Path, example = "hmac_psp")),
    request_body(content = String, content_type = "application/json", description = "As the provider sends it"),
    responses(
        (status = 200, body = ReceivedResponse),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn payment_provider(
    State(state): State<WebState>,
    Anonymous(context): Anonymous,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<axum::Json<ReceivedResponse>, Problem> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    let taken = state.app.receive_webhook(&context, &provider, &header, &body).await;
    let error = match taken {
        Ok(answer) => {
            if answer == WebhookAnswer::Unsigned {
                count_unverified(&state, &context, &provider).await?;
            }
            return Ok(axum::Json(ReceivedResponse { received: true }));
        }
        Err(error) => error,
    };
    if matches!(error, WebhookError::Unverified | WebhookError::Malformed) {
        count_unverified(&state, &context, &provider).await?;
    }
    Err(error.into())
}

/// The same for providers that may PUT their callbacks (MTN MoMo).
#[utoipa::path(put, path = "/api/webhooks/{provider}", tag = "webhooks",
    params(("provider" = String, Path, example = "mtn_momo")),
    request_body(content = String, content_type = "application/json", description = "As the provider sends it"),
    responses(
        (status = 200, body = ReceivedResponse),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn payment_provider_put(
    state: State<WebState>,
    caller: Anonymous,
    provider: Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<axum::Json<ReceivedResponse>, Problem> {
    payment_provider(state, caller, provider, headers, body).await
}

/// Verified callbacks never count and are never refused, so no flood of forged ones can push them out (SEC-48). What was not verified
/// counts by its address and by the provider in whose name it came: many addresses together are slowed down too.
async fn count_unverified(state: &WebState, context: &Context, provider: &str) -> Result<(), Problem> {
    let (of_address, of_provider) = (&state.limits.unverified_webhooks, &state.limits.unverified_of_provider);
    let address = context.address.map(counted);
    if let Some(address) = address {
        of_address.check(address).await?;
    }
    of_provider.check(provider).await?;
    if let Some(address) = address {
        of_address.count(address).await;
    }
    of_provider.count(provider).await;
    Ok(())
}

/// Takes an update of our bot, with Telegram's secret header.
#[utoipa::path(post, path = "/api/webhooks/telegram", tag = "webhooks",
    request_body(content = String, content_type = "application/json", description = "An update of the Bot API"),
    responses(
        (status = 200, body = ReceivedResponse),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn telegram(
    State(state): State<WebState>,
    Anonymous(context): Anonymous,
    headers: HeaderMap,
    body: Bytes,
) -> Result<axum::Json<ReceivedResponse>, Problem> {
    let presented = headers.get(SECRET_HEADER).and_then(|value| value.to_str().ok());
    let known = state.options.telegram_webhook_secret.as_ref();
    if !known.is_some_and(|secret| webhook_secret_matches(secret, presented)) {
        state.app.count_refused_update(&context, &body);
        count_unverified(&state, &context, "telegram").await?;
        return Err(WebhookError::Unverified.into());
    }
    let update = parse_update(&body).map_err(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "an update could not be read");
        Problem::of_status(StatusCode::BAD_REQUEST)
    })?;
    state.app.handle_telegram_update(&context, update).await?;
    Ok(axum::Json(ReceivedResponse { received: true }))
}

/// Takes what Twilio says about a message, signed for our public address.
#[utoipa::path(post, path = "/api/webhooks/twilio", tag = "webhooks",
    request_body(content = String, content_type = "application/x-www-form-urlencoded",
                 description = "A status callback of Programmable Messaging"),
    responses(
        (status = 204, description = "Noted"),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn twilio(
    State(state): State<WebState>,
    Anonymous(context): Anonymous,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let signature = headers.get("x-twilio-signature").and_then(|value| value.to_str().ok());
    match state.app.handle_sms_callback(&context, signature, &body).await? {
        SmsCallback::Noted => Ok(StatusCode::NO_CONTENT),
        SmsCallback::Unverified => {
            count_unverified(&state, &context, "twilio").await?;
            Err(WebhookError::Unverified.into())
        }
        SmsCallback::Malformed => Err(WebhookError::Malformed.into()),
    }
}
