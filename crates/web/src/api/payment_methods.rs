//! `/api/billing/payment-methods`: ways to pay that the caller has stored.

use std::str::FromStr;

use application::billing::{MethodView, NewMethod};
use axum::extract::State;
use axum::http::StatusCode;
use domain::ids::PaymentMethodId;
use gateways::payments::PhoneNumber;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::card_number::looks_like_card_number;
use crate::extract::{Caller, IdPath, Json};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// A telephone to store. What a provider remembers by itself comes with a payment (`remember`).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MethodBody {
    /// A provider that prompts the payer's telephone.
    #[schema(example = "mtn_momo")]
    provider: String,
    /// In the international form.
    #[schema(example = "+22997808080")]
    phone_number: String,
}

/// A stored way to pay.
#[derive(Serialize, ToSchema)]
pub(crate) struct MethodResponse {
    id: Uuid,
    provider: String,
    /// What its owner recognises it by.
    #[schema(example = "+229 •• •• •• 80")]
    display: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

/// The caller's ways to pay.
#[derive(Serialize, ToSchema)]
pub(crate) struct MethodsResponse {
    items: Vec<MethodResponse>,
}

impl From<MethodView> for MethodResponse {
    fn from(view: MethodView) -> Self {
        Self {
            id: view.id.uuid(),
            provider: view.provider,
            display: view.display,
            created_at: view.created_at,
        }
    }
}

/// The ways to pay that the caller has stored.
#[utoipa::path(get, path = "/api/billing/payment-methods", tag = "billing", responses(
    (status = 200, body = MethodsResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(state): State<WebState>,
    caller: Caller,
) -> Result<axum::Json<MethodsResponse>, Problem> {
    let methods = state.app.payment_methods(caller.user).await?;
    Ok(axum::Json(MethodsResponse { items: methods.into_iter().map(Into::into).collect() }))
}

/// Stores a telephone to pay with. A card number is refused.
#[utoipa::path(post, path = "/api/billing/payment-methods", tag = "billing", request_body = MethodBody, responses(
    (status = 201, body = MethodResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn store(
    State(state): State<WebState>,
    caller: Caller,
    Json(body): Json<MethodBody>,
) -> Result<(StatusCode, axum::Json<MethodResponse>), Problem> {
    if [&body.provider, &body.phone_number].into_iter().any(|text| looks_like_card_number(text)) {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "card_number_refused"));
    }
    let phone = PhoneNumber::from_str(&body.phone_number);
    let phone = phone.map_err(|_| Problem::field("/phone_number", "phone_number"))?;
    let new = NewMethod { phone, provider: body.provider };
    let stored = state.app.store_payment_method(&caller.context, caller.user, &new).await?;
    Ok((StatusCode::CREATED, axum::Json(stored.into())))
}

/// Forgets a way to pay.
#[utoipa::path(delete, path = "/api/billing/payment-methods/{id}", tag = "billing",
    params(("id" = Uuid, Path)), responses(
    (status = 204, description = "Forgotten"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn forget(
    State(state): State<WebState>,
    caller: Caller,
    IdPath(id): IdPath<PaymentMethodId>,
) -> Result<StatusCode, Problem> {
    if state.app.forget_payment_method(&caller.context, caller.user, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found())
    }
}
