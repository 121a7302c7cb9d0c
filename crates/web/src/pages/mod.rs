//! The pages for people, server-rendered, in French and English.

pub mod assets;
pub mod views;

use application::text::Locale;
use axum::Router;
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;
use crate::state::WebState;

/// Every page.
pub fn router() -> Router<WebState> {
    Router::new()
}

/// A problem as a page.
pub(crate) fn problem_page(
    _state: &WebState,
    _cookie: Option<&HeaderValue>,
    _locale: Locale,
    _path: String,
    problem: &Problem,
    _request_id: &str,
) -> Response {
    problem.status.into_response()
}
