//! `/healthz` and `/readyz`: for whoever starts and watches the process.

use application::App;
use application::keys::KeyService;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// The process lives, or can serve.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthResponse {
    /// `ok`, or `degraded`: it serves, and what is named needs somebody.
    #[schema(example = "ok")]
    status: &'static str,
    /// What does not work as it should: `keys` while the key service is away and the keys in memory serve.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    degraded: Vec<&'static str>,
}

const OK: HealthResponse = HealthResponse { status: "ok", degraded: Vec::new() };

/// The process lives.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = HealthResponse)))]
pub(crate) async fn healthz() -> Json<HealthResponse> {
    Json(OK)
}

/// The process can serve: the database answers and is migrated, and what is encrypted can be read.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, body = HealthResponse),
    (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn readyz(State(state): State<WebState>) -> Result<Json<HealthResponse>, Problem> {
    match application::database::missing_migrations(state.app.db()).await {
        Ok(0) => keys(&state.app).map(Json),
        Ok(missing) => {
            tracing::error!(migrations.missing = missing, "the database is not migrated");
            Err(Problem::unavailable(5))
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the database does not answer");
            Err(Problem::unavailable(1))
        }
    }
}

/// SEC-33: without its key service the process goes on with the keys in memory, for as long as it may.
fn keys(app: &App) -> Result<HealthResponse, Problem> {
    match app.keys().service() {
        KeyService::Answers => Ok(OK),
        KeyService::Away { .. } => Ok(HealthResponse { status: "degraded", degraded: vec!["keys"] }),
        KeyService::Closed { .. } => Err(Problem::unavailable(60)),
    }
}
