//! What the Telegram page says about a link that was followed to it, and about a request to join that was just made.

use serde::{Deserialize, Serialize};

use super::{LISTED, Wanted, is_invite};
use crate::telegram::{
    people,
    state::{OWNER_ID, Person, State as Telegram},
};

/// A link that somebody followed.
pub(super) struct Followed {
    pub(super) link: String,
    pub(super) act: &'static str,
    /// What the link opens.
    pub(super) opens: String,
    /// The words of the button.
    pub(super) button: &'static str,
    /// Who may follow it, the likeliest first.
    pub(super) people: Vec<(i64, String)>,
}

/// The bot's word on a request to join.
pub(super) struct Decided {
    pub(super) badge: &'static str,
    pub(super) heading: String,
    pub(super) text: String,
}

/// What became of a request to join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Decision {
    Approved,
    Declined,
    Waiting,
}

/// What a link leads to; none for what is no link.
pub(super) fn followed(state: &Telegram, link: &str) -> Option<Followed> {
    if link.len() > 2048 {
        return None;
    }
    let mut people: Vec<&Person> =
        state.people.values().filter(|person| person.id != OWNER_ID && !person.deactivated).collect();
    let named = |people: Vec<&Person>| {
        people.into_iter().take(LISTED).map(|person| (person.id, person.first_name.clone())).collect()
    };
    if is_invite(link) {
        let room = people::find_link(state, link).and_then(|(chat_id, _)| state.chats.get(&chat_id));
        // Whoever the bot wrote this link to is the one who holds it.
        people.sort_by_key(|person| !was_told(person, link));
        return Some(Followed {
            link: link.to_owned(),
            act: "join",
            opens: room.map_or_else(|| "no channel that is here".to_owned(), |chat| chat.title.clone()),
            button: "Ask to join",
            people: named(people),
        });
    }
    people.sort_by_key(|person| (person.started, std::cmp::Reverse(person.id)));
    Some(Followed {
        link: link.to_owned(),
        act: "start",
        opens: format!("@{}", state.bot.username),
        button: "Start",
        people: named(people),
    })
}

fn was_told(person: &Person, link: &str) -> bool {
    let code = link.rsplit(['/', '+']).next().unwrap_or(link);
    person.conversation.iter().any(|said| {
        let in_buttons = said.buttons.iter().flatten().filter_map(|button| button.url.as_deref());
        said.from_bot && in_buttons.chain([said.text.as_str()]).any(|text| text.contains(code))
    })
}

/// What became of the request that the address speaks of.
pub(super) fn decided(state: &Telegram, wanted: &Wanted) -> Option<Decided> {
    let person = state.people.get(&wanted.person?)?;
    let (name, title) = (&person.first_name, &state.chats.get(&wanted.chat?)?.title);
    let said = |badge, heading, text: String| Decided { badge, heading, text };
    Some(match wanted.decision? {
        Decision::Approved => said(
            "good",
            format!("{name} is now in {title}"),
            "The bot approved the request to join.".to_owned(),
        ),
        Decision::Declined => said(
            "bad",
            format!("{name} was not let into {title}"),
            "The bot declined the request: this link was made for somebody else, or no access runs."
                .to_owned(),
        ),
        Decision::Waiting => {
            said("wait", format!("{name} asked to join {title}"), "The bot has not decided yet.".to_owned())
        }
    })
}
