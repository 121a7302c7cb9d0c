//! MTN's refusals: a code and a sentence. Its gateway in front has words of its own.

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
    /// One of MTN's codes. Most of them come as a 500.
    pub(super) fn of(code: &'static str) -> Self {
        let status = match code {
            "RESOURCE_NOT_FOUND" => StatusCode::NOT_FOUND,
            "RESOURCE_ALREADY_EXIST" => StatusCode::CONFLICT,
            "SERVICE_UNAVAILABLE" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, body: json!({ "code": code, "message": said(code) }) }
    }

    /// What cannot be read is refused without a code.
    pub(super) fn bad_request(message: &str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, body: json!({ "message": message }) }
    }

    /// The gateway's word on a subscription key.
    pub(super) fn subscription() -> Self {
        let message = "Access denied due to invalid subscription key.";
        Self { status: StatusCode::UNAUTHORIZED, body: json!({ "statusCode": 401, "message": message }) }
    }

    /// A wrong API user or key, or a token that doesn't hold.
    pub(super) fn login(error: &str) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, body: json!({ "error": error }) }
    }
}

fn said(code: &str) -> &'static str {
    match code {
        "RESOURCE_NOT_FOUND" => "Requested resource was not found.",
        "RESOURCE_ALREADY_EXIST" => "Duplicated reference id. Creation of resource failed.",
        "PAYER_NOT_FOUND" => "Payer not found",
        "INVALID_CURRENCY" => "Currency not supported.",
        "NOT_ALLOWED_TARGET_ENVIRONMENT" => "Access to target environment is forbidden.",
        "INVALID_CALLBACK_URL_HOST" => "Callback URL with different host name then configured for API User",
        "SERVICE_UNAVAILABLE" => "Service temporarily unavailable, try again later.",
        _ => "An internal error occurred while processing.",
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        match problem.code {
            "reference_taken" | "already_opened" => Self::of("RESOURCE_ALREADY_EXIST"),
            "not_found" => Self::of("RESOURCE_NOT_FOUND"),
            _ if problem.status.is_client_error() => Self::bad_request(&problem.detail),
            _ => Self { status: problem.status, body: problem.body() },
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}
