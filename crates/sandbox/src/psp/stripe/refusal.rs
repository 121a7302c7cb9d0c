//! Refusals in Stripe's own words.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::problem::Problem;

#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
    message: String,
}

impl Refusal {
    pub(super) fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status: StatusCode::BAD_REQUEST, kind: "invalid_request_error", code: Some(code), message }
    }

    pub(super) fn missing(what: &str, id: &str) -> Self {
        let refusal = Self::invalid("resource_missing", format!("No such {what}: '{id}'"));
        Self { status: StatusCode::NOT_FOUND, ..refusal }
    }

    pub(super) fn unauthorized() -> Self {
        let message = "Invalid API Key provided".to_owned();
        Self { status: StatusCode::UNAUTHORIZED, kind: "invalid_request_error", code: None, message }
    }

    pub(super) fn broken() -> Self {
        let message = "An unknown error occurred, as ordered".to_owned();
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, kind: "api_error", code: None, message }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let (status, kind, code) = match problem.code {
            "idempotency_key_reused" => (StatusCode::BAD_REQUEST, "idempotency_error", None),
            "key_at_work" => (StatusCode::CONFLICT, "idempotency_error", Some("idempotency_key_in_use")),
            "refund_exceeds_payment" => {
                (StatusCode::BAD_REQUEST, "invalid_request_error", Some("charge_already_refunded"))
            }
            _ if problem.status.is_server_error() => (problem.status, "api_error", None),
            code => (StatusCode::BAD_REQUEST, "invalid_request_error", Some(code)),
        };
        Self { status, kind, code, message: problem.detail }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut error = Map::from_iter([
            ("type".to_owned(), json!(self.kind)),
            ("message".to_owned(), json!(self.message)),
        ]);
        if let Some(code) = self.code {
            error.insert("code".to_owned(), Value::from(code));
        }
        (self.status, Json(json!({ "error": error }))).into_response()
    }
}
