//! The one place that knows every peer: their states, the clock, the faults and the log.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use time::OffsetDateTime;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::{self, BusinessClock},
    config::{Config, Error},
    faults::Faults,
    log::Log,
    mail::mailbox::Mailbox,
    problem::Problem,
    psp::{ledger::Ledger, webhooks::Queues},
    shared::Shared,
    sms::inbox::Inbox,
    snapshot,
    telegram::{self, updates::Bell},
};

/// How long the product may take to answer a webhook.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) http_addr: SocketAddr,
    pub(crate) smtp_addr: SocketAddr,
    pub(crate) clock: Arc<dyn BusinessClock>,
    pub(crate) log: Log,
    pub(crate) faults: Faults,
    pub(crate) ledger: Shared<Ledger>,
    pub(crate) queues: Queues,
    pub(crate) telegram: Shared<telegram::state::State>,
    /// Rings when an update was queued or a conversation grew.
    pub(crate) bell: Bell,
    pub(crate) mailbox: Shared<Mailbox>,
    pub(crate) sms: Shared<Inbox>,
    /// Sends webhooks of the payment service, of Telegram and of Twilio.
    pub(crate) client: reqwest::Client,
    /// The tasks that deliver the payment service's events and take messages to their phones.
    pub(crate) couriers: TaskTracker,
    pub(crate) stop: CancellationToken,
    /// Counts changes worth keeping; the snapshot is written when it moved.
    changes: AtomicU64,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("config", &self.config).finish_non_exhaustive()
    }
}

impl World {
    pub(crate) async fn open(
        config: Config,
        clock: Arc<dyn BusinessClock>,
        http_addr: SocketAddr,
        smtp_addr: SocketAddr,
    ) -> Result<Arc<Self>, Error> {
        let kept = snapshot::read(config.state_file.as_deref()).await?;
        let wall = clock.wall();
        let telegram = telegram::state::State::open(kept.telegram, &config.telegram, wall);
        Ok(Arc::new(Self {
            client: http_client()?,
            config,
            http_addr,
            smtp_addr,
            clock,
            log: Log::default(),
            faults: Faults::default(),
            ledger: Shared::new(kept.ledger),
            queues: Queues::default(),
            telegram: Shared::new(telegram),
            bell: Bell::default(),
            mailbox: Shared::new(kept.mailbox),
            sms: Shared::new(kept.sms),
            couriers: TaskTracker::new(),
            stop: CancellationToken::new(),
            changes: AtomicU64::new(0),
        }))
    }

    pub(crate) fn wall(&self) -> OffsetDateTime {
        microseconds(self.clock.wall())
    }

    pub(crate) async fn business_now(&self) -> Result<OffsetDateTime, Problem> {
        self.clock.now().await.map(microseconds).map_err(|error| clock::unavailable(&error))
    }

    /// Notes in the log what happened just now.
    pub(crate) fn record(&self, kind: &'static str, data: Value) {
        self.log.record(self.wall(), kind, data);
    }

    /// Says that something worth keeping changed.
    pub(crate) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Waits, unless the sandbox stops first; tells whether the time passed.
    pub(crate) async fn sleep(&self, duration: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(duration) => true,
            () = self.stop.cancelled() => false,
        }
    }
}

/// Instants carry microseconds here, as the product's do.
fn microseconds(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_microsecond(at.microsecond()).unwrap_or(at)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox's one HTTP client, with its time-out; it may not use the product's"
)]
fn http_client() -> Result<reqwest::Client, Error> {
    reqwest::Client::builder()
        .timeout(WEBHOOK_TIMEOUT)
        .connect_timeout(Duration::from_secs(2))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent("calmness-sandbox")
        .build()
        .map_err(Error::Client)
}
