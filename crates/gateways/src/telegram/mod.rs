//! Telegram's Bot API, as far as channels with paid access need it: who is in, who may come in, who has to go.
//!
//! [`BotClient`] keeps to the limits of the service and turns its error texts into [`TelegramError`]; updates are read by
//! [`parse_update`], which never fails on a kind that it does not know. The token is part of every address, so no address is shown.

mod client;
mod error;
mod pace;
mod types;
mod update;

use crypto::fingerprint::constant_time_eq;
use secrecy::{ExposeSecret, SecretString};

pub use self::client::{ALLOWED_UPDATES, BotClient, BotSetupError, MAX_LINK_NAME};
pub use self::error::TelegramError;
pub use self::types::{
    Chat, ChatInviteLink, ChatJoinRequest, ChatMember, ChatMemberUpdated, MemberStatus, Message, User,
};
pub use self::update::{Content, Update, UpdateError, parse_update};

/// The header that carries the webhook's secret, in lower case.
pub const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";

/// Whether a webhook call presents our secret, compared in constant time. Without a configured secret nothing is believed.
pub fn webhook_secret_matches(configured: &SecretString, presented: Option<&str>) -> bool {
    let configured = configured.expose_secret().as_bytes();
    !configured.is_empty()
        && presented.is_some_and(|presented| constant_time_eq(configured, presented.as_bytes()))
}

#[cfg(test)]
mod tests;
