//! An event whose signature is already believed.
//!
//! What follows from an event is stated from the event alone, so a lost order of events does no harm. An account may sell other
//! things too: events of objects that carry no payment of ours are none of our business.

use domain::payment::{Claim, DisputeState, Statement};
use domain::time::Instant;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::wire::{Charge, Dispute, Metadata, RefundObject, Session, Stage, is_id, mode};
use crate::payments::words::{is_word, unix};
use crate::payments::{EventName, Notification, NotificationError, Subject};

/// The longest event identifier that is kept, in bytes.
const MAX_EVENT_ID: usize = 255;

#[derive(Debug, Deserialize)]
struct Event {
    id: String,
    object: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    created: Value,
    livemode: Option<bool>,
    #[serde(default)]
    data: Value,
}

/// What an event means.
enum Reading {
    About(Subject, Meaning),
    NotOurs,
    /// It carries a name of ours and cannot be understood.
    Suspicious(&'static str),
}

enum Meaning {
    Statement(Statement),
    Hint,
}

pub(super) fn read(body: &[u8]) -> Result<Notification, NotificationError> {
    let event: Event = serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        NotificationError::Malformed(format!("not an event, at line {line}, column {column}"))
    })?;
    if !(1..=MAX_EVENT_ID).contains(&event.id.len()) || !event.id.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Err(NotificationError::Malformed(
            "the event's id is empty, too long or not printable".to_owned(),
        ));
    }
    let reading = event.reading();
    let kind = if is_word(&event.kind) { event.kind } else { "unnamed".to_owned() };
    let event = EventName { id: event.id, kind };
    Ok(match reading {
        Reading::About(subject, Meaning::Statement(statement)) => {
            Notification::Statement { event, subject, statement }
        }
        Reading::About(subject, Meaning::Hint) => Notification::Hint { event: Some(event), subject },
        Reading::NotOurs => Notification::NotOurs { event, suspicious: None },
        Reading::Suspicious(why) => Notification::NotOurs { event, suspicious: Some(why.to_owned()) },
    })
}

impl Event {
    fn reading(&self) -> Reading {
        // A thin event (`v2.core.event`) carries no object to speak of.
        if self.object.as_deref() != Some("event") {
            return Reading::NotOurs;
        }
        match self.kind.as_str() {
            "checkout.session.completed"
            | "checkout.session.async_payment_succeeded"
            | "checkout.session.async_payment_failed"
            | "checkout.session.expired" => self.session(),
            "charge.refunded" => self.refunded(),
            "refund.created" | "refund.updated" | "refund.failed" => self.refund(),
            "charge.dispute.created" => self.dispute(|_| Some(DisputeState::Open)),
            "charge.dispute.closed" => self.dispute(|status| match status {
                "won" | "warning_closed" | "prevented" => Some(DisputeState::Won),
                "lost" => Some(DisputeState::Lost),
                _ => None,
            }),
            _ => Reading::NotOurs,
        }
    }

    fn session(&self) -> Reading {
        // Asked first: an object of somebody else's may have any shape.
        let Some(payment) = self.read_object::<SessionNames>().and_then(|names| names.payment_id()) else {
            return Reading::NotOurs;
        };
        let Some(session) = self.read_object::<Session>().filter(|session| is_id(&session.id)) else {
            return Reading::Suspicious("a checkout session that cannot be read");
        };
        let subject = Subject::Payment(payment);
        let claim = match (self.kind.as_str(), session.stage()) {
            ("checkout.session.expired", _) => Claim::Expired,
            ("checkout.session.async_payment_failed", _) => {
                Claim::Failed { reason: "payment_failed".to_owned() }
            }
            ("checkout.session.async_payment_succeeded", _) | (_, Stage::Complete { paid: true }) => {
                Claim::Succeeded
            }
            // A delayed way to pay: it stays pending, and is asked about.
            _ => return Reading::About(subject, Meaning::Hint),
        };
        let amount = session.amount();
        if claim == Claim::Succeeded && amount.is_none() {
            return Reading::Suspicious("a payment without an amount that can be read");
        }
        self.stated(
            subject,
            |statement| {
                let amount = amount.filter(|_| statement.claim == Claim::Succeeded);
                statement.of(amount).named(Some(session.id.clone())).moved_by(session.transaction())
            },
            claim,
        )
    }

    fn refunded(&self) -> Reading {
        let Some(charge) = self.read_object::<Charge>() else { return self.unreadable() };
        let Some(subject) = subject(charge.metadata.as_ref(), charge.payment_intent.as_deref()) else {
            return Reading::NotOurs;
        };
        let Some(total) = charge.refunded() else {
            return match subject {
                Subject::Payment(_) => Reading::Suspicious("a refund without an amount that can be read"),
                _ => Reading::NotOurs,
            };
        };
        self.stated(subject, |statement| statement.of(Some(total)), Claim::Refunded)
    }

    /// A refund's own event does not say how much has gone back in all.
    fn refund(&self) -> Reading {
        let Some(refund) = self.read_object::<RefundObject>() else { return self.unreadable() };
        match subject(refund.metadata.as_ref(), refund.payment_intent.as_deref()) {
            Some(subject) => Reading::About(subject, Meaning::Hint),
            None => Reading::NotOurs,
        }
    }

    /// The amount is left out: a part of the payment can be disputed, and that is a dispute of it all the same.
    fn dispute(&self, state: impl FnOnce(&str) -> Option<DisputeState>) -> Reading {
        let Some(dispute) = self.read_object::<Dispute>() else { return self.unreadable() };
        let Some(subject) = subject(dispute.metadata.as_ref(), dispute.payment_intent.as_deref()) else {
            return Reading::NotOurs;
        };
        match state(dispute.status.as_deref().unwrap_or_default()) {
            Some(state) => self.stated(subject, |statement| statement, Claim::Dispute(state)),
            None => Reading::Suspicious("a dispute closed with an unknown outcome"),
        }
    }

    fn stated(
        &self,
        subject: Subject,
        complete: impl FnOnce(Statement) -> Statement,
        claim: Claim,
    ) -> Reading {
        let at: Option<Instant> = self.created.as_i64().and_then(unix);
        match at {
            Some(at) => {
                let statement = Statement::new(at, claim).in_mode(self.livemode.map(mode));
                Reading::About(subject, Meaning::Statement(complete(statement)))
            }
            None => Reading::Suspicious("the event has no time"),
        }
    }

    fn read_object<T: DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(self.data.get("object")?).ok()
    }

    /// An object of a shape that nobody here knows: a person looks at it if it names a payment of ours.
    fn unreadable(&self) -> Reading {
        match self.read_object::<SessionNames>().and_then(|names| names.payment_id()) {
            Some(_) => Reading::Suspicious("an object that cannot be read"),
            None => Reading::NotOurs,
        }
    }
}

/// Only what tells whether an object is about a payment of ours.
#[derive(Deserialize)]
struct SessionNames {
    #[serde(default)]
    client_reference_id: Value,
    #[serde(default)]
    metadata: Value,
}

impl SessionNames {
    fn payment_id(&self) -> Option<domain::ids::PaymentId> {
        [self.metadata.get("payment_id"), Some(&self.client_reference_id)]
            .into_iter()
            .flatten()
            .find_map(|name| crate::payments::words::payment_id(name.as_str()?))
    }
}

/// By our own name, or by the payment intent's.
fn subject(metadata: Option<&Metadata>, intent: Option<&str>) -> Option<Subject> {
    let own = metadata.and_then(Metadata::payment_id).map(Subject::Payment);
    own.or_else(|| intent.filter(|id| is_id(id)).map(|id| Subject::Transaction(id.to_owned())))
}
