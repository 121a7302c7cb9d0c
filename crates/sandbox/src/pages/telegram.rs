//! Telegram for people: who is there, what the bot wrote to them, who is in which channel.

mod following;

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    Form,
    extract::{OriginalUri, Path, Query, State},
    http::Uri,
    response::{IntoResponse, Redirect, Response},
};
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;

use self::following::{Decided, Decision, Followed, decided, followed};
use super::{
    Frame,
    mailbox::{Segment, segments},
    moment, refusal, render,
};
use crate::{
    problem::Problem,
    telegram::{
        act,
        people::{self, Details},
        state::{Button, Chat, OWNER_ID, Person, Rights, Said, State as Telegram, Status},
    },
    world::World,
};

/// How long a press of start waits for the bot's answer before the page is shown without it.
const REPLY: Duration = Duration::from_secs(2);

/// How many people and members the page lists.
const LISTED: usize = 200;

#[derive(Template)]
#[template(path = "telegram.html")]
struct Page {
    frame: Frame,
    bot: String,
    people: Vec<Face>,
    selected: Option<Conversation>,
    chats: Vec<Room>,
    /// A deep link or invite link that somebody followed to this page.
    followed: Option<Followed>,
    /// What became of the request to join that was just made.
    decided: Option<Decided>,
}

struct Face {
    id: i64,
    name: String,
    initial: String,
    note: String,
    selected: bool,
}

struct Conversation {
    id: i64,
    name: String,
    messages: Vec<Bubble>,
    writable: bool,
    blocked: bool,
    inside: Vec<(i64, String)>,
}

struct Bubble {
    from_bot: bool,
    time: String,
    segments: Vec<Piece>,
    buttons: Vec<Piece>,
}

/// A stretch of a message: text, an address, or an invite link that can be followed here.
struct Piece {
    text: String,
    url: String,
    invite: bool,
    link: bool,
}

struct Room {
    id: i64,
    title: String,
    status: &'static str,
    rights: Rights,
    members: Vec<Occupant>,
    requests: Vec<Occupant>,
    banned: Vec<Occupant>,
    links: usize,
}

struct Occupant {
    name: String,
    role: &'static str,
    since: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    person: Option<i64>,
    link: Option<String>,
    /// The request to join that was just made, and in which chat.
    decision: Option<Decision>,
    chat: Option<i64>,
}

/// `GET /telegram`
pub(crate) async fn page(State(world): State<Arc<World>>, Query(wanted): Query<Wanted>) -> Response {
    let page = act_quietly(&world, |state| Page {
        frame: Frame::live(&world, "telegram", "Telegram"),
        bot: state.bot.username.clone(),
        people: faces(state, wanted.person),
        selected: wanted
            .person
            .and_then(|id| state.people.get(&id))
            .map(|person| conversation(state, person)),
        chats: state.chats.values().map(|chat| room(state, chat)).collect(),
        followed: wanted.link.as_deref().and_then(|link| followed(state, link)),
        decided: decided(state, &wanted),
    });
    render(&page)
}

fn act_quietly<R>(world: &Arc<World>, read: impl FnOnce(&Telegram) -> R) -> R {
    world.telegram.with(|state| read(state))
}

fn faces(state: &Telegram, selected: Option<i64>) -> Vec<Face> {
    let others = state.people.values().filter(|person| person.id != OWNER_ID);
    others
        .take(LISTED)
        .map(|person| Face {
            id: person.id,
            name: person.first_name.clone(),
            initial: person.first_name.chars().next().map(|c| c.to_uppercase().collect()).unwrap_or_default(),
            note: note(state, person),
            selected: selected == Some(person.id),
        })
        .collect()
}

fn note(state: &Telegram, person: &Person) -> String {
    let handle = person.username.as_ref().map_or_else(|| person.id.to_string(), |name| format!("@{name}"));
    match (person.deactivated, person.blocked, person.started) {
        (true, _, _) => format!("{handle} · deleted account"),
        (_, true, _) => format!("{handle} · blocked the bot"),
        (_, _, true) => match state.chats.values().find(|chat| chat.status(person.id).is_inside()) {
            Some(chat) => format!("{handle} · in {}", chat.title),
            None => handle,
        },
        _ => format!("{handle} · has not pressed start"),
    }
}

fn conversation(state: &Telegram, person: &Person) -> Conversation {
    let rooms = state.chats.values().filter(|chat| chat.status(person.id).is_inside());
    Conversation {
        id: person.id,
        name: person.first_name.clone(),
        messages: person.conversation.iter().map(bubble).collect(),
        writable: person.started && !person.blocked && !person.deactivated,
        blocked: person.blocked,
        inside: rooms.map(|chat| (chat.id, chat.title.clone())).collect(),
    }
}

fn bubble(said: &Said) -> Bubble {
    let time = time::OffsetDateTime::from_unix_timestamp(said.date).map(moment).unwrap_or_default();
    let linked = said.entities.iter().filter_map(|entity| {
        let url = entity["url"].as_str()?;
        Some(piece(Segment { text: url.to_owned(), link: true }))
    });
    let pressed = said.buttons.iter().flatten().filter_map(|Button { text, url }| {
        let mut piece = piece(Segment { text: url.clone()?, link: true });
        piece.text.clone_from(text);
        Some(piece)
    });
    let buttons: Vec<Piece> = linked.chain(pressed).collect();
    let mut segments: Vec<Piece> = segments(&said.text).into_iter().map(piece).collect();
    // An invite link that has a button of its own needs no second one.
    for segment in &mut segments {
        segment.invite &= !buttons.iter().any(|button| button.url == segment.url);
    }
    Bubble {
        from_bot: said.from_bot,
        time: time.get(11..16).unwrap_or_default().to_owned(),
        segments,
        buttons,
    }
}

fn piece(segment: Segment) -> Piece {
    let invite = segment.link && is_invite(&segment.text);
    Piece { url: segment.text.clone(), text: segment.text, invite, link: segment.link && !invite }
}

fn is_invite(link: &str) -> bool {
    link.contains("/+") && link.contains("t.me/")
}

fn room(state: &Telegram, chat: &Chat) -> Room {
    let name = |id: i64| {
        if id == state.bot.id {
            return format!("@{}", state.bot.username);
        }
        state.people.get(&id).map_or_else(|| id.to_string(), |person| person.first_name.clone())
    };
    let when = |unix: i64| time::OffsetDateTime::from_unix_timestamp(unix).map(moment).unwrap_or_default();
    let who = |wanted: &dyn Fn(Status) -> bool| -> Vec<Occupant> {
        let found = chat.members.iter().filter(|(_, member)| wanted(member.status)).take(LISTED);
        found
            .map(|(id, member)| Occupant {
                name: name(*id),
                role: role(member.status),
                since: when(member.since),
            })
            .collect()
    };
    let asked = chat.requests.iter().take(LISTED);
    Room {
        id: chat.id,
        title: chat.title.clone(),
        status: role(chat.status(state.bot.id)),
        rights: chat.rights,
        members: who(&Status::is_inside),
        requests: asked
            .map(|(id, request)| Occupant {
                name: name(*id),
                role: "asks to join",
                since: when(request.since),
            })
            .collect(),
        banned: who(&|status| status == Status::Kicked),
        links: chat.links.iter().filter(|link| !link.is_revoked).count(),
    }
}

fn role(status: Status) -> &'static str {
    match status {
        Status::Creator => "owner",
        Status::Administrator => "administrator",
        Status::Member => "member",
        Status::Left => "left",
        Status::Kicked => "banned",
    }
}

/// `GET /t.me/…`: stands in for `https://t.me`, so that links to the bot and to chats can be followed on this machine.
pub(crate) async fn follow(OriginalUri(uri): OriginalUri) -> Response {
    let link = format!("https:/{}", Uri::path_and_query(&uri).map_or("/", |path| path.as_str()));
    let Ok(mut target) = Url::parse("http://here/telegram") else {
        return super::missing();
    };
    target.query_pairs_mut().append_pair("link", &link);
    Redirect::to(&format!("/telegram?{}", target.query().unwrap_or_default())).into_response()
}

#[derive(Debug, Deserialize)]
pub(crate) struct NewPerson {
    first_name: String,
    username: Option<String>,
    language_code: Option<String>,
    /// What the new person does right away.
    act: Option<String>,
    link: Option<String>,
}

/// Makes somebody, who may follow a link at once.
pub(crate) async fn make(State(world): State<Arc<World>>, Form(form): Form<NewPerson>) -> Response {
    let details = Details {
        id: None,
        first_name: Some(form.first_name),
        username: form.username,
        language_code: form.language_code,
    };
    let made = act(&world, |state| people::make(state, details));
    let id = match made {
        Ok((person, _)) => person.id,
        Err(problem) => return refuse(&world, &problem),
    };
    match (form.act.filter(|deed| !deed.is_empty()), form.link) {
        (Some(deed), Some(link)) => done(&world, id, &deed, &link).await,
        _ => Redirect::to(&format!("/telegram?person={id}")).into_response(),
    }
}

/// Does it and shows the person that did.
async fn done(world: &Arc<World>, id: i64, deed: &str, about: &str) -> Response {
    match perform(world, id, deed, about).await {
        Ok(None) => Redirect::to(&format!("/telegram?person={id}")).into_response(),
        Ok(Some((chat, decision))) => {
            let decision = json!(decision);
            let decision = decision.as_str().unwrap_or_default();
            let target = format!("/telegram?person={id}&chat={chat}&decision={decision}");
            Redirect::to(&target).into_response()
        }
        Err(problem) => refuse(world, &problem),
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Deed {
    /// The link, text or chat that the act is about.
    #[serde(default)]
    about: String,
    /// Chosen in the form; goes before the address's.
    person: Option<i64>,
}

/// A button pressed as somebody.
pub(crate) async fn act_as(
    State(world): State<Arc<World>>,
    Path((id, deed)): Path<(i64, String)>,
    Form(form): Form<Deed>,
) -> Response {
    done(&world, form.person.unwrap_or(id), &deed, &form.about).await
}

fn refuse(world: &World, problem: &Problem) -> Response {
    refusal(world, "telegram", "/telegram", problem)
}

/// Does one thing as somebody; a request to join comes back with the chat and what became of it.
async fn perform(
    world: &Arc<World>,
    id: i64,
    deed: &str,
    about: &str,
) -> Result<Option<(i64, Decision)>, Problem> {
    let before = bot_messages(world, id);
    match deed {
        "start" => {
            let payload = people::payload(about.trim())?;
            act(world, |state| people::start(state, id, &payload))?;
            reply(world, id, before).await;
        }
        "write" => {
            act(world, |state| people::write(state, id, about))?;
            reply(world, id, before).await;
        }
        "join" => {
            let (chat_id, _) = act(world, |state| people::join(state, id, about, None))?;
            return Ok(Some((chat_id, decision(world, id, chat_id).await)));
        }
        "leave" => {
            let chat_id = about.parse().map_err(|_| Problem::invalid("which chat?"))?;
            act(world, |state| people::leave(state, id, chat_id))?;
        }
        "block" => act(world, |state| people::block(state, id))?,
        _ => return Err(Problem::not_found("nobody can do that")),
    }
    Ok(None)
}

fn bot_messages(world: &World, id: i64) -> Option<i64> {
    world.telegram.with(|state| {
        let said = state.people.get(&id)?.conversation.iter().rev().find(|said| said.from_bot)?;
        Some(said.message_id)
    })
}

/// Gives the bot a moment to answer.
async fn reply(world: &World, id: i64, before: Option<i64>) {
    wait_until(world, || bot_messages(world, id) != before).await;
}

/// Gives the bot a moment to decide about a request to join.
async fn decision(world: &World, id: i64, chat_id: i64) -> Decision {
    let now = || {
        world.telegram.with(|state| match state.chats.get(&chat_id) {
            Some(chat) if chat.status(id).is_inside() => Decision::Approved,
            Some(chat) if chat.requests.contains_key(&id) => Decision::Waiting,
            _ => Decision::Declined,
        })
    };
    wait_until(world, || now() != Decision::Waiting).await;
    now()
}

async fn wait_until(world: &World, done: impl Fn() -> bool) {
    let mut bell = world.bell.listen();
    let wait = async { while !done() && bell.changed().await.is_ok() {} };
    if tokio::time::timeout(REPLY, wait).await.is_err() {
        tracing::debug!("the bot said nothing yet");
    }
}

#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names of the Bot API's rights")]
pub(crate) struct RightsForm {
    can_invite_users: Option<String>,
    can_restrict_members: Option<String>,
    can_post_messages: Option<String>,
}

/// What the bot may do in a chat, by check boxes.
pub(crate) async fn rights(
    State(world): State<Arc<World>>,
    Path(chat_id): Path<i64>,
    Form(form): Form<RightsForm>,
) -> Response {
    let rights = Rights {
        can_invite_users: form.can_invite_users.is_some(),
        can_restrict_members: form.can_restrict_members.is_some(),
        can_post_messages: form.can_post_messages.is_some(),
    };
    match act(&world, |state| people::set_rights(state, chat_id, |_| rights, None)) {
        Ok(()) => Redirect::to("/telegram").into_response(),
        Err(problem) => refuse(&world, &problem),
    }
}
