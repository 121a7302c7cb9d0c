//! `rehearse`: the whole story of the product, played by itself on a world of its own.
//!
//! A rehearsal starts a demo in a folder that it throws away ([`world`]), does what people do over HTTP ([`people`]),
//! orders faults from the simulated peers and kills the product's process. [`acts`] tell the story in steps, each of
//! which is told as it happens ([`report`]). At the end the invariants of the domain are asked, those of the database
//! and those that only the outside can tell ([`verdict`]).

mod acts;
mod authenticator;
mod http;
mod operators;
mod people;
mod report;
mod verdict;
mod world;

use std::io;

use thiserror::Error;

use self::report::Report;
use self::world::World;
use crate::demo::{self, DemoError};
use crate::server;

/// Why a rehearsal could not be played, or not to its end.
#[derive(Debug, Error)]
pub enum RehearsalError {
    /// The world could not start or stop.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    Client(#[source] reqwest::Error),
    /// The log could not be kept.
    #[error("the product's log could not be kept")]
    Folder(#[source] io::Error),
    /// Signals could not be listened for.
    #[error("signals could not be listened for")]
    Signals(#[source] io::Error),
    /// Ctrl-C, or asked to stop.
    #[error("stopped before the end")]
    Stopped,
}

/// Plays everything, telling it on standard output; with `json` a line for each step and one for the end. `seed`
/// decides what is left to chance. Says whether all was as it should be.
pub async fn play(json: bool, seed: Option<u64>) -> Result<bool, RehearsalError> {
    let stop = server::stop_on_signals().map_err(RehearsalError::Signals)?;
    let mut report = Report::new(json);
    let folder = world::fresh_folder();
    let starting = World::start(&folder, seed);
    let mut world = tokio::select! {
        started = starting => started?,
        () = stop.cancelled() => {
            demo::forget(&folder).await?;
            return Err(RehearsalError::Stopped);
        }
    };
    let played = tokio::select! {
        ok = perform(&mut world, &mut report) => Some(ok),
        () = stop.cancelled() => None,
    };
    let log = world.kept_log();
    world.stop((played == Some(false)).then_some(&log)).await?;
    played.ok_or(RehearsalError::Stopped)
}

async fn perform(world: &mut World, report: &mut Report) -> bool {
    acts::month::play(world, report).await;
    acts::money::play(world, report).await;
    acts::power_cut::play(world, report).await;
    acts::peers::play(world, report).await;
    acts::attack::play(world, report).await;
    acts::providers::play(world, report).await;
    acts::operators_day::play(world, report).await;
    let examined = verdict::examine(world, report).await.ok();
    report.end(examined.as_deref(), &world.kept_log())
}
