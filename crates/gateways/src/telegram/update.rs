//! Updates, from the webhook or from long polling.
//!
//! An update is parsed in two steps: first its number, then the kind that it carries. Telegram adds kinds and changes shapes; one
//! that cannot be read is still acknowledged by its number, or it would be sent again for a day.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use thiserror::Error;
use tracing::warn;

use super::types::{ChatJoinRequest, ChatMemberUpdated, Message};

/// Something that happened, numbered.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Grows by time; what duplicates are known by.
    pub update_id: i64,
    /// What happened.
    pub content: Content,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Somebody wrote to the bot.
    Message(Box<Message>),
    /// Somebody asks to come in.
    ChatJoinRequest(Box<ChatJoinRequest>),
    /// Somebody else's membership changed.
    ChatMember(Box<ChatMemberUpdated>),
    /// The bot's own membership or rights changed.
    MyChatMember(Box<ChatMemberUpdated>),
    /// A kind that is not acted on, or one in a shape that nobody here knows.
    Ignored {
        /// The kind's name.
        kind: String,
    },
}

/// Not an update at all.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum UpdateError {
    /// Not a JSON object.
    #[error("the update is not a JSON object")]
    NotJson,
    /// No number.
    #[error("the update has no update_id")]
    NoId,
}

/// Reads one update from a webhook's body.
pub fn parse_update(body: &[u8]) -> Result<Update, UpdateError> {
    let value: Value = serde_json::from_slice(body).map_err(|_| UpdateError::NotJson)?;
    read(value)
}

pub(super) fn read(value: Value) -> Result<Update, UpdateError> {
    let Value::Object(mut members) = value else { return Err(UpdateError::NotJson) };
    let update_id = members.get("update_id").and_then(Value::as_i64).ok_or(UpdateError::NoId)?;
    members.remove("update_id");
    Ok(Update { update_id, content: content(members) })
}

fn content(members: Map<String, Value>) -> Content {
    let Some((kind, value)) = members.into_iter().next() else {
        return Content::Ignored { kind: String::new() };
    };
    let read = match kind.as_str() {
        "message" => decode(value).map(Content::Message),
        "chat_join_request" => decode(value).map(Content::ChatJoinRequest),
        "chat_member" => decode(value).map(Content::ChatMember),
        "my_chat_member" => decode(value).map(Content::MyChatMember),
        _ => return Content::Ignored { kind: shown(kind) },
    };
    read.unwrap_or_else(|| {
        warn!(telegram.update_kind = kind, "an update has a shape that is not known here; it is skipped");
        Content::Ignored { kind }
    })
}

fn decode<T: DeserializeOwned>(value: Value) -> Option<Box<T>> {
    serde_json::from_value(value).ok().map(Box::new)
}

/// A kind's name is a word; anything else is not repeated.
fn shown(kind: String) -> String {
    let word = kind.len() <= 64 && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if word { kind } else { "unreadable".to_owned() }
}
