//! The bot's two ways to hear from Telegram: a webhook, or long polling for operators without a public address.

use std::error::Error;
use std::time::Duration;

use gateways::telegram::BotClient;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::actor::{Actor, Context};
use crate::app::App;

/// How updates come.
#[derive(Clone, Debug)]
pub enum UpdateSource {
    /// Telegram calls `{public_url}/api/webhooks/telegram` with this secret.
    Webhook(SecretString),
    /// We ask.
    Polling,
}

/// How long one question for updates waits at Telegram.
const POLL_TIMEOUT: Duration = Duration::from_secs(25);
/// How long to wait after Telegram failed.
const RETRY: Duration = Duration::from_secs(3);

impl App {
    /// Introduces the bot: learns its name and says how updates should come. Then, with polling, fetches them until
    /// `stop`. Goes on trying while Telegram is away, and does it again where the settings name another bot.
    pub async fn run_bot(&self, source: UpdateSource, stop: CancellationToken) {
        let mut bots = self.bot_changes();
        loop {
            let bot = bots.borrow_and_update().clone();
            tokio::select! {
                () = stop.cancelled() => return,
                changed = bots.changed() => if changed.is_err() { return },
                () = self.attend(bot, &source) => {}
            }
        }
    }

    /// Never ends: another bot, or the end of the process, stops it.
    async fn attend(&self, bot: Option<BotClient>, source: &UpdateSource) {
        if let Some(telegram) = &bot {
            self.introduce(telegram, source).await;
            if matches!(source, UpdateSource::Polling) {
                self.poll(telegram).await;
            }
        }
        std::future::pending::<()>().await;
    }

    async fn introduce(&self, telegram: &BotClient, source: &UpdateSource) {
        loop {
            let met = async {
                let me = telegram.get_me().await?;
                match source {
                    UpdateSource::Webhook(secret) => {
                        let url = format!("{}/api/webhooks/telegram", self.options().public_url);
                        telegram.set_webhook(&url, secret).await?;
                    }
                    UpdateSource::Polling => telegram.delete_webhook().await?,
                }
                Ok::<_, gateways::telegram::TelegramError>(me)
            };
            match met.await {
                Ok(me) => {
                    if let Some(name) = &me.username {
                        self.learn_bot_username(name);
                    }
                    tracing::info!(telegram.bot = me.username, "the bot is ready");
                    return;
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn Error,
                        "the bot could not be introduced; trying again"
                    );
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    async fn poll(&self, telegram: &BotClient) {
        let context = Context { actor: Actor::Telegram, request_id: None, address: None };
        let mut offset = None;
        loop {
            match telegram.get_updates(offset, POLL_TIMEOUT).await {
                Ok(updates) => {
                    for update in updates {
                        let next = update.update_id + 1;
                        if let Err(error) = self.handle_telegram_update(&context, update).await {
                            // Not confirmed: it is fetched again from this offset.
                            tracing::error!(error = &error as &dyn Error, "an update could not be kept");
                            tokio::time::sleep(RETRY).await;
                            break;
                        }
                        offset = Some(next);
                    }
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn Error, "updates could not be fetched");
                    tokio::time::sleep(error.retry_after().unwrap_or(RETRY)).await;
                }
            }
        }
    }
}
