//! `/api/admin/…/export` and `/api/admin/journal`: tables for accounting, as CSV.

use application::exports::{Export, Lines, Range};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use utoipa::IntoParams;

use super::moment::{Moment, range};
use crate::extract::{Caller, Query};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// Of which time.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RangeQuery {
    /// From then on: an instant, or a day (its beginning in UTC).
    #[param(value_type = String, example = "2026-11-01")]
    from: Moment,
    /// Before then: an instant, or a day (its beginning in UTC).
    #[param(value_type = String, example = "2026-12-01")]
    to: Moment,
}

/// Payments that were opened in the range.
#[utoipa::path(get, path = "/api/admin/payments/export", tag = "admin", params(RangeQuery), responses(
    (status = 200, body = String, content_type = "text/csv"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn payments(
    State(state): State<WebState>,
    caller: Caller,
    Query(query): Query<RangeQuery>,
) -> Result<Response, Problem> {
    answer(&state, &caller, Export::Payments, &query).await
}

/// Refunds that were asked for in the range.
#[utoipa::path(get, path = "/api/admin/refunds/export", tag = "admin", params(RangeQuery), responses(
    (status = 200, body = String, content_type = "text/csv"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn refunds(
    State(state): State<WebState>,
    caller: Caller,
    Query(query): Query<RangeQuery>,
) -> Result<Response, Problem> {
    answer(&state, &caller, Export::Refunds, &query).await
}

/// Periods that were bought or given in the range.
#[utoipa::path(get, path = "/api/admin/subscriptions/export", tag = "admin", params(RangeQuery), responses(
    (status = 200, body = String, content_type = "text/csv"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn subscriptions(
    State(state): State<WebState>,
    caller: Caller,
    Query(query): Query<RangeQuery>,
) -> Result<Response, Problem> {
    answer(&state, &caller, Export::Subscriptions, &query).await
}

/// Every movement of money that was booked in the range, with running totals by mode and currency.
#[utoipa::path(get, path = "/api/admin/journal", tag = "admin", params(RangeQuery), responses(
    (status = 200, body = String, content_type = "text/csv"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn journal(
    State(state): State<WebState>,
    caller: Caller,
    Query(query): Query<RangeQuery>,
) -> Result<Response, Problem> {
    answer(&state, &caller, Export::Journal, &query).await
}

async fn answer(
    state: &WebState,
    caller: &Caller,
    export: Export,
    query: &RangeQuery,
) -> Result<Response, Problem> {
    let (from, to) = range(query.from, query.to)?;
    let lines = state.app.export_table(&caller.context, export, Range { from, to }).await?;
    // Each piece is read when the one before was taken. A failure breaks the connection off: nobody takes half a table
    // for a whole one.
    let pieces = stream::try_unfold(lines, |mut lines: Lines| async move {
        let next = lines.next().await;
        next.map(|text| text.map(|text| (text, lines)))
    });
    let name = format!("attachment; filename=\"{}.csv\"", export.as_str());
    let disposition = HeaderValue::try_from(name).unwrap_or(HeaderValue::from_static("attachment"));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}
