//! `removals list`, `removals confirm` and `removals reject`.

use std::process::ExitCode;

use application::Context;
use application::access::{RemovalDecision, RemovalHold};
use clap::{Args, Subcommand};
use domain::ids::RemovalHoldId;

use super::Outcome;
use crate::config::Config;
use crate::terminal;
use crate::wiring::{self, ClockKind};

/// Removals that nobody could foresee and that wait for an admin.
#[derive(Subcommand)]
pub(super) enum RemovalsCommand {
    /// Tell which lists wait, who is on them and why
    List,
    /// Remove everybody on a list who is still not wanted in the channel
    Confirm(Decision),
    /// Let everybody on a list stay, until something about them changes
    Reject(Decision),
}

/// Which list, as it was seen.
#[derive(Args)]
pub(super) struct Decision {
    /// Its id, as `removals list` shows it
    list: RemovalHoldId,
    /// Its version, as `removals list` shows it: a list that has changed since is not decided upon
    #[arg(long = "seen-version")]
    version: i32,
}

pub(super) async fn removals(config: &Config, command: RemovalsCommand) -> Outcome {
    let clock = if config.sandbox { ClockKind::Sandbox } else { ClockKind::System };
    let app = wiring::wire(config, clock).await?.app;
    let (wanted, decision) = match command {
        RemovalsCommand::List => {
            let holds = app.removal_holds().await?;
            if holds.is_empty() {
                terminal::say("no removals wait");
            }
            holds.iter().for_each(tell);
            return Ok(ExitCode::SUCCESS);
        }
        RemovalsCommand::Confirm(decision) => (RemovalDecision::Confirm, decision),
        RemovalsCommand::Reject(decision) => (RemovalDecision::Reject, decision),
    };
    let Decision { list, version } = decision;
    let people = app.decide_removals(&Context::operator(), list, version, wanted).await?;
    terminal::say(&match wanted {
        RemovalDecision::Confirm => format!("{people} removals are owed; a running worker does them"),
        RemovalDecision::Reject => format!("{people} people stay until something about them changes"),
    });
    Ok(ExitCode::SUCCESS)
}

fn tell(hold: &RemovalHold) {
    terminal::say(&format!(
        "list {} of {}: {} people since {}, version {}",
        hold.id,
        hold.channel,
        hold.people.len(),
        hold.opened_at,
        hold.version
    ));
    for held in &hold.people {
        let user = held.user.map_or_else(|| "-".to_owned(), |user| user.to_string());
        let (account, reason) = (held.telegram_user_id, held.reason.as_str());
        terminal::say(&format!("    {account:<14} {user:<36} {reason:<16} {}", held.held_at));
    }
}
