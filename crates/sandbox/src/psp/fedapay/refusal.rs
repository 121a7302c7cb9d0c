//! FedaPay's refusals: a message, and what is wrong with which field.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::problem::Problem;

#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    body: Value,
}

impl Refusal {
    pub(super) fn unauthorized() -> Self {
        Self { status: StatusCode::UNAUTHORIZED, body: json!({ "message": "Erreur d'authentification" }) }
    }

    pub(super) fn not_found() -> Self {
        Self { status: StatusCode::NOT_FOUND, body: json!({ "message": "Ressource non trouvée" }) }
    }

    pub(super) fn field(name: &str, why: &str) -> Self {
        let body = json!({ "message": "Erreur de validation", "errors": { name: [why] } });
        Self { status: StatusCode::BAD_REQUEST, body }
    }

    pub(super) fn broken() -> Self {
        let body = json!({ "message": "out of order, as ordered" });
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, body }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        match problem.code {
            "already_opened" => Self::field("merchant_reference", "is taken"),
            _ => Self { status: problem.status, body: json!({ "message": problem.detail }) },
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}
