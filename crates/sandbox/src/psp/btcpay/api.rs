//! The calls: search, open, ask, mark. Refusals have the server's two forms, one problem or a list of wrong fields.

use std::sync::Arc;

use axum::{
    Json,
    extract::{ConnectInfo, Path, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::invoice::{self, CHECKOUT, MARKED, METADATA, MONITORING_MINUTES, Standing};
use crate::{
    connection::Line,
    problem::{Problem, RawBody, parse},
    psp::{
        calls::{Operation, linger, with_faults},
        ledger::{self, Ledger, Outcome},
        opening::is_id,
        payment::{OnPay, Opening, Payment, Quote, Way},
        providers::Provider,
    },
    random,
    world::World,
};

/// Invoices in one answer.
const PAGE: usize = 50;

/// An invoice's time when the call names none, in minutes.
const DEFAULT_MINUTES: i64 = 15;

/// The longest times that are taken, in minutes: a year.
const MAX_MINUTES: i64 = 366 * 24 * 60;

/// A no in the server's own words.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    body: Value,
}

impl Refusal {
    fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self { status, body: json!({ "code": code, "message": message }) }
    }

    fn field(path: &str, message: &str) -> Self {
        let body = json!([{ "path": path, "message": message }]);
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, body }
    }

    fn unknown_invoice() -> Self {
        Self::new(StatusCode::NOT_FOUND, "invoice-not-found", "The invoice was not found")
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::new(problem.status, problem.code, &problem.detail)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InvoiceBody {
    amount: Option<String>,
    currency: Option<String>,
    #[serde(default)]
    metadata: Map<String, Value>,
    #[serde(default)]
    checkout: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct MarkBody {
    status: String,
}

fn operation(name: &'static str) -> Operation {
    Operation { provider: Provider::BtcPay, name }
}

/// `GET …/stores/{store_id}/invoices?orderId=…`
pub(super) async fn search(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(store_id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let work = async {
        admit(&world, &headers, Some(&store_id))?;
        let now = now(&world).await?;
        let query = query.unwrap_or_default();
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let orders: Vec<&str> =
            pairs.iter().filter(|(name, _)| name == "orderId").map(|(_, value)| value.as_ref()).collect();
        let number = |name: &str| pairs.iter().find(|(key, _)| key == name)?.1.parse::<usize>().ok();
        let (skip, take) = (number("skip").unwrap_or(0), number("take").unwrap_or(PAGE).min(PAGE));
        let wanted = |payment: &&Payment| {
            payment.provider == Provider::BtcPay
                && (orders.is_empty() || invoice::order_id(payment).is_some_and(|id| orders.contains(&id)))
        };
        let show = |payment: &Payment| invoice::show(payment, &store_id, &headers, now);
        let found: Vec<Value> = world
            .ledger
            .with(|ledger| ledger.payments().rev().filter(wanted).skip(skip).take(take).map(show).collect());
        Ok::<_, Refusal>(Json(found).into_response())
    };
    with_faults(&world, &line, operation("ask"), work).await
}

/// `POST …/stores/{store_id}/invoices`: each call makes a new invoice, also for the same order.
pub(super) async fn open(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(store_id): Path<String>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let work = async {
        admit(&world, &headers, Some(&store_id))?;
        let body: InvoiceBody = parse(&body)?;
        linger(&world, operation("open")).await;
        let now = now(&world).await?;
        let opening = opening(&world, body, now)?;
        let payment = ledger::open(&world, opening, now)?;
        Ok::<_, Refusal>(Json(invoice::show(&payment, &store_id, &headers, now)).into_response())
    };
    with_faults(&world, &line, operation("open"), work).await
}

fn opening(world: &World, body: InvoiceBody, now: OffsetDateTime) -> Result<Opening, Refusal> {
    let currency = body.currency.unwrap_or_else(|| "USD".to_owned());
    let amount = body.amount.as_deref().and_then(|text| invoice::minor(text, &currency));
    let amount = amount.ok_or_else(|| Refusal::field("amount", "The amount should be 0 or more."))?;
    let minutes = |name: &str, default: i64| match body.checkout.get(name) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => value
            .as_i64()
            .filter(|minutes| (1..=MAX_MINUTES).contains(minutes))
            .ok_or_else(|| Refusal::field(&format!("checkout.{name}"), "The time should be in minutes")),
    };
    let open_for = minutes("expirationMinutes", DEFAULT_MINUTES)?;
    let monitored = minutes("monitoringMinutes", 24 * 60)?;
    let text = |members: &Map<String, Value>, name: &str| {
        members.get(name).and_then(Value::as_str).map(str::to_owned).filter(|text| !text.is_empty())
    };
    let reference = random::invoice_id();
    let order = text(&body.metadata, "orderId").filter(|order| is_id(order));
    let quote = Quote {
        payment_id: world.ledger.with(|ledger| free_id(ledger, order.as_deref(), &reference)),
        amount,
        currency,
        description: text(&body.metadata, "itemDesc"),
        return_url: text(&body.checkout, "redirectURL").unwrap_or_else(|| world.config.product_url.clone()),
        webhook_url: None,
        expires_at: now.saturating_add(Duration::minutes(open_for)),
    };
    Ok(Opening {
        provider: Provider::BtcPay,
        quote: quote.checked()?,
        way: Way::Api,
        reference: Some(reference),
        on_pay: OnPay::Charge,
        extra: Map::from_iter([
            (METADATA.to_owned(), Value::Object(body.metadata)),
            (CHECKOUT.to_owned(), Value::Object(body.checkout)),
            (MONITORING_MINUTES.to_owned(), json!(monitored)),
        ]),
    })
}

/// The order's own id in the books; for a second invoice of one order, and for none, the invoice's.
fn free_id(ledger: &Ledger, order: Option<&str>, reference: &str) -> String {
    order.filter(|order| ledger.payment(order).is_none()).unwrap_or(reference).to_owned()
}

/// `GET …/invoices/{invoice_id}`
pub(super) async fn ask(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(invoice_id): Path<String>,
    headers: HeaderMap,
) -> Response {
    told(&world, &line, None, &invoice_id, &headers).await
}

/// `GET …/stores/{store_id}/invoices/{invoice_id}`
pub(super) async fn ask_in_store(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path((store_id, invoice_id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    told(&world, &line, Some(&store_id), &invoice_id, &headers).await
}

async fn told(
    world: &Arc<World>,
    line: &Line,
    store_id: Option<&str>,
    invoice_id: &str,
    headers: &HeaderMap,
) -> Response {
    let work = async {
        admit(world, headers, store_id)?;
        let now = now(world).await?;
        let payment = named(world, invoice_id)?;
        Ok::<_, Refusal>(answer(world, &payment, headers, now))
    };
    with_faults(world, line, operation("ask"), work).await
}

/// `POST …/invoices/{invoice_id}/status`
pub(super) async fn mark(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(invoice_id): Path<String>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    marked(&world, &line, None, &invoice_id, &headers, &body).await
}

/// `POST …/stores/{store_id}/invoices/{invoice_id}/status`
pub(super) async fn mark_in_store(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path((store_id, invoice_id)): Path<(String, String)>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    marked(&world, &line, Some(&store_id), &invoice_id, &headers, &body).await
}

async fn marked(
    world: &Arc<World>,
    line: &Line,
    store_id: Option<&str>,
    invoice_id: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Response {
    let work = async {
        admit(world, headers, store_id)?;
        let MarkBody { status } = parse(body)?;
        linger(world, operation("cancel")).await;
        let now = now(world).await?;
        let payment = named(world, invoice_id)?;
        decide(world, &payment, &status, now)?;
        Ok::<_, Refusal>(answer(world, &named(world, invoice_id)?, headers, now))
    };
    with_faults(world, line, operation("cancel"), work).await
}

/// The owner's word on an invoice. Marked as settled it counts as paid in the books too.
fn decide(world: &Arc<World>, payment: &Payment, status: &str, now: OffsetDateTime) -> Result<(), Refusal> {
    let outcome = match (status, invoice::standing(payment, now)) {
        ("Invalid", Standing::New("None")) => Some(Outcome::Cancel),
        ("Settled", Standing::New("None")) => Some(Outcome::Pay),
        // The books have closed it already, or have its coins.
        ("Invalid", Standing::Expired("None"))
        | ("Settled", Standing::New(_) | Standing::Expired("PaidPartial")) => None,
        ("Settled", Standing::Expired(_) | Standing::Invalid(_)) => Some(Outcome::PayLate),
        _ => {
            let no = "Status can only be marked to invalid or settled within certain conditions.";
            return Err(Refusal::field("status", no));
        }
    };
    let payment_id = &payment.quote.payment_id;
    // First, so that the events that follow say so.
    set_mark(world, payment_id, Some(status))?;
    let done = outcome.map_or(Ok(()), |outcome| ledger::act(world, payment_id, outcome, None, now).map(drop));
    if let Err(problem) = done {
        set_mark(world, payment_id, invoice::mark(payment))?;
        return Err(problem.into());
    }
    Ok(())
}

fn set_mark(world: &World, payment_id: &str, status: Option<&str>) -> Result<(), Problem> {
    world.ledger.with(|ledger| {
        let extra = &mut ledger.payment_mut(payment_id)?.extra;
        match status {
            Some(status) => extra.insert(MARKED.to_owned(), json!(status)),
            None => extra.remove(MARKED),
        };
        Ok::<_, Problem>(())
    })?;
    world.changed();
    Ok(())
}

fn named(world: &World, invoice_id: &str) -> Result<Payment, Refusal> {
    let payment = world.ledger.with(|ledger| ledger.named(Provider::BtcPay, invoice_id).cloned());
    payment.filter(|payment| payment.reference == invoice_id).ok_or_else(Refusal::unknown_invoice)
}

fn answer(world: &World, payment: &Payment, headers: &HeaderMap, now: OffsetDateTime) -> Response {
    let store_id = &world.config.providers.btcpay.store_id;
    Json(invoice::show(payment, store_id, headers, now)).into_response()
}

/// Business time, with everything closed that it has left behind.
async fn now(world: &Arc<World>) -> Result<OffsetDateTime, Problem> {
    let now = world.business_now().await?;
    ledger::expire_due(world, now);
    Ok(now)
}

/// Whoever holds the key may use the store.
fn admit(world: &World, headers: &HeaderMap, store_id: Option<&str>) -> Result<(), Refusal> {
    let config = &world.config.providers.btcpay;
    let presented = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = presented.and_then(|text| text.strip_prefix("token ")).filter(|key| !key.is_empty());
    if key != Some(config.api_key.as_str()) {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Authentication is required"));
    }
    if store_id.is_some_and(|store_id| store_id != config.store_id) {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "missing-permission",
            "Insufficient API Permissions",
        ));
    }
    Ok(())
}
