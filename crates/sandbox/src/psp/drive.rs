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
    ledger::{self, Ledger, Outcome, Payment},
    opening, webhooks,
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
    let done = world.ledger.with(|ledger| ledger.act(payment_id, outcome, amount, now));
    let refused = done.as_ref().err().map(|problem| problem.code);
    world.record("psp.act", json!({ "payment_id": payment_id, "outcome": outcome, "refused": refused }));
    webhooks::send(world, &done?);
    Ok(())
}

#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    pub(crate) payment_id: Option<String>,
}

/// `GET /psp/ledger`, as JSON.
pub(crate) fn ledger_json(world: &World, which: &Which) -> Value {
    world.ledger.with(|ledger| {
        let mut events: std::collections::HashMap<&str, Vec<Value>> = std::collections::HashMap::new();
        for event in ledger.events() {
            if which.payment_id.as_ref().is_none_or(|id| *id == event.payment_id) {
                events.entry(&event.payment_id).or_default().push(webhooks::show(event));
            }
        }
        let items: Vec<Value> = ledger
            .payments()
            .filter(|payment| which.payment_id.as_ref().is_none_or(|id| *id == payment.quote.payment_id))
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
        ledger.events().iter().filter(|event| event.payment_id == payment_id).map(webhooks::show).collect();
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

/// `GET /psp/events?payment_id=`
pub(crate) async fn events(State(world): State<Arc<World>>, Query(which): Query<Which>) -> Json<Value> {
    let items: Vec<Value> = world.ledger.with(|ledger| {
        let events = ledger.events().iter();
        let wanted =
            events.filter(|event| which.payment_id.as_ref().is_none_or(|id| *id == event.payment_id));
        wanted.map(webhooks::show).collect()
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
