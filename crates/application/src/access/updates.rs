//! What Telegram tells our bot. Every update can come twice and late, so each only records what it says.

use crypto::token::OpaqueToken;
use domain::access::Observed;
use domain::ids::NotificationId;
use domain::time::Instant;
use gateways::telegram::{
    ChatJoinRequest, ChatMemberUpdated, Content as Told, MemberStatus, Message, Update, User,
};
use scoped_futures::ScopedFutureExt;
use serde_json::json;

use super::link::bind;
use super::store::{self, Place};
use crate::actor::{Actor, Context};
use crate::alerts;
use crate::app::App;
use crate::notifications::{self, Content, Recipient};
use crate::text::Locale;
use crate::tx::{StoreError, Tx};

/// The bot explains itself to one account at most once in so many seconds.
const ANSWER_EVERY_SECONDS: i64 = 60;

impl App {
    /// Takes one update: kept when this returns.
    pub async fn handle_telegram_update(&self, context: &Context, update: Update) -> Result<(), StoreError> {
        let context = context.acting_as(Actor::Telegram);
        match update.content {
            Told::Message(message) => self.handle_message(&context, update.update_id, &message).await,
            Told::ChatJoinRequest(request) => self.handle_join_request(&context, &request).await,
            Told::ChatMember(change) => self.handle_chat_member(&context, &change).await,
            Told::MyChatMember(change) => self.handle_my_chat_member(&context, &change).await,
            Told::Ignored { kind } => {
                tracing::debug!(telegram.update_kind = kind, "an update that we do not act on");
                Ok(())
            }
        }
    }

    async fn handle_message(
        &self,
        context: &Context,
        update_id: i64,
        message: &Message,
    ) -> Result<(), StoreError> {
        let Some(from) = message.from.as_ref().filter(|from| message.chat.is_private() && !from.is_bot)
        else {
            return Ok(());
        };
        let locale = self.locale_of(from);
        let token = message.start_payload().map(OpaqueToken::parse);
        self.tx("telegram_message", context, |tx| {
            let token = token.clone();
            async move {
                let reply = match token {
                    None => Content::BotHelp,
                    Some(Err(_)) => Content::BotLinkInvalid,
                    Some(Ok(token)) => match store::redeem_token(tx, &token.hash()).await? {
                        None => Content::BotLinkInvalid,
                        Some((user, _)) => {
                            bind(tx, user, from.id, &display_name(from)).await?;
                            if has_running_time(tx, user).await? {
                                // The way in is made and sent by the membership work.
                                return Ok(());
                            }
                            Content::BotLinkedWithoutAccess
                        }
                    },
                };
                answer(tx, update_id, from, locale, reply).await
            }
            .scope_boxed()
        })
        .await
    }

    async fn handle_join_request(
        &self,
        context: &Context,
        request: &ChatJoinRequest,
    ) -> Result<(), StoreError> {
        let Some(place) = self.place(request.chat.id, request.from.id) else {
            tracing::warn!(telegram.chat_id = request.chat.id, "a join request for a chat that is not ours");
            return Ok(());
        };
        self.tx("telegram_join_request", context, |tx| {
            let place = place.clone();
            async move {
                store::record_join_request(tx, &place).await?;
                tx.owe_work();
                Ok(())
            }
            .scope_boxed()
        })
        .await
    }

    async fn handle_chat_member(
        &self,
        context: &Context,
        change: &ChatMemberUpdated,
    ) -> Result<(), StoreError> {
        let member = &change.new_chat_member;
        let (Some(place), Some(inside)) = (self.place(change.chat.id, member.user.id), member.is_in()) else {
            return Ok(());
        };
        let seen = if !inside {
            Observed::Outside
        } else if member.user.is_bot || member.is_untouchable() {
            Observed::Untouchable
        } else {
            Observed::Member
        };
        let chat = change.chat.id;
        let seen_at = Instant::from_unix_timestamp(change.date).unwrap_or(Instant::UNIX_EPOCH);
        self.tx("telegram_chat_member", context, |tx| {
            let place = place.clone();
            async move {
                if store::observe(tx, &place, seen, seen_at, chat).await? {
                    tx.owe_work();
                }
                Ok(())
            }
            .scope_boxed()
        })
        .await
    }

    /// The bot itself was changed: without its rights nobody can be let in or removed.
    async fn handle_my_chat_member(
        &self,
        context: &Context,
        change: &ChatMemberUpdated,
    ) -> Result<(), StoreError> {
        let bot = &change.new_chat_member;
        let able =
            bot.status == MemberStatus::Administrator && bot.can_invite_users && bot.can_restrict_members;
        if self.settings().telegram_channel_id() != Some(change.chat.id) || able {
            return Ok(());
        }
        let details = json!({ "chat_id": change.chat.id, "status": format!("{:?}", bot.status) });
        self.tx("telegram_rights_lost", context, |tx| {
            let details = details.clone();
            async move { alerts::raise(tx, alerts::Kind::TelegramRights, "telegram_rights", details).await }
                .scope_boxed()
        })
        .await
    }

    fn place(&self, chat_id: i64, account: i64) -> Option<Place> {
        let ours = self.settings().telegram_channel_id() == Some(chat_id) && account > 0;
        ours.then(|| Place { account, channel: self.options().default_channel.clone() })
    }

    fn locale_of(&self, user: &User) -> Locale {
        let default = self.options().default_locale;
        let code = user.language_code.as_deref().unwrap_or_default();
        Locale::from_accept_language(code, default)
    }
}

async fn answer(
    tx: &mut Tx,
    update_id: i64,
    to: &User,
    locale: Locale,
    content: Content,
) -> Result<(), StoreError> {
    let id = NotificationId::new(tx.wall(), &tx.entropy());
    // However much a stranger writes: one answer of each kind a minute, so that nobody else's mail waits behind them.
    let minute = tx.wall().unix_timestamp() / ANSWER_EVERY_SECONDS;
    let dedupe_key = match content {
        Content::BotHelp | Content::BotLinkInvalid => format!("{}:{}:{minute}", content.kind(), to.id),
        _ => format!("bot_answer:{update_id}:{}", to.id),
    };
    let recipient = Recipient::Telegram { account: to.id, user: None, locale };
    notifications::owe(tx, id, &dedupe_key, recipient, content, None).await?;
    Ok(())
}

async fn has_running_time(tx: &mut Tx, user: domain::ids::UserId) -> Result<bool, StoreError> {
    let now = tx.now();
    let running = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM subscriptions JOIN periods ON periods.subscription_id = subscriptions.id
                          WHERE user_id = $1 AND starts_at <= $2 AND $2 < periods.ends_at) AS "running!""#,
        user.uuid(),
        now
    );
    Ok(running.fetch_one(tx.db()).await?)
}

/// A name to show back to its owner; anything may be in it.
fn display_name(user: &User) -> String {
    let name = user.username.as_ref().map_or_else(|| user.first_name.clone(), |name| format!("@{name}"));
    name.chars().filter(|character| !character.is_control()).take(64).collect()
}
