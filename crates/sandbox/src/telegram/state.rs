//! Who is there, in which chats, and what was said.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::updates::Updates;
use crate::config::TelegramConfig;

/// How many people, links and messages are kept, each where it belongs.
pub(crate) const PEOPLE: usize = 100_000;
pub(crate) const LINKS: usize = 100_000;
const MESSAGES: usize = 500;
const CALLS: usize = 10_000;

/// The human who made the channels.
pub(crate) const OWNER_ID: i64 = 600_000_001;

/// Where the numbers of people that are made without one start.
const FIRST_PERSON: i64 = 700_000_000;

/// Somebody with a Telegram account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) id: i64,
    pub(crate) first_name: String,
    pub(crate) username: Option<String>,
    pub(crate) language_code: Option<String>,
    /// Pressed start once, so the bot may write.
    pub(crate) started: bool,
    pub(crate) blocked: bool,
    pub(crate) deactivated: bool,
    pub(crate) conversation: VecDeque<Said>,
}

/// One message in a private conversation or a channel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Said {
    pub(crate) message_id: i64,
    /// Unix seconds of wall time.
    pub(crate) date: i64,
    pub(crate) from_bot: bool,
    pub(crate) text: String,
    pub(crate) entities: Vec<Value>,
    /// Rows of an inline keyboard.
    pub(crate) buttons: Vec<Vec<Button>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Button {
    pub(crate) text: String,
    pub(crate) url: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Creator,
    Administrator,
    Member,
    Left,
    Kicked,
}

impl Status {
    pub(crate) fn is_inside(self) -> bool {
        matches!(self, Self::Creator | Self::Administrator | Self::Member)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) status: Status,
    /// Unix seconds of wall time.
    pub(crate) since: i64,
    /// End of a ban; 0 is for ever.
    pub(crate) until_date: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct JoinRequest {
    pub(crate) since: i64,
    pub(crate) invite_link: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct InviteLink {
    pub(crate) url: String,
    pub(crate) name: Option<String>,
    pub(crate) creates_join_request: bool,
    pub(crate) member_limit: Option<i64>,
    pub(crate) expire_date: Option<i64>,
    pub(crate) is_revoked: bool,
    /// How many joined through it, which is what `member_limit` limits.
    pub(crate) joined: i64,
}

/// What the bot may do in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rights {
    pub(crate) can_invite_users: bool,
    pub(crate) can_restrict_members: bool,
    pub(crate) can_post_messages: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Chat {
    pub(crate) id: i64,
    pub(crate) title: String,
    /// Everyone who is or was there; the bot too.
    pub(crate) members: BTreeMap<i64, Member>,
    pub(crate) requests: BTreeMap<i64, JoinRequest>,
    pub(crate) links: Vec<InviteLink>,
    pub(crate) posts: VecDeque<Said>,
    pub(crate) rights: Rights,
}

impl Chat {
    pub(crate) fn status(&self, user_id: i64) -> Status {
        self.members.get(&user_id).map_or(Status::Left, |member| member.status)
    }
}

/// The bot's own account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Bot {
    pub(crate) id: i64,
    pub(crate) username: String,
}

/// One call of the Bot API, as `GET /telegram/calls` shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Call {
    pub(crate) seq: u64,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    pub(crate) method: String,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) status: u16,
    pub(crate) description: Option<String>,
    pub(crate) fault: Option<crate::faults::Kind>,
}

/// Telegram's whole state.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) bot: Bot,
    pub(crate) people: BTreeMap<i64, Person>,
    pub(crate) chats: BTreeMap<i64, Chat>,
    pub(crate) updates: Updates,
    last_message_id: i64,
    last_person_id: i64,
    /// Wall time of the act under way, unix seconds.
    #[serde(skip)]
    pub(crate) wall: i64,
    /// What the act under way has to say to the log.
    #[serde(skip)]
    pub(crate) happened: Vec<(&'static str, Value)>,
    #[serde(skip)]
    calls: VecDeque<Call>,
    #[serde(skip)]
    last_call: u64,
}

impl State {
    /// The kept state, with whatever the configuration names that it doesn't know yet.
    pub(crate) fn open(mut kept: Self, config: &TelegramConfig, wall: OffsetDateTime) -> Self {
        let since = wall.unix_timestamp();
        kept.bot = Bot { id: config.bot_id().unwrap_or_default(), username: config.bot_username.clone() };
        kept.last_person_id = kept.last_person_id.max(FIRST_PERSON);
        kept.people.entry(OWNER_ID).or_insert_with(|| Person {
            id: OWNER_ID,
            first_name: "Channel owner".to_owned(),
            username: Some("channel_owner".to_owned()),
            language_code: None,
            started: false,
            blocked: false,
            deactivated: false,
            conversation: VecDeque::new(),
        });
        for configured in &config.chats {
            let bot_id = kept.bot.id;
            let chat = kept.chats.entry(configured.id).or_insert_with(|| Chat {
                id: configured.id,
                title: String::new(),
                members: BTreeMap::new(),
                requests: BTreeMap::new(),
                links: Vec::new(),
                posts: VecDeque::new(),
                rights: Rights {
                    can_invite_users: true,
                    can_restrict_members: true,
                    can_post_messages: true,
                },
            });
            chat.title.clone_from(&configured.title);
            let inside = |status| Member { status, since, until_date: 0 };
            chat.members.entry(OWNER_ID).or_insert_with(|| inside(Status::Creator));
            chat.members.entry(bot_id).or_insert_with(|| inside(Status::Administrator));
        }
        kept
    }

    pub(crate) fn say(&mut self, kind: &'static str, data: Value) {
        self.happened.push((kind, data));
    }

    pub(crate) fn next_message_id(&mut self) -> i64 {
        self.last_message_id += 1;
        self.last_message_id
    }

    pub(crate) fn next_person_id(&mut self) -> i64 {
        loop {
            self.last_person_id += 1;
            if !self.people.contains_key(&self.last_person_id) {
                return self.last_person_id;
            }
        }
    }

    /// Whether the bot can know this account: it pressed start, or shows up in one of the bot's chats.
    pub(crate) fn has_met(&self, user_id: i64) -> bool {
        self.people.get(&user_id).is_some_and(|person| person.started)
            || self
                .chats
                .values()
                .any(|chat| chat.members.contains_key(&user_id) || chat.requests.contains_key(&user_id))
    }

    /// Bans with an end end by themselves.
    pub(crate) fn lift_bans(&mut self) {
        let wall = self.wall;
        for chat in self.chats.values_mut() {
            for member in chat.members.values_mut() {
                if member.status == Status::Kicked && member.until_date != 0 && member.until_date <= wall {
                    *member = Member { status: Status::Left, since: member.until_date, until_date: 0 };
                }
            }
        }
    }

    pub(crate) fn note_call(&mut self, mut call: Call) {
        self.last_call += 1;
        call.seq = self.last_call;
        self.calls.push_back(call);
        if self.calls.len() > CALLS {
            self.calls.pop_front();
        }
    }

    pub(crate) fn calls(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter()
    }
}

/// Appends to a conversation, whose oldest messages give way.
pub(crate) fn keep(messages: &mut VecDeque<Said>, said: Said) {
    messages.push_back(said);
    if messages.len() > MESSAGES {
        messages.pop_front();
    }
}
