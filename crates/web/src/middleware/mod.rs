//! What every request passes, from the outside in: the client's real address, its id and log line, the problem document,
//! security headers, CORS, a net for panics, the general limit, a time-out, a body limit.

pub mod address;
pub mod headers;
pub mod limits;
mod problems;
pub mod request;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::timeout::TimeoutLayer;

use crate::problem::Problem;
use crate::state::WebState;

/// The longest body (SEC-52).
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// The longest body of a request about authentication (SEC-52).
pub const MAX_AUTH_BODY_BYTES: usize = 4 * 1024;
/// The longest update of Telegram: a long quoted message fits.
pub const MAX_TELEGRAM_BODY_BYTES: usize = 256 * 1024;
/// How long a request may take (SEC-52).
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a browser may remember what CORS allows.
const CORS_MAX_AGE: Duration = Duration::from_mins(10);

/// Puts the layers around the routes. The last one added is the outermost.
pub fn wrap(router: Router<WebState>, state: &Arc<WebState>) -> Router<WebState> {
    let state = WebState::clone(state);
    router
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT))
        .layer(from_fn_with_state(state.clone(), limits::limit_address))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(cors(&state.options.cors_origins))
        .layer(from_fn_with_state(state.clone(), headers::secure))
        .layer(from_fn_with_state(state.clone(), problems::write))
        .layer(from_fn(request::observe))
        .layer(from_fn_with_state(state, address::find))
}

/// The process lives on; the client learns nothing (SEC-58).
#[expect(clippy::needless_pass_by_value, reason = "the layer hands the payload over")]
fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let said = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    tracing::error!(panic = said.unwrap_or("without words"), "a handler panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal").into_response()
}

/// An exact list of origins, without credentials: the API knows no cookies (A5, X2).
fn cors(origins: &[String]) -> CorsLayer {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT_LANGUAGE,
            HeaderName::from_static("idempotency-key"),
        ])
        .expose_headers([
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("idempotency-replayed"),
            header::RETRY_AFTER,
        ])
        .max_age(CORS_MAX_AGE)
}
