//! Writes problems at the edge: as a document for programs, as a page for people.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::request::RequestId;
use crate::extract::locale;
use crate::pages::{self, Glance};
use crate::problem::{CONTENT_TYPE, Problem};
use crate::state::WebState;

pub(super) async fn write(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let for_programs = request.uri().path().starts_with("/api/") || !wants_html(request.headers());
    let spoken = locale(request.headers(), state.app.options().default_locale);
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.to_string()).unwrap_or_default();
    let page = (!for_programs).then(|| Glance::of(&request));
    let response = next.run(request).await;
    let Some(problem) = problem_of(&response) else { return response };
    let written = if let Some(glance) = page {
        pages::problem_page(&state, glance, &problem, request_id).await
    } else {
        let document = problem.document(spoken, &request_id);
        let content_type = (header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        (problem.status, [content_type], Json(document)).into_response()
    };
    let (head, body) = written.into_parts();
    let (mut old, _) = response.into_parts();
    old.headers.remove(header::CONTENT_LENGTH);
    old.headers.remove(header::CONTENT_TYPE);
    for (name, value) in &head.headers {
        old.headers.insert(name, value.clone());
    }
    Response::from_parts(old, body)
}

/// Errors that a handler named, and errors that a layer or the router made without a body of ours.
fn problem_of(response: &Response) -> Option<Problem> {
    if let Some(problem) = response.extensions().get::<Problem>() {
        return Some(problem.clone());
    }
    let status = response.status();
    let ours = response.headers().get(header::CONTENT_TYPE).is_some_and(|value| {
        value.as_bytes().starts_with(b"text/html") || value.as_bytes().starts_with(CONTENT_TYPE.as_bytes())
    });
    let failed = status.is_client_error() || status.is_server_error();
    (failed && !ours).then(|| Problem::of_status(status))
}

fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .is_some_and(|value| value.to_str().is_ok_and(|accept| accept.contains("text/html")))
}
