//! The phones' inbox for programs.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::inbox::Text;
use crate::{clock::rfc3339, world::World};

#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    pub(crate) to: Option<String>,
}

/// Texts as JSON, oldest first.
pub(crate) fn list(world: &World, which: &Which) -> Value {
    let items: Vec<Value> = world.sms.with(|inbox| inbox.list(which.to.as_deref()).map(show).collect());
    json!({ "items": items })
}

fn show(text: &Text) -> Value {
    json!({
        "id": text.id,
        "sid": text.sid,
        "way": text.way,
        "from": text.from,
        "to": text.to,
        "body": text.body,
        "code": text.code(),
        "status": text.status,
        "error_code": text.error_code,
        "callbacks": text.callbacks,
        "received_at": rfc3339(text.received_at),
        "received_at_wall": rfc3339(text.received_at_wall),
    })
}

/// `DELETE /sms`
pub(crate) async fn empty(State(world): State<Arc<World>>) -> StatusCode {
    let count = world.sms.with(super::inbox::Inbox::empty);
    world.changed();
    world.record("sms.emptied", json!({ "count": count }));
    StatusCode::NO_CONTENT
}
