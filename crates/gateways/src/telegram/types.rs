//! The Bot API's objects, with the fields that are used here. More fields are fine.

use serde::Deserialize;

/// A person or bot. The id is the identity; names and usernames change hands.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct User {
    /// At most 52 significant bits.
    pub id: i64,
    /// Whether it is a bot.
    pub is_bot: bool,
    /// As shown.
    pub first_name: String,
    /// Without `@`.
    pub username: Option<String>,
    /// IETF tag of the person's app.
    pub language_code: Option<String>,
}

/// A private chat, group or channel.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Chat {
    /// Positive for a person, negative for groups and channels.
    pub id: i64,
    /// `private`, `group`, `supergroup` or `channel`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of groups and channels.
    pub title: Option<String>,
}

impl Chat {
    /// Whether it is a chat with one person.
    pub fn is_private(&self) -> bool {
        self.kind == "private"
    }
}

/// A message to the bot.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Message {
    /// Its number within the chat.
    pub message_id: i64,
    /// Who sent it; nobody in channels.
    pub from: Option<User>,
    /// Where.
    pub chat: Chat,
    /// Unix seconds.
    pub date: i64,
    /// The text, if it is one.
    pub text: Option<String>,
}

impl Message {
    /// What follows `/start ` in a private chat: the deep link's payload.
    pub fn start_payload(&self) -> Option<&str> {
        let payload = self.text.as_deref()?.strip_prefix("/start ")?.trim();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let fits =
            self.chat.is_private() && (1..=64).contains(&payload.len()) && payload.bytes().all(allowed);
        fits.then_some(payload)
    }
}

/// An invite link of a chat.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct ChatInviteLink {
    /// The address; masked with `…` when another admin made it.
    pub invite_link: String,
    /// The name that its maker gave it.
    pub name: Option<String>,
    /// Whether whoever uses it has to be approved.
    #[serde(default)]
    pub creates_join_request: bool,
    /// Whether it no longer works.
    #[serde(default)]
    pub is_revoked: bool,
}

/// Somebody asks to come in.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct ChatJoinRequest {
    /// Where.
    pub chat: Chat,
    /// Who.
    pub from: User,
    /// Where the bot may write to them for a few minutes, even if they never started it.
    pub user_chat_id: i64,
    /// Unix seconds.
    pub date: i64,
    /// By which link.
    pub invite_link: Option<ChatInviteLink>,
}

/// A membership changed.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct ChatMemberUpdated {
    /// Where.
    pub chat: Chat,
    /// Who did it.
    pub from: User,
    /// Unix seconds.
    pub date: i64,
    /// Before.
    pub old_chat_member: ChatMember,
    /// Since then.
    pub new_chat_member: ChatMember,
    /// By which link they came, if by one.
    pub invite_link: Option<ChatInviteLink>,
}

/// What somebody is in a chat.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct ChatMember {
    /// Who.
    pub user: User,
    /// What they are there.
    pub status: MemberStatus,
    /// Only of the restricted: whether they are in.
    #[serde(default)]
    pub is_member: bool,
    /// Only of administrators: may make invite links and approve requests.
    #[serde(default)]
    pub can_invite_users: bool,
    /// Only of administrators: may remove members.
    #[serde(default)]
    pub can_restrict_members: bool,
}

/// The word for what somebody is in a chat.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum MemberStatus {
    /// The owner.
    Creator,
    /// An administrator.
    Administrator,
    /// A member.
    Member,
    /// Under restrictions; in or out.
    Restricted,
    /// Not in, free to come.
    Left,
    /// Banned.
    Kicked,
    /// A word that nobody here knows.
    #[serde(other)]
    Unknown,
}

impl ChatMember {
    /// Whether they are in the chat; `None` if the word for it is unknown.
    pub fn is_in(&self) -> Option<bool> {
        match self.status {
            MemberStatus::Creator | MemberStatus::Administrator | MemberStatus::Member => Some(true),
            MemberStatus::Restricted => Some(self.is_member),
            MemberStatus::Left | MemberStatus::Kicked => Some(false),
            MemberStatus::Unknown => None,
        }
    }

    /// Owners and administrators can be neither removed nor let in.
    pub fn is_untouchable(&self) -> bool {
        matches!(self.status, MemberStatus::Creator | MemberStatus::Administrator)
    }
}
