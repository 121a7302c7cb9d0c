//! What the Bot API's refusals mean.
//!
//! Its codes say little: the same refusal comes as 400 or 403, and texts written in capitals are re-coded to 400 on the way. So the
//! description decides first, then the code.

use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

/// How long to stay away when a 429 does not say.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(5);

/// The longest time that a 429 can send us away.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// The longest description that is repeated, in characters.
const MAX_DESCRIPTION: usize = 200;

/// Why a call did not do what it was asked to.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TelegramError {
    /// Too many calls, by Telegram's count or by ours: nothing was done, come back later.
    #[error("too many calls, again in {} s", after.as_secs())]
    RetryAfter {
        /// How long to stay away.
        after: Duration,
    },
    /// The call never left: safe to repeat.
    #[error("Telegram cannot be reached: {0}")]
    Unavailable(String),
    /// Nobody knows whether it was done: ask, or repeat what may be done twice.
    #[error("Telegram's answer is unknown: {0}")]
    Unknown(String),
    /// The person blocked the bot, never started it, or is gone: do not write again.
    #[error("the person cannot be written to")]
    Unreachable,
    /// The bot lacks a right in the chat: an operator has to give it.
    #[error("the bot lacks a right in the chat: {0}")]
    MissingRights(String),
    /// The chat is gone, or the bot is no longer in it: an operator has to look.
    #[error("the chat is not there for the bot: {0}")]
    ChatGone(String),
    /// It was so already: a success for whoever wanted it.
    #[error("already done: {0}")]
    AlreadyDone(String),
    /// An administrator or the owner cannot be removed.
    #[error("an administrator or the owner cannot be removed")]
    Untouchable,
    /// The person is not known to the bot, or Telegram only says so (a known fault of it): unknown, ask again later.
    #[error("the person is unknown to the bot: {0}")]
    UnknownUser(String),
    /// The person is in too many chats: only they can mend it.
    #[error("the person is in too many chats")]
    TooManyChats,
    /// The token is wrong or was revoked: an operator has to replace it.
    #[error("the bot's token was refused")]
    BadToken,
    /// Polling while a webhook is set, or two at once.
    #[error("updates are already being fetched in another way: {0}")]
    Conflict(String),
    /// The group became a supergroup with another id.
    #[error("the chat has moved to {to}")]
    Migrated {
        /// Its new id.
        to: i64,
    },
    /// Any other refusal: repeating it changes nothing.
    #[error("Telegram refused: {0}")]
    Refused(String),
}

impl TelegramError {
    /// Whether the same call may succeed later without anybody doing anything.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::RetryAfter { .. }
                | Self::Unavailable(_)
                | Self::Unknown(_)
                | Self::UnknownUser(_)
                | Self::Conflict(_)
        )
    }

    /// How long to stay away, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RetryAfter { after } => Some(*after),
            _ => None,
        }
    }
}

/// `{ok: false, …}` as sent.
#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    pub(super) error_code: u16,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) parameters: Parameters,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Parameters {
    retry_after: Option<u64>,
    migrate_to_chat_id: Option<i64>,
}

/// Texts of Telegram's server, in lower case, and what each is a sign of. The first that occurs decides.
const SIGNS: &[(&str, Sign)] = &[
    ("bot was blocked by the user", Sign::Unreachable),
    ("user is deactivated", Sign::Unreachable),
    ("input_user_deactivated", Sign::Unreachable),
    ("can't initiate conversation", Sign::Unreachable),
    ("can't send messages to bots", Sign::Unreachable),
    ("can't send messages to the user", Sign::Unreachable),
    ("user_is_blocked", Sign::Unreachable),
    ("user_already_participant", Sign::AlreadyDone),
    ("hide_requester_missing", Sign::AlreadyDone),
    ("user_not_participant", Sign::AlreadyDone),
    ("invite_hash_expired", Sign::AlreadyDone),
    ("user_channels_too_much", Sign::TooManyChats),
    ("channels_too_much", Sign::TooManyChats),
    ("user is an administrator of the chat", Sign::Untouchable),
    ("can't remove chat owner", Sign::Untouchable),
    ("user_admin_invalid", Sign::Untouchable),
    ("participant_id_invalid", Sign::UnknownUser),
    ("user_id_invalid", Sign::UnknownUser),
    ("user not found", Sign::UnknownUser),
    ("member not found", Sign::UnknownUser),
    ("chat_admin_required", Sign::MissingRights),
    ("not enough rights", Sign::MissingRights),
    ("have no rights", Sign::MissingRights),
    ("need administrator rights", Sign::MissingRights),
    ("administrator rights required", Sign::MissingRights),
    ("right_forbidden", Sign::MissingRights),
    ("member list is inaccessible", Sign::MissingRights),
    ("bot was kicked", Sign::ChatGone),
    ("bot is not a member", Sign::ChatGone),
    ("chat not found", Sign::ChatGone),
    ("chat was deleted", Sign::ChatGone),
    ("chat was deactivated", Sign::ChatGone),
    ("channel_private", Sign::ChatGone),
    ("channel_invalid", Sign::ChatGone),
];

#[derive(Clone, Copy)]
enum Sign {
    Unreachable,
    AlreadyDone,
    TooManyChats,
    Untouchable,
    UnknownUser,
    MissingRights,
    ChatGone,
}

impl Failure {
    pub(super) fn into_error(self) -> TelegramError {
        if let Some(to) = self.parameters.migrate_to_chat_id {
            return TelegramError::Migrated { to };
        }
        let text = self.description.to_lowercase();
        if self.error_code == 429 || text.contains("too many requests") {
            return TelegramError::RetryAfter { after: retry_after(&self.parameters, &text) };
        }
        let said = shortened(&self.description);
        if let Some((_, sign)) = SIGNS.iter().find(|(sign, _)| text.contains(sign)) {
            return sign.into_error(said);
        }
        match self.error_code {
            401 => TelegramError::BadToken,
            404 if text == "not found" => TelegramError::BadToken,
            409 => TelegramError::Conflict(said),
            500..=599 => TelegramError::Unknown(said),
            _ => TelegramError::Refused(said),
        }
    }
}

impl Sign {
    fn into_error(self, said: String) -> TelegramError {
        match self {
            Self::Unreachable => TelegramError::Unreachable,
            Self::AlreadyDone => TelegramError::AlreadyDone(said),
            Self::TooManyChats => TelegramError::TooManyChats,
            Self::Untouchable => TelegramError::Untouchable,
            Self::UnknownUser => TelegramError::UnknownUser(said),
            Self::MissingRights => TelegramError::MissingRights(said),
            Self::ChatGone => TelegramError::ChatGone(said),
        }
    }
}

fn retry_after(parameters: &Parameters, text: &str) -> Duration {
    let in_text = || text.rsplit_once("retry after ")?.1.trim().parse().ok();
    let seconds = parameters.retry_after.or_else(in_text);
    seconds.map_or(DEFAULT_RETRY_AFTER, Duration::from_secs).clamp(Duration::from_secs(1), MAX_RETRY_AFTER)
}

fn shortened(description: &str) -> String {
    description.chars().filter(|character| !character.is_control()).take(MAX_DESCRIPTION).collect()
}
