//! What time alone brings up: sweeps every minute, and what is kept in memory read again.

use std::error::Error;
use std::time::Duration as StdDuration;

use domain::time::{Duration, Now};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::access::ClockWatch;
use crate::app::App;
use crate::database::Lent;
use crate::tx::StoreError;

/// How often memory is compared with the database: plans, prices, settings.
pub const REFRESH: StdDuration = StdDuration::from_secs(2);
/// How long that may take.
const REFRESH_LIMIT: StdDuration = StdDuration::from_secs(5);
/// How often the key service is asked whether it still opens what it wrapped.
const LOOK_AT_KEY_SERVICE: StdDuration = StdDuration::from_mins(1);
/// When listening for changes of settings is tried again.
const LISTEN_AGAIN: StdDuration = StdDuration::from_secs(10);
/// How often the sweeps run (wall time): well within the minute in which an end must have been acted upon.
const SWEEP_EVERY: Duration = Duration::seconds(15);
/// How often the sweeper looks whether it is time.
const TICK: StdDuration = StdDuration::from_millis(250);
/// How often memberships that nobody owes are compared with what is wanted (wall time).
const HEAL_EVERY: Duration = Duration::minutes(10);
/// How often the invariants are asked of the database (wall time).
const EXAMINE_EVERY: Duration = Duration::hours(1);
/// How often the sweeper looks whether a day's forgetting is due, or a key's rotation (wall time).
const RETENTION_EVERY: Duration = Duration::hours(1);

pub(super) async fn run(app: App, stop: CancellationToken) {
    let mut last_sweep: Option<Now> = None;
    let mut last_heal: Option<Now> = None;
    let mut last_retention: Option<Now> = None;
    let mut housekeeping = JoinSet::new();
    let mut clocks = ClockWatch::default();
    // Whoever starts the product runs the doctor by themselves: the first examination is an hour away.
    let mut last_examination = app.clock().wall();
    loop {
        // A leap of the clock is known before anything ends in it.
        let looked = clocks.look(&app).await;
        let swept = match looked {
            Ok(()) => {
                let (sweep, heal, retention) = (&mut last_sweep, &mut last_heal, &mut last_retention);
                sweep_if_due(&app, sweep, heal, retention, &mut housekeeping).await
            }
            Err(error) => Err(error),
        };
        match swept {
            Ok(()) => {}
            Err(error) => tracing::error!(error = &error as &dyn Error, "a sweep failed and comes back"),
        }
        if app.clock().wall() - last_examination >= EXAMINE_EVERY {
            last_examination = app.clock().wall();
            if let Err(error) = app.raise_broken_invariants().await {
                tracing::error!(error = &error as &dyn Error, "the invariants could not be examined");
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(TICK) => {}
        }
    }
    housekeeping.shutdown().await;
    if let Err(error) = app.flush_refusals(true).await {
        tracing::error!(error = &error as &dyn Error, "counts of refused callbacks were lost");
    }
}

async fn sweep_if_due(
    app: &App,
    last: &mut Option<Now>,
    heal: &mut Option<Now>,
    retention: &mut Option<Now>,
    housekeeping: &mut JoinSet<()>,
) -> Result<(), StoreError> {
    app.flush_refusals(false).await?;
    let now = app.now().await?;
    let over = |last: &Option<Now>, every: Duration| last.is_none_or(|last| now.wall - last.wall >= every);
    // A moved business clock is not waited upon.
    let moved =
        last.is_some_and(|last| (now.business - now.wall) - (last.business - last.wall) >= Duration::SECOND);
    if moved || over(heal, HEAL_EVERY) {
        app.heal_memberships().await?;
        *heal = Some(now);
    }
    if moved || over(last, SWEEP_EVERY) {
        let swept = app.sweep_subscriptions().await?;
        *last = Some(now);
        // None of these keeps the others, or the next ends, waiting.
        told("removals", app.watch_removals().await);
        told("erasures", app.erase_due().await);
        told("approvals", app.expire_approvals().await);
        told("cooled settings", app.activate_cooled().await);
        told("ending keys", app.warn_of_ending_keys().await);
        app.wake_workers();
        if swept.ended + swept.reminded > 0 {
            tracing::info!(sweep.ended = swept.ended, sweep.reminded = swept.reminded, "swept");
        }
    }
    if over(retention, RETENTION_EVERY) {
        *retention = Some(now);
        let app = app.clone();
        // It may take minutes, in which people's time ends.
        housekeeping.spawn(async move {
            told("retention", app.run_retention_if_due().await);
            told("keys of access tokens", app.rotate_jwt_key_when_due().await);
            told("data keys", app.rotate_data_key_when_due().await);
        });
    }
    Ok(())
}

/// A part of a sweep that failed comes back with the next one.
fn told<T, E: Error + 'static>(part: &str, done: Result<T, E>) {
    if let Err(error) = done {
        tracing::error!(
            sweep.part = part,
            error = &error as &dyn Error,
            "a part of a sweep failed and comes back"
        );
    }
}

impl App {
    /// Keeps what is in memory equal to the database, for as long as the process serves: looks every two seconds, and at
    /// once where a change of settings is told.
    pub async fn keep_memory_fresh(&self) {
        let told = Notify::new();
        tokio::join!(
            self.refresh_often(&told),
            self.listen(&told),
            self.keep_data_keys_fresh(),
            self.watch_key_service()
        );
    }

    async fn keep_data_keys_fresh(&self) {
        let mut ticks = tokio::time::interval(REFRESH);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.refresh_data_keys().await {
                tracing::warn!(error = &error as &dyn Error, "the data keys could not be read again");
            }
        }
    }

    async fn watch_key_service(&self) {
        let mut ticks = tokio::time::interval(LOOK_AT_KEY_SERVICE);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.look_at_key_service().await {
                tracing::warn!(error = &error as &dyn Error, "the key service could not be looked at");
            }
        }
    }

    /// Waits for changes of settings to be told. The product is right without: it looks often enough.
    async fn listen(&self, told: &Notify) {
        loop {
            match self.listen_for_settings().await {
                Ok(mut listener) => {
                    while Self::settings_were_changed(&mut listener).await.is_ok() {
                        told.notify_one();
                    }
                }
                Err(error) => {
                    tracing::debug!(error = &error as &dyn Error, "changes of settings are not heard");
                }
            }
            tokio::time::sleep(LISTEN_AGAIN).await;
        }
    }

    async fn refresh_often(&self, told: &Notify) {
        let mut ticks = tokio::time::interval(REFRESH);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = told.notified() => {}
            }
            match tokio::time::timeout(REFRESH_LIMIT, self.refresh_memory()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(error = &error as &dyn Error, "settings or plans could not be read again");
                }
                Err(_) => tracing::warn!("settings or plans could not be read again in time"),
            }
        }
    }

    async fn refresh_memory(&self) -> Result<(), StoreError> {
        let mut lent = Lent::until(self.db(), tokio::time::Instant::now() + REFRESH_LIMIT).await?;
        self.settings().reload(lent.db(), self.keys()).await?;
        self.catalogue().reload(lent.db()).await?;
        lent.give_back();
        self.reconnect();
        Ok(())
    }
}
