//! The calls.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thiserror::Error;
use tracing::{error, warn};

use super::error::{Failure, TelegramError};
use super::pace::Pace;
use super::types::{ChatInviteLink, ChatMember, User};
use super::update::{self, Update};
use crate::address;
use crate::http::{Answer, CallError, HttpClient, MAX_ANSWER, Outgoing, TOTAL_TIMEOUT};

/// The kinds of updates that we want. Always sent: when left out, Telegram keeps the list of the time before.
pub const ALLOWED_UPDATES: [&str; 4] = ["message", "my_chat_member", "chat_member", "chat_join_request"];

/// The longest name of an invite link, in characters.
pub const MAX_LINK_NAME: usize = 32;

/// How many updates are fetched at once, and how long the answer may be: a message with all its quotes takes up to 64 KiB, and an
/// answer that is too long would be fetched again for ever.
const UPDATES_AT_ONCE: u32 = 25;
const MAX_UPDATES_ANSWER: usize = 4 * 1024 * 1024;

/// How many webhook calls Telegram may make at the same time.
const WEBHOOK_CONNECTIONS: u32 = 10;

/// One bot. Cheap to clone: clones share the pace.
#[derive(Clone)]
pub struct BotClient {
    api: Url,
    token: Arc<SecretString>,
    http: HttpClient,
    pace: Arc<Pace>,
}

/// Why a bot cannot be set up.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BotSetupError {
    /// Not an http or https address, or one with a query, a fragment or a password.
    #[error("the Bot API's address must be an http or https address without user, query and fragment")]
    ApiUrl,
    /// Not of the form `123456:ABC…`.
    #[error("the bot's token must look like 123456:ABC…, as BotFather gives it")]
    Token,
}

impl BotClient {
    /// The bot of `token` at `api_url` (`https://api.telegram.org`, or a stand-in).
    pub fn new(api_url: &str, token: SecretString, http: HttpClient) -> Result<Self, BotSetupError> {
        let api = address::base(api_url).ok_or(BotSetupError::ApiUrl)?;
        let well_formed = token.expose_secret().split_once(':').is_some_and(|(id, key)| {
            !id.is_empty()
                && id.bytes().all(|byte| byte.is_ascii_digit())
                && !key.is_empty()
                && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        });
        if !well_formed {
            return Err(BotSetupError::Token);
        }
        Ok(Self { api, token: Arc::new(token), http, pace: Arc::new(Pace::new()) })
    }

    /// The bot itself; tells whether the token is good.
    pub async fn get_me(&self) -> Result<User, TelegramError> {
        self.call("getMe", json!({})).await
    }

    /// Sends plain text without a link preview, at most one message a second into one chat.
    pub async fn send_message(&self, chat_id: i64, text: &str) -> Result<(), TelegramError> {
        self.pace.turn(Some(chat_id)).await?;
        let fields =
            json!({ "chat_id": chat_id, "text": text, "link_preview_options": { "is_disabled": true } });
        let sent: Result<Value, TelegramError> = self.send("sendMessage", fields, &Limits::USUAL).await;
        match sent {
            Ok(_) => Ok(()),
            // Of a person this only means that they never started the bot.
            Err(TelegramError::ChatGone(_)) if chat_id > 0 => Err(TelegramError::Unreachable),
            Err(error) => Err(error),
        }
    }

    /// Makes an invite link. One that creates join requests lets nobody in by itself, so a leaked one does no harm.
    pub async fn create_chat_invite_link(
        &self,
        chat_id: i64,
        name: &str,
        creates_join_request: bool,
    ) -> Result<ChatInviteLink, TelegramError> {
        if name.chars().count() > MAX_LINK_NAME {
            return Err(TelegramError::Refused(format!(
                "a link's name has at most {MAX_LINK_NAME} characters"
            )));
        }
        let fields =
            json!({ "chat_id": chat_id, "name": name, "creates_join_request": creates_join_request });
        self.call("createChatInviteLink", fields).await
    }

    /// Ends an invite link.
    pub async fn revoke_chat_invite_link(
        &self,
        chat_id: i64,
        invite_link: &str,
    ) -> Result<(), TelegramError> {
        let fields = json!({ "chat_id": chat_id, "invite_link": invite_link });
        self.call::<Value>("revokeChatInviteLink", fields).await.map(drop)
    }

    /// Lets somebody in who asked.
    pub async fn approve_chat_join_request(&self, chat_id: i64, user_id: i64) -> Result<(), TelegramError> {
        self.call::<bool>("approveChatJoinRequest", member(chat_id, user_id)).await.map(drop)
    }

    /// Turns somebody away who asked.
    pub async fn decline_chat_join_request(&self, chat_id: i64, user_id: i64) -> Result<(), TelegramError> {
        self.call::<bool>("declineChatJoinRequest", member(chat_id, user_id)).await.map(drop)
    }

    /// Removes somebody without banning them: without `only_if_banned` this call guarantees that they are out and free to come back.
    pub async fn unban_chat_member(&self, chat_id: i64, user_id: i64) -> Result<(), TelegramError> {
        self.call::<bool>("unbanChatMember", member(chat_id, user_id)).await.map(drop)
    }

    /// What somebody is in a chat.
    pub async fn get_chat_member(&self, chat_id: i64, user_id: i64) -> Result<ChatMember, TelegramError> {
        self.call("getChatMember", member(chat_id, user_id)).await
    }

    /// How many are in a chat.
    pub async fn get_chat_member_count(&self, chat_id: i64) -> Result<u64, TelegramError> {
        self.call("getChatMemberCount", json!({ "chat_id": chat_id })).await
    }

    /// Has updates sent to `url`, each with `secret` in [`super::SECRET_HEADER`].
    pub async fn set_webhook(&self, url: &str, secret: &SecretString) -> Result<(), TelegramError> {
        let fields = json!({
            "url": url,
            "secret_token": secret.expose_secret(),
            "allowed_updates": ALLOWED_UPDATES,
            "max_connections": WEBHOOK_CONNECTIONS,
        });
        self.call::<bool>("setWebhook", fields).await.map(drop)
    }

    /// Ends the webhook, so that updates can be fetched; those that wait are kept.
    pub async fn delete_webhook(&self) -> Result<(), TelegramError> {
        self.call::<bool>("deleteWebhook", json!({ "drop_pending_updates": false })).await.map(drop)
    }

    /// Fetches updates from `offset` on (which acknowledges all before), waiting up to `timeout` for the first.
    pub async fn get_updates(
        &self,
        offset: Option<i64>,
        timeout: Duration,
    ) -> Result<Vec<Update>, TelegramError> {
        self.pace.turn(None).await?;
        let mut fields = json!({
            "limit": UPDATES_AT_ONCE,
            "timeout": timeout.as_secs(),
            "allowed_updates": ALLOWED_UPDATES,
        });
        if let Some(offset) = offset {
            fields["offset"] = offset.into();
        }
        let limits = Limits { timeout: timeout + TOTAL_TIMEOUT, max_answer: MAX_UPDATES_ANSWER };
        let updates: Vec<Value> = self.send("getUpdates", fields, &limits).await?;
        let read = updates.into_iter().filter_map(|value| match update::read(value) {
            Ok(update) => Some(update),
            Err(error) => {
                warn!(error = %error, "something among the updates is none");
                None
            }
        });
        Ok(read.collect())
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        fields: Value,
    ) -> Result<T, TelegramError> {
        self.pace.turn(None).await?;
        self.send(method, fields, &Limits::USUAL).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: &'static str,
        fields: Value,
        limits: &Limits,
    ) -> Result<T, TelegramError> {
        let url = address::under(&self.api, &format!("bot{}/{method}", self.token.expose_secret()));
        let outgoing = Outgoing {
            peer: "telegram",
            method: Method::POST,
            url,
            shown_path: method,
            headers: HeaderMap::new(),
            body: Some(fields.to_string().into_bytes()),
            timeout: limits.timeout,
            max_answer: limits.max_answer,
        };
        let answer = self.http.send(outgoing).await.map_err(|error| match error {
            CallError::NotSent(reason) => TelegramError::Unavailable(reason),
            CallError::Unknown(reason) => TelegramError::Unknown(reason),
        })?;
        let result = read(&answer);
        match &result {
            Err(TelegramError::RetryAfter { after }) => self.pace.pause(*after),
            Err(TelegramError::BadToken) => {
                error!(telegram.method = method, "Telegram refuses the bot's token");
            }
            _ => {}
        }
        result
    }
}

impl fmt::Debug for BotClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BotClient").field("api", &self.api.as_str()).finish_non_exhaustive()
    }
}

struct Limits {
    timeout: Duration,
    max_answer: usize,
}

impl Limits {
    const USUAL: Self = Self { timeout: TOTAL_TIMEOUT, max_answer: MAX_ANSWER };
}

fn member(chat_id: i64, user_id: i64) -> Value {
    json!({ "chat_id": chat_id, "user_id": user_id })
}

/// A page of a proxy in between is no answer of Telegram: whether the call got through is unknown.
fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, TelegramError> {
    let unreadable =
        || TelegramError::Unknown(format!("status {} with an answer that cannot be read", answer.status));
    let mut value: Value = serde_json::from_slice(&answer.body).map_err(|_| unreadable())?;
    match value.get("ok") {
        Some(Value::Bool(true)) => serde_json::from_value(value["result"].take()).map_err(|_| unreadable()),
        Some(Value::Bool(false)) => {
            Err(serde_json::from_value::<Failure>(value).map_err(|_| unreadable())?.into_error())
        }
        _ => Err(unreadable()),
    }
}
