//! The handles on the world: the clock and the faults.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form, Json,
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Frame, moment, prefers_html, refusal, render};
use crate::{
    clock,
    faults::{self, Order, Peer},
    problem::Problem,
    world::World,
};

#[derive(Template)]
#[template(path = "clock.html")]
struct ClockPage {
    frame: Frame,
    now: String,
    wall: String,
    ahead: String,
}

/// `GET /clock`: JSON, or the page for browsers.
pub(crate) async fn clock(
    State(world): State<Arc<World>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let face = clock::face(&world).await?;
    if !prefers_html(&headers, query.as_deref()) {
        return Ok(Json(face.json()).into_response());
    }
    Ok(render(&ClockPage {
        frame: Frame::live(&world, "clock", "Clock"),
        now: moment(face.now),
        wall: moment(face.wall),
        ahead: span(face.offset_seconds),
    }))
}

/// A length of time as people say it.
fn span(seconds: i64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let plural = |n: i64, unit: &str| if n == 1 { format!("1 {unit}") } else { format!("{n} {unit}s") };
    let parts = [(days, "day"), (rest / 3600, "hour"), (rest % 3600 / 60, "minute"), (rest % 60, "second")];
    let said: Vec<String> =
        parts.into_iter().filter(|(n, _)| *n != 0).map(|(n, unit)| plural(n, unit)).collect();
    if said.is_empty() { "not moved".to_owned() } else { format!("{} ahead", said.join(", ")) }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Move {
    seconds: Option<i64>,
    days: Option<i64>,
    hours: Option<i64>,
}

/// A button of the clock.
pub(crate) async fn advance(State(world): State<Arc<World>>, Form(form): Form<Move>) -> Response {
    let days = form.days.unwrap_or(0).saturating_mul(86_400);
    let hours = form.hours.unwrap_or(0).saturating_mul(3600);
    let seconds = form.seconds.unwrap_or(0).saturating_add(days).saturating_add(hours);
    match clock::move_by(&world, seconds).await {
        Ok(_) => Redirect::to("/clock").into_response(),
        Err(problem) => refusal(&world, "clock", "/clock", &problem),
    }
}

#[derive(Template)]
#[template(path = "faults.html")]
struct FaultsPage {
    frame: Frame,
    standing: Vec<Standing>,
    known: Vec<Known>,
}

struct Standing {
    id: u64,
    peer: String,
    fault: String,
    left: String,
    used: u64,
    details: String,
}

struct Known {
    peer: String,
    choices: Vec<Choice>,
}

struct Choice {
    value: String,
    label: String,
}

fn name(peer: Peer) -> String {
    let name = match peer {
        Peer::Api(provider) => return format!("{}: its API", provider.facade().name()),
        Peer::PspWebhooks => "Payment providers: their webhooks",
        Peer::Telegram => "Telegram",
        Peer::Smtp => "Mail server",
        Peer::Sms => "Twilio: its API",
        Peer::SmsCallbacks => "Twilio: delivery and callbacks",
    };
    name.to_owned()
}

fn word(value: impl serde::Serialize) -> String {
    json!(value).as_str().unwrap_or_default().to_owned()
}

/// `GET /faults`: JSON, or the page for browsers.
pub(crate) async fn faults(
    State(world): State<Arc<World>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let standing = world.faults.list();
    if !prefers_html(&headers, query.as_deref()) {
        return Json(json!({ "items": standing })).into_response();
    }
    let standing = standing
        .into_iter()
        .map(|fault| Standing {
            id: fault.id,
            peer: name(fault.order.peer),
            fault: word(fault.order.kind).replace('_', " "),
            left: fault.order.times.map_or_else(
                || "until cleared".to_owned(),
                |times| format!("{} more", times.saturating_sub(fault.used)),
            ),
            used: fault.used,
            details: details(&json!(fault.order)),
        })
        .collect();
    let known = Peer::all()
        .map(|peer| Known {
            peer: name(peer),
            choices: peer
                .knows()
                .iter()
                .map(|kind| Choice {
                    value: format!("{}/{}", peer.word(), word(*kind)),
                    label: format!("{} · {}", peer.word(), word(*kind)).replace('_', " "),
                })
                .collect(),
        })
        .collect();
    render(&FaultsPage { frame: Frame::live(&world, "faults", "Faults"), standing, known })
}

fn details(order: &Value) -> String {
    let Some(members) = order.as_object() else { return String::new() };
    let shown = members.iter().filter(|(name, _)| !matches!(name.as_str(), "peer" | "fault" | "times"));
    shown.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

#[derive(Debug, Deserialize)]
pub(crate) struct OrderForm {
    which: String,
    times: String,
    option: String,
    value: String,
}

impl OrderForm {
    fn order(&self) -> Result<Order, Problem> {
        let (peer, fault) =
            self.which.split_once('/').ok_or_else(|| Problem::invalid("choose a peer and a fault"))?;
        let mut body = Map::from_iter([("peer".to_owned(), json!(peer)), ("fault".to_owned(), json!(fault))]);
        let number =
            |text: &str| text.trim().parse::<i64>().map_or_else(|_| json!(text.trim()), |n| json!(n));
        if !self.times.trim().is_empty() {
            body.insert("times".to_owned(), number(&self.times));
        }
        if !self.option.is_empty() && !self.value.trim().is_empty() {
            body.insert(self.option.clone(), number(&self.value));
        }
        serde_json::from_value(Value::Object(body)).map_err(|error| Problem::invalid(error.to_string()))
    }
}

/// Orders a fault.
pub(crate) async fn order(State(world): State<Arc<World>>, Form(form): Form<OrderForm>) -> Response {
    match form.order().and_then(|order| faults::order_fault(&world, order)) {
        Ok(_) => Redirect::to("/faults").into_response(),
        Err(problem) => refusal(&world, "faults", "/faults", &problem),
    }
}

/// Clears one fault.
pub(crate) async fn clear(State(world): State<Arc<World>>, Path(id): Path<u64>) -> Redirect {
    faults::clear(&world, Some(id));
    Redirect::to("/faults")
}
