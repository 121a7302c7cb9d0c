//! The peers that settings name, connected while the product runs: the mail server and the bot follow a change without a
//! restart. The payment providers do the same in `billing/connectors.rs`.

use std::error::Error;
use std::sync::{PoisonError, RwLock};

use gateways::mail::Mailer;
use gateways::telegram::BotClient;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgListener;
use tokio::sync::watch;

use super::{CHANNEL, Key};
use crate::app::App;
use crate::tx::StoreError;

/// What is connected now.
pub(crate) struct Live {
    mailer: RwLock<Made<Mailer>>,
    bot_made_from: RwLock<Option<[u8; 32]>>,
    bot: watch::Sender<Option<BotClient>>,
}

struct Made<T> {
    from: Option<[u8; 32]>,
    peer: Option<T>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            mailer: RwLock::new(Made { from: None, peer: None }),
            bot_made_from: RwLock::default(),
            bot: watch::Sender::new(None),
        }
    }
}

impl App {
    /// The mail server, if one is set up.
    pub fn mailer(&self) -> Option<Mailer> {
        self.live().mailer.read().unwrap_or_else(PoisonError::into_inner).peer.clone()
    }

    /// The bot, if one is set up.
    pub fn telegram(&self) -> Option<BotClient> {
        self.live().bot.borrow().clone()
    }

    /// Tells when the bot is another one.
    pub(crate) fn bot_changes(&self) -> watch::Receiver<Option<BotClient>> {
        self.live().bot.subscribe()
    }

    /// The company's name: set, or configured.
    pub fn company_name(&self) -> String {
        self.settings().company_name().unwrap_or_else(|| self.options().company_name.clone())
    }

    /// Reads the settings again, and connects what they name.
    pub(crate) async fn follow_settings(&self) -> Result<(), StoreError> {
        self.settings().reload(self.db(), self.keys()).await?;
        self.reconnect();
        Ok(())
    }

    /// Makes what is connected that of the settings in memory. What is unchanged stays.
    pub(crate) fn reconnect(&self) {
        self.reconnect_providers();
        self.reconnect_mailer();
        self.reconnect_bot();
    }

    fn reconnect_mailer(&self) {
        // An isolated copy has no way out at all.
        let wanted = self.http().and(self.settings().value(Key::SmtpUrl)).zip(self.settings().mail_from());
        let from = wanted.as_ref().map(|(url, from)| fingerprint(&[url.expose_secret(), from]));
        let mut made = self.live().mailer.write().unwrap_or_else(PoisonError::into_inner);
        if made.from == from {
            return;
        }
        let peer = wanted
            .and_then(|(url, from)| usable("the mail server", Mailer::new(&url, &from, self.wall_clock())));
        *made = Made { from, peer };
    }

    fn reconnect_bot(&self) {
        let wanted: Option<SecretString> = self.settings().value(Key::TelegramBotToken);
        let from = wanted.as_ref().map(|token| fingerprint(&[token.expose_secret()]));
        let mut made_from = self.live().bot_made_from.write().unwrap_or_else(PoisonError::into_inner);
        if *made_from == from {
            return;
        }
        let bot = wanted.zip(self.http()).and_then(|(token, http)| {
            usable("the bot", BotClient::new(&self.options().telegram_api_url, token, http.clone()))
        });
        *made_from = from;
        self.live().bot.send_replace(bot);
    }

    /// Returns when a change of settings was told, or the connection that it would be told on is lost.
    pub(crate) async fn settings_were_changed(listener: &mut PgListener) -> Result<(), StoreError> {
        listener.recv().await?;
        Ok(())
    }

    /// Listens for changes of settings.
    pub(crate) async fn listen_for_settings(&self) -> Result<PgListener, StoreError> {
        let mut listener = PgListener::connect_with(self.db()).await?;
        listener.listen(CHANNEL).await?;
        Ok(listener)
    }
}

fn fingerprint(parts: &[&str]) -> [u8; 32] {
    crypto::fingerprint::sha256(parts.join("\n").as_bytes())
}

fn usable<T, E: Error + 'static>(peer: &'static str, made: Result<T, E>) -> Option<T> {
    made.inspect_err(|error| {
        tracing::error!(setting.peer = peer, error = error as &dyn Error, "a setting cannot be used");
    })
    .ok()
}
