//! PayPal's errors: a name, and for most of them an issue that programs switch on.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{problem::Problem, random};

#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    body: Value,
}

impl Refusal {
    fn new(status: StatusCode, name: &str, issue: &str, description: &str) -> Self {
        let body = json!({
            "name": name,
            "message": description,
            "debug_id": random::id("").trim_start_matches('_').get(..13),
            "details": [{ "issue": issue, "description": description }],
            "links": [],
        });
        Self { status, body }
    }

    /// The request makes no sense, whatever the order is like.
    pub(super) fn invalid(issue: &str, description: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", issue, description)
    }

    /// The request is understood, but not possible.
    pub(super) fn unprocessable(issue: &str, description: &str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "UNPROCESSABLE_ENTITY", issue, description)
    }

    pub(super) fn not_found() -> Self {
        let description = "Specified resource ID does not exist.";
        Self::new(StatusCode::NOT_FOUND, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID", description)
    }

    pub(super) fn broken() -> Self {
        let description = "PayPal is out of order, as ordered.";
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL_SERVER_ERROR",
            "INTERNAL_SERVICE_ERROR",
            description,
        )
    }

    /// The shape of OAuth's own errors.
    pub(super) fn unauthorized(error: &str, description: &str) -> Self {
        let body = json!({ "error": error, "error_description": description });
        Self { status: StatusCode::UNAUTHORIZED, body }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let detail = problem.detail.as_str();
        match problem.code {
            "already_paid" => Self::unprocessable("ORDER_ALREADY_CAPTURED", detail),
            "already_opened" => Self::unprocessable("DUPLICATE_INVOICE_ID", detail),
            "not_approved" | "closed" => Self::unprocessable("ORDER_NOT_APPROVED", detail),
            "not_paid" => Self::unprocessable("REFUND_NOT_ALLOWED", detail),
            "refund_exceeds_payment" => Self::unprocessable("REFUND_AMOUNT_EXCEEDED", detail),
            "idempotency_key_reused" => Self::unprocessable("DUPLICATE_REQUEST_ID", detail),
            "key_at_work" => {
                Self::new(StatusCode::CONFLICT, "RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS", detail)
            }
            "malformed_json" => Self::invalid("MALFORMED_REQUEST_JSON", detail),
            "not_found" => Self::not_found(),
            "invalid" => Self::invalid("INVALID_PARAMETER_VALUE", detail),
            code => Self::new(problem.status, "SERVICE_UNAVAILABLE", &code.to_uppercase(), detail),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}
