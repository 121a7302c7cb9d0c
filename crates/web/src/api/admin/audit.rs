//! `/api/admin/audit`: who did what, and whether the log is still what it was.

use application::audit::{EntryView, Export, ExportFilter, Filter, Finding, Head, Range, Report};
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use crypto::receipt::PublicKeys;
use domain::ids::UserId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::page_limit;
use crate::extract::{Caller, Json};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// So many entries are verified for one request.
const MAX_VERIFIED: i64 = 20_000;

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EntriesQuery {
    /// An action such as `payment.settled`, or all of a kind: `payment.`
    action: Option<String>,
    /// `anonymous`, `user`, `api_key`, `provider`, `telegram`, `system` or `operator`.
    actor_kind: Option<String>,
    /// Which one acted.
    actor_id: Option<String>,
    /// Whose the entries are.
    user_id: Option<Uuid>,
    /// What kind of thing it happened to.
    subject_kind: Option<String>,
    /// Which one.
    subject_id: Option<String>,
    /// From then on.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<OffsetDateTime>,
    /// Before then.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<OffsetDateTime>,
    /// So many at most, up to 100.
    limit: Option<i64>,
    /// From the page before.
    cursor: Option<i64>,
}

/// An entry.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryResponse {
    id: i64,
    /// Its position in the chain; null until it is sealed.
    position: Option<i64>,
    sealed: bool,
    #[serde(with = "time::serde::rfc3339")]
    occurred_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    business_at: OffsetDateTime,
    actor_kind: String,
    actor_id: Option<String>,
    action: String,
    subject_kind: String,
    subject_id: String,
    user_id: Option<Uuid>,
    request_id: Option<String>,
    #[schema(value_type = Object)]
    details: Value,
    /// From where, and what else identifies a person; null once it is erased.
    #[schema(value_type = Option<Object>)]
    personal: Option<Value>,
    /// The server that acted.
    address: Option<String>,
}

/// A page of entries.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntriesResponse {
    items: Vec<EntryResponse>,
    next_cursor: Option<i64>,
}

/// The newest seal and the keys that its signature is verified with.
#[derive(Serialize, ToSchema)]
pub(crate) struct HeadResponse {
    /// `number`, `position`, `hash`, `sealed_at`, `kid`, `signature`; null before the first seal.
    #[schema(value_type = Option<Object>)]
    head: Option<Head>,
    /// A JSON Web Key Set, the key in use first.
    #[schema(value_type = Object)]
    keys: PublicKeys,
}

/// How much to verify.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyBody {
    /// The first seal; without it the newest entries are verified.
    #[serde(default)]
    from_seal: Option<i64>,
    /// The most entries, up to 20000.
    #[serde(default)]
    entries: Option<i64>,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct VerifyResponse {
    /// Whether everything that was looked at fits.
    ok: bool,
    first_seal: i64,
    last_seal: i64,
    entries: i64,
    /// Whether that was the whole chain. `calmness audit verify` also looks for entries behind the chain and compares anchors.
    complete: bool,
    /// Where to go on, while seals are left.
    next_seal: Option<i64>,
    /// `kind`, `seal`, `position`, `entry` and `says` of each.
    #[schema(value_type = Vec<Object>)]
    findings: Vec<Finding>,
}

/// What to export.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// Seals from then on.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<OffsetDateTime>,
    /// Seals up to then.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<OffsetDateTime>,
    /// Only this user's entries; of all others the hashes.
    user_id: Option<Uuid>,
}

impl From<EntryView> for EntryResponse {
    fn from(view: EntryView) -> Self {
        Self {
            id: view.id,
            position: view.position,
            sealed: view.position.is_some(),
            occurred_at: view.occurred_at,
            business_at: view.business_at,
            actor_kind: view.actor_kind,
            actor_id: view.actor_id,
            action: view.action,
            subject_kind: view.subject_kind,
            subject_id: view.subject_id,
            user_id: view.user_id,
            request_id: view.request_id,
            details: view.details,
            personal: view.personal,
            address: view.address,
        }
    }
}

/// Entries of the audit log, the newest first.
#[utoipa::path(get, path = "/api/admin/audit", tag = "admin", params(EntriesQuery), responses(
    (status = 200, body = EntriesResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(state): State<WebState>,
    _: Caller,
    query: Result<Query<EntriesQuery>, QueryRejection>,
) -> Result<axum::Json<EntriesResponse>, Problem> {
    let Query(query) = query.map_err(|_| Problem::of_status(StatusCode::UNPROCESSABLE_ENTITY))?;
    let (limit, kept) = page_limit(query.limit)?;
    let filter = Filter {
        action: query.action,
        actor_kind: query.actor_kind,
        actor_id: query.actor_id,
        user: query.user_id.map(UserId::from_uuid),
        subject_kind: query.subject_kind,
        subject_id: query.subject_id,
        from: query.from,
        to: query.to,
    };
    refuse_control_characters(&filter)?;
    let mut entries = state.app.audit_entries(&filter, limit + 1, query.cursor).await?;
    let more = entries.len() > kept;
    entries.truncate(kept);
    let next_cursor = entries.last().filter(|_| more).map(|last| last.id);
    Ok(axum::Json(EntriesResponse { items: entries.into_iter().map(Into::into).collect(), next_cursor }))
}

/// PostgreSQL knows no text with a zero byte in it, and none of ours has any control character.
fn refuse_control_characters(filter: &Filter) -> Result<(), Problem> {
    let texts =
        [&filter.action, &filter.actor_kind, &filter.actor_id, &filter.subject_kind, &filter.subject_id];
    let clean = texts.into_iter().flatten().all(|text| !text.chars().any(char::is_control));
    if clean { Ok(()) } else { Err(Problem::of_status(StatusCode::UNPROCESSABLE_ENTITY)) }
}

/// The head of the chain, and the public keys.
#[utoipa::path(get, path = "/api/admin/audit/head", tag = "admin", responses(
    (status = 200, body = HeadResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn head(
    State(state): State<WebState>,
    _: Caller,
) -> Result<axum::Json<HeadResponse>, Problem> {
    let head = state.app.audit_head().await?;
    Ok(axum::Json(HeadResponse { head, keys: state.app.keys().audit_keys().clone() }))
}

/// Verifies a bounded part of the chain. What is wrong raises an alert.
#[utoipa::path(post, path = "/api/admin/audit/verify", tag = "admin", request_body = VerifyBody, responses(
    (status = 200, body = VerifyResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn verify(
    State(state): State<WebState>,
    _: Caller,
    Json(body): Json<VerifyBody>,
) -> Result<axum::Json<VerifyResponse>, Problem> {
    let entries = body.entries.unwrap_or(MAX_VERIFIED);
    if !(1..=MAX_VERIFIED).contains(&entries) {
        return Err(Problem::field("/entries", "out_of_range"));
    }
    if body.from_seal.is_some_and(|seal| seal < 1) {
        return Err(Problem::field("/from_seal", "out_of_range"));
    }
    let range = Range::Some { from: body.from_seal, entries };
    let keys = state.app.keys().audit_keys();
    let report = state.app.verify_audit(range, keys, None, &|_, _| {}).await;
    let report = report.map_err(|error| Problem::internal(&error))?;
    let head = state.app.audit_head().await?.map_or(0, |head| head.number);
    Ok(axum::Json(told(report, head)))
}

fn told(report: Report, head: i64) -> VerifyResponse {
    let looked_at = report.last_seal.max(report.began_after);
    VerifyResponse {
        ok: report.holds(),
        first_seal: report.began_after + 1,
        last_seal: looked_at,
        entries: report.entries,
        complete: report.complete,
        next_seal: (looked_at < head).then_some(looked_at + 1),
        findings: report.findings,
    }
}

/// The chain as JSON lines, which `calmness audit verify --file` verifies without a database.
#[utoipa::path(get, path = "/api/admin/audit/export", tag = "admin", params(ExportQuery), responses(
    (status = 200, body = String, content_type = "application/x-ndjson"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn export(
    State(state): State<WebState>,
    _: Caller,
    query: Result<Query<ExportQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|_| Problem::of_status(StatusCode::UNPROCESSABLE_ENTITY))?;
    let user = query.user_id.map(UserId::from_uuid);
    let export = state.app.export_audit(ExportFilter { from: query.from, to: query.to, user });
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.jsonl\""),
    ];
    // A piece is read when the one before it has gone out; between two no connection of the database is held.
    let lines = futures_util::stream::try_unfold(export, next_lines);
    Ok((headers, Body::from_stream(lines)).into_response())
}

async fn next_lines(
    mut export: Export,
) -> Result<Option<(Vec<u8>, Export)>, application::audit::ExportError> {
    let lines = export.next().await;
    if let Err(error) = &lines {
        // The status has gone out: the client sees a file without its last line, which does not verify.
        tracing::error!(error = error as &dyn std::error::Error, "an export of the audit log ended early");
    }
    Ok(lines?.map(|lines| (lines, export)))
}
