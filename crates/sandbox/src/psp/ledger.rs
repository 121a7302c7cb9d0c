//! The service's books: payments with their charges, refunds and disputes, each append-only, and the events they caused.
//!
//! A payment is never charged twice; everything a person or a program can do to it goes through [`Ledger::act`] or [`Ledger::refund`].

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::webhooks::{self, Event, EventState};
use crate::{problem::Problem, random, world::World};

/// How many payments and events the books hold.
const PAYMENTS: usize = 200_000;
const EVENTS: usize = 500_000;

/// Which way the checkout was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    Api,
    Link,
}

/// How an unpaid payment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Closed {
    Failed,
    Expired,
}

/// Money taken.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    /// Taken after the payment had failed or expired.
    pub(crate) late: bool,
}

/// Money given back.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the contract's own name, and the snapshot's")]
pub(crate) struct Refund {
    pub(crate) refund_id: String,
    pub(crate) amount: i64,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
}

/// A step of a dispute.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DisputeStep {
    pub(crate) state: Dispute,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Dispute {
    Open,
    Won,
    Lost,
}

/// What a checkout is opened with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quote {
    pub(crate) payment_id: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) description: Option<String>,
    pub(crate) return_url: String,
    pub(crate) webhook_url: Option<String>,
    /// Business time.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) expires_at: OffsetDateTime,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Payment {
    #[serde(flatten)]
    pub(crate) quote: Quote,
    pub(crate) reference: String,
    pub(crate) opened_by: Way,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) opened_at: OffsetDateTime,
    /// When the books last said something new about it.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) updated_at: OffsetDateTime,
    pub(crate) closed: Option<Closed>,
    pub(crate) charges: Vec<Charge>,
    pub(crate) refunds: Vec<Refund>,
    pub(crate) disputes: Vec<DisputeStep>,
}

impl Payment {
    pub(crate) fn status(&self) -> &'static str {
        match (self.charges.is_empty(), self.closed) {
            (false, _) => "succeeded",
            (true, None) => "pending",
            (true, Some(Closed::Failed)) => "failed",
            (true, Some(Closed::Expired)) => "expired",
        }
    }

    pub(crate) fn paid_amount(&self) -> i64 {
        self.charges.iter().map(|charge| charge.amount).sum()
    }

    pub(crate) fn refunded_amount(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.amount).sum()
    }

    pub(crate) fn dispute(&self) -> Option<Dispute> {
        self.disputes.last().map(|step| step.state)
    }

    /// The currency that was paid, or is asked for.
    pub(crate) fn currency(&self) -> &str {
        self.charges.first().map_or(&self.quote.currency, |charge| &charge.currency)
    }

    /// What the product is told when it asks.
    pub(crate) fn answer(&self) -> Value {
        json!({
            "payment_id": self.quote.payment_id,
            "reference": self.reference,
            "status": self.status(),
            "amount": self.quote.amount,
            "currency": self.currency(),
            "paid_amount": self.paid_amount(),
            "refunded_amount": self.refunded_amount(),
            "dispute": self.dispute(),
            // Business time, as in events: an answer and an event can be put in order.
            "paid_at": self.charges.first().map(|charge| charge.at.unix_timestamp()),
            "updated_at": self.updated_at.unix_timestamp(),
        })
    }
}

/// What people and programs can make a payer, or the service, do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Pay,
    Refuse,
    Expire,
    PayLate,
    WrongAmount,
    WrongCurrency,
    Refund,
    DisputeOpen,
    DisputeWon,
    DisputeLost,
    WalkAway,
}

/// An answer kept for replays of its idempotency key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Hex SHA-256 of the body it answered.
    pub(crate) digest: String,
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// The books.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ledger {
    payments: BTreeMap<String, Payment>,
    events: Vec<Event>,
    pub(crate) answers: HashMap<String, Answer>,
    /// Keys whose first call is being worked on.
    #[serde(skip)]
    pub(crate) at_work: HashSet<String>,
    #[serde(skip)]
    event_at: HashMap<String, usize>,
    #[serde(skip)]
    deadlines: BTreeSet<(OffsetDateTime, String)>,
}

impl Ledger {
    /// Rebuilds what isn't kept in the snapshot.
    pub(crate) fn indexed(mut self) -> Self {
        self.event_at = self.events.iter().enumerate().map(|(at, event)| (event.id.clone(), at)).collect();
        self.deadlines = self
            .payments
            .values()
            .filter(|payment| payment.status() == "pending")
            .map(|payment| (payment.quote.expires_at, payment.quote.payment_id.clone()))
            .collect();
        self
    }

    pub(crate) fn payment(&self, payment_id: &str) -> Option<&Payment> {
        self.payments.get(payment_id)
    }

    pub(crate) fn payments(&self) -> impl DoubleEndedIterator<Item = &Payment> {
        self.payments.values()
    }

    pub(crate) fn events(&self) -> &[Event] {
        &self.events
    }

    pub(crate) fn event(&self, at: usize) -> Option<&Event> {
        self.events.get(at)
    }

    pub(crate) fn event_mut(&mut self, at: usize) -> Option<&mut Event> {
        self.events.get_mut(at)
    }

    pub(crate) fn find_event(&self, id: &str) -> Option<usize> {
        self.event_at.get(id).copied()
    }

    /// Opens a checkout; opening it again with the same quote answers the one there is.
    pub(crate) fn open(&mut self, quote: Quote, way: Way, now: OffsetDateTime) -> Result<&Payment, Problem> {
        if let Some(payment) = self.payments.get(&quote.payment_id) {
            if payment.opened_by != way || payment.quote != quote {
                return Err(Problem::conflict("already_opened", "this payment was opened with other terms"));
            }
        } else if self.payments.len() >= PAYMENTS {
            return Err(Problem::full("payments"));
        } else {
            self.deadlines.insert((quote.expires_at, quote.payment_id.clone()));
        }
        let payment_id = quote.payment_id.clone();
        Ok(self.payments.entry(payment_id).or_insert_with(|| Payment {
            quote,
            reference: random::id("pay"),
            opened_by: way,
            opened_at: now,
            updated_at: now,
            closed: None,
            charges: Vec::new(),
            refunds: Vec::new(),
            disputes: Vec::new(),
        }))
    }

    /// Closes what can no longer be paid; the places of the events that tell so.
    pub(crate) fn expire_until(&mut self, now: OffsetDateTime) -> Vec<usize> {
        let mut told = Vec::new();
        while let Some((deadline, payment_id)) = self.deadlines.first().cloned() {
            if deadline > now {
                break;
            }
            if let Ok(mut events) = self.act(&payment_id, Outcome::Expire, None, now) {
                told.append(&mut events);
            }
            self.deadlines.pop_first();
        }
        told
    }

    /// Does to a payment what a payer or the service does; the places of the events that tell so.
    pub(crate) fn act(
        &mut self,
        payment_id: &str,
        outcome: Outcome,
        amount: Option<i64>,
        now: OffsetDateTime,
    ) -> Result<Vec<usize>, Problem> {
        if self.events.len() + 2 > EVENTS {
            return Err(Problem::full("events"));
        }
        let payment =
            self.payments.get(payment_id).ok_or_else(|| Problem::not_found("no such payment was opened"))?;
        if amount.is_some_and(|amount| amount <= 0) {
            return Err(Problem::invalid("amount is positive, in minor units"));
        }
        let quoted = payment.quote.amount;
        let currency = payment.quote.currency.clone();
        match outcome {
            Outcome::Pay => self.charge(payment_id, quoted, &currency, false, now),
            Outcome::WrongAmount => {
                let wrong = amount.unwrap_or(if quoted > 1 { quoted / 2 } else { quoted + 1 });
                self.charge(payment_id, wrong, &currency, false, now)
            }
            Outcome::WrongCurrency => {
                let other = if currency == "USD" { "EUR" } else { "USD" };
                self.charge(payment_id, amount.unwrap_or(quoted), other, false, now)
            }
            Outcome::PayLate => {
                let mut told = if payment.status() == "pending" {
                    self.close(payment_id, Closed::Expired, now)?
                } else {
                    Vec::new()
                };
                told.extend(self.charge(payment_id, quoted, &currency, true, now)?);
                Ok(told)
            }
            Outcome::Refuse => self.close(payment_id, Closed::Failed, now),
            Outcome::Expire => self.close(payment_id, Closed::Expired, now),
            Outcome::Refund => {
                let rest = payment.paid_amount() - payment.refunded_amount();
                let refund_id = random::id("ref");
                self.refund(payment_id, refund_id, amount.unwrap_or(rest), now).map(|at| vec![at])
            }
            Outcome::DisputeOpen => self.dispute(payment_id, Dispute::Open, now),
            Outcome::DisputeWon => self.dispute(payment_id, Dispute::Won, now),
            Outcome::DisputeLost => self.dispute(payment_id, Dispute::Lost, now),
            Outcome::WalkAway => Ok(Vec::new()),
        }
    }

    fn charge(
        &mut self,
        payment_id: &str,
        amount: i64,
        currency: &str,
        late: bool,
        now: OffsetDateTime,
    ) -> Result<Vec<usize>, Problem> {
        let payment = self.payment_mut(payment_id)?;
        match payment.status() {
            "succeeded" => {
                return Err(Problem::conflict(
                    "already_paid",
                    "this payment is paid; it is never charged twice",
                ));
            }
            "pending" => {}
            _ if late => {}
            closed => {
                return Err(Problem::conflict(
                    "closed",
                    format!("this checkout is {closed}; only pay_late gets through"),
                ));
            }
        }
        payment.charges.push(Charge {
            id: random::id("ch"),
            amount,
            currency: currency.to_owned(),
            at: now,
            late,
        });
        self.emit(payment_id, "payment.succeeded", amount, currency, None, now).map(|at| vec![at])
    }

    fn close(
        &mut self,
        payment_id: &str,
        closed: Closed,
        now: OffsetDateTime,
    ) -> Result<Vec<usize>, Problem> {
        let payment = self.payment_mut(payment_id)?;
        if payment.status() != "pending" {
            return Err(Problem::conflict("closed", format!("this payment is {}", payment.status())));
        }
        payment.closed = Some(closed);
        let (amount, currency) = (payment.quote.amount, payment.quote.currency.clone());
        let kind = match closed {
            Closed::Failed => "payment.failed",
            Closed::Expired => "payment.expired",
        };
        self.emit(payment_id, kind, amount, &currency, None, now).map(|at| vec![at])
    }

    /// Gives money back; the event tells the cumulative amount.
    pub(crate) fn refund(
        &mut self,
        payment_id: &str,
        refund_id: String,
        amount: i64,
        now: OffsetDateTime,
    ) -> Result<usize, Problem> {
        let payment = self.payment_mut(payment_id)?;
        if payment.charges.is_empty() {
            return Err(Problem::conflict("not_paid", "only a paid payment can be refunded"));
        }
        let rest = payment.paid_amount() - payment.refunded_amount();
        if amount <= 0 || amount > rest {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "refund_exceeds_payment",
                format!("{rest} is left to refund"),
            ));
        }
        payment.refunds.push(Refund { refund_id, amount, at: now });
        let (total, currency) = (payment.refunded_amount(), payment.currency().to_owned());
        self.emit(payment_id, "payment.refunded", total, &currency, None, now)
    }

    fn dispute(
        &mut self,
        payment_id: &str,
        state: Dispute,
        now: OffsetDateTime,
    ) -> Result<Vec<usize>, Problem> {
        let payment = self.payment_mut(payment_id)?;
        let (kind, outcome) = match (payment.dispute(), state) {
            (None | Some(Dispute::Won), Dispute::Open) if !payment.charges.is_empty() => {
                ("dispute.opened", None)
            }
            (Some(Dispute::Open), Dispute::Won) => ("dispute.closed", Some("won")),
            (Some(Dispute::Open), Dispute::Lost) => ("dispute.closed", Some("lost")),
            _ => {
                return Err(Problem::conflict(
                    "wrong_state",
                    "a dispute opens on a paid payment and closes once",
                ));
            }
        };
        payment.disputes.push(DisputeStep { state, at: now });
        let (amount, currency) = (payment.paid_amount(), payment.currency().to_owned());
        self.emit(payment_id, kind, amount, &currency, outcome, now).map(|at| vec![at])
    }

    fn payment_mut(&mut self, payment_id: &str) -> Result<&mut Payment, Problem> {
        self.payments.get_mut(payment_id).ok_or_else(|| Problem::not_found("no such payment was opened"))
    }

    fn emit(
        &mut self,
        payment_id: &str,
        kind: &str,
        amount: i64,
        currency: &str,
        outcome: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<usize, Problem> {
        let payment = self.payment_mut(payment_id)?;
        payment.updated_at = now;
        let id = random::id("evt");
        let mut data = json!({
            "payment_id": payment_id,
            "provider_reference": payment.reference,
            "amount": amount,
            "currency": currency,
        });
        if let (Some(outcome), Some(members)) = (outcome, data.as_object_mut()) {
            members.insert("outcome".to_owned(), outcome.into());
        }
        let body = json!({ "id": id, "type": kind, "created": now.unix_timestamp(), "data": data });
        let event = Event {
            id: id.clone(),
            payment_id: payment_id.to_owned(),
            kind: kind.to_owned(),
            webhook_url: payment.quote.webhook_url.clone(),
            body,
            state: EventState::Pending,
            attempts: Vec::new(),
        };
        let at = self.events.len();
        self.events.push(event);
        self.event_at.insert(id, at);
        Ok(at)
    }
}

/// Closes what business time has left behind, and sends the events.
pub(crate) fn expire_due(world: &Arc<World>, now: OffsetDateTime) {
    let told = world.ledger.with(|ledger| ledger.expire_until(now));
    if !told.is_empty() {
        world.record("psp.expired", json!({ "count": told.len() }));
    }
    webhooks::send(world, &told);
}
