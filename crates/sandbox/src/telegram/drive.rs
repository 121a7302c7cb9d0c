//! JSON for programs that play people in Telegram.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    act,
    people::{self, Details, Joined},
    shapes,
    state::{Chat, Person, Rights, Said, Status},
};
use crate::{
    clock::rfc3339,
    problem::{JsonBody, Problem},
    world::World,
};

/// Unix seconds as JSON shows instants elsewhere.
pub(crate) fn instant(unix: i64) -> String {
    OffsetDateTime::from_unix_timestamp(unix).map_or_else(|_| unix.to_string(), rfc3339)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    id: Option<i64>,
    first_name: Option<String>,
    username: Option<String>,
    language_code: Option<String>,
}

/// `POST /telegram/users`
pub(crate) async fn make(
    State(world): State<Arc<World>>,
    JsonBody(new): JsonBody<NewUser>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let details = Details {
        id: new.id,
        first_name: new.first_name,
        username: new.username,
        language_code: new.language_code,
    };
    let (person, is_new) = act(&world, |state| people::make(state, details))?;
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(show(&person))))
}

fn show(person: &Person) -> Value {
    let mut shown = shapes::user(person);
    shown["started"] = json!(person.started);
    shown["blocked"] = json!(person.blocked);
    shown["deactivated"] = json!(person.deactivated);
    shown
}

/// `GET /telegram/users`
pub(crate) async fn users(State(world): State<Arc<World>>) -> Json<Value> {
    let items: Vec<Value> = world.telegram.with(|state| state.people.values().map(show).collect());
    Json(json!({ "items": items }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    payload: Option<String>,
    link: Option<String>,
}

/// `POST /telegram/users/{id}/start`
pub(crate) async fn start(
    State(world): State<Arc<World>>,
    Path(user_id): Path<i64>,
    JsonBody(start): JsonBody<Start>,
) -> Result<StatusCode, Problem> {
    let payload = people::payload(start.link.or(start.payload).as_deref().unwrap_or_default())?;
    act(&world, |state| people::start(state, user_id, &payload))?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Text {
    text: String,
}

/// `POST /telegram/users/{id}/messages`
pub(crate) async fn write(
    State(world): State<Arc<World>>,
    Path(user_id): Path<i64>,
    JsonBody(message): JsonBody<Text>,
) -> Result<StatusCode, Problem> {
    act(&world, |state| people::write(state, user_id, &message.text))?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Join {
    invite_link: String,
    chat_id: Option<i64>,
}

/// `POST /telegram/users/{id}/join`
pub(crate) async fn join(
    State(world): State<Arc<World>>,
    Path(user_id): Path<i64>,
    JsonBody(join): JsonBody<Join>,
) -> Result<Json<Value>, Problem> {
    let (chat_id, joined) =
        act(&world, |state| people::join(state, user_id, &join.invite_link, join.chat_id))?;
    let state = match joined {
        Joined::Requested => "requested",
        Joined::Inside => "joined",
    };
    Ok(Json(json!({ "state": state, "chat_id": chat_id })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Leave {
    chat_id: i64,
}

/// `POST /telegram/users/{id}/leave`
pub(crate) async fn leave(
    State(world): State<Arc<World>>,
    Path(user_id): Path<i64>,
    JsonBody(leave): JsonBody<Leave>,
) -> Result<StatusCode, Problem> {
    act(&world, |state| people::leave(state, user_id, leave.chat_id))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /telegram/users/{id}/block`
pub(crate) async fn block(
    State(world): State<Arc<World>>,
    Path(user_id): Path<i64>,
) -> Result<StatusCode, Problem> {
    act(&world, |state| people::block(state, user_id))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /telegram/users/{id}/deactivate`
pub(crate) async fn deactivate(
    State(world): State<Arc<World>>,
    Path(user_id): Path<i64>,
) -> Result<StatusCode, Problem> {
    act(&world, |state| people::deactivate(state, user_id))?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    /// Also what the person wrote.
    #[serde(default)]
    all: bool,
}

/// `GET /telegram/users/{id}/messages`
pub(crate) async fn messages(
    State(world): State<Arc<World>>,
    Path(user_id): Path<i64>,
    Query(which): Query<Which>,
) -> Result<Json<Value>, Problem> {
    let said =
        world.telegram.with(|state| state.people.get(&user_id).map(|person| person.conversation.clone()));
    let said = said.ok_or_else(|| Problem::not_found("no such person"))?;
    let items: Vec<Value> = said.iter().filter(|said| which.all || said.from_bot).map(show_said).collect();
    Ok(Json(json!({ "items": items })))
}

fn show_said(said: &Said) -> Value {
    json!({
        "message_id": said.message_id,
        "date": instant(said.date),
        "from": if said.from_bot { "bot" } else { "user" },
        "text": said.text,
        "entities": said.entities,
        "buttons": said.buttons,
    })
}

/// `GET /telegram/chats`
pub(crate) async fn chats(State(world): State<Arc<World>>) -> Json<Value> {
    let items: Vec<Value> = world.telegram.with(|state| {
        let bot_id = state.bot.id;
        state.chats.values().map(|chat| show_chat(chat, bot_id)).collect()
    });
    Json(json!({ "items": items }))
}

fn show_chat(chat: &Chat, bot_id: i64) -> Value {
    json!({
        "id": chat.id,
        "title": chat.title,
        "type": "channel",
        "members": chat.members.values().filter(|member| member.status.is_inside()).count(),
        "requests": chat.requests.len(),
        "bot": { "status": chat.status(bot_id), "rights": chat.rights },
        "invite_links": chat.links.iter().map(|link| json!({
            "invite_link": link.url, "name": link.name, "creates_join_request": link.creates_join_request,
            "is_revoked": link.is_revoked, "joined": link.joined, "member_limit": link.member_limit,
            "expire_date": link.expire_date,
        })).collect::<Vec<_>>(),
    })
}

/// `GET /telegram/chats/{id}/members`
pub(crate) async fn members(
    State(world): State<Arc<World>>,
    Path(chat_id): Path<i64>,
) -> Result<Json<Value>, Problem> {
    let chat = act(&world, |state| state.chats.get(&chat_id).cloned());
    let chat = chat.ok_or_else(|| Problem::not_found("no such chat"))?;
    let list = |wanted: &dyn Fn(Status) -> bool| -> Vec<Value> {
        let found = chat.members.iter().filter(|(_, member)| wanted(member.status));
        found
            .map(|(id, member)| {
                json!({ "user_id": id, "status": member.status, "since": instant(member.since), "until_date": member.until_date })
            })
            .collect()
    };
    let requests: Vec<Value> = chat
        .requests
        .iter()
        .map(|(id, request)| {
            json!({ "user_id": id, "since": instant(request.since), "invite_link": request.invite_link })
        })
        .collect();
    Ok(Json(json!({
        "items": list(&Status::is_inside_ref),
        "requests": requests,
        "banned": list(&|status| status == Status::Kicked),
        "left": list(&|status| status == Status::Left),
    })))
}

impl Status {
    fn is_inside_ref(status: Self) -> bool {
        status.is_inside()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRights {
    can_invite_users: Option<bool>,
    can_restrict_members: Option<bool>,
    can_post_messages: Option<bool>,
    status: Option<Status>,
}

/// `POST /telegram/chats/{id}/rights`
pub(crate) async fn rights(
    State(world): State<Arc<World>>,
    Path(chat_id): Path<i64>,
    JsonBody(new): JsonBody<NewRights>,
) -> Result<Json<Value>, Problem> {
    if new.status == Some(Status::Creator) {
        return Err(Problem::invalid("a bot is never the owner"));
    }
    let changed = |old: Rights| Rights {
        can_invite_users: new.can_invite_users.unwrap_or(old.can_invite_users),
        can_restrict_members: new.can_restrict_members.unwrap_or(old.can_restrict_members),
        can_post_messages: new.can_post_messages.unwrap_or(old.can_post_messages),
    };
    act(&world, |state| {
        people::set_rights(state, chat_id, changed, new.status)?;
        let bot_id = state.bot.id;
        let chat = state.chats.get(&chat_id).ok_or_else(|| Problem::not_found("no such chat"))?;
        Ok(Json(show_chat(chat, bot_id)))
    })
}

#[derive(Debug, Deserialize)]
pub(crate) struct Calls {
    #[serde(default)]
    after: u64,
    method: Option<String>,
}

/// `GET /telegram/calls?after=seq&method=`
pub(crate) async fn calls(State(world): State<Arc<World>>, Query(wanted): Query<Calls>) -> Json<Value> {
    let items: Vec<Value> = world.telegram.with(|state| {
        state
            .calls()
            .filter(|call| call.seq > wanted.after)
            .filter(|call| {
                wanted.method.as_ref().is_none_or(|method| call.method.eq_ignore_ascii_case(method))
            })
            .map(|call| json!(call))
            .collect()
    });
    Json(json!({ "items": items }))
}
