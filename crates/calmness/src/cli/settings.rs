//! `settings list` and `settings set`.

use std::process::ExitCode;

use application::Context;
use application::settings::Key;
use clap::Subcommand;

use super::Outcome;
use crate::config::Config;
use crate::terminal;
use crate::wiring::{self, ClockKind};

/// The operator's encrypted settings.
#[derive(Subcommand)]
pub(super) enum SettingsCommand {
    /// Tell which settings there are and which are set; values are never shown
    List,
    /// Set a value; every instance takes it over within seconds
    Set {
        /// One of those that `settings list` tells
        key: Key,
        /// The value; `-` reads it from standard input, so that no secret stands on a command line
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
}

pub(super) async fn settings(config: &Config, command: SettingsCommand) -> Outcome {
    let app = wiring::wire(config, ClockKind::System).await?.app;
    match command {
        SettingsCommand::List => {
            for key in Key::ALL {
                let state = if app.settings().is_set(key) { "set" } else { "not set" };
                terminal::say(&format!("{:<24} {state:<8} {}", key.as_str(), key.description()));
            }
        }
        SettingsCommand::Set { key, value } => {
            let value = if value == "-" { std::io::read_to_string(std::io::stdin())? } else { value };
            let value = value.trim();
            app.set_setting(&Context::operator(), key, value).await?;
            terminal::say(&format!("{} is set", key.as_str()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
