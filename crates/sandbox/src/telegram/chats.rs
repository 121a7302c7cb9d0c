//! Methods about chats and their members, with the real server's rules and texts.

use serde_json::{Value, json};

use super::{
    parameters::{ApiError, Parameters},
    shapes,
    state::{Chat, InviteLink, LINKS, Member, State, Status},
    updates,
};
use crate::random;

/// A ban shorter than this or longer than 366 days is for ever.
const SHORTEST_BAN_S: i64 = 30;
const LONGEST_BAN_S: i64 = 366 * 86_400;

/// The channel a call is about, while the bot is there.
fn channel<'a>(state: &'a mut State, parameters: &Parameters) -> Result<&'a mut Chat, ApiError> {
    let id = parameters.chat_id()?;
    let bot_id = state.bot.id;
    let chat = state.chats.get_mut(&id).ok_or_else(|| ApiError::bad_request("chat not found"))?;
    match chat.status(bot_id) {
        Status::Kicked => Err(ApiError::forbidden("bot was kicked from the channel chat")),
        Status::Left => Err(ApiError::forbidden("bot is not a member of the channel chat")),
        Status::Creator | Status::Administrator | Status::Member => Ok(chat),
    }
}

enum Need {
    InviteLinks,
    JoinRequests,
    Restrict,
}

fn demand(chat: &Chat, bot_id: i64, need: &Need) -> Result<(), ApiError> {
    if chat.status(bot_id) != Status::Administrator {
        return Err(ApiError::bad_request("CHAT_ADMIN_REQUIRED"));
    }
    let (given, text) = match need {
        Need::InviteLinks => (chat.rights.can_invite_users, "not enough rights to manage chat invite link"),
        Need::JoinRequests => {
            (chat.rights.can_invite_users, "not enough rights to manage chat join requests")
        }
        Need::Restrict => {
            (chat.rights.can_restrict_members, "not enough rights to restrict/unrestrict chat member")
        }
    };
    if given { Ok(()) } else { Err(ApiError::bad_request(text)) }
}

pub(crate) fn create_link(state: &mut State, parameters: &Parameters) -> Result<Value, ApiError> {
    let (bot, wall) = (state.bot.clone(), state.wall);
    let chat = channel(state, parameters)?;
    demand(chat, bot.id, &Need::InviteLinks)?;
    let name = parameters.text("name").map(str::to_owned);
    if name.as_ref().is_some_and(|name| name.chars().count() > 32) {
        return Err(ApiError::bad_request("invite link name is too long"));
    }
    let creates_join_request = parameters.flag("creates_join_request");
    let member_limit = parameters.integer("member_limit").filter(|limit| *limit != 0);
    if member_limit.is_some_and(|limit| !(1..=99_999).contains(&limit)) {
        return Err(ApiError::bad_request("USAGE_LIMIT_INVALID"));
    }
    if creates_join_request && member_limit.is_some() {
        return Err(ApiError::bad_request(
            "member limit can't be specified for links requiring administrator approval",
        ));
    }
    let expire_date = parameters.integer("expire_date").filter(|date| *date != 0);
    if expire_date.is_some_and(|date| date <= wall) {
        return Err(ApiError::bad_request("EXPIRE_DATE_INVALID"));
    }
    if chat.links.len() >= LINKS {
        return Err(ApiError::bad_request("INVITES_TOO_MUCH"));
    }
    let link = InviteLink {
        url: format!("https://t.me/+{}", random::invite_code()),
        name,
        creates_join_request,
        member_limit,
        expire_date,
        is_revoked: false,
        joined: 0,
    };
    chat.links.push(link.clone());
    Ok(shapes::invite_link(&bot, chat, &link))
}

pub(crate) fn revoke_link(state: &mut State, parameters: &Parameters) -> Result<Value, ApiError> {
    let bot = state.bot.clone();
    let chat = channel(state, parameters)?;
    demand(chat, bot.id, &Need::InviteLinks)?;
    let url = parameters.text("invite_link").ok_or_else(|| ApiError::bad_request("INVITE_HASH_EMPTY"))?;
    let link = chat
        .links
        .iter_mut()
        .find(|link| link.url == url)
        .ok_or_else(|| ApiError::bad_request("INVITE_HASH_EXPIRED"))?;
    link.is_revoked = true;
    let link = link.clone();
    Ok(shapes::invite_link(&bot, chat, &link))
}

/// `approveChatJoinRequest` and `declineChatJoinRequest`.
pub(crate) fn decide_request(
    state: &mut State,
    parameters: &Parameters,
    approve: bool,
) -> Result<Value, ApiError> {
    let bot_id = state.bot.id;
    let chat = channel(state, parameters)?;
    demand(chat, bot_id, &Need::JoinRequests)?;
    let (chat_id, user_id) = (chat.id, parameters.user_id()?);
    let inside = chat.status(user_id).is_inside();
    let request = chat.requests.remove(&user_id);
    let Some(person) = state.people.get(&user_id) else {
        return Err(ApiError::bad_request("USER_ID_INVALID"));
    };
    if inside {
        return Err(ApiError::bad_request("USER_ALREADY_PARTICIPANT"));
    }
    if person.deactivated {
        return Err(ApiError::forbidden("user is deactivated"));
    }
    let request = request.ok_or_else(|| ApiError::bad_request("HIDE_REQUESTER_MISSING"))?;
    if approve {
        set_status(state, chat_id, user_id, Status::Member, 0, bot_id, Some(&request.invite_link), true);
    }
    let act = if approve { "telegram.approved" } else { "telegram.declined" };
    state.say(act, json!({ "chat_id": chat_id, "user_id": user_id }));
    Ok(json!(true))
}

pub(crate) fn ban(state: &mut State, parameters: &Parameters) -> Result<Value, ApiError> {
    let (bot_id, wall) = (state.bot.id, state.wall);
    let (chat_id, user_id) = removable(state, parameters)?;
    let until = parameters.integer("until_date").unwrap_or(0);
    let until = if (wall + SHORTEST_BAN_S..=wall + LONGEST_BAN_S).contains(&until) { until } else { 0 };
    set_status(state, chat_id, user_id, Status::Kicked, until, bot_id, None, false);
    if let Some(chat) = state.chats.get_mut(&chat_id) {
        chat.requests.remove(&user_id);
    }
    state.say("telegram.banned", json!({ "chat_id": chat_id, "user_id": user_id }));
    Ok(json!(true))
}

/// Without `only_if_banned` this is the one-call kick: whoever is inside is out, and may come back.
pub(crate) fn unban(state: &mut State, parameters: &Parameters) -> Result<Value, ApiError> {
    let bot_id = state.bot.id;
    let (chat_id, user_id) = removable(state, parameters)?;
    let before = state.chats.get(&chat_id).map_or(Status::Left, |chat| chat.status(user_id));
    let kick = !parameters.flag("only_if_banned") && before.is_inside();
    if kick || before == Status::Kicked {
        set_status(state, chat_id, user_id, Status::Left, 0, bot_id, None, false);
        let act = if kick { "telegram.removed" } else { "telegram.unbanned" };
        state.say(act, json!({ "chat_id": chat_id, "user_id": user_id }));
    }
    Ok(json!(true))
}

/// The chat and the account of a call that takes somebody out, if the bot may do that to them.
fn removable(state: &mut State, parameters: &Parameters) -> Result<(i64, i64), ApiError> {
    let bot_id = state.bot.id;
    let chat = channel(state, parameters)?;
    let (chat_id, user_id) = (chat.id, parameters.user_id()?);
    demand(chat, bot_id, &Need::Restrict)?;
    if user_id == bot_id {
        return Err(ApiError::bad_request("can't restrict self"));
    }
    match chat.status(user_id) {
        Status::Creator => return Err(ApiError::bad_request("can't remove chat owner")),
        Status::Administrator => return Err(ApiError::bad_request("user is an administrator of the chat")),
        Status::Member | Status::Left | Status::Kicked => {}
    }
    if state.has_met(user_id) {
        Ok((chat_id, user_id))
    } else {
        Err(ApiError::bad_request("PARTICIPANT_ID_INVALID"))
    }
}

pub(crate) fn member(state: &mut State, parameters: &Parameters) -> Result<Value, ApiError> {
    let bot_id = state.bot.id;
    let chat = channel(state, parameters)?.clone();
    if chat.status(bot_id) != Status::Administrator {
        return Err(ApiError::bad_request("member list is inaccessible"));
    }
    let user_id = parameters.user_id()?;
    if user_id != bot_id && !state.has_met(user_id) {
        return Err(ApiError::bad_request("user not found"));
    }
    let user = shapes::anyone(state, user_id);
    Ok(shapes::chat_member(&user, chat.members.get(&user_id), chat.rights))
}

pub(crate) fn count(state: &mut State, parameters: &Parameters) -> Result<Value, ApiError> {
    let chat = channel(state, parameters)?;
    Ok(json!(chat.members.values().filter(|member| member.status.is_inside()).count()))
}

pub(crate) fn administrators(state: &mut State, parameters: &Parameters) -> Result<Value, ApiError> {
    let chat = channel(state, parameters)?.clone();
    let leads = |member: &Member| matches!(member.status, Status::Creator | Status::Administrator);
    let members: Vec<Value> = chat
        .members
        .iter()
        .filter(|(_, member)| leads(member))
        .map(|(id, member)| shapes::chat_member(&shapes::anyone(state, *id), Some(member), chat.rights))
        .collect();
    Ok(json!(members))
}

pub(crate) fn info(state: &mut State, parameters: &Parameters) -> Result<Value, ApiError> {
    let id = parameters.chat_id()?;
    if state.has_met(id)
        && let Some(person) = state.people.get(&id)
    {
        return Ok(shapes::full_info(shapes::private_chat(person)));
    }
    channel(state, parameters).map(|chat| shapes::full_info(shapes::channel(chat)))
}

/// Changes what somebody is in a chat and tells the bot, which hears of it as an administrator only.
#[expect(
    clippy::too_many_arguments,
    reason = "one change of one member, each word of it needed in the update"
)]
pub(crate) fn set_status(
    state: &mut State,
    chat_id: i64,
    user_id: i64,
    status: Status,
    until_date: i64,
    by: i64,
    invite_link: Option<&str>,
    via_join_request: bool,
) {
    let wall = state.wall;
    let (user, actor) = (shapes::anyone(state, user_id), shapes::anyone(state, by));
    let bot = state.bot.clone();
    let Some(chat) = state.chats.get_mut(&chat_id) else { return };
    let before = shapes::chat_member(&user, chat.members.get(&user_id), chat.rights);
    let member = Member { status, since: wall, until_date };
    let after = shapes::chat_member(&user, Some(&member), chat.rights);
    chat.members.insert(user_id, member);
    if before == after {
        return;
    }
    let mut update = json!({
        "chat": shapes::channel(chat), "from": actor, "date": wall, "old_chat_member": before, "new_chat_member": after,
    });
    let link = invite_link.and_then(|url| chat.links.iter_mut().find(|link| link.url == url));
    if let Some(link) = link {
        link.joined += i64::from(status == Status::Member);
        let link = link.clone();
        update["invite_link"] = shapes::invite_link(&bot, chat, &link);
    }
    if via_join_request {
        update["via_join_request"] = json!(true);
    }
    if chat.status(bot.id) == Status::Administrator {
        updates::push(state, "chat_member", update);
    }
}
