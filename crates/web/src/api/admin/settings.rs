//! `/api/admin/settings`: what the operator decides while the product runs (M1, M3). Secrets go in and never come out.

use application::settings::{Changed, CoolingView, Key, SettingView, VersionView};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::ids::ApprovalId;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::approvals::{ApprovalResponse, language};
use super::users::ReasonBody;
use crate::extract::{Caller, Confirmed, IdPath};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// A new value.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValueBody {
    /// A text, or a JSON object for the document of a payment provider.
    #[schema(value_type = Object)]
    value: Value,
    /// Told to the other admins, and kept.
    #[schema(min_length = 1, max_length = 500, example = "we have another bank")]
    reason: String,
}

/// A version that was.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestoreBody {
    /// As the history shows it.
    #[schema(minimum = 1, example = 1)]
    version: i32,
    /// Told to the other admins, and kept.
    #[schema(min_length = 1, max_length = 500, example = "the old bank after all")]
    reason: String,
}

/// A value that was confirmed and becomes valid later.
#[derive(Serialize, ToSchema)]
pub(crate) struct CoolingResponse {
    /// Null for secrets.
    value: Option<String>,
    fingerprint: String,
    #[serde(with = "time::serde::rfc3339")]
    active_from: OffsetDateTime,
    approval_id: Option<Uuid>,
}

/// A setting.
#[derive(Serialize, ToSchema)]
pub(crate) struct SettingResponse {
    key: &'static str,
    /// What it is for, and what it may hold.
    description: &'static str,
    /// `environment` (the configuration gives it: read-only here), `setting` or `default`.
    source: &'static str,
    read_only: bool,
    /// Whether it is written and never read.
    secret: bool,
    /// Null for secrets and where nothing is set.
    value: Option<String>,
    /// Tells values apart, and nobody what they are.
    fingerprint: Option<String>,
    /// Of the setting; 0 if there was never one.
    version: i32,
    #[serde(with = "time::serde::rfc3339::option")]
    updated_at: Option<OffsetDateTime>,
    /// What becomes valid later.
    cooling: Option<CoolingResponse>,
}

/// All settings.
#[derive(Serialize, ToSchema)]
pub(crate) struct SettingsResponse {
    items: Vec<SettingResponse>,
}

/// A version of a setting.
#[derive(Serialize, ToSchema)]
pub(crate) struct VersionResponse {
    version: i32,
    /// Null for secrets, and where this version deleted the setting.
    value: Option<String>,
    /// Null where this version deleted the setting.
    fingerprint: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    set_at: OffsetDateTime,
    /// `user`, `operator`, `system` …
    actor_kind: String,
    actor_id: Option<String>,
    approval_id: Option<Uuid>,
    reason: String,
}

/// The versions of a setting.
#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryResponse {
    items: Vec<VersionResponse>,
}

/// What came of a change that needed no second confirmation.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangedResponse {
    /// `applied` or `cooling`.
    outcome: &'static str,
    /// The new version, if it is in force.
    version: Option<i32>,
    /// When it becomes valid, if that is later.
    #[serde(with = "time::serde::rfc3339::option")]
    active_from: Option<OffsetDateTime>,
}

impl From<CoolingView> for CoolingResponse {
    fn from(view: CoolingView) -> Self {
        Self {
            value: view.value,
            fingerprint: view.fingerprint,
            active_from: view.active_from,
            approval_id: view.approval.map(ApprovalId::uuid),
        }
    }
}

impl From<SettingView> for SettingResponse {
    fn from(view: SettingView) -> Self {
        Self {
            key: view.key.as_str(),
            description: view.key.description(),
            source: view.source.as_str(),
            read_only: view.source == application::settings::Source::Environment,
            secret: view.key.is_secret(),
            value: view.value,
            fingerprint: view.fingerprint,
            version: view.version,
            updated_at: view.updated_at,
            cooling: view.cooling.map(Into::into),
        }
    }
}

impl From<VersionView> for VersionResponse {
    fn from(view: VersionView) -> Self {
        Self {
            version: view.version,
            value: view.value,
            fingerprint: view.fingerprint,
            set_at: view.set_at,
            actor_kind: view.actor_kind,
            actor_id: view.actor_id,
            approval_id: view.approval.map(ApprovalId::uuid),
            reason: view.reason,
        }
    }
}

/// 200 when it is in force or cools down, 202 with the request when it waits for a second confirmation.
fn told(changed: Changed, state: &WebState, headers: &HeaderMap) -> Response {
    let done = |outcome, version, active_from| {
        axum::Json(ChangedResponse { outcome, version, active_from }).into_response()
    };
    match changed {
        Changed::Applied { version } => done("applied", Some(version), None),
        Changed::Cooling { active_from } => done("cooling", None, Some(active_from)),
        Changed::Pending(view) => {
            let asked = ApprovalResponse::of(*view, language(state, headers));
            (StatusCode::ACCEPTED, axum::Json(asked)).into_response()
        }
    }
}

/// All settings, set or not.
#[utoipa::path(get, path = "/api/admin/settings", tag = "admin", responses(
    (status = 200, body = SettingsResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(state): State<WebState>,
    _: Caller,
) -> Result<axum::Json<SettingsResponse>, Problem> {
    let views = state.app.setting_views().await?;
    Ok(axum::Json(SettingsResponse { items: views.into_iter().map(Into::into).collect() }))
}

/// One setting.
#[utoipa::path(get, path = "/api/admin/settings/{key}", tag = "admin",
    params(("key" = String, Path)), responses(
    (status = 200, body = SettingResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn get(
    State(state): State<WebState>,
    _: Caller,
    IdPath(key): IdPath<Key>,
) -> Result<axum::Json<SettingResponse>, Problem> {
    Ok(axum::Json(state.app.setting_view(key).await?.into()))
}

/// Sets a value: at once if it is the first, else where it matters after a second confirmation, and a receiving address
/// then after its cooling time.
#[utoipa::path(put, path = "/api/admin/settings/{key}", tag = "admin", request_body = ValueBody,
    params(("key" = String, Path)), responses(
    (status = 200, body = ChangedResponse, description = "It is in force, or will be when it has cooled down"),
    (status = 202, body = ApprovalResponse, description = "It waits for its second confirmation"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn put(
    State(state): State<WebState>,
    headers: HeaderMap,
    IdPath(key): IdPath<Key>,
    Confirmed { person, body }: Confirmed<ValueBody>,
) -> Result<Response, Problem> {
    let value = match body.value {
        Value::String(text) => SecretString::from(text),
        Value::Object(members) if key.provider().is_some() => Value::Object(members).to_string().into(),
        _ => return Err(Problem::field("/value", "wrong_type")),
    };
    let changed = state.app.change_setting(&person.context, key, &value, &body.reason).await?;
    Ok(told(changed, &state, &headers))
}

/// Asks to delete a value.
#[utoipa::path(delete, path = "/api/admin/settings/{key}", tag = "admin", request_body = ReasonBody,
    params(("key" = String, Path)), responses(
    (status = 202, body = ApprovalResponse, description = "It waits for its second confirmation"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn delete(
    State(state): State<WebState>,
    headers: HeaderMap,
    IdPath(key): IdPath<Key>,
    Confirmed { person, body }: Confirmed<ReasonBody>,
) -> Result<Response, Problem> {
    let changed = state.app.delete_setting(&person.context, key, &body.reason).await?;
    Ok(told(changed, &state, &headers))
}

/// The versions that a setting had, the newest first.
#[utoipa::path(get, path = "/api/admin/settings/{key}/history", tag = "admin",
    params(("key" = String, Path)), responses(
    (status = 200, body = HistoryResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn history(
    State(state): State<WebState>,
    _: Caller,
    IdPath(key): IdPath<Key>,
) -> Result<axum::Json<HistoryResponse>, Problem> {
    let versions = state.app.setting_history(key).await?;
    Ok(axum::Json(HistoryResponse { items: versions.into_iter().map(Into::into).collect() }))
}

/// Sets a value that a setting had before, as carefully as a new one.
#[utoipa::path(post, path = "/api/admin/settings/{key}/restore", tag = "admin", request_body = RestoreBody,
    params(("key" = String, Path)), responses(
    (status = 200, body = ChangedResponse, description = "It is in force, or will be when it has cooled down"),
    (status = 202, body = ApprovalResponse, description = "It waits for its second confirmation"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn restore(
    State(state): State<WebState>,
    headers: HeaderMap,
    IdPath(key): IdPath<Key>,
    Confirmed { person, body }: Confirmed<RestoreBody>,
) -> Result<Response, Problem> {
    let changed = state.app.restore_setting(&person.context, key, body.version, &body.reason).await?;
    Ok(told(changed, &state, &headers))
}

/// Cancels a value that cools down; what is in force stays.
#[utoipa::path(post, path = "/api/admin/settings/{key}/cancel", tag = "admin", request_body = ReasonBody,
    params(("key" = String, Path)), responses(
    (status = 204, description = "It will not become valid"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn cancel(
    State(state): State<WebState>,
    IdPath(key): IdPath<Key>,
    Confirmed { person, body }: Confirmed<ReasonBody>,
) -> Result<StatusCode, Problem> {
    state.app.cancel_cooling(&person.context, key, &body.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
