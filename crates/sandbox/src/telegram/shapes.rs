//! The Bot API's objects as JSON, with the fields its specification requires.

use serde_json::{Map, Value, json};

use super::state::{Bot, Chat, InviteLink, Member, Person, Rights, Said, State, Status};

fn with_optional(mut object: Value, fields: &[(&str, Option<Value>)]) -> Value {
    if let Some(members) = object.as_object_mut() {
        for (name, value) in fields {
            if let Some(value) = value {
                members.insert((*name).to_owned(), value.clone());
            }
        }
    }
    object
}

pub(crate) fn bot(bot: &Bot) -> Value {
    json!({ "id": bot.id, "is_bot": true, "first_name": "Calmness", "username": bot.username })
}

pub(crate) fn me(bot: &Bot) -> Value {
    json!({
        "id": bot.id, "is_bot": true, "first_name": "Calmness", "username": bot.username,
        "can_join_groups": true, "can_read_all_group_messages": false, "supports_inline_queries": false,
        "can_connect_to_business": false, "has_main_web_app": false,
    })
}

pub(crate) fn user(person: &Person) -> Value {
    with_optional(
        json!({ "id": person.id, "is_bot": false, "first_name": person.first_name }),
        &[
            ("username", person.username.clone().map(Value::from)),
            ("language_code", person.language_code.clone().map(Value::from)),
        ],
    )
}

/// Whoever has this id: the bot, a person, or a deleted account.
pub(crate) fn anyone(state: &State, id: i64) -> Value {
    if id == state.bot.id {
        return bot(&state.bot);
    }
    state.people.get(&id).map_or_else(|| json!({ "id": id, "is_bot": false, "first_name": "" }), user)
}

pub(crate) fn private_chat(person: &Person) -> Value {
    with_optional(
        json!({ "id": person.id, "type": "private", "first_name": person.first_name }),
        &[("username", person.username.clone().map(Value::from))],
    )
}

pub(crate) fn channel(chat: &Chat) -> Value {
    json!({ "id": chat.id, "title": chat.title, "type": "channel" })
}

pub(crate) fn full_info(mut object: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.extend(Map::from_iter([
            ("accent_color_id".to_owned(), json!(0)),
            ("max_reaction_count".to_owned(), json!(11)),
            (
                "accepted_gift_types".to_owned(),
                json!({ "unlimited_gifts": false, "limited_gifts": false, "unique_gifts": false,
                        "premium_subscription": false, "gifts_from_channels": false }),
            ),
        ]));
    }
    object
}

pub(crate) fn message(said: &Said, from: Option<Value>, chat: &Value) -> Value {
    let mut object =
        json!({ "message_id": said.message_id, "date": said.date, "chat": chat, "text": said.text });
    if let Some(members) = object.as_object_mut() {
        match from {
            Some(from) => members.insert("from".to_owned(), from),
            None => members.insert("sender_chat".to_owned(), chat.clone()),
        };
        if !said.entities.is_empty() {
            members.insert("entities".to_owned(), json!(said.entities));
        }
    }
    object
}

/// A `ChatMember` of the variant that the status calls for.
pub(crate) fn chat_member(user: &Value, member: Option<&Member>, rights: Rights) -> Value {
    let status = member.map_or(Status::Left, |member| member.status);
    match status {
        Status::Creator => json!({ "status": "creator", "user": user, "is_anonymous": false }),
        Status::Administrator => json!({
            "status": "administrator", "user": user, "can_be_edited": false, "is_anonymous": false,
            "can_manage_chat": true, "can_delete_messages": true, "can_manage_video_chats": false,
            "can_restrict_members": rights.can_restrict_members, "can_promote_members": false,
            "can_change_info": false, "can_invite_users": rights.can_invite_users,
            "can_post_stories": false, "can_edit_stories": false, "can_delete_stories": false,
            "can_post_messages": rights.can_post_messages, "can_edit_messages": rights.can_post_messages,
            "can_manage_direct_messages": false,
        }),
        Status::Member => json!({ "status": "member", "user": user }),
        Status::Left => json!({ "status": "left", "user": user }),
        Status::Kicked => {
            json!({ "status": "kicked", "user": user, "until_date": member.map_or(0, |member| member.until_date) })
        }
    }
}

pub(crate) fn invite_link(bot_account: &Bot, chat: &Chat, link: &InviteLink) -> Value {
    let pending = chat.requests.values().filter(|request| request.invite_link == link.url).count();
    with_optional(
        json!({
            "invite_link": link.url,
            "creator": bot(bot_account),
            "creates_join_request": link.creates_join_request,
            "is_primary": false,
            "is_revoked": link.is_revoked,
        }),
        &[
            ("name", link.name.clone().map(Value::from)),
            ("expire_date", link.expire_date.map(Value::from)),
            ("member_limit", link.member_limit.map(Value::from)),
            ("pending_join_request_count", (pending > 0).then(|| json!(pending))),
        ],
    )
}
