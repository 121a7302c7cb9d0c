//! Everything that the use cases need, wired once at start.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crypto::random::Random;
use domain::plan::ChannelKey;
use domain::removal::Fuse;
use domain::time::Now;
use gateways::WallClock;
use gateways::http::HttpClient;
use gateways::payments::PaymentProvider;
use sqlx::PgPool;
use tokio::sync::watch;

use crate::billing::catalogue::Catalogue;
use crate::billing::connectors::Connectors;
use crate::billing::refusals::Refusals;
use crate::clock::Clock;
use crate::identity::passwords::Passwords;
use crate::identity::revocations::Revocations;
use crate::identity::{SmsService, Turns};
use crate::keys::Keys;
use crate::retention::Policy;
use crate::settings::{FixedSettings, Live, Settings};
use crate::text::Locale;
use crate::tx::StoreError;

/// What an operator decides about the product as a whole.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where people reach the product, without a trailing slash; every mailed link starts with it.
    pub public_url: String,
    /// The sender's name in mails and on pages.
    pub company_name: String,
    /// The language of people who have not chosen one.
    pub default_locale: Locale,
    /// How long a quote can be paid.
    pub quote_lifetime: Duration,
    /// The channel that is sold when a request names none.
    pub default_channel: ChannelKey,
    /// The bot's name, for deep links; asked from Telegram at start when none is configured.
    pub telegram_bot_username: Option<String>,
    /// How many unforeseen removals a channel takes without a question.
    pub removal_fuse: Fuse,
    /// For how long what is kept is kept.
    pub retention: Policy,
    /// Where heads of the audit chain are kept, besides the log.
    pub audit_anchor_file: Option<std::path::PathBuf>,
    /// Where the Bot API is.
    pub telegram_api_url: String,
    /// What the configuration gives of the settings: it wins over an admin's.
    pub fixed_settings: FixedSettings,
}

/// The peers outside. What is not set up is absent, and what is owed to it waits.
#[derive(Default)]
pub struct Peers {
    /// Payment providers that the configuration names.
    pub providers: Vec<Arc<dyn PaymentProvider>>,
    /// The way out to the providers that the operator's settings name.
    pub http: Option<HttpClient>,
    /// Who sends messages to telephones.
    pub sms: Option<SmsService>,
}

/// The product.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    db: PgPool,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    keys: Keys,
    options: Options,
    peers: Peers,
    passwords: Passwords,
    revocations: Revocations,
    catalogue: Catalogue,
    settings: Settings,
    refusals: Refusals,
    connectors: Connectors,
    turns: Turns,
    live: Live,
    bot_username: RwLock<Option<Arc<str>>>,
    wake: watch::Sender<()>,
}

impl App {
    /// Wires the product over a migrated database, and loads what is kept in memory: plans, settings, revocations.
    pub async fn start(
        db: PgPool,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        keys: Keys,
        passwords: Passwords,
        options: Options,
        peers: Peers,
    ) -> Result<Self, StoreError> {
        let app = Self(Arc::new(Parts {
            catalogue: Catalogue::load(&db).await?,
            settings: Settings::load(&db, &keys, options.fixed_settings.clone()).await?,
            revocations: Revocations::load(&db, clock.wall()).await?,
            refusals: Refusals::default(),
            connectors: Connectors::default(),
            turns: Turns::default(),
            live: Live::default(),
            bot_username: RwLock::default(),
            wake: watch::Sender::new(()),
            db,
            clock,
            random,
            keys,
            options,
            peers,
            passwords,
        }));
        app.reconnect();
        if let Some(name) = &app.options().telegram_bot_username {
            app.learn_bot_username(name);
        }
        Ok(app)
    }

    /// The pool of the service's own database role.
    pub fn db(&self) -> &PgPool {
        &self.0.db
    }

    /// The injected clock.
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// Both clocks, now.
    pub async fn now(&self) -> Result<Now, StoreError> {
        self.0.clock.now().await
    }

    /// The injected randomness.
    pub fn random(&self) -> &Arc<dyn Random> {
        &self.0.random
    }

    /// Keys in memory.
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// What the operator decided.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// The mail server and the bot, as the settings name them now.
    pub(crate) fn live(&self) -> &Live {
        &self.0.live
    }

    /// Who sends messages to telephones, if anybody is set up to.
    pub fn sms(&self) -> Option<&SmsService> {
        self.0.peers.sms.as_ref()
    }

    pub(crate) fn turns(&self) -> &Turns {
        &self.0.turns
    }

    /// Every payment provider that is set up: those of the configuration, then those of the operator's settings.
    pub fn providers(&self) -> Vec<Arc<dyn PaymentProvider>> {
        let configured = &self.0.peers.providers;
        let others = self.0.connectors.all().into_iter();
        let others = others.filter(|other| configured.iter().all(|known| known.code() != other.code()));
        configured.iter().cloned().chain(others).collect()
    }

    /// The payment provider of this code.
    pub fn provider(&self, code: &str) -> Option<Arc<dyn PaymentProvider>> {
        let configured = self.0.peers.providers.iter().find(|provider| provider.code() == code);
        configured.cloned().or_else(|| self.0.connectors.get(code))
    }

    pub(crate) fn connectors(&self) -> &Connectors {
        &self.0.connectors
    }

    /// The way out to the providers that the operator's settings name.
    pub(crate) fn http(&self) -> Option<&HttpClient> {
        self.0.peers.http.as_ref()
    }

    /// The clock as those outside are given it.
    pub(crate) fn wall_clock(&self) -> WallClock {
        let clock = Arc::clone(&self.0.clock);
        Arc::new(move || clock.wall())
    }

    /// Password hashing behind its queue.
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// Sessions that ended before their access tokens did.
    pub fn revocations(&self) -> &Revocations {
        &self.0.revocations
    }

    /// Plans and prices in memory.
    pub fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    /// The operator's encrypted settings in memory.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Counts of refused callbacks.
    pub fn refusals(&self) -> &Refusals {
        &self.0.refusals
    }

    /// The bot's name, once known.
    pub fn bot_username(&self) -> Option<Arc<str>> {
        self.0.bot_username.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers the bot's name.
    pub fn learn_bot_username(&self, name: &str) {
        let name = Arc::from(name.trim_start_matches('@'));
        *self.0.bot_username.write().unwrap_or_else(PoisonError::into_inner) = Some(name);
    }

    /// Work was owed and committed: look at once instead of at the next poll.
    pub fn wake_workers(&self) {
        self.0.wake.send_replace(());
    }

    /// Tells each of its holders when work was owed in this process.
    pub fn work_owed(&self) -> watch::Receiver<()> {
        self.0.wake.subscribe()
    }
}
