//! Money back: a refund of a request to pay, taken first and decided then, as everything at MTN.

use std::sync::Arc;

use axum::{
    Json,
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::{Refusal, account, minor, operation};
use crate::{
    connection::Line,
    problem::{RawBody, parse},
    psp::{
        calls::{linger, with_faults},
        ledger,
        providers::Provider,
    },
    random,
    world::World,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefundBody {
    amount: String,
    currency: String,
    external_id: Option<String>,
    reference_id_to_refund: String,
}

/// Under which name a refund is kept among what belongs to no payment.
fn desk_name(reference: &str) -> String {
    format!("refund:{reference}")
}

/// `POST /mtn_momo/disbursement/v1_0/refund`
pub(super) async fn refund(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let work = async {
        account::check(&world, "disbursement", &headers)?;
        account::environment(&headers)?;
        let reference = account::reference_id(&headers)?;
        let body: RefundBody = parse(&body)?;
        linger(&world, operation("refund")).await;
        let now = world.business_now().await?;
        let amount = minor(&body.amount, &body.currency);
        let amount = amount.ok_or_else(|| Refusal::bad_request("amount is a positive decimal"))?;
        let payment_id = world.ledger.with(|ledger| {
            let paid = ledger.named(Provider::MtnMomo, &body.reference_id_to_refund)?;
            (paid.currency() == body.currency).then(|| paid.quote.payment_id.clone())
        });
        let payment_id = payment_id.ok_or_else(|| Refusal::of("RESOURCE_NOT_FOUND"))?;
        let mut kept = json!({
            "amount": body.amount, "currency": body.currency, "externalId": body.external_id, "status": "PENDING",
        });
        let name = desk_name(&reference);
        let taken = world.ledger.with(|ledger| {
            let desk = ledger.desks.entry(Provider::MtnMomo).or_default();
            !desk.contains_key(&name) && desk.insert(name.clone(), kept.clone()).is_none()
        });
        if !taken {
            return Err(Refusal::of("RESOURCE_ALREADY_EXIST"));
        }
        if ledger::refund(&world, &payment_id, reference, amount, now).is_ok() {
            kept["status"] = json!("SUCCESSFUL");
            kept["financialTransactionId"] = json!(random::number());
        } else {
            kept["status"] = json!("FAILED");
            kept["reason"] = json!("NOT_ALLOWED");
        }
        world.ledger.with(|ledger| ledger.desks.entry(Provider::MtnMomo).or_default().insert(name, kept));
        world.changed();
        Ok(StatusCode::ACCEPTED.into_response())
    };
    with_faults(&world, &line, operation("refund"), work).await
}

/// `GET /mtn_momo/disbursement/v1_0/refund/{reference}`
pub(super) async fn status(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(reference): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        account::check(&world, "disbursement", &headers)?;
        account::environment(&headers)?;
        let name = desk_name(&reference.to_ascii_lowercase());
        let kept = world.ledger.with(|ledger| ledger.desks.get(&Provider::MtnMomo)?.get(&name).cloned());
        let kept = kept.ok_or_else(|| Refusal::of("RESOURCE_NOT_FOUND"))?;
        Ok::<_, Refusal>(Json(kept).into_response())
    };
    with_faults(&world, &line, operation("ask"), work).await
}
