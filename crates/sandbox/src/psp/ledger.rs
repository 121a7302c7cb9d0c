//! The books that all providers share: payments under the product's own id, and the events that they caused.
//!
//! A payment is never charged twice; everything a person or a program can do to it goes through [`Ledger::act`] or [`Ledger::refund`].

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{
    event::{Event, EventState},
    facade::Named,
    payment::{Approval, Charge, Closed, Dispute, DisputeStep, OnPay, Opening, Payment, Refund},
    providers::Provider,
    webhooks,
};
use crate::{problem::Problem, world::World};

/// How many payments and events the books hold.
const PAYMENTS: usize = 200_000;
const EVENTS: usize = 500_000;

/// More events than one act causes.
const PER_ACT: usize = 16;

/// What people and programs can make a payer, or the service, do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Pay,
    Refuse,
    Expire,
    /// By the shop: takes what was approved.
    Capture,
    /// By the shop: nothing can be paid any more.
    Cancel,
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
    /// Business time; unknown of those in old state files.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) at: Option<OffsetDateTime>,
}

/// The books.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ledger {
    payments: BTreeMap<String, Payment>,
    events: Vec<Event>,
    pub(crate) answers: HashMap<String, Answer>,
    /// What a facade keeps beside its payments, such as access tokens it gave out.
    #[serde(default)]
    pub(crate) desks: BTreeMap<Provider, Map<String, Value>>,
    /// Keys whose first call is being worked on.
    #[serde(skip)]
    pub(crate) at_work: HashSet<String>,
    #[serde(skip)]
    event_at: HashMap<String, usize>,
    /// The payments by each name that something of theirs has at its provider.
    #[serde(skip)]
    named: HashMap<(Provider, String), String>,
    #[serde(skip)]
    deadlines: BTreeSet<(OffsetDateTime, String)>,
}

impl Ledger {
    /// Rebuilds what isn't kept in the snapshot.
    pub(crate) fn indexed(mut self) -> Self {
        // Keys of the time with one provider didn't name it.
        let keys = std::mem::take(&mut self.answers).into_iter();
        let named = keys.map(|(key, answer)| {
            let bare = key.starts_with("open:") || key.starts_with("refund:");
            (if bare { format!("{}:{key}", Provider::default().facade().code()) } else { key }, answer)
        });
        self.answers = named.collect();
        self.event_at = self.events.iter().enumerate().map(|(at, event)| (event.id.clone(), at)).collect();
        self.named = self
            .payments
            .values()
            .flat_map(|payment| {
                let key =
                    |name: &str| ((payment.provider, name.to_owned()), payment.quote.payment_id.clone());
                payment.names().map(key).collect::<Vec<_>>()
            })
            .collect();
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

    /// A payment of this provider's, by the name of the payment, of a charge or of a refund there.
    pub(crate) fn named(&self, provider: Provider, name: &str) -> Option<&Payment> {
        self.payments.get(self.named.get(&(provider, name.to_owned()))?)
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

    /// Opens a checkout; opening it again with the same terms finds the one there is.
    pub(crate) fn open(&mut self, opening: Opening, now: OffsetDateTime) -> Result<Opened, Problem> {
        let (provider, payment_id) = (opening.provider, opening.quote.payment_id.clone());
        if let Some(payment) = self.payments.get(&payment_id) {
            let same = payment.provider == provider
                && payment.opened_by == opening.way
                && payment.quote == opening.quote
                && opening.reference.as_ref().is_none_or(|reference| *reference == payment.reference);
            if !same {
                return Err(Problem::conflict("already_opened", "this payment was opened with other terms"));
            }
            return Ok(Opened { payment: payment.clone(), new: false, told: Vec::new() });
        }
        if self.payments.len() >= PAYMENTS {
            return Err(Problem::full("payments"));
        }
        self.room()?;
        let reference = opening.reference.clone().unwrap_or_else(|| provider.facade().new_id(Named::Payment));
        if self.named.contains_key(&(provider, reference.clone())) {
            return Err(Problem::conflict("reference_taken", "this reference belongs to another payment"));
        }
        self.deadlines.insert((opening.quote.expires_at, payment_id.clone()));
        self.named.insert((provider, reference.clone()), payment_id.clone());
        self.payments.insert(payment_id.clone(), Payment::opened(opening, reference, now));
        let told = self.emit(&payment_id, Fact::of("payment.opened"), now)?;
        let payment = self.payment_mut(&payment_id)?.clone();
        Ok(Opened { payment, new: true, told })
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
            } else if self.payments.get(&payment_id).is_some_and(Payment::awaits_the_rest)
                && let Ok(mut events) = self.emit(&payment_id, Fact::of("payment.expired"), now)
            {
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
        self.room()?;
        let payment =
            self.payments.get(payment_id).ok_or_else(|| Problem::not_found("no such payment was opened"))?;
        if amount.is_some_and(|amount| amount <= 0) {
            return Err(Problem::invalid("amount is positive, in minor units"));
        }
        let quoted = payment.quote.amount;
        let currency = payment.quote.currency.clone();
        match outcome {
            Outcome::Pay => self.pay(payment_id, quoted, &currency, false, now),
            Outcome::WrongAmount => {
                let wrong = amount.unwrap_or(if quoted > 1 { quoted / 2 } else { quoted + 1 });
                self.pay(payment_id, wrong, &currency, false, now)
            }
            Outcome::WrongCurrency => {
                let other = if currency == "USD" { "EUR" } else { "USD" };
                self.pay(payment_id, amount.unwrap_or(quoted), other, false, now)
            }
            Outcome::PayLate => {
                let mut told = if payment.status() == "pending" {
                    self.close(payment_id, Closed::Expired, now)?
                } else {
                    Vec::new()
                };
                told.extend(self.pay(payment_id, quoted, &currency, true, now)?);
                Ok(told)
            }
            Outcome::Refuse => self.close(payment_id, Closed::Failed, now),
            Outcome::Expire => self.close(payment_id, Closed::Expired, now),
            Outcome::Cancel => self.close(payment_id, Closed::Canceled, now),
            Outcome::Capture => self.capture(payment_id, amount, now),
            Outcome::Refund => {
                let rest = payment.paid_amount() - payment.refunded_amount();
                let refund_id = payment.provider.facade().new_id(Named::Refund);
                self.refund(payment_id, refund_id, amount.unwrap_or(rest), now)
            }
            Outcome::DisputeOpen => self.dispute(payment_id, Dispute::Open, now),
            Outcome::DisputeWon => self.dispute(payment_id, Dispute::Won, now),
            Outcome::DisputeLost => self.dispute(payment_id, Dispute::Lost, now),
            Outcome::WalkAway => Ok(Vec::new()),
        }
    }

    /// What a payer's yes does with this payment.
    fn pay(
        &mut self,
        payment_id: &str,
        amount: i64,
        currency: &str,
        late: bool,
        now: OffsetDateTime,
    ) -> Result<Vec<usize>, Problem> {
        let payment = self.payment_mut(payment_id)?;
        match payment.status() {
            "succeeded" => return Err(already_paid()),
            "pending" => {}
            _ if late => {}
            closed => {
                return Err(Problem::conflict(
                    "closed",
                    format!("this checkout is {closed}; only pay_late gets through"),
                ));
            }
        }
        if payment.on_pay == OnPay::Charge {
            return self.charge(payment_id, amount, currency, late, now);
        }
        if payment.approved.as_ref().is_some_and(|approval| approval.late || !late) {
            return Err(Problem::conflict("already_approved", "the payer has already agreed"));
        }
        payment.approved = Some(Approval { at: now, amount, currency: currency.to_owned(), late });
        let fact = Fact {
            amount: Some(amount),
            currency: Some(currency.to_owned()),
            ..Fact::of("payment.approved")
        };
        self.emit(payment_id, fact, now)
    }

    /// Takes what the payer agreed to, or a part of it.
    fn capture(
        &mut self,
        payment_id: &str,
        amount: Option<i64>,
        now: OffsetDateTime,
    ) -> Result<Vec<usize>, Problem> {
        let payment = self.payment_mut(payment_id)?;
        if !payment.charges.is_empty() {
            return Err(already_paid());
        }
        let Some(approval) = payment.approved.clone() else {
            return Err(Problem::conflict("not_approved", "the payer hasn't agreed yet"));
        };
        if !payment.awaits_capture() {
            return Err(Problem::conflict("closed", format!("this payment is {}", payment.status())));
        }
        let amount = amount.unwrap_or(approval.amount);
        if amount > approval.amount {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "capture_exceeds_approval",
                format!("{} was approved", approval.amount),
            ));
        }
        self.charge(payment_id, amount, &approval.currency, approval.late, now)
    }

    /// Takes the money. Whether it may was asked before.
    fn charge(
        &mut self,
        payment_id: &str,
        amount: i64,
        currency: &str,
        late: bool,
        now: OffsetDateTime,
    ) -> Result<Vec<usize>, Problem> {
        let payment = self.payment_mut(payment_id)?;
        let provider = payment.provider;
        let id = provider.facade().new_id(Named::Charge);
        payment.charges.push(Charge { id: id.clone(), amount, currency: currency.to_owned(), at: now, late });
        self.named.insert((provider, id), payment_id.to_owned());
        let fact = Fact {
            amount: Some(amount),
            currency: Some(currency.to_owned()),
            ..Fact::of("payment.succeeded")
        };
        self.emit(payment_id, fact, now)
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
        let kind = match closed {
            Closed::Failed => "payment.failed",
            Closed::Expired => "payment.expired",
            Closed::Canceled => "payment.canceled",
        };
        self.emit(payment_id, Fact::of(kind), now)
    }

    /// Gives money back; the event tells the cumulative amount. What was given back is the last of the payment's `refunds`.
    pub(crate) fn refund(
        &mut self,
        payment_id: &str,
        refund_id: String,
        amount: i64,
        now: OffsetDateTime,
    ) -> Result<Vec<usize>, Problem> {
        self.room()?;
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
        let provider = payment.provider;
        let reference = provider.facade().new_id(Named::Refund);
        payment.refunds.push(Refund {
            refund_id: refund_id.clone(),
            reference: reference.clone(),
            amount,
            at: now,
        });
        let amount = Some(payment.refunded_amount());
        self.named.insert((provider, reference), payment_id.to_owned());
        let fact = Fact { amount, refund_id: Some(refund_id), ..Fact::of("payment.refunded") };
        self.emit(payment_id, fact, now)
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
            (Some(Dispute::Open), Dispute::Won | Dispute::Lost) => ("dispute.closed", Some(state)),
            _ => {
                return Err(Problem::conflict(
                    "wrong_state",
                    "a dispute opens on a paid payment and closes once",
                ));
            }
        };
        payment.disputes.push(DisputeStep { state, at: now });
        let amount = Some(payment.paid_amount());
        self.emit(payment_id, Fact { amount, outcome, ..Fact::of(kind) }, now)
    }

    /// For what only a facade keeps, in `extra`; the rest changes by [`Self::act`] and [`Self::refund`].
    pub(crate) fn payment_mut(&mut self, payment_id: &str) -> Result<&mut Payment, Problem> {
        self.payments.get_mut(payment_id).ok_or_else(|| Problem::not_found("no such payment was opened"))
    }

    /// Whether the events of one more act fit in.
    fn room(&self) -> Result<(), Problem> {
        if self.events.len() + PER_ACT > EVENTS { Err(Problem::full("events")) } else { Ok(()) }
    }

    /// Writes down what the payment's provider tells about this.
    fn emit(&mut self, payment_id: &str, fact: Fact, now: OffsetDateTime) -> Result<Vec<usize>, Problem> {
        let payment = self.payment_mut(payment_id)?;
        payment.updated_at = now;
        let facade = payment.provider.facade();
        let event = Event {
            id: String::new(),
            provider: payment.provider,
            payment_id: payment_id.to_owned(),
            reference: payment.reference.clone(),
            kind: String::new(),
            amount: fact.amount.unwrap_or(payment.quote.amount),
            currency: fact.currency.unwrap_or_else(|| payment.currency().to_owned()),
            outcome: fact.outcome,
            refund_id: fact.refund_id,
            at: now,
            webhook_url: payment.quote.webhook_url.clone(),
            state: EventState::Pending,
            attempts: Vec::new(),
        };
        let mut told = Vec::new();
        for kind in facade.tells(fact.kind) {
            let (id, at) = (facade.new_id(Named::Event), self.events.len());
            self.events.push(Event { id: id.clone(), kind: kind.to_owned(), ..event.clone() });
            self.event_at.insert(id, at);
            told.push(at);
        }
        Ok(told)
    }
}

/// What opening a checkout came to.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) payment: Payment,
    pub(crate) new: bool,
    /// The places of the events that tell so.
    pub(crate) told: Vec<usize>,
}

/// Something to tell; without an amount it is about the one asked for, without a currency about the payment's.
struct Fact {
    kind: &'static str,
    amount: Option<i64>,
    currency: Option<String>,
    outcome: Option<Dispute>,
    refund_id: Option<String>,
}

impl Fact {
    fn of(kind: &'static str) -> Self {
        Self { kind, amount: None, currency: None, outcome: None, refund_id: None }
    }
}

fn already_paid() -> Problem {
    Problem::conflict("already_paid", "this payment is paid; it is never charged twice")
}

/// Opens a checkout, notes it and sends what follows.
pub(crate) fn open(world: &Arc<World>, opening: Opening, now: OffsetDateTime) -> Result<Payment, Problem> {
    let (provider, way) = (opening.provider, opening.way);
    let opened = world.ledger.with(|ledger| ledger.open(opening, now))?;
    if opened.new {
        world.changed();
        let payment_id = &opened.payment.quote.payment_id;
        world.record("psp.opened", json!({ "provider": provider, "payment_id": payment_id, "way": way }));
        webhooks::send(world, &opened.told);
    }
    Ok(opened.payment)
}

/// Gives money back, notes it and sends what follows; the payment as it stands then.
pub(crate) fn refund(
    world: &Arc<World>,
    payment_id: &str,
    refund_id: String,
    amount: i64,
    now: OffsetDateTime,
) -> Result<Payment, Problem> {
    let (payment, told) = world.ledger.with(|ledger| {
        let told = ledger.refund(payment_id, refund_id, amount, now)?;
        Ok::<_, Problem>((ledger.payment_mut(payment_id)?.clone(), told))
    })?;
    let refund_id = payment.refunds.last().map(|refund| &refund.refund_id);
    world.record(
        "psp.refunded",
        json!({
            "provider": payment.provider, "payment_id": payment_id, "refund_id": refund_id, "amount": amount,
        }),
    );
    webhooks::send(world, &told);
    Ok(payment)
}

/// Acts on a payment, notes it and sends the events that follow; the payment as it stands then.
pub(crate) fn act(
    world: &Arc<World>,
    payment_id: &str,
    outcome: Outcome,
    amount: Option<i64>,
    now: OffsetDateTime,
) -> Result<Payment, Problem> {
    let done = world.ledger.with(|ledger| {
        let told = ledger.act(payment_id, outcome, amount, now)?;
        Ok::<_, Problem>((ledger.payment_mut(payment_id)?.clone(), told))
    });
    let refused = done.as_ref().err().map(|problem| problem.code);
    world.record("psp.act", json!({ "payment_id": payment_id, "outcome": outcome, "refused": refused }));
    let (payment, told) = done?;
    webhooks::send(world, &told);
    Ok(payment)
}

/// Closes what business time has left behind, and sends the events.
pub(crate) fn expire_due(world: &Arc<World>, now: OffsetDateTime) {
    let told = world.ledger.with(|ledger| ledger.expire_until(now));
    if !told.is_empty() {
        world.record("psp.expired", json!({ "count": told.len() }));
    }
    webhooks::send(world, &told);
}

#[cfg(test)]
mod tests;
