//! The provider `hmac_psp`: signed calls in, idempotent by key; signed events out.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{ConnectInfo, OriginalUri, Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    calls::{Done, Operation, idempotent, with_faults},
    checkout,
    event::Event,
    facade::{Bend, Facade, Outgoing},
    ledger,
    opening::{OpenBody, is_id, opening},
    payment::{Payment, Way},
    providers::Provider,
    signature::{self, Signed},
};
use crate::{
    connection::Line,
    problem::{Problem, RawBody, parse},
    world::World,
};

/// The service that this project has specified itself.
pub(crate) struct HmacPsp;

impl Facade for HmacPsp {
    fn code(&self) -> &'static str {
        "hmac_psp"
    }

    fn name(&self) -> &'static str {
        "HMAC PSP"
    }

    fn api_peer(&self) -> &'static str {
        "psp_api"
    }

    fn operations(&self) -> &'static [&'static str] {
        &["open", "ask", "refund"]
    }

    fn routes(&self) -> Router<Arc<World>> {
        Router::new()
            .route("/psp/payments", post(open))
            .route("/psp/payments/{payment_id}", get(ask))
            .route("/psp/payments/{payment_id}/refunds", post(refund))
            .route("/psp/checkout", get(checkout::follow))
    }

    fn tells(&self, kind: &'static str) -> Vec<&'static str> {
        match kind {
            "payment.opened" => Vec::new(),
            // It has no word for it.
            "payment.canceled" => vec!["payment.failed"],
            _ => vec![kind],
        }
    }

    fn webhook_url(&self, world: &World) -> String {
        world.config.psp.webhook_url.clone()
    }

    fn render(&self, world: &World, _payment: &Payment, event: &Event, bend: &Bend) -> Option<Outgoing> {
        let mut data = event.data();
        data.insert("amount".to_owned(), json!(bend.amount(event.amount)));
        let body =
            json!({ "id": event.id, "type": event.kind, "created": event.at.unix_timestamp(), "data": data })
                .to_string();
        let secret = bend.secret(&world.config.psp.webhook_secret);
        let t = bend.at(world.wall()).unix_timestamp();
        Some(Outgoing {
            method: Method::POST,
            url: event.url(world),
            headers: vec![
                ("Content-Type", "application/json".to_owned()),
                ("X-Signature", signature::header(&secret, t, Signed::Body(body.as_bytes()))),
            ],
            body: body.into_bytes(),
        })
    }
}

fn operation(name: &'static str) -> Operation {
    Operation { provider: Provider::HmacPsp, name }
}

fn answer(done: Done) -> Response {
    let mut response = (done.status, Json(done.body)).into_response();
    if done.replayed {
        response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    response
}

/// `POST /psp/payments`
async fn open(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let work = async {
        check_signature(&world, &headers, &Method::POST, &uri.to_string(), &body)?;
        let key = idempotency_key(&headers)?;
        let command: OpenBody = parse(&body)?;
        if key != command.payment_id {
            return Err(Problem::invalid("the Idempotency-Key of a payment is its payment_id"));
        }
        let quote = command.quote()?;
        idempotent(&world, operation("open"), &key, &body, |world, now| {
            let payment = ledger::open(world, opening(quote, Way::Api), now)?;
            Ok((
                StatusCode::CREATED,
                json!({
                    "reference": payment.reference,
                    "checkout_url": checkout::address(&headers, &payment.quote.payment_id),
                    "status": "pending",
                }),
            ))
        })
        .await
        .map(answer)
    };
    with_faults(&world, &line, operation("open"), work).await
}

/// `GET /psp/payments/{payment_id}`
async fn ask(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    OriginalUri(uri): OriginalUri,
    Path(payment_id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        check_signature(&world, &headers, &Method::GET, &uri.to_string(), b"")?;
        ledger::expire_due(&world, world.business_now().await?);
        of_hmac_psp(&world, &payment_id).map(|payment| Json(told(&payment)).into_response())
    };
    with_faults(&world, &line, operation("ask"), work).await
}

/// How a payment stands, in this provider's words.
fn told(payment: &Payment) -> Value {
    let mut told = payment.answer();
    if told["status"] == "canceled" {
        told["status"] = json!("failed");
    }
    told
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundBody {
    refund_id: String,
    amount: i64,
}

/// `POST /psp/payments/{payment_id}/refunds`
async fn refund(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    OriginalUri(uri): OriginalUri,
    Path(payment_id): Path<String>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let work = async {
        check_signature(&world, &headers, &Method::POST, &uri.to_string(), &body)?;
        let key = idempotency_key(&headers)?;
        let command: RefundBody = parse(&body)?;
        if key != command.refund_id || !is_id(&key) {
            return Err(Problem::invalid("the Idempotency-Key of a refund is its refund_id"));
        }
        // The key belongs to the refund of this payment: the same one elsewhere is another body.
        let covered = [payment_id.as_bytes(), b"\n", &body].concat();
        idempotent(&world, operation("refund"), &key, &covered, |world, now| {
            let RefundBody { refund_id, amount } = command;
            of_hmac_psp(world, &payment_id)?;
            let payment = ledger::refund(world, &payment_id, refund_id.clone(), amount, now)?;
            Ok((
                StatusCode::CREATED,
                json!({
                    "refund_id": refund_id, "payment_id": payment_id, "amount": amount, "currency": payment.currency(),
                    "refunded_amount": payment.refunded_amount(), "status": "succeeded",
                }),
            ))
        })
        .await
        .map(answer)
    };
    with_faults(&world, &line, operation("refund"), work).await
}

/// Payments of other providers don't exist here.
fn of_hmac_psp(world: &World, payment_id: &str) -> Result<Payment, Problem> {
    let payment = world.ledger.with(|ledger| ledger.payment(payment_id).cloned());
    payment
        .filter(|payment| payment.provider == Provider::HmacPsp)
        .ok_or_else(|| Problem::not_found("this payment was never opened"))
}

fn check_signature(
    world: &World,
    headers: &HeaderMap,
    method: &Method,
    target: &str,
    body: &[u8],
) -> Result<(), Problem> {
    let signed =
        if body.is_empty() { Signed::Line { method: method.as_str(), target } } else { Signed::Body(body) };
    let mut values = headers.get_all("x-signature").iter();
    let header = values.next().and_then(|value| value.to_str().ok()).filter(|_| values.next().is_none());
    signature::verify(&world.config.psp.request_secret, header, world.wall().unix_timestamp(), signed)
        .map_err(|refused| Problem::new(StatusCode::UNAUTHORIZED, "bad_signature", refused.to_string()))
}

fn idempotency_key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
        (Some(key), None) if (1..=255).contains(&key.len()) => Ok(key.to_owned()),
        _ => Err(Problem::bad_request(
            "idempotency_key_missing",
            "send exactly one Idempotency-Key of at most 255 characters",
        )),
    }
}
