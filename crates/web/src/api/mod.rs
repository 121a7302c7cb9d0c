//! The JSON API: one file per part of the address tree. Routes and their documentation come from one source.

pub(crate) mod auth;
mod billing;
mod health;
mod me;
mod payments;
mod subscriptions;
mod telegram;
mod webhooks;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::middleware::{MAX_AUTH_BODY_BYTES, MAX_TELEGRAM_BODY_BYTES};
use crate::openapi;
use crate::state::WebState;

/// Every route of the API with its documentation.
pub fn router() -> OpenApiRouter<WebState> {
    let auth = OpenApiRouter::new()
        .routes(routes!(auth::register))
        .routes(routes!(auth::verify_email))
        .routes(routes!(auth::resend_verification))
        .routes(routes!(auth::login))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::logout_all))
        .layer(DefaultBodyLimit::max(MAX_AUTH_BODY_BYTES));
    let telegram_updates = OpenApiRouter::new()
        .routes(routes!(webhooks::telegram))
        .layer(DefaultBodyLimit::max(MAX_TELEGRAM_BODY_BYTES));
    OpenApiRouter::with_openapi(openapi::base())
        .merge(auth)
        .merge(telegram_updates)
        .routes(routes!(me::me))
        .routes(routes!(billing::plans))
        .routes(routes!(billing::providers))
        .routes(routes!(payments::init))
        .routes(routes!(payments::list))
        .routes(routes!(payments::get))
        .routes(routes!(subscriptions::subscription))
        .routes(routes!(subscriptions::subscriptions))
        .routes(routes!(telegram::create_link, telegram::binding, telegram::unlink))
        .routes(routes!(telegram::access))
        .routes(routes!(webhooks::payment_provider))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
}
