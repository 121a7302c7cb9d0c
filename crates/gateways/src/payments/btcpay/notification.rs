//! A callback whose signature is already believed.
//!
//! Its signature covers no time, so an old one can be sent again by whoever saw it: it only makes us ask, however complete it is.

use serde::Deserialize;
use serde_json::Value;

use crate::payments::words::{is_word, payment_id};
use crate::payments::{EventName, Notification, NotificationError, Subject};

/// What the server's test button puts into identifiers.
const TEST_PREFIX: &str = "__test__";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    delivery_id: String,
    original_delivery_id: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    invoice_id: Option<String>,
    #[serde(default)]
    metadata: Value,
}

pub(super) fn read(body: &[u8]) -> Result<Notification, NotificationError> {
    let event: Event = serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        NotificationError::Malformed(format!("not an event, at line {line}, column {column}"))
    })?;
    // A redelivery is the same event.
    let original = event.original_delivery_id.filter(|id| !id.is_empty());
    let name = EventName { id: original.unwrap_or(event.delivery_id), kind: event.kind };
    if !is_word(&name.id) || !is_word(&name.kind) {
        return Err(NotificationError::Malformed("the delivery's id or type is not a word".to_owned()));
    }
    let invoice = event.invoice_id.filter(|id| is_word(id) && !id.starts_with(TEST_PREFIX));
    let Some(invoice) = invoice.filter(|_| name.kind.starts_with("Invoice")) else {
        return Ok(Notification::NotOurs { event: name, suspicious: None });
    };
    let subject = match event.metadata.get("orderId").filter(|order_id| !order_id.is_null()) {
        None => Some(Subject::Reference(invoice)),
        // Another shop may share the store: its orders have names of another form.
        Some(order_id) => order_id.as_str().and_then(payment_id).map(Subject::Payment),
    };
    Ok(match subject {
        Some(subject) => Notification::Hint { event: Some(name), subject },
        None => Notification::NotOurs { event: name, suspicious: None },
    })
}
