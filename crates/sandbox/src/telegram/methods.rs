//! The Bot API's methods by name, and those about the bot itself.

use serde_json::{Value, json};

use super::{
    chats, messages,
    parameters::{ApiError, Parameters},
    shapes,
    state::State,
    updates,
};

/// Answers one method, except `getUpdates`, which waits. Names are read without regard to case, as the real server does.
pub(crate) fn answer(state: &mut State, method: &str, parameters: &Parameters) -> Result<Value, ApiError> {
    match method.to_ascii_lowercase().as_str() {
        "getme" => Ok(shapes::me(&state.bot)),
        "sendmessage" => messages::send(state, parameters),
        "createchatinvitelink" => chats::create_link(state, parameters),
        "revokechatinvitelink" => chats::revoke_link(state, parameters),
        "approvechatjoinrequest" => chats::decide_request(state, parameters, true),
        "declinechatjoinrequest" => chats::decide_request(state, parameters, false),
        "banchatmember" => chats::ban(state, parameters),
        "unbanchatmember" => chats::unban(state, parameters),
        "getchatmember" => chats::member(state, parameters),
        "getchatmembercount" => chats::count(state, parameters),
        "getchatadministrators" => chats::administrators(state, parameters),
        "getchat" => chats::info(state, parameters),
        "setwebhook" => updates::set_webhook(state, parameters),
        "deletewebhook" => Ok(updates::delete_webhook(state, parameters)),
        "getwebhookinfo" => Ok(updates::webhook_info(state)),
        "setmycommands" => set_commands(parameters),
        "answercallbackquery" => {
            Err(ApiError::bad_request("query is too old and response timeout expired or query ID is invalid"))
        }
        _ => Err(ApiError::plain(404, "Not Found")),
    }
}

/// Commands are only shown by Telegram's own clients; here they are checked and forgotten.
fn set_commands(parameters: &Parameters) -> Result<Value, ApiError> {
    let text = parameters.text("commands").ok_or_else(|| ApiError::bad_request("BOT_COMMANDS_EMPTY"))?;
    let commands: Vec<Value> =
        serde_json::from_str(text).map_err(|_| ApiError::bad_request("can't parse commands JSON object"))?;
    let valid = |command: &Value| {
        let name = command["command"].as_str().unwrap_or_default();
        let description = command["description"].as_str().unwrap_or_default();
        (1..=32).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            && (1..=256).contains(&description.chars().count())
    };
    if commands.len() <= 100 && commands.iter().all(valid) {
        Ok(json!(true))
    } else {
        Err(ApiError::bad_request("BOT_COMMAND_INVALID"))
    }
}
