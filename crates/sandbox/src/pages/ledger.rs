//! The payment service's books for people: what was asked, charged, refunded, disputed, told.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form, Json,
    extract::{Path, Query, RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{Frame, moment, money, prefers_html, refusal, render};
use crate::{
    psp::{
        drive::{self, Which},
        event::{Event, EventState},
        ledger::Outcome,
        payment::{Dispute, Payment},
        webhooks,
    },
    world::World,
};

/// How many payments the page shows, newest first.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "ledger.html")]
struct Books {
    frame: Frame,
    rows: Vec<Row>,
    more: usize,
}

struct Row {
    provider: &'static str,
    payment_id: String,
    reference: String,
    status: &'static str,
    badge: &'static str,
    amount: String,
    opened: String,
    description: String,
    entries: Vec<Entry>,
    events: Vec<Told>,
    open: bool,
    /// What the service can do now: the outcome and the button's words.
    acts: Vec<(&'static str, &'static str)>,
}

struct Entry {
    what: &'static str,
    amount: String,
    at: String,
}

struct Told {
    id: String,
    kind: String,
    state: &'static str,
    attempts: usize,
    answer: String,
}

/// `GET /psp/ledger?payment_id=`: JSON, or the page for browsers.
pub(crate) async fn list(
    State(world): State<Arc<World>>,
    Query(which): Query<Which>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if !prefers_html(&headers, query.as_deref()) {
        return Json(drive::ledger_json(&world, &which)).into_response();
    }
    let (rows, more) = world.ledger.with(|ledger| {
        let mut newest: Vec<&Payment> = ledger.payments().collect();
        newest.sort_by_key(|payment| std::cmp::Reverse(payment.opened_at));
        let more = newest.len().saturating_sub(SHOWN);
        newest.truncate(SHOWN);
        let rows = newest
            .into_iter()
            .map(|payment| {
                let events =
                    ledger.events().iter().filter(|event| event.payment_id == payment.quote.payment_id);
                row(payment, events.map(told).collect())
            })
            .collect();
        (rows, more)
    });
    render(&Books { frame: Frame::live(&world, "ledger", "Payments"), rows, more })
}

fn told(event: &Event) -> Told {
    let last = event.attempts.last();
    Told {
        id: event.id.clone(),
        kind: event.kind.clone(),
        state: match event.state {
            EventState::Pending => "on its way",
            EventState::Delivered => "delivered",
            EventState::Dropped => "dropped",
            EventState::GivenUp => "given up",
            EventState::Untold => "not told",
        },
        attempts: event.attempts.len(),
        answer: last
            .map(|last| {
                last.status
                    .map_or_else(|| last.error.clone().unwrap_or_default(), |status| status.to_string())
            })
            .unwrap_or_default(),
    }
}

fn row(payment: &Payment, events: Vec<Told>) -> Row {
    let show = |amount| money::display(amount, payment.currency(), false);
    let mut entries: Vec<(time::OffsetDateTime, Entry)> = Vec::new();
    if let Some(approval) = &payment.approved {
        let amount = money::display(approval.amount, &approval.currency, false);
        entries.push((approval.at, Entry { what: "approved", amount, at: moment(approval.at) }));
    }
    for charge in &payment.charges {
        let what = if charge.late { "charged late" } else { "charged" };
        let amount = money::display(charge.amount, &charge.currency, false);
        entries.push((charge.at, Entry { what, amount, at: moment(charge.at) }));
    }
    for refund in &payment.refunds {
        entries.push((
            refund.at,
            Entry { what: "refunded", amount: show(refund.amount), at: moment(refund.at) },
        ));
    }
    for step in &payment.disputes {
        let what = match step.state {
            Dispute::Open => "dispute opened",
            Dispute::Won => "dispute won",
            Dispute::Lost => "dispute lost",
        };
        entries.push((step.at, Entry { what, amount: String::new(), at: moment(step.at) }));
    }
    entries.sort_by_key(|(at, _)| *at);
    let status = payment.status();
    Row {
        provider: payment.provider.facade().name(),
        payment_id: payment.quote.payment_id.clone(),
        reference: payment.reference.clone(),
        status,
        badge: match status {
            "succeeded" => "good",
            "pending" => "wait",
            _ => "bad",
        },
        amount: money::display(payment.quote.amount, &payment.quote.currency, false),
        opened: moment(payment.opened_at),
        description: payment.quote.description.clone().unwrap_or_default(),
        entries: entries.into_iter().map(|(_, entry)| entry).collect(),
        events,
        open: status == "pending",
        acts: acts(payment),
    }
}

/// What the service can do with a payment in its state.
fn acts(payment: &Payment) -> Vec<(&'static str, &'static str)> {
    match payment.status() {
        "succeeded" => {}
        _ if payment.awaits_capture() => return vec![("capture", "Capture")],
        "pending" => return vec![("expire", "Expire")],
        _ => return vec![("pay_late", "Pay late")],
    }
    let mut acts = Vec::new();
    if payment.refunded_amount() < payment.paid_amount() {
        acts.push(("refund", "Refund the rest"));
    }
    match payment.dispute() {
        None | Some(Dispute::Won) => acts.push(("dispute_open", "Open a dispute")),
        Some(Dispute::Open) => {
            acts.extend([("dispute_won", "Dispute won"), ("dispute_lost", "Dispute lost")]);
        }
        Some(Dispute::Lost) => {}
    }
    acts
}

#[derive(Debug, Deserialize)]
pub(crate) struct Act {
    outcome: Outcome,
}

/// A button of the books.
pub(crate) async fn act(
    State(world): State<Arc<World>>,
    Path(payment_id): Path<String>,
    Form(form): Form<Act>,
) -> Response {
    match drive::act_on(&world, &payment_id, form.outcome, None).await {
        Ok(()) => Redirect::to("/psp/ledger").into_response(),
        Err(problem) => refusal(&world, "ledger", "/psp/ledger", &problem),
    }
}

/// Sends an event again.
pub(crate) async fn resend(State(world): State<Arc<World>>, Path(event_id): Path<String>) -> Response {
    match webhooks::resend(&world, &event_id).await {
        Ok(_) => Redirect::to("/psp/ledger").into_response(),
        Err(problem) => refusal(&world, "ledger", "/psp/ledger", &problem),
    }
}
