//! `/healthz` and `/readyz`: for whoever starts and watches the process.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// The process lives, or can serve.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthResponse {
    #[schema(example = "ok")]
    status: &'static str,
}

/// The process lives.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = HealthResponse)))]
pub(crate) async fn healthz() -> Json<HealthResponse> {
    Json(HealthResponse { status: "ok" })
}

/// The process can serve: the database answers and is migrated.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, body = HealthResponse),
    (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn readyz(State(state): State<WebState>) -> Result<Json<HealthResponse>, Problem> {
    match application::database::missing_migrations(state.app.db()).await {
        Ok(0) => Ok(Json(HealthResponse { status: "ok" })),
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
