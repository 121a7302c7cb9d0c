//! Driving the service by hand or by program: what payers do, what the books say, which events went out.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    event::Event,
    ledger::{self, Ledger, Outcome},
    opening,
    payment::Payment,
    providers::Provider,
    webhooks,
};
use crate::{
    problem::{JsonBody, Problem},
    world::World,
};

/// `POST /psp/checkouts/{payment_id}`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Act {
    outcome: Outcome,
    amount: Option<i64>,
    /// A checkout link nobody has visited yet: opened first, as a browser would.
    checkout_url: Option<String>,
}

pub(crate) async fn checkout(
    State(world): State<Arc<World>>,
    Path(payment_id): Path<String>,
    JsonBody(act): JsonBody<Act>,
) -> Result<Json<Value>, Problem> {
    if let Some(link) = &act.checkout_url {
        visit(&world, &payment_id, link).await?;
    }
    act_on(&world, &payment_id, act.outcome, act.amount).await?;
    world.ledger.with(|ledger| show(ledger, &payment_id)).map(Json)
}

/// Does what the link's page would do when opened. An address of the page itself, as `api` mode gives out, opens nothing.
async fn visit(world: &Arc<World>, payment_id: &str, link: &str) -> Result<(), Problem> {
    let url = Url::parse(link).map_err(|_| Problem::invalid("checkout_url is an absolute address"))?;
    let Some(query) = url.query().filter(|query| query.contains("sig=")) else {
        return Ok(());
    };
    let opened = opening::open_link(world, query, world.business_now().await?)?;
    if opened == payment_id {
        Ok(())
    } else {
        Err(Problem::invalid("checkout_url belongs to another payment"))
    }
}

/// Acts on a payment and sends the events that follow.
pub(crate) async fn act_on(
    world: &Arc<World>,
    payment_id: &str,
    outcome: Outcome,
    amount: Option<i64>,
) -> Result<(), Problem> {
    let now = world.business_now().await?;
    ledger::expire_due(world, now);
    ledger::act(world, payment_id, outcome, amount, now).map(|_| ())
}

#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    payment_id: Option<String>,
    provider: Option<Provider>,
    /// A name at the provider: of the payment, a charge or a refund.
    reference: Option<String>,
}

impl Which {
    /// Whether a payment is asked for.
    fn fits(&self, ledger: &Ledger, provider: Provider, payment_id: &str) -> bool {
        let named = |name: &String| {
            ledger.named(provider, name).is_some_and(|payment| payment.quote.payment_id == payment_id)
        };
        self.payment_id.as_ref().is_none_or(|id| id == payment_id)
            && self.provider.is_none_or(|only| only == provider)
            && self.reference.as_ref().is_none_or(named)
    }
}

/// `GET /psp/ledger`, as JSON.
pub(crate) fn ledger_json(world: &World, which: &Which) -> Value {
    world.ledger.with(|ledger| {
        let mut events: std::collections::HashMap<&str, Vec<Value>> = std::collections::HashMap::new();
        for event in ledger.events() {
            if which.fits(ledger, event.provider, &event.payment_id) {
                events.entry(&event.payment_id).or_default().push(event.show());
            }
        }
        let items: Vec<Value> = ledger
            .payments()
            .filter(|payment| which.fits(ledger, payment.provider, &payment.quote.payment_id))
            .map(|payment| {
                describe(payment, events.remove(payment.quote.payment_id.as_str()).unwrap_or_default())
            })
            .collect();
        json!({ "items": items })
    })
}

/// One payment with everything the books say about it.
pub(crate) fn show(ledger: &Ledger, payment_id: &str) -> Result<Value, Problem> {
    let payment =
        ledger.payment(payment_id).ok_or_else(|| Problem::not_found("no such payment was opened"))?;
    let events =
        ledger.events().iter().filter(|event| event.payment_id == payment_id).map(Event::show).collect();
    Ok(describe(payment, events))
}

fn describe(payment: &Payment, events: Vec<Value>) -> Value {
    let mut members: Map<String, Value> = match json!(payment) {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    if let Value::Object(answer) = payment.answer() {
        members.extend(answer);
    }
    members.insert("events".to_owned(), events.into());
    Value::Object(members)
}

/// `GET /psp/events?payment_id=&provider=&reference=`
pub(crate) async fn events(State(world): State<Arc<World>>, Query(which): Query<Which>) -> Json<Value> {
    let items: Vec<Value> = world.ledger.with(|ledger| {
        let events = ledger.events().iter();
        let wanted = events.filter(|event| which.fits(ledger, event.provider, &event.payment_id));
        wanted.map(Event::show).collect()
    });
    Json(json!({ "items": items }))
}

/// `POST /psp/events/{event_id}/resend`
pub(crate) async fn resend(
    State(world): State<Arc<World>>,
    Path(event_id): Path<String>,
) -> Result<Json<Value>, Problem> {
    webhooks::resend(&world, &event_id).await.map(Json)
}
