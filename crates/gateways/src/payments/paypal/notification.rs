//! A callback whose signature is already believed.
//!
//! A capture's event is complete and counts as it stands; refunds come one by one and orders move on by themselves, so those
//! only make us ask.

use domain::payment::{Claim, DisputeState, Statement};
use domain::time::Instant;
use serde::Deserialize;
use serde_json::Value;

use super::order::{Amount, Link, StatusDetails, instant};
use crate::payments::words::{self, failure_reason, is_reference, is_word};
use crate::payments::{EventName, Notification, NotificationError, Subject};

/// The longest event identifier that is kept, in bytes.
const MAX_EVENT_ID: usize = 255;

#[derive(Debug, Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "event_type")]
    kind: String,
    create_time: Option<String>,
    #[serde(default)]
    resource: Value,
}

/// What an event of a known kind means, or why it cannot be acted on.
enum Reading {
    Statement(Statement),
    Hint,
    NotForUs,
    Suspicious(&'static str),
}

pub(super) fn read(body: &[u8]) -> Result<Notification, NotificationError> {
    let event: Event = serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        malformed(format!("not an event, at line {line}, column {column}"))
    })?;
    let id = &event.id;
    if id.is_empty() || id.len() > MAX_EVENT_ID || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(malformed("the event's id is empty, too long or not printable"));
    }
    if !is_word(&event.kind) {
        return Err(malformed("the event's type is not a word"));
    }
    let (subject, reading) = (event.subject(), event.reading());
    let event = EventName { id: event.id, kind: event.kind };
    let Some(subject) = subject else { return Ok(Notification::NotOurs { event, suspicious: None }) };
    Ok(match reading {
        Reading::Statement(statement) => Notification::Statement { event, subject, statement },
        Reading::Hint => Notification::Hint { event: Some(event), subject },
        Reading::NotForUs => Notification::NotOurs { event, suspicious: None },
        Reading::Suspicious(why) => {
            let named = match subject {
                Subject::Payment(id) => id.to_string(),
                Subject::Reference(name) | Subject::Transaction(name) => name,
            };
            Notification::NotOurs { event, suspicious: Some(format!("{named}: {why}")) }
        }
    })
}

impl Event {
    fn reading(&self) -> Reading {
        match self.kind.as_str() {
            "PAYMENT.CAPTURE.COMPLETED" => self.completed(),
            "PAYMENT.CAPTURE.DENIED" | "PAYMENT.CAPTURE.DECLINED" => {
                let reason = self.part::<StatusDetails>("status_details").and_then(|details| details.reason);
                let reason = reason.as_deref().or(self.text("/status"));
                self.happened(Claim::Failed { reason: failure_reason(reason) })
            }
            // A chargeback: the money is gone, whoever was right.
            "PAYMENT.CAPTURE.REVERSED" => self.happened(Claim::Dispute(DisputeState::Lost)),
            "CUSTOMER.DISPUTE.CREATED" => self.happened(Claim::Dispute(DisputeState::Open)),
            "CUSTOMER.DISPUTE.RESOLVED" => match self.text("/dispute_outcome/outcome_code") {
                Some("RESOLVED_BUYER_FAVOUR" | "ACCEPTED") => {
                    self.happened(Claim::Dispute(DisputeState::Lost))
                }
                // With a payout PayPal bears the loss: what was received stays.
                Some("RESOLVED_SELLER_FAVOUR" | "RESOLVED_WITH_PAYOUT" | "CANCELED_BY_BUYER" | "DENIED") => {
                    self.happened(Claim::Dispute(DisputeState::Won))
                }
                _ => Reading::Suspicious("a dispute closed with an unknown outcome"),
            },
            "PAYMENT.CAPTURE.PENDING"
            | "PAYMENT.CAPTURE.REFUNDED"
            | "PAYMENT.REFUND.PENDING"
            | "PAYMENT.REFUND.FAILED"
            | "CHECKOUT.ORDER.APPROVED"
            | "CHECKOUT.ORDER.COMPLETED"
            | "CHECKOUT.ORDER.VOIDED"
            | "CHECKOUT.PAYMENT-APPROVAL.REVERSED" => Reading::Hint,
            _ => Reading::NotForUs,
        }
    }

    fn completed(&self) -> Reading {
        let Some(amount) = self.part::<Amount>("amount").and_then(|amount| amount.money()) else {
            return Reading::Suspicious("the amount cannot be read");
        };
        let (order, capture) = (self.name("/supplementary_data/related_ids/order_id"), self.name("/id"));
        match self.time("/create_time").or_else(|| self.created()) {
            Some(at) => Reading::Statement(
                Statement::new(at, Claim::Succeeded).of(Some(amount)).named(order).moved_by(capture),
            ),
            None => Reading::Suspicious("the event has no time"),
        }
    }

    /// A claim as of when PayPal told of it.
    fn happened(&self, claim: Claim) -> Reading {
        self.created().map_or(Reading::Suspicious("the event has no time"), |at| {
            Reading::Statement(Statement::new(at, claim))
        })
    }

    /// By our own id where it is there, else by PayPal's name for the order or the capture.
    fn subject(&self) -> Option<Subject> {
        if self.kind.starts_with("CUSTOMER.DISPUTE.") {
            // A dispute is about one capture of ours; PayPal writes a list of one.
            return self.name("/disputed_transactions/0/seller_transaction_id").map(Subject::Transaction);
        }
        let own = self.text("/custom_id").or_else(|| self.text("/purchase_units/0/custom_id"));
        if let Some(payment) = own.and_then(words::payment_id) {
            return Some(Subject::Payment(payment));
        }
        match self.kind.as_str() {
            "CHECKOUT.PAYMENT-APPROVAL.REVERSED" => self.name("/order_id").map(Subject::Reference),
            kind if kind.starts_with("CHECKOUT.ORDER.") => self.name("/id").map(Subject::Reference),
            // A refund made in PayPal's own pages has no id of ours; it points at its capture.
            "PAYMENT.CAPTURE.REFUNDED"
            | "PAYMENT.CAPTURE.REVERSED"
            | "PAYMENT.REFUND.PENDING"
            | "PAYMENT.REFUND.FAILED" => self.refunded_capture().map(Subject::Transaction),
            _ => None,
        }
    }

    fn refunded_capture(&self) -> Option<String> {
        let links: Vec<Link> = self.part("links")?;
        let up = links.into_iter().find(|link| link.rel == "up")?;
        let (_, capture) = up.href.rsplit_once("/v2/payments/captures/")?;
        Some(capture.to_owned()).filter(|name| is_word(name))
    }

    fn part<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.resource.get(name)?).ok()
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.resource.pointer(pointer).and_then(Value::as_str)
    }

    fn name(&self, pointer: &str) -> Option<String> {
        self.text(pointer).filter(|text| is_reference(text)).map(str::to_owned)
    }

    fn time(&self, pointer: &str) -> Option<Instant> {
        instant(self.text(pointer))
    }

    fn created(&self) -> Option<Instant> {
        instant(self.create_time.as_deref())
    }
}

fn malformed(why: impl Into<String>) -> NotificationError {
    NotificationError::Malformed(why.into())
}
