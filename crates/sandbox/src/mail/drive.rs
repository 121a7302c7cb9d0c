//! The mailbox for programs.

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::mailbox::Letter;
use crate::{clock::rfc3339, world::World};

#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    pub(crate) to: Option<String>,
}

/// Mails as JSON, oldest first.
pub(crate) fn list(world: &World, which: &Which) -> Value {
    let items: Vec<Value> =
        world.mailbox.with(|mailbox| mailbox.list(which.to.as_deref()).map(show).collect());
    json!({ "items": items })
}

pub(crate) fn show(letter: &Letter) -> Value {
    let headers: Map<String, Value> =
        letter.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), json!(value))).collect();
    json!({
        "id": letter.id,
        "from": letter.from,
        "to": letter.to,
        "subject": letter.subject,
        "message_id": letter.message_id,
        "date": letter.date,
        "headers": headers,
        "text": letter.text,
        "html": letter.html,
        "links": letter.links,
        "received_at": letter.received_at.map(rfc3339),
        "received_at_wall": rfc3339(letter.received_at_wall),
    })
}

/// `DELETE /mailbox`
pub(crate) async fn empty(
    State(world): State<Arc<World>>,
    Query(_): Query<Map<String, Value>>,
) -> StatusCode {
    let count = world.mailbox.with(super::mailbox::Mailbox::empty);
    world.changed();
    world.record("mail.emptied", json!({ "count": count }));
    StatusCode::NO_CONTENT
}
