//! `/api/billing/…/receipt` and `/api/billing/receipt-key`: what was paid, signed; and the key that anybody verifies it with.

use application::billing::Receipt;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use crypto::receipt::PublicKeys;
use domain::ids::PaymentId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{Caller, IdPath};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// A receipt.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReceiptResponse {
    /// What it says: number, seller, customer, plan, amount, provider, instants.
    #[schema(value_type = Object)]
    receipt: Receipt,
    /// The same, signed: a compact JWS (RFC 7515) under EdDSA (RFC 8037).
    jws: String,
}

/// The receipt of a payment of the caller; 409 while no money came for it.
#[utoipa::path(get, path = "/api/billing/payments/{id}/receipt", tag = "billing",
    params(("id" = Uuid, Path)), responses(
    (status = 200, body = ReceiptResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn receipt(
    State(state): State<WebState>,
    caller: Caller,
    IdPath(id): IdPath<PaymentId>,
) -> Result<Json<ReceiptResponse>, Problem> {
    let found = state.app.receipt(caller.user, id).await?.ok_or(Problem::not_found())?;
    let signed = found.map_err(|_| Problem::new(StatusCode::CONFLICT, "not_paid"))?;
    Ok(Json(ReceiptResponse { receipt: signed.receipt, jws: signed.jws }))
}

/// The public keys that receipts are verified with, as a JSON Web Key Set (RFC 7517), the one in use first.
#[utoipa::path(get, path = "/api/billing/receipt-key", tag = "billing",
    responses((status = 200, body = Object, description = "A JSON Web Key Set")))]
pub(crate) async fn key(State(state): State<WebState>) -> Json<PublicKeys> {
    Json(state.app.keys().receipt_keys().clone())
}
