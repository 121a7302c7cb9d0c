//! Each request's id, its span, and the one line that tells how it went.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use super::address::ClientAddress;

/// The header that tells the client the number of its request.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The number of a request: ours, never the client's.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

pub(super) async fn observe(mut request: Request, next: Next) -> Response {
    let id: Arc<str> = hex::encode(crypto::random::bytes::<16>(&crypto::random::SystemRandom)).into();
    request.extensions_mut().insert(RequestId(Arc::clone(&id)));
    let method = request.method().clone();
    // The route, not the path: paths and queries may hold tokens.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "-".to_owned(), |path| path.as_str().to_owned());
    let address = request.extensions().get::<ClientAddress>().map(|address| address.0.to_string());
    let span = tracing::info_span!("request", request.id = %id, user.id = tracing::field::Empty);
    let began = Instant::now();
    async move {
        let mut response = next.run(request).await;
        let status = response.status().as_u16();
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            http.method = %method,
            http.route = route,
            http.status = status,
            http.duration_ms = duration_ms,
            client.address = address,
            "request"
        );
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(HEADER, value);
        }
        response
    }
    .instrument(span)
    .await
}
