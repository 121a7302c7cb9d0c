//! Calls of the Orders and Payments APIs.

use std::sync::Arc;

use axum::{
    Json,
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Refusal, access, operation,
    order::{base, capture as capture_shape, order as order_shape, refund as refund_shape},
    terms::{Amount, OrderBody, remember},
};
use crate::{
    connection::Line,
    problem::{RawBody, parse},
    psp::{
        calls::{Done, idempotent, linger, with_faults},
        checkout,
        ledger::{self, Outcome},
        payment::{Closed, Payment},
        providers::Provider,
    },
    world::World,
};

/// `POST /v2/checkout/orders`
pub(super) async fn create(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let work = async {
        access::check(&world, &headers)?;
        let Some(key) = request_id(&headers)? else {
            return Err(Refusal::invalid(
                "PAYPAL_REQUEST_ID_REQUIRED",
                "A PayPal-Request-Id is required if a payment_source is given.",
            ));
        };
        let command: OrderBody = parse(&body)?;
        let done = idempotent(&world, operation("open"), &key, &body, |world, now| {
            let (opening, remembered) = command.opening(world, now)?;
            let mut payment = ledger::open(world, opening, now)?;
            if remembered && payment.charges.is_empty() {
                payment = ledger::act(world, &payment.quote.payment_id, Outcome::Pay, None, now)?;
            }
            Ok::<_, Refusal>((StatusCode::CREATED, order_of(&payment, &headers)))
        })
        .await?;
        Ok(told(done, &headers))
    };
    with_faults(&world, &line, operation("open"), work).await
}

/// `GET /v2/checkout/orders/{order_id}`
pub(super) async fn ask(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(order_id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        access::check(&world, &headers)?;
        linger(&world, operation("ask")).await;
        ledger::expire_due(&world, world.business_now().await?);
        let payment = order_named(&world, &order_id)?;
        Ok::<_, Refusal>(Json(order_of(&payment, &headers)).into_response())
    };
    with_faults(&world, &line, operation("ask"), work).await
}

/// `POST /v2/checkout/orders/{order_id}/capture`
pub(super) async fn capture(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(order_id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        access::check(&world, &headers)?;
        // Without a key of its own an order has that of its name: it can be captured once either way.
        let key = request_id(&headers)?.unwrap_or_else(|| format!("capture-{order_id}"));
        let done = idempotent(&world, operation("capture"), &key, order_id.as_bytes(), |world, now| {
            let payment = order_named(world, &order_id)?;
            if payment.closed == Some(Closed::Failed) && !payment.awaits_capture() {
                return Err(Refusal::unprocessable(
                    "INSTRUMENT_DECLINED",
                    "The instrument presented was either declined by the processor or bank, or it can't be used for this payment.",
                ));
            }
            let payment_id = &payment.quote.payment_id;
            let payment = ledger::act(world, payment_id, Outcome::Capture, None, now)?;
            remember(world, payment_id);
            Ok((StatusCode::CREATED, order_of(&payment, &headers)))
        })
        .await?;
        Ok::<_, Refusal>(told(done, &headers))
    };
    with_faults(&world, &line, operation("capture"), work).await
}

/// `GET /v2/payments/captures/{capture_id}`
pub(super) async fn ask_capture(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(capture_id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        access::check(&world, &headers)?;
        let payment = captured(&world, &capture_id)?;
        let charge =
            payment.charges.iter().find(|charge| charge.id == capture_id).ok_or_else(Refusal::not_found)?;
        Ok::<_, Refusal>(Json(capture_shape(&payment, charge, &api_base(&headers))).into_response())
    };
    with_faults(&world, &line, operation("ask"), work).await
}

#[derive(Debug, Default, Deserialize)]
struct RefundBody {
    amount: Option<Amount>,
    invoice_id: Option<String>,
}

/// `POST /v2/payments/captures/{capture_id}/refund`
pub(super) async fn refund(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(capture_id): Path<String>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let work = async {
        access::check(&world, &headers)?;
        let command: RefundBody = if body.is_empty() { RefundBody::default() } else { parse(&body)? };
        let covered = [capture_id.as_bytes(), b"\n", &body].concat();
        let key = request_id(&headers)?
            .unwrap_or_else(|| format!("{}-{}", capture_id, crate::random::id("refund")));
        let done = idempotent(&world, operation("refund"), &key, &covered, |world, now| {
            let payment = captured(world, &capture_id)?;
            let rest = payment.paid_amount() - payment.refunded_amount();
            if rest == 0 {
                return Err(Refusal::unprocessable(
                    "CAPTURE_FULLY_REFUNDED",
                    "The capture has already been fully refunded",
                ));
            }
            let amount = match &command.amount {
                Some(amount) if amount.currency() != payment.currency() => {
                    return Err(Refusal::unprocessable(
                        "REFUND_CAPTURE_CURRENCY_MISMATCH",
                        "Refund must be in the same currency as the capture",
                    ));
                }
                Some(amount) => amount.minor()?,
                None => rest,
            };
            let name = command.invoice_id.clone().unwrap_or_else(|| key.clone());
            let payment = ledger::refund(world, &payment.quote.payment_id, name, amount, now)?;
            let made = payment.refunds.last().ok_or_else(Refusal::not_found)?;
            Ok((StatusCode::CREATED, refund_shape(&payment, made, &api_base(&headers))))
        })
        .await?;
        Ok::<_, Refusal>(told(done, &headers))
    };
    with_faults(&world, &line, operation("refund"), work).await
}

/// `GET /v2/payments/refunds/{refund_id}`
pub(super) async fn ask_refund(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(refund_id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        access::check(&world, &headers)?;
        let payment = named(&world, &refund_id)?;
        let made = payment
            .refunds
            .iter()
            .find(|refund| refund.reference == refund_id)
            .ok_or_else(Refusal::not_found)?;
        Ok::<_, Refusal>(Json(refund_shape(&payment, made, &api_base(&headers))).into_response())
    };
    with_faults(&world, &line, operation("ask"), work).await
}

/// A new answer is 201, a repeated one 200. Who doesn't prefer the whole gets the least.
fn told(done: Done, headers: &HeaderMap) -> Response {
    let status = if done.replayed { StatusCode::OK } else { done.status };
    let preferred = headers.get("prefer").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let body = if preferred.contains("return=representation") {
        done.body
    } else {
        json!({ "id": done.body["id"], "status": done.body["status"], "links": done.body["links"] })
    };
    (status, Json(body)).into_response()
}

fn named(world: &World, name: &str) -> Result<Payment, Refusal> {
    world.ledger.with(|ledger| ledger.named(Provider::Paypal, name).cloned()).ok_or_else(Refusal::not_found)
}

fn order_named(world: &World, order_id: &str) -> Result<Payment, Refusal> {
    named(world, order_id).and_then(|payment| {
        if payment.reference == order_id { Ok(payment) } else { Err(Refusal::not_found()) }
    })
}

fn captured(world: &World, capture_id: &str) -> Result<Payment, Refusal> {
    named(world, capture_id).and_then(|payment| {
        let its = payment.charges.iter().any(|charge| charge.id == capture_id);
        if its { Ok(payment) } else { Err(Refusal::not_found()) }
    })
}

fn order_of(payment: &Payment, headers: &HeaderMap) -> Value {
    order_shape(payment, &api_base(headers), &checkout::address(headers, &payment.quote.payment_id))
}

fn api_base(headers: &HeaderMap) -> String {
    base(headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default())
}

/// The caller's key, if it sent one: at most 108 characters.
fn request_id(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get("paypal-request-id") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=108).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(Refusal::invalid("INVALID_STRING_LENGTH", "A PayPal-Request-Id has 1 to 108 characters.")),
    }
}
