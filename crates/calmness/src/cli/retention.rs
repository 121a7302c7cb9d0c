//! `retention run`.

use std::process::ExitCode;

use application::Context;
use application::retention::CLASSES;
use clap::Subcommand;

use super::Outcome;
use crate::config::Config;
use crate::terminal;
use crate::wiring::{self, ClockKind};

/// How long what is kept is kept.
#[derive(Subcommand)]
pub(super) enum RetentionCommand {
    /// Forget what has had its time; `serve` does so by itself once a day
    Run {
        /// Only tell how much would go
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) async fn retention(config: &Config, command: RetentionCommand) -> Outcome {
    let RetentionCommand::Run { dry_run } = command;
    let clock = if config.sandbox { ClockKind::Sandbox } else { ClockKind::System };
    let app = wiring::wire(config, clock).await?.app;
    let counts =
        if dry_run { app.retention_counts().await? } else { app.run_retention(&Context::operator()).await? };
    for class in CLASSES {
        let days = match app.options().retention.days(class) {
            Some(days) => format!("{days} days"),
            None => "for ever".to_owned(),
        };
        let rows = counts.get(class.name).copied().unwrap_or(0);
        let verb = if dry_run { "would go" } else { "gone" };
        terminal::say(&format!("{:<20} {days:>10}  {rows:>8} {verb}  {}", class.name, class.what));
    }
    Ok(ExitCode::SUCCESS)
}
