//! The service's API for the product: signed calls only, idempotent by key.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest;
use axum::{
    Json,
    extract::{ConnectInfo, OriginalUri, Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ledger::{self, Answer, Way},
    opening::{OpenBody, is_id},
    signature::{self, Signed},
    webhooks,
};
use crate::{
    connection::Line,
    faults::{Kind, Peer},
    problem::{Problem, RawBody, parse},
    world::World,
};

/// How long a call that times out is held when the fault doesn't say.
const HELD: Duration = Duration::from_secs(30);

/// `POST /psp/payments`
pub(crate) async fn open(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
    let work = async {
        check_signature(&world, &headers, &Method::POST, &uri.to_string(), &body)?;
        let key = idempotency_key(&headers)?;
        let command: OpenBody = parse(&body)?;
        if key != command.payment_id {
            return Err(Problem::invalid("the Idempotency-Key of a payment is its payment_id"));
        }
        let quote = command.quote()?;
        idempotent(&world, "open", &key, &body, |world, now| {
            let payment_id = quote.payment_id.clone();
            let reference = world
                .ledger
                .with(|ledger| ledger.open(quote, Way::Api, now).map(|payment| payment.reference.clone()))?;
            world.changed();
            world.record("psp.opened", json!({ "payment_id": payment_id, "way": "api" }));
            Ok((
                StatusCode::CREATED,
                json!({
                    "reference": reference,
                    "checkout_url": format!("http://{host}/psp/checkout/{payment_id}"),
                    "status": "pending",
                }),
            ))
        })
        .await
    };
    with_faults(&world, &line, "open", work).await
}

/// `GET /psp/payments/{payment_id}`
pub(crate) async fn ask(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    OriginalUri(uri): OriginalUri,
    Path(payment_id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        check_signature(&world, &headers, &Method::GET, &uri.to_string(), b"")?;
        ledger::expire_due(&world, world.business_now().await?);
        let answer = world.ledger.with(|ledger| ledger.payment(&payment_id).map(ledger::Payment::answer));
        answer
            .map(|answer| Json(answer).into_response())
            .ok_or_else(|| Problem::not_found("this payment was never opened"))
    };
    with_faults(&world, &line, "ask", work).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundBody {
    refund_id: String,
    amount: i64,
}

/// `POST /psp/payments/{payment_id}/refunds`
pub(crate) async fn refund(
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
        idempotent(&world, "refund", &key, &covered, |world, now| {
            let (refund_id, amount) = (command.refund_id, command.amount);
            let (event, told) = world.ledger.with(|ledger| {
                let event = ledger.refund(&payment_id, refund_id.clone(), amount, now)?;
                let told = ledger.payment(&payment_id).map(ledger::Payment::answer).unwrap_or_default();
                Ok::<_, Problem>((event, told))
            })?;
            world.record(
                "psp.refunded",
                json!({ "payment_id": payment_id, "refund_id": refund_id, "amount": amount }),
            );
            webhooks::send(world, &[event]);
            Ok((
                StatusCode::CREATED,
                json!({
                    "refund_id": refund_id, "payment_id": payment_id, "amount": amount, "currency": told["currency"],
                    "refunded_amount": told["refunded_amount"], "status": "succeeded",
                }),
            ))
        })
        .await
    };
    with_faults(&world, &line, "refund", work).await
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

/// Marks a key as being worked on until it goes out of scope, also when the caller hangs up meanwhile.
struct AtWork<'a> {
    world: &'a World,
    key: String,
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.world.ledger.with(|ledger| ledger.at_work.remove(&self.key));
    }
}

/// Does the work once per key; a replay gets the first answer, another body 422, a key at work 409.
async fn idempotent(
    world: &Arc<World>,
    operation: &str,
    key: &str,
    body: &[u8],
    work: impl FnOnce(&Arc<World>, time::OffsetDateTime) -> Result<(StatusCode, Value), Problem>,
) -> Result<Response, Problem> {
    let key = format!("{operation}:{key}");
    let digest = hex::encode(digest::digest(&digest::SHA256, body));
    let known = world.ledger.with(|ledger| {
        if let Some(answer) = ledger.answers.get(&key) {
            return Ok(Some(answer.clone()));
        }
        if ledger.at_work.insert(key.clone()) {
            Ok(None)
        } else {
            Err(Problem::conflict("key_at_work", "the first call with this key is still at work"))
        }
    })?;
    if let Some(answer) = known {
        if answer.digest != digest {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "this key was used with another body",
            ));
        }
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
        let mut response = (status, Json(answer.body)).into_response();
        response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
        return Ok(response);
    }
    let _at_work = AtWork { world, key: key.clone() };
    if let Some(fault) =
        world.faults.take(Peer::PspApi, |order| order.kind == Kind::Slow && concerns(order, operation))
    {
        world.sleep(fault.order.wait(Duration::from_secs(2))).await;
    }
    let now = world.business_now().await?;
    ledger::expire_due(world, now);
    let (status, answer) = work(world, now)?;
    world.ledger.with(|ledger| {
        ledger.answers.insert(key, Answer { digest, status: status.as_u16(), body: answer.clone() });
    });
    world.changed();
    Ok((status, Json(answer)).into_response())
}

fn concerns(order: &crate::faults::Order, operation: &str) -> bool {
    order.operation.as_deref().is_none_or(|only| only == operation)
}

/// Runs a call's work, unless a fault was ordered for it.
async fn with_faults(
    world: &Arc<World>,
    line: &Line,
    operation: &'static str,
    work: impl Future<Output = Result<Response, Problem>>,
) -> Response {
    let fault =
        world.faults.take(Peer::PspApi, |order| order.kind != Kind::Slow && concerns(order, operation));
    let kind = fault.as_ref().map(|fault| fault.order.kind);
    if kind == Some(Kind::Reset) {
        world.record("psp.call", json!({ "operation": operation, "status": null, "fault": kind }));
        line.cut();
        return StatusCode::NO_CONTENT.into_response();
    }
    if kind == Some(Kind::Error500) {
        world.record("psp.call", json!({ "operation": operation, "status": 500, "fault": kind }));
        return broken();
    }
    let answer = work.await.unwrap_or_else(IntoResponse::into_response);
    world.record(
        "psp.call",
        json!({ "operation": operation, "status": answer.status().as_u16(), "fault": kind }),
    );
    match (kind, fault) {
        (Some(Kind::Error500After), _) => broken(),
        (Some(Kind::TimeOut), Some(fault)) => {
            world.sleep(fault.order.wait(HELD)).await;
            line.cut();
            answer
        }
        _ => answer,
    }
}

fn broken() -> Response {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "broken",
        "the payment service is out of order, as ordered",
    )
    .into_response()
}
