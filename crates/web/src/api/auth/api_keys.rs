//! `/api/auth/api-keys`: keys of machines.

use application::actor::{Scope, Scopes};
use application::identity::{ApiKeyView, NewApiKey};
use axum::extract::State;
use axum::http::StatusCode;
use domain::ids::ApiKeyId;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{counting_failures, proof};
use crate::extract::{IdPath, Json, Person};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// A key to be made, with a fresh proof.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateRequest {
    /// What you call it.
    #[schema(min_length = 1, max_length = 100, example = "accounting")]
    name: String,
    /// What it may do: at most what you may, and never what guards money, people or keys.
    #[schema(example = json!(["payments:read"]))]
    scopes: Vec<String>,
    /// How long it lives.
    #[schema(minimum = 1, maximum = 365, example = 90)]
    days: u16,
    /// The account's password.
    #[schema(value_type = String, format = "password")]
    password: SecretString,
    /// How the second factor is shown: `totp` (if nothing is said), `sms` or `recovery_code`.
    #[schema(example = "totp")]
    method: Option<String>,
    /// Its code; needed where a second factor is set up.
    #[schema(value_type = Option<String>, example = "123456")]
    code: Option<SecretString>,
}

/// A key, without the key itself.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiKeyResponse {
    id: Uuid,
    name: String,
    /// How it starts.
    #[schema(example = "cfi_x8Gq2a")]
    starts_with: String,
    scopes: Vec<&'static str>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    /// To within a minute.
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
}

/// A key just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedResponse {
    /// The key itself, for the `Authorization` header. It is shown this once.
    key: String,
    #[serde(flatten)]
    about: ApiKeyResponse,
}

/// The caller's living keys, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiKeysResponse {
    items: Vec<ApiKeyResponse>,
    /// Always null: there are never more than one page.
    next_cursor: Option<String>,
}

impl From<ApiKeyView> for ApiKeyResponse {
    fn from(view: ApiKeyView) -> Self {
        Self {
            id: view.id.uuid(),
            name: view.name,
            starts_with: view.shown_prefix,
            scopes: view.scopes.iter().map(Scope::as_str).collect(),
            created_at: view.created_at,
            expires_at: view.expires_at,
            last_used_at: view.last_used_at,
        }
    }
}

/// The caller's keys.
#[utoipa::path(get, path = "/api/auth/api-keys", tag = "auth", responses(
    (status = 200, body = ApiKeysResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(state): State<WebState>,
    person: Person,
) -> Result<axum::Json<ApiKeysResponse>, Problem> {
    let keys = state.app.api_keys(person.user).await?;
    Ok(axum::Json(ApiKeysResponse { items: keys.into_iter().map(Into::into).collect(), next_cursor: None }))
}

/// Makes a key for a machine. The key is shown this once.
#[utoipa::path(post, path = "/api/auth/api-keys", tag = "auth", request_body = CreateRequest, responses(
    (status = 201, body = CreatedResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    State(state): State<WebState>,
    person: Person,
    Json(body): Json<CreateRequest>,
) -> Result<(StatusCode, axum::Json<CreatedResponse>), Problem> {
    let scopes = body.scopes.iter().map(|word| word.parse::<Scope>()).collect::<Result<Scopes, _>>();
    let scopes = scopes.map_err(|_| Problem::field("/scopes", "scope"))?;
    let proof = proof(body.password, body.method.as_deref(), body.code)?;
    let new = NewApiKey { name: body.name, scopes, days: body.days };
    let work = state.app.create_api_key(&person.context, person.user, &proof, new);
    let issued = counting_failures(&state, &person.context, work).await?;
    let created = CreatedResponse { key: issued.key.expose_secret().to_owned(), about: issued.view.into() };
    Ok((StatusCode::CREATED, axum::Json(created)))
}

/// Ends a key.
#[utoipa::path(delete, path = "/api/auth/api-keys/{id}", tag = "auth",
    params(("id" = Uuid, Path, description = "A key of the list")), responses(
    (status = 204, description = "The key is worth nothing any more"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn revoke(
    State(state): State<WebState>,
    person: Person,
    IdPath(key): IdPath<ApiKeyId>,
) -> Result<StatusCode, Problem> {
    let revoked = state.app.revoke_api_key(&person.context, person.user, key).await?;
    if revoked { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}
