//! A callback whose signature is already believed.
//!
//! Read leniently, because services add fields and kinds; but what names a payment in our form and cannot be understood is handed
//! back as suspicious, so that a person looks at it.

use domain::money::{Currency, Money};
use domain::payment::{Claim, DisputeState, Statement};
use serde::Deserialize;
use serde_json::Value;

use super::wire::dispute_state;
use crate::payments::words::{self, failure_reason, is_reference, is_word, unix};
use crate::payments::{EventName, Notification, NotificationError, Subject};

/// The longest event identifier that is kept, in bytes.
const MAX_EVENT_ID: usize = 255;

#[derive(Debug, Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    created: Value,
    #[serde(default)]
    data: Value,
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
        NotificationError::Malformed(format!("not an event, at line {line}, column {column}"))
    })?;
    if !is_event_id(&event.id) {
        return Err(NotificationError::Malformed(
            "the event's id is empty, too long or not printable".to_owned(),
        ));
    }
    if !is_word(&event.kind) {
        return Err(NotificationError::Malformed("the event's type is not a word".to_owned()));
    }
    let payment_id = event.data.get("payment_id").and_then(Value::as_str).and_then(words::payment_id);
    let reading = payment_id.map(|_| event.reading());
    let event = EventName { id: event.id, kind: event.kind };
    let Some((payment_id, reading)) = payment_id.zip(reading) else {
        return Ok(Notification::NotOurs { event, suspicious: None });
    };
    let subject = Subject::Payment(payment_id);
    Ok(match reading {
        Reading::Statement(statement) => Notification::Statement { event, subject, statement },
        Reading::Hint => Notification::Hint { event: Some(event), subject },
        Reading::NotForUs => Notification::NotOurs { event, suspicious: None },
        Reading::Suspicious(why) => {
            Notification::NotOurs { event, suspicious: Some(format!("{payment_id}: {why}")) }
        }
    })
}

impl Event {
    fn reading(&self) -> Reading {
        let outcome = self.data.get("outcome").and_then(Value::as_str);
        let claim = match self.kind.as_str() {
            "payment.succeeded" => Claim::Succeeded,
            "payment.failed" => Claim::Failed { reason: failure_reason(outcome) },
            "payment.expired" => Claim::Expired,
            "payment.refunded" => Claim::Refunded,
            "dispute.opened" => Claim::Dispute(DisputeState::Open),
            "dispute.closed" => match outcome.map(dispute_state) {
                Some(Some(state @ (DisputeState::Won | DisputeState::Lost))) => Claim::Dispute(state),
                Some(_) => return Reading::Suspicious("a dispute closed with an unknown outcome"),
                // Signed, but incomplete: the service's own view says how it ended.
                None => return Reading::Hint,
            },
            _ => return Reading::NotForUs,
        };
        let Some(at) = self.created.as_i64().and_then(unix) else {
            return Reading::Suspicious("the event has no time");
        };
        let amount = match self.amount() {
            Ok(amount) => amount,
            Err(why) => return Reading::Suspicious(why),
        };
        let reference = match self.data.get("provider_reference") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if is_reference(text) => Some(text.clone()),
            Some(_) => return Reading::Suspicious("the reference cannot be kept"),
        };
        Reading::Statement(Statement::new(at, claim).of(amount).named(reference))
    }

    /// Both the amount and its currency, or neither: half of it cannot be compared with the quote.
    fn amount(&self) -> Result<Option<Money>, &'static str> {
        let present = |name| self.data.get(name).filter(|value| !value.is_null());
        match (present("amount"), present("currency")) {
            (None, None) => Ok(None),
            (Some(minor), Some(currency)) => {
                let minor = minor.as_i64().ok_or("the amount is not a whole number of minor units")?;
                let currency: Option<Currency> = currency.as_str().and_then(|code| code.parse().ok());
                Ok(Some(Money::new(minor, currency.ok_or("the currency is unknown here")?)))
            }
            _ => Err("the amount or its currency is missing"),
        }
    }
}

fn is_event_id(text: &str) -> bool {
    (1..=MAX_EVENT_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
