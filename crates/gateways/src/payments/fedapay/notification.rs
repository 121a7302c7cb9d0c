//! FedaPay's callbacks: `X-FEDAPAY-SIGNATURE: t=<unix seconds>,s=<hex HMAC-SHA256(secret, "<t>.<raw body>")>`.
//!
//! An event holds the transaction as it was then. It is a statement if it says everything that the quote is compared with, and a
//! reason to ask if it does not.

use std::fmt::Write as _;

use crypto::fingerprint::sha256;
use crypto::signature::{SigningSecret, timestamped};
use domain::payment::Claim;
use serde::Deserialize;
use serde_json::Value;

use super::wire::Transaction;
use crate::payments::words::{self, is_word};
use crate::payments::{EventName, Notification, NotificationError, Subject};

/// Believes a body that one of the secrets has signed within the tolerance.
pub(super) fn verify(
    secrets: &[SigningSecret],
    header: Option<&str>,
    body: &[u8],
    wall_unix: i64,
) -> Result<(), NotificationError> {
    timestamped::verify(secrets, "s", header, body, wall_unix)
        .map_err(|error| NotificationError::Unverified(error.to_string()))
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    id: Value,
    name: String,
    #[serde(default)]
    entity: Value,
}

pub(super) fn read(body: &[u8]) -> Result<Notification, NotificationError> {
    let event: Event = serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        NotificationError::Malformed(format!("not an event, at line {line}, column {column}"))
    })?;
    if !is_word(&event.name) {
        return Err(NotificationError::Malformed("the event's name is not a word".to_owned()));
    }
    let named = EventName { id: event_id(&event.id, body), kind: event.name };
    let not_ours = |event| Notification::NotOurs { event, suspicious: None };
    if !named.kind.starts_with("transaction.") {
        return Ok(not_ours(named));
    }
    let Some(subject) = subject(&event.entity) else { return Ok(not_ours(named)) };
    Ok(match statement(&named.kind, event.entity) {
        Some(statement) => Notification::Statement { event: named, subject, statement },
        None => Notification::Hint { event: Some(named), subject },
    })
}

/// FedaPay's own id of the event, else what the body is: the same body is the same event.
fn event_id(id: &Value, body: &[u8]) -> String {
    match id {
        Value::Number(number) => number.to_string(),
        Value::String(text) if is_word(text) => text.clone(),
        _ => {
            let mut text = "sha256:".to_owned();
            for byte in sha256(body) {
                let _ = write!(text, "{byte:02x}");
            }
            text
        }
    }
}

/// By our own id, or by FedaPay's where it does not repeat ours. A reference in another form is somebody else's.
fn subject(entity: &Value) -> Option<Subject> {
    match entity.get("merchant_reference") {
        None | Some(Value::Null) => entity.get("id")?.as_i64().map(|id| Subject::Reference(id.to_string())),
        Some(reference) => reference.as_str().and_then(words::payment_id).map(Subject::Payment),
    }
}

/// `None` if it does not say all that is needed to believe it without asking.
fn statement(kind: &str, entity: Value) -> Option<domain::payment::Statement> {
    let status = match kind {
        "transaction.approved" => "approved",
        "transaction.transferred" => "transferred",
        "transaction.declined" => "declined",
        "transaction.canceled" => "canceled",
        "transaction.expired" => "expired",
        _ => return None,
    };
    let transaction: Transaction = serde_json::from_value(entity).ok()?;
    // Whatever has happened since the event: the transaction's own status says more.
    if transaction.status != status {
        return None;
    }
    let statement = transaction.statements(transaction.currency(), None)?.pop()?;
    (statement.claim != Claim::Succeeded || statement.amount.is_some()).then_some(statement)
}
