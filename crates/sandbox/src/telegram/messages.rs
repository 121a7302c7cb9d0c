//! `sendMessage`: to people who let the bot write to them, and to channels.

use serde_json::{Value, json};

use super::{
    markup,
    parameters::{ApiError, Parameters},
    shapes,
    state::{Button, Said, State, Status, keep},
};

/// Telegram's limit on one message, in UTF-16 units.
const LONGEST: usize = 4096;

/// How long after asking to join somebody can be written to without having pressed start.
const REQUEST_WINDOW_S: i64 = 300;

pub(crate) fn send(state: &mut State, parameters: &Parameters) -> Result<Value, ApiError> {
    let chat_id = parameters.chat_id()?;
    let source = parameters.text("text").ok_or_else(|| ApiError::bad_request("message text is empty"))?;
    let (text, entities) = match parameters.text("parse_mode").map(str::to_ascii_lowercase).as_deref() {
        None => (source.to_owned(), Vec::new()),
        Some("html") => markup::parse_html(source)?,
        Some(_) => return Err(ApiError::bad_request("unsupported parse_mode")),
    };
    if text.trim().is_empty() {
        return Err(ApiError::bad_request("text must be non-empty"));
    }
    if text.encode_utf16().count() > LONGEST {
        return Err(ApiError::bad_request("message is too long"));
    }
    let buttons = keyboard(parameters.text("reply_markup"))?;
    if chat_id > 0 {
        reachable(state, chat_id)?;
    } else {
        postable(state, chat_id)?;
    }
    let said = Said {
        message_id: state.next_message_id(),
        date: state.wall,
        from_bot: true,
        text,
        entities,
        buttons,
    };
    state.say("telegram.message", json!({ "chat_id": chat_id, "message_id": said.message_id }));
    let bot = shapes::bot(&state.bot);
    if let Some(person) = state.people.get_mut(&chat_id) {
        let message = shapes::message(&said, Some(bot), &shapes::private_chat(person));
        keep(&mut person.conversation, said);
        return Ok(message);
    }
    let chat = state.chats.get_mut(&chat_id).ok_or_else(|| ApiError::bad_request("chat not found"))?;
    let message = shapes::message(&said, None, &shapes::channel(chat));
    keep(&mut chat.posts, said);
    Ok(message)
}

/// Whether the bot may write to this person.
fn reachable(state: &State, user_id: i64) -> Result<(), ApiError> {
    let person = state.people.get(&user_id).filter(|_| state.has_met(user_id));
    let person = person.ok_or_else(|| ApiError::bad_request("chat not found"))?;
    if person.deactivated {
        return Err(ApiError::forbidden("user is deactivated"));
    }
    if person.blocked {
        return Err(ApiError::forbidden("bot was blocked by the user"));
    }
    let asked_lately = state
        .chats
        .values()
        .filter_map(|chat| chat.requests.get(&user_id))
        .any(|request| state.wall - request.since <= REQUEST_WINDOW_S);
    if person.started || asked_lately {
        Ok(())
    } else {
        Err(ApiError::forbidden("bot can't initiate conversation with a user"))
    }
}

/// Whether the bot may post in this channel.
fn postable(state: &State, chat_id: i64) -> Result<(), ApiError> {
    let chat = state.chats.get(&chat_id).ok_or_else(|| ApiError::bad_request("chat not found"))?;
    match chat.status(state.bot.id) {
        Status::Kicked => Err(ApiError::forbidden("bot was kicked from the channel chat")),
        Status::Left => Err(ApiError::forbidden("bot is not a member of the channel chat")),
        Status::Administrator if chat.rights.can_post_messages => Ok(()),
        _ => Err(ApiError::bad_request("need administrator rights in the channel chat")),
    }
}

/// The rows of an inline keyboard; other keyboards are accepted and not shown.
fn keyboard(markup: Option<&str>) -> Result<Vec<Vec<Button>>, ApiError> {
    let Some(markup) = markup else { return Ok(Vec::new()) };
    let markup: Value = serde_json::from_str(markup)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| ApiError::bad_request("can't parse reply keyboard markup JSON object"))?;
    let Some(rows) = markup.get("inline_keyboard") else { return Ok(Vec::new()) };
    let rows = rows.as_array().ok_or_else(|| {
        ApiError::bad_request("can't parse inline keyboard: field \"inline_keyboard\" must be of type Array")
    })?;
    let button = |button: &Value| {
        let text = button["text"].as_str().filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| {
            ApiError::bad_request(
                "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
            )
        })?;
        let url = button["url"].as_str().map(str::to_owned);
        if url.is_none() && button.get("callback_data").is_none() {
            return Err(ApiError::bad_request(
                "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
            ));
        }
        Ok(Button { text: text.chars().take(100).collect(), url })
    };
    rows.iter()
        .take(100)
        .map(|row| row.as_array().map(Vec::as_slice).unwrap_or_default().iter().take(8).map(button).collect())
        .collect()
}
