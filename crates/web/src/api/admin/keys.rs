//! `/api/admin/keys`: what keys there are, and the next ones. Never a key itself.

use application::keys::{DataKeyView, KeyService, KeysView, SigningKeyView};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::extract::{Caller, Confirmed};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// How much is told.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct KeysQuery {
    /// Count the values under each data key, too: it reads every encrypted column.
    count: Option<bool>,
}

/// Which key is to be made anew.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RotatePurpose {
    /// Signs access tokens; earlier tokens live out their half hour.
    Jwt,
    /// Encrypts what is stored; earlier values stay readable.
    Data,
}

/// A rotation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateKeyBody {
    /// `jwt` (signs access tokens) or `data` (encrypts what is stored).
    #[schema(value_type = String, example = "jwt")]
    purpose: RotatePurpose,
}

/// The next key.
#[derive(Serialize, ToSchema)]
pub(crate) struct RotatedKeyResponse {
    /// Its name.
    id: String,
}

/// The service that wraps the data keys.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyServiceResponse {
    /// `local`, `vault` or `aws_kms`.
    backend: &'static str,
    /// `ok`, `away` (what is in memory goes on) or `closed` (nothing is sealed or opened).
    status: &'static str,
    /// Since when it is not `ok`.
    #[serde(with = "time::serde::rfc3339::option")]
    last_answered_at: Option<OffsetDateTime>,
    /// What the service says.
    why: Option<String>,
}

/// A key that is derived from the secret key.
#[derive(Serialize, ToSchema)]
pub(crate) struct DerivedKeyResponse {
    /// What it is for.
    purpose: &'static str,
    /// What it protects, and what its loss would mean.
    description: &'static str,
}

/// A key of encrypted columns.
#[derive(Serialize, ToSchema)]
pub(crate) struct DataKeyResponse {
    /// Its name in ciphertexts.
    id: Uuid,
    /// Whether it seals now on the instance that answers.
    seals_now: bool,
    /// Who wrapped it.
    backend: String,
    /// The key-encryption key that it is under.
    kek: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    seals_from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    retired_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    revoked_at: Option<OffsetDateTime>,
    /// How often it has sealed, over all instances.
    seals: u64,
    /// How many values are under it; null unless they were counted.
    rows: Option<i64>,
}

/// A key of access tokens.
#[derive(Serialize, ToSchema)]
pub(crate) struct JwtKeyResponse {
    /// Its name in tokens.
    kid: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    signs_from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    revoked_at: Option<OffsetDateTime>,
}

/// Every key there is, by its name.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeysResponse {
    /// What everything is bound to.
    environment: String,
    service: KeyServiceResponse,
    derived: Vec<DerivedKeyResponse>,
    /// The newest first.
    data_keys: Vec<DataKeyResponse>,
    /// The newest first.
    jwt_keys: Vec<JwtKeyResponse>,
}

impl From<DataKeyView> for DataKeyResponse {
    fn from(view: DataKeyView) -> Self {
        Self {
            id: view.id,
            seals_now: view.seals_now,
            backend: view.backend,
            kek: view.kek,
            created_at: view.created_at,
            seals_from: view.seals_from,
            retired_at: view.retired_at,
            revoked_at: view.revoked_at,
            seals: view.seals,
            rows: view.rows,
        }
    }
}

impl From<SigningKeyView> for JwtKeyResponse {
    fn from(view: SigningKeyView) -> Self {
        Self {
            kid: view.kid,
            created_at: view.created_at,
            signs_from: view.signs_from,
            revoked_at: view.revoked_at,
        }
    }
}

impl From<KeysView> for KeysResponse {
    fn from(view: KeysView) -> Self {
        let (status, last_answered_at, why) = match view.service {
            KeyService::Answers => ("ok", None, None),
            KeyService::Away { since, why } => ("away", Some(since), Some(why)),
            KeyService::Closed { since, why } => ("closed", Some(since), Some(why)),
        };
        let derived = view.derived.into_iter();
        Self {
            environment: view.environment,
            service: KeyServiceResponse { backend: view.backend, status, last_answered_at, why },
            derived: derived
                .map(|key| DerivedKeyResponse { purpose: key.info(), description: key.description() })
                .collect(),
            data_keys: view.data_keys.into_iter().map(Into::into).collect(),
            jwt_keys: view.jwt_keys.into_iter().map(Into::into).collect(),
        }
    }
}

/// The inventory of keys.
#[utoipa::path(get, path = "/api/admin/keys", tag = "admin", params(KeysQuery), responses(
    (status = 200, body = KeysResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn inventory(
    State(state): State<WebState>,
    _: Caller,
    query: Result<Query<KeysQuery>, QueryRejection>,
) -> Result<axum::Json<KeysResponse>, Problem> {
    let Query(query) = query.map_err(|_| Problem::of_status(StatusCode::UNPROCESSABLE_ENTITY))?;
    let view = state.app.keys_view(query.count.unwrap_or(false)).await?;
    Ok(axum::Json(view.into()))
}

/// Makes the next key. What earlier keys signed or sealed goes on; every instance takes the new one over within seconds.
#[utoipa::path(post, path = "/api/admin/keys/rotate", tag = "admin", request_body = RotateKeyBody, responses(
    (status = 200, body = RotatedKeyResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn rotate(
    State(state): State<WebState>,
    Confirmed { person, body }: Confirmed<RotateKeyBody>,
) -> Result<axum::Json<RotatedKeyResponse>, Problem> {
    let id = match body.purpose {
        RotatePurpose::Jwt => state.app.rotate_jwt_key(&person.context, false).await?,
        RotatePurpose::Data => state.app.rotate_data_key(&person.context).await?.to_string(),
    };
    Ok(axum::Json(RotatedKeyResponse { id }))
}
