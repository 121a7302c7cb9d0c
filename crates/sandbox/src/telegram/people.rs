//! What people do in Telegram: make an account, press start, ask to join, leave, block the bot.

use std::collections::VecDeque;

use axum::http::StatusCode;
use reqwest::Url;
use serde_json::json;

use super::{
    chats, shapes,
    state::{InviteLink, JoinRequest, PEOPLE, Person, Rights, Said, State, Status, keep},
    updates,
};
use crate::problem::Problem;

/// A new account, or new details of an old one.
#[derive(Debug, Default)]
pub(crate) struct Details {
    pub(crate) id: Option<i64>,
    pub(crate) first_name: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) language_code: Option<String>,
}

/// How a join ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joined {
    Requested,
    Inside,
}

/// Makes an account or changes it; tells whether it is new.
pub(crate) fn make(state: &mut State, details: Details) -> Result<(Person, bool), Problem> {
    let short = |text: Option<String>, what: &str| match text.map(|text| text.trim().to_owned()) {
        Some(text) if text.chars().count() > 64 => {
            Err(Problem::invalid(format!("{what} is at most 64 characters")))
        }
        text => Ok(text.filter(|text| !text.is_empty())),
    };
    let first_name = short(details.first_name, "first_name")?;
    let username = short(details.username, "username")?.map(|name| name.trim_start_matches('@').to_owned());
    let language_code = short(details.language_code, "language_code")?;
    if details.id.is_some_and(|id| !(1..1 << 52).contains(&id)) || details.id == Some(state.bot.id) {
        return Err(Problem::invalid("id is a positive number below 2^52, and not the bot's"));
    }
    let id = details.id.unwrap_or_else(|| state.next_person_id());
    let new = !state.people.contains_key(&id);
    if new && state.people.len() >= PEOPLE {
        return Err(Problem::full("people"));
    }
    let person = state.people.entry(id).or_insert_with(|| Person {
        id,
        first_name: format!("Person {}", id % 1000),
        username: None,
        language_code: None,
        started: false,
        blocked: false,
        deactivated: false,
        conversation: VecDeque::new(),
    });
    person.first_name = first_name.unwrap_or_else(|| person.first_name.clone());
    person.username = username.or_else(|| person.username.take());
    person.language_code = language_code.or_else(|| person.language_code.take());
    let person = person.clone();
    state.say("telegram.person", json!({ "user_id": id, "new": new }));
    Ok((person, new))
}

fn person(state: &mut State, user_id: i64) -> Result<&mut Person, Problem> {
    state.people.get_mut(&user_id).ok_or_else(|| Problem::not_found("no such person"))
}

/// The payload of a deep link, or the payload itself.
pub(crate) fn payload(given: &str) -> Result<String, Problem> {
    let from_link = Url::parse(given).ok().and_then(|url| {
        url.query_pairs().find(|(name, _)| name == "start").map(|(_, payload)| payload.into_owned())
    });
    let payload = from_link.unwrap_or_else(|| given.to_owned());
    let fits = payload.len() <= 64
        && payload.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if fits {
        Ok(payload)
    } else {
        Err(Problem::invalid("a start payload is at most 64 letters, digits, _ or -"))
    }
}

/// Presses start, which also lifts a block.
pub(crate) fn start(state: &mut State, user_id: i64, payload: &str) -> Result<(), Problem> {
    let text = if payload.is_empty() { "/start".to_owned() } else { format!("/start {payload}") };
    unblock(state, user_id)?;
    let (message_id, date) = (state.next_message_id(), state.wall);
    let person = person(state, user_id)?;
    if person.deactivated {
        return Err(Problem::conflict("deactivated", "this account was deleted"));
    }
    person.started = true;
    let entities = vec![json!({ "type": "bot_command", "offset": 0, "length": 6 })];
    let said = Said { message_id, date, from_bot: false, text, entities, buttons: Vec::new() };
    let update = shapes::message(&said, Some(shapes::user(person)), &shapes::private_chat(person));
    keep(&mut person.conversation, said);
    state.say("telegram.started", json!({ "user_id": user_id }));
    updates::push(state, "message", update);
    Ok(())
}

/// Writes to the bot.
pub(crate) fn write(state: &mut State, user_id: i64, text: &str) -> Result<(), Problem> {
    let text = text.trim();
    if text.is_empty() || text.encode_utf16().count() > 4096 {
        return Err(Problem::invalid("text is 1 to 4096 characters"));
    }
    let (message_id, date) = (state.next_message_id(), state.wall);
    let person = person(state, user_id)?;
    if !person.started || person.blocked || person.deactivated {
        return Err(Problem::conflict("not_started", "press start first"));
    }
    let said = Said {
        message_id,
        date,
        from_bot: false,
        text: text.to_owned(),
        entities: Vec::new(),
        buttons: Vec::new(),
    };
    let update = shapes::message(&said, Some(shapes::user(person)), &shapes::private_chat(person));
    keep(&mut person.conversation, said);
    updates::push(state, "message", update);
    Ok(())
}

/// Finds the link whatever host it was shown under: `https://t.me/+code`, this sandbox's own `/t.me/+code`, or the bare code.
fn same_link(shown: &str, url: &str) -> bool {
    let code = |text: &str| text.rsplit(['/', '+']).next().map(str::to_owned);
    shown.len() <= 2048 && code(shown.trim()) == code(url)
}

/// The chat that an invite link leads to.
pub(crate) fn find_link(state: &State, invite_link: &str) -> Option<(i64, InviteLink)> {
    state.chats.values().find_map(|chat| {
        chat.links.iter().find(|link| same_link(invite_link, &link.url)).map(|link| (chat.id, link.clone()))
    })
}

/// Follows an invite link.
pub(crate) fn join(
    state: &mut State,
    user_id: i64,
    invite_link: &str,
    chat_id: Option<i64>,
) -> Result<(i64, Joined), Problem> {
    let wall = state.wall;
    if person(state, user_id)?.deactivated {
        return Err(Problem::conflict("deactivated", "this account was deleted"));
    }
    let gone =
        || Problem::new(StatusCode::GONE, "INVITE_HASH_EXPIRED", "this invite link doesn't work any more");
    let found = find_link(state, invite_link).filter(|(id, _)| chat_id.is_none_or(|wanted| wanted == *id));
    let (chat_id, link) = found.ok_or_else(|| Problem::not_found("no chat has this invite link"))?;
    let full = link.member_limit.is_some_and(|limit| link.joined >= limit);
    if link.is_revoked || full || link.expire_date.is_some_and(|date| date <= wall) {
        return Err(gone());
    }
    let status = state.chats.get(&chat_id).map_or(Status::Left, |chat| chat.status(user_id));
    if status.is_inside() {
        return Err(Problem::conflict("USER_ALREADY_PARTICIPANT", "already in this chat"));
    }
    if status == Status::Kicked {
        return Err(Problem::new(StatusCode::FORBIDDEN, "USER_BANNED_IN_CHANNEL", "banned from this chat"));
    }
    if !link.creates_join_request {
        chats::set_status(state, chat_id, user_id, Status::Member, 0, user_id, Some(&link.url), false);
        state.say("telegram.joined", json!({ "chat_id": chat_id, "user_id": user_id }));
        return Ok((chat_id, Joined::Inside));
    }
    request(state, chat_id, user_id, &link.url);
    Ok((chat_id, Joined::Requested))
}

/// Asks to be let in; asking again while the first request waits changes nothing.
fn request(state: &mut State, chat_id: i64, user_id: i64, url: &str) {
    let (wall, bot) = (state.wall, state.bot.clone());
    let from = shapes::anyone(state, user_id);
    let Some(chat) = state.chats.get_mut(&chat_id) else { return };
    if chat.requests.contains_key(&user_id) {
        return;
    }
    chat.requests.insert(user_id, JoinRequest { since: wall, invite_link: url.to_owned() });
    let link =
        chat.links.iter().find(|link| link.url == url).map(|link| shapes::invite_link(&bot, chat, link));
    let update = json!({
        "chat": shapes::channel(chat), "from": from, "user_chat_id": user_id, "date": wall, "invite_link": link,
    });
    // Telegram tells administrators who may invite, nobody else.
    let told = chat.status(bot.id) == Status::Administrator && chat.rights.can_invite_users;
    state.say("telegram.asked_to_join", json!({ "chat_id": chat_id, "user_id": user_id }));
    if told {
        updates::push(state, "chat_join_request", update);
    }
}

pub(crate) fn leave(state: &mut State, user_id: i64, chat_id: i64) -> Result<(), Problem> {
    person(state, user_id)?;
    let chat = state.chats.get_mut(&chat_id).ok_or_else(|| Problem::not_found("no such chat"))?;
    let asked = chat.requests.remove(&user_id).is_some();
    match chat.status(user_id) {
        Status::Member | Status::Administrator => {
            chats::set_status(state, chat_id, user_id, Status::Left, 0, user_id, None, false);
        }
        Status::Left if asked => {}
        Status::Creator => return Err(Problem::conflict("owner", "the owner stays")),
        Status::Left | Status::Kicked => {
            return Err(Problem::conflict("USER_NOT_PARTICIPANT", "not in this chat"));
        }
    }
    state.say("telegram.left", json!({ "chat_id": chat_id, "user_id": user_id }));
    Ok(())
}

pub(crate) fn block(state: &mut State, user_id: i64) -> Result<(), Problem> {
    set_blocked(state, user_id, true)
}

fn unblock(state: &mut State, user_id: i64) -> Result<(), Problem> {
    set_blocked(state, user_id, false)
}

fn set_blocked(state: &mut State, user_id: i64, blocked: bool) -> Result<(), Problem> {
    let (bot, wall) = (shapes::bot(&state.bot), state.wall);
    let person = person(state, user_id)?;
    if std::mem::replace(&mut person.blocked, blocked) == blocked {
        return Ok(());
    }
    let side = |blocked: bool| {
        if blocked {
            json!({ "status": "kicked", "user": bot, "until_date": 0 })
        } else {
            json!({ "status": "member", "user": bot })
        }
    };
    let update = json!({
        "chat": shapes::private_chat(person), "from": shapes::user(person), "date": wall,
        "old_chat_member": side(!blocked), "new_chat_member": side(blocked),
    });
    state.say("telegram.blocked", json!({ "user_id": user_id, "blocked": blocked }));
    updates::push(state, "my_chat_member", update);
    Ok(())
}

/// Deletes the account, as far as the bot can tell.
pub(crate) fn deactivate(state: &mut State, user_id: i64) -> Result<(), Problem> {
    person(state, user_id)?.deactivated = true;
    state.say("telegram.deactivated", json!({ "user_id": user_id }));
    Ok(())
}

/// Changes what the bot may do in a chat, or whether it is there at all.
pub(crate) fn set_rights(
    state: &mut State,
    chat_id: i64,
    rights: impl FnOnce(Rights) -> Rights,
    status: Option<Status>,
) -> Result<(), Problem> {
    let (bot_id, wall) = (state.bot.id, state.wall);
    let bot = shapes::bot(&state.bot);
    let owner = shapes::anyone(state, super::state::OWNER_ID);
    let chat = state.chats.get_mut(&chat_id).ok_or_else(|| Problem::not_found("no such chat"))?;
    let before = shapes::chat_member(&bot, chat.members.get(&bot_id), chat.rights);
    chat.rights = rights(chat.rights);
    if let (Some(status), Some(member)) = (status, chat.members.get_mut(&bot_id)) {
        member.status = status;
        member.since = wall;
    }
    let after = shapes::chat_member(&bot, chat.members.get(&bot_id), chat.rights);
    let update = json!({
        "chat": shapes::channel(chat), "from": owner, "date": wall, "old_chat_member": before, "new_chat_member": after,
    });
    let data = json!({ "chat_id": chat_id, "rights": chat.rights, "status": chat.status(bot_id) });
    state.say("telegram.rights", data);
    if before != after {
        updates::push(state, "my_chat_member", update);
    }
    Ok(())
}
