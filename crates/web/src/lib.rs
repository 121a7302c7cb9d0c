//! HTTP: the JSON API, the pages, the middleware. No rules, no SQL.
//!
//! A request passes [`middleware`] (its id, the client's real address, limits, headers, the log line), an extractor
//! turns its token or cookie into an actor and its body into a typed command, and a handler of a few lines calls one
//! use case. Whatever goes wrong becomes a [`problem::Problem`], written in the caller's language at the very edge.

pub mod api;
mod card_number;
mod extract;
pub mod middleware;
mod openapi;
pub mod pages;
pub mod problem;
mod state;

use std::sync::Arc;

use application::App;
use axum::Router;

pub use self::middleware::address::TrustedProxies;
pub use self::middleware::limits::{Limit, LimitSettings};
pub use self::openapi::document;
pub use self::state::{WebOptions, WebState};

/// The whole product as a router. Serve it with connection information (`ConnectInfo<SocketAddr>`).
pub fn router(app: App, options: WebOptions) -> Router {
    let state = WebState::new(app, options);
    let (api, document) = api::router().split_for_parts();
    let router = api
        .merge(openapi::swagger_ui(openapi::complete(document)))
        .merge(pages::router())
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed);
    middleware::wrap(router, &Arc::new(state.clone())).with_state(state)
}
