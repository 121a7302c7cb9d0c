//! `webhook list` and `webhook replay`.

use std::process::ExitCode;

use application::Context;
use application::billing::EventFilter;
use clap::Subcommand;
use domain::ids::WebhookEventId;

use super::Outcome;
use crate::config::Config;
use crate::terminal;
use crate::wiring::{self, ClockKind};

/// What callbacks of payment providers told.
#[derive(Subcommand)]
pub(super) enum WebhookCommand {
    /// Tell which callbacks were kept, the newest first; their bodies stay sealed
    List {
        /// Only those of this provider
        #[arg(long)]
        provider: Option<String>,
        /// Only those that came to this: applied, already_applied, ignored, hinted or quarantined
        #[arg(long)]
        outcome: Option<String>,
        /// How many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
    },
    /// Process a kept callback again, as if it came now
    Replay {
        /// Its id, as `webhook list` shows it
        id: WebhookEventId,
    },
}

pub(super) async fn webhook(config: &Config, command: WebhookCommand) -> Outcome {
    let app = wiring::wire(config, ClockKind::System).await?.app;
    match command {
        WebhookCommand::List { provider, outcome, limit } => {
            let filter = EventFilter { provider, outcome, ..EventFilter::default() };
            let events = app.webhook_events(&filter, None, limit).await?;
            for event in events {
                let payment = event.payment.map_or_else(|| "-".to_owned(), |id| id.to_string());
                terminal::say(&format!(
                    "{} {} {:<16} {:<36} {:<15} {}",
                    event.id, event.received_at, event.provider, event.event_type, event.outcome, payment
                ));
            }
        }
        WebhookCommand::Replay { id } => {
            let outcome = app.replay_event(&Context::operator(), None, id, "on the command line").await?;
            terminal::say(&format!("{id}: {outcome}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}
