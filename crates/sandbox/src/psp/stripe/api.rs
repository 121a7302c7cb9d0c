//! The calls: forms with bracketed keys in, Stripe's objects out.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{ConnectInfo, OriginalUri, Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Map, json};
use time::OffsetDateTime;

use super::{objects, refusal::Refusal};
use crate::{
    connection::Line,
    problem::RawBody,
    psp::{
        calls::{Done, Operation, idempotent, linger, with_faults},
        checkout,
        ledger::{self, Outcome},
        payment::{OnPay, Opening, Payment, Quote, Way},
        providers::Provider,
    },
    random,
    world::World,
};

type Form = BTreeMap<String, String>;

/// Shorter and longer times to pay are refused.
const SHORTEST_S: i64 = 30 * 60;
const LONGEST_S: i64 = 24 * 60 * 60;

/// The parameters of a checkout that are known here; everything else is refused, as Stripe does with what it doesn't know.
const CHECKOUT: [&str; 14] = [
    "mode",
    "client_reference_id",
    "success_url",
    "cancel_url",
    "expires_at",
    "metadata[payment_id]",
    "payment_intent_data[metadata][payment_id]",
    "payment_intent_data[setup_future_usage]",
    "customer",
    "customer_creation",
    "customer_email",
    "locale",
    "line_items[0][quantity]",
    "line_items[0][price_data][currency]",
];
const CHECKOUT_ITEM: [&str; 2] =
    ["line_items[0][price_data][unit_amount]", "line_items[0][price_data][product_data][name]"];
const REFUND: [&str; 5] =
    ["payment_intent", "amount", "metadata[refund_id]", "metadata[payment_id]", "expand[0]"];

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/stripe/v1/checkout/sessions", post(open))
        .route("/stripe/v1/checkout/sessions/{id}", get(ask))
        .route("/stripe/v1/checkout/sessions/{id}/expire", post(expire))
        .route("/stripe/v1/refunds", post(refund).get(list_refunds))
        .route("/stripe/v1/refunds/{id}", get(ask_refund))
}

fn operation(name: &'static str) -> Operation {
    Operation { provider: Provider::Stripe, name }
}

fn check_key(world: &World, headers: &HeaderMap) -> Result<(), Refusal> {
    let right = format!("Bearer {}", world.config.providers.stripe.secret_key);
    let presented = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    if presented == Some(right.as_bytes()) { Ok(()) } else { Err(Refusal::unauthorized()) }
}

fn form(body: &[u8], known: &[&[&str]]) -> Result<Form, Refusal> {
    let form: Form = form_urlencoded::parse(body).into_owned().collect();
    match form.keys().find(|key| !known.iter().any(|list| list.contains(&key.as_str()))) {
        Some(unknown) => {
            Err(Refusal::invalid("parameter_unknown", format!("Received unknown parameter: {unknown}")))
        }
        None => Ok(form),
    }
}

fn required<'f>(form: &'f Form, name: &str) -> Result<&'f str, Refusal> {
    let value = form.get(name).map(String::as_str).filter(|value| !value.is_empty());
    value.ok_or_else(|| Refusal::invalid("parameter_missing", format!("Missing required param: {name}.")))
}

fn integer(form: &Form, name: &str) -> Result<i64, Refusal> {
    let value = required(form, name)?;
    value
        .parse()
        .map_err(|_| Refusal::invalid("parameter_invalid_integer", format!("Invalid integer: {name}")))
}

/// Without a key a call is always a new one.
fn key(headers: &HeaderMap) -> String {
    let sent = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
    sent.filter(|key| (1..=255).contains(&key.len())).map_or_else(|| random::id("auto"), str::to_owned)
}

fn answer(done: Done) -> Response {
    let mut response = (done.status, Json(done.body)).into_response();
    if done.replayed {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    response
}

fn quote(form: &Form, now: OffsetDateTime) -> Result<Quote, Refusal> {
    let expires_at = integer(form, "expires_at")?;
    let lasts = expires_at - now.unix_timestamp();
    if !(SHORTEST_S..=LONGEST_S).contains(&lasts) {
        return Err(Refusal::invalid(
            "parameter_invalid",
            "The `expires_at` timestamp must be 30 minutes to 24 hours from Checkout Session creation.",
        ));
    }
    let quote = Quote {
        payment_id: required(form, "client_reference_id")?.to_owned(),
        amount: integer(form, "line_items[0][price_data][unit_amount]")?,
        currency: required(form, "line_items[0][price_data][currency]")?.to_ascii_uppercase(),
        description: form.get("line_items[0][price_data][product_data][name]").cloned(),
        return_url: required(form, "success_url")?.to_owned(),
        webhook_url: None,
        expires_at: OffsetDateTime::from_unix_timestamp(expires_at)
            .map_err(|_| Refusal::invalid("parameter_invalid", "expires_at is no time"))?,
    };
    Ok(quote.checked()?)
}

/// `POST /v1/checkout/sessions`
async fn open(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let work = async {
        check_key(&world, &headers)?;
        idempotent(&world, operation("open"), &key(&headers), &body, |world, now| {
            let form = form(&body, &[&CHECKOUT, &CHECKOUT_ITEM])?;
            if required(&form, "mode")? != "payment" {
                return Err(Refusal::invalid("parameter_invalid", "only mode=payment is simulated"));
            }
            let quote = quote(&form, now)?;
            let made = form.get("customer_creation").is_some_and(|word| word == "always");
            let customer = form.get("customer").cloned().or_else(|| made.then(|| random::id("cus")));
            let extra: Map<_, _> =
                customer.map(|customer| ("customer".to_owned(), json!(customer))).into_iter().collect();
            let opening = Opening {
                provider: Provider::Stripe,
                quote,
                way: Way::Api,
                reference: None,
                on_pay: OnPay::Charge,
                extra,
            };
            let payment = ledger::open(world, opening, now)?;
            let url = checkout::address(&headers, &payment.quote.payment_id);
            Ok((StatusCode::OK, objects::session(&payment, Some(&url), false)))
        })
        .await
        .map(answer)
    };
    with_faults(&world, &line, operation("open"), work).await
}

/// `GET /v1/checkout/sessions/{id}`
async fn ask(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    OriginalUri(uri): OriginalUri,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        check_key(&world, &headers)?;
        ledger::expire_due(&world, world.business_now().await?);
        let payment = session(&world, &id)?;
        let expand = uri.query().is_some_and(|query| query.contains("payment_intent.latest_charge"));
        let url = checkout::address(&headers, &payment.quote.payment_id);
        Ok::<_, Refusal>(Json(objects::session(&payment, Some(&url), expand)).into_response())
    };
    with_faults(&world, &line, operation("ask"), work).await
}

/// `POST /v1/checkout/sessions/{id}/expire`
async fn expire(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        check_key(&world, &headers)?;
        linger(&world, operation("cancel")).await;
        let now = world.business_now().await?;
        ledger::expire_due(&world, now);
        let payment = session(&world, &id)?;
        if payment.status() != "pending" {
            return Err(Refusal::invalid(
                "resource_invalid_state",
                "Only Checkout Sessions with a status in [\"open\"] can be expired.",
            ));
        }
        let payment = ledger::act(&world, &payment.quote.payment_id, Outcome::Cancel, None, now)?;
        Ok(Json(objects::session(&payment, None, false)).into_response())
    };
    with_faults(&world, &line, operation("cancel"), work).await
}

/// `POST /v1/refunds`
async fn refund(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let work = async {
        check_key(&world, &headers)?;
        idempotent(&world, operation("refund"), &key(&headers), &body, |world, now| {
            let form = form(&body, &[&REFUND])?;
            let intent = required(&form, "payment_intent")?;
            let payment = named(world, intent)
                .filter(|payment| payment.charges.iter().any(|charge| charge.id == intent))
                .ok_or_else(|| Refusal::missing("payment_intent", intent))?;
            let refund_id = form.get("metadata[refund_id]").cloned().unwrap_or_else(|| random::id("unnamed"));
            let amount = match form.get("amount") {
                Some(_) => integer(&form, "amount")?,
                None => payment.paid_amount() - payment.refunded_amount(),
            };
            let payment = ledger::refund(world, &payment.quote.payment_id, refund_id.clone(), amount, now)?;
            let made = payment.refunds.iter().find(|refund| refund.refund_id == refund_id);
            let made = made.ok_or_else(|| Refusal::missing("refund", &refund_id))?;
            let expand = form.get("expand[0]").is_some_and(|what| what == "charge");
            Ok::<_, Refusal>((StatusCode::OK, objects::refund(&payment, made, expand)))
        })
        .await
        .map(answer)
    };
    with_faults(&world, &line, operation("refund"), work).await
}

/// `GET /v1/refunds/{id}`
async fn ask_refund(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    OriginalUri(uri): OriginalUri,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        check_key(&world, &headers)?;
        let payment = named(&world, &id).ok_or_else(|| Refusal::missing("refund", &id))?;
        let refund = payment.refunds.iter().find(|refund| refund.reference == id);
        let refund = refund.ok_or_else(|| Refusal::missing("refund", &id))?;
        let expand = uri.query().is_some_and(|query| query.ends_with("=charge"));
        Ok::<_, Refusal>(Json(objects::refund(&payment, refund, expand)).into_response())
    };
    with_faults(&world, &line, operation("ask"), work).await
}

/// `GET /v1/refunds?payment_intent=…`: the newest first, on one page.
async fn list_refunds(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let work = async {
        check_key(&world, &headers)?;
        let query = form(
            uri.query().unwrap_or_default().as_bytes(),
            &[&["payment_intent", "limit", "starting_after", "expand[0]"]],
        )?;
        let intent = required(&query, "payment_intent")?;
        let limit = if query.contains_key("limit") { integer(&query, "limit")? } else { 10 };
        let limit = usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit));
        let limit = limit.ok_or_else(|| Refusal::invalid("parameter_invalid_integer", "limit is 1 to 100"))?;
        let payment = named(&world, intent).ok_or_else(|| Refusal::missing("payment_intent", intent))?;
        let expand = query.get("expand[0]").is_some_and(|what| what == "data.charge");
        let after = query.get("starting_after");
        let mut newest = payment.refunds.iter().rev().peekable();
        if let Some(after) = after {
            newest.by_ref().find(|refund| refund.reference == *after);
        }
        let data: Vec<_> =
            newest.by_ref().take(limit).map(|refund| objects::refund(&payment, refund, expand)).collect();
        let has_more = newest.peek().is_some();
        let list = json!({ "object": "list", "url": "/v1/refunds", "has_more": has_more, "data": data });
        Ok::<_, Refusal>(Json(list).into_response())
    };
    with_faults(&world, &line, operation("ask"), work).await
}

fn named(world: &World, name: &str) -> Option<Payment> {
    world.ledger.with(|ledger| ledger.named(Provider::Stripe, name).cloned())
}

fn session(world: &World, id: &str) -> Result<Payment, Refusal> {
    let payment = named(world, id).filter(|payment| payment.reference == id);
    payment.ok_or_else(|| Refusal::missing("checkout.session", id))
}
