//! What time alone brings up: sweeps every minute, and what is kept in memory read again.

use std::error::Error;
use std::time::Duration as StdDuration;

use domain::time::{Duration, Now};
use tokio_util::sync::CancellationToken;

use crate::access::ClockWatch;
use crate::app::App;
use crate::database::Lent;
use crate::tx::StoreError;

/// How often memory is compared with the database: plans, prices, settings.
pub const REFRESH: StdDuration = StdDuration::from_secs(2);
/// How long that may take.
const REFRESH_LIMIT: StdDuration = StdDuration::from_secs(5);
/// How often the sweeps run (wall time): well within the minute in which an end must have been acted upon.
const SWEEP_EVERY: Duration = Duration::seconds(15);
/// How often the sweeper looks whether it is time.
const TICK: StdDuration = StdDuration::from_millis(250);
/// How often memberships that nobody owes are compared with what is wanted (wall time).
const HEAL_EVERY: Duration = Duration::minutes(10);
/// How often what may be forgotten is forgotten (wall time).
const RETENTION_EVERY: Duration = Duration::hours(1);

pub(super) async fn run(app: App, stop: CancellationToken) {
    let mut last_sweep: Option<Now> = None;
    let mut last_heal: Option<Now> = None;
    let mut last_retention: Option<Now> = None;
    let mut clocks = ClockWatch::default();
    loop {
        // A leap of the clock is known before anything ends in it.
        let looked = clocks.look(&app).await;
        let swept = match looked {
            Ok(()) => sweep_if_due(&app, &mut last_sweep, &mut last_heal, &mut last_retention).await,
            Err(error) => Err(error),
        };
        match swept {
            Ok(()) => {}
            Err(error) => tracing::error!(error = &error as &dyn Error, "a sweep failed and comes back"),
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(TICK) => {}
        }
    }
    if let Err(error) = app.flush_refusals(true).await {
        tracing::error!(error = &error as &dyn Error, "counts of refused callbacks were lost");
    }
}

async fn sweep_if_due(
    app: &App,
    last: &mut Option<Now>,
    heal: &mut Option<Now>,
    retention: &mut Option<Now>,
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
        app.watch_removals().await?;
        let swept = app.sweep_subscriptions().await?;
        app.erase_due().await?;
        app.expire_approvals().await?;
        app.warn_of_ending_keys().await?;
        *last = Some(now);
        app.wake_workers();
        if swept.ended + swept.reminded > 0 {
            tracing::info!(sweep.ended = swept.ended, sweep.reminded = swept.reminded, "swept");
        }
    }
    if over(retention, RETENTION_EVERY) {
        app.forget_expired_registrations().await?;
        app.forget_expired_link_tokens().await?;
        app.forget_ended_sessions().await?;
        app.forget_old_identity().await?;
        app.rotate_jwt_key_when_due().await?;
        *retention = Some(now);
    }
    Ok(())
}

impl App {
    /// Keeps what is in memory equal to the database, for as long as the process serves.
    pub async fn keep_memory_fresh(&self) {
        let mut ticks = tokio::time::interval(REFRESH);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
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
        self.reconnect_providers();
        Ok(())
    }
}
