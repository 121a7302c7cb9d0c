//! FedaPay's calls: a transaction, its page, how it stands.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    Json,
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, json};
use time::Duration;

use super::{CURRENCIES, Refusal, operation, told};
use crate::{
    connection::Line,
    problem::{RawBody, parse},
    psp::{
        calls::{linger, with_faults},
        checkout, ledger,
        payment::{OnPay, Opening, Payment, Quote, Way},
        providers::Provider,
    },
    random,
    world::World,
};

/// How long a transaction waits for its payer.
const WAITS: Duration = Duration::hours(24);

#[derive(Debug, Deserialize)]
struct TransactionBody {
    description: Option<String>,
    amount: i64,
    currency: Iso,
    callback_url: Option<String>,
    merchant_reference: Option<String>,
    customer: Option<Customer>,
}

#[derive(Debug, Deserialize)]
struct Iso {
    iso: String,
}

#[derive(Debug, Deserialize)]
struct Customer {
    email: Option<String>,
}

/// `POST /fedapay/v1/transactions`
pub(super) async fn create(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let work = async {
        check(&world, &headers)?;
        let body: TransactionBody = parse(&body)?;
        let iso = body.currency.iso;
        if !CURRENCIES.iter().any(|(_, known, ..)| *known == iso) {
            return Err(Refusal::field("currency", "is not supported"));
        }
        let email = body.customer.and_then(|customer| customer.email);
        if email.is_some_and(|email| !email.contains('@')) {
            return Err(Refusal::field("customer.email", "is not an address"));
        }
        linger(&world, operation("open")).await;
        let now = world.business_now().await?;
        let quote = Quote {
            // Without a reference of the merchant's the books still need a name.
            payment_id: body.merchant_reference.unwrap_or_else(|| random::id("order")),
            amount: body.amount,
            currency: iso,
            description: body.description,
            return_url: body.callback_url.unwrap_or_else(|| world.config.product_url.clone()),
            webhook_url: None,
            expires_at: now + WAITS,
        };
        let opening = Opening {
            provider: Provider::FedaPay,
            quote: quote.checked()?,
            way: Way::Api,
            reference: None,
            on_pay: OnPay::Charge,
            extra: Map::new(),
        };
        let payment = ledger::open(&world, opening, now)?;
        Ok((StatusCode::OK, wrapped(&payment)).into_response())
    };
    with_faults(&world, &line, operation("open"), work).await
}

/// `GET /fedapay/v1/transactions/{id}`
pub(super) async fn retrieve(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        check(&world, &headers)?;
        ledger::expire_due(&world, world.business_now().await?);
        by_number(&world, &id).map(|payment| wrapped(&payment).into_response())
    };
    with_faults(&world, &line, operation("ask"), work).await
}

/// `GET /fedapay/v1/transactions/merchant/{reference}`
pub(super) async fn retrieve_by_merchant(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(reference): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        check(&world, &headers)?;
        ledger::expire_due(&world, world.business_now().await?);
        let payment = world.ledger.with(|ledger| ledger.payment(&reference).cloned());
        let payment = payment.filter(|payment| payment.provider == Provider::FedaPay);
        payment.map(|payment| wrapped(&payment).into_response()).ok_or_else(Refusal::not_found)
    };
    with_faults(&world, &line, operation("ask"), work).await
}

/// `POST /fedapay/v1/transactions/{id}/token`
pub(super) async fn token(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        check(&world, &headers)?;
        linger(&world, operation("token")).await;
        ledger::expire_due(&world, world.business_now().await?);
        let payment = by_number(&world, &id)?;
        if payment.status() != "pending" {
            return Err(Refusal::field("status", "is no longer pending"));
        }
        let url = checkout::address(&headers, &payment.quote.payment_id);
        Ok(Json(json!({ "token": random::id("token"), "url": url })).into_response())
    };
    with_faults(&world, &line, operation("token"), work).await
}

/// `GET /fedapay/v1/currencies/{id}`
pub(super) async fn currency(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        check(&world, &headers)?;
        let found = CURRENCIES.iter().find(|(number, ..)| number.to_string() == id);
        let (number, iso, name, code) = found.ok_or_else(Refusal::not_found)?;
        let answer = json!({ "id": number, "klass": "v1/currency", "iso": iso, "name": name, "code": code });
        Ok::<_, Refusal>(Json(json!({ "v1/currency": answer })).into_response())
    };
    with_faults(&world, &line, operation("ask"), work).await
}

fn wrapped(payment: &Payment) -> Json<serde_json::Value> {
    Json(json!({ "v1/transaction": told(payment) }))
}

fn by_number(world: &World, id: &str) -> Result<Payment, Refusal> {
    let payment = world.ledger.with(|ledger| ledger.named(Provider::FedaPay, id).cloned());
    payment.filter(|payment| payment.reference == id).ok_or_else(Refusal::not_found)
}

fn check(world: &World, headers: &HeaderMap) -> Result<(), Refusal> {
    let key = &world.config.providers.fedapay.secret_key;
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let presented = values.next().and_then(|value| value.to_str().ok()).filter(|_| values.next().is_none());
    let presented = presented.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if !key.is_empty() && verify_slices_are_equal(presented.as_bytes(), key.as_bytes()).is_ok() {
        Ok(())
    } else {
        Err(Refusal::unauthorized())
    }
}
