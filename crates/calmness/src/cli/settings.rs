//! `settings list`, `set`, `delete`, `history` and `cancel`.

use std::process::ExitCode;

use application::settings::{Changed, Key};
use application::{App, Context};
use clap::Subcommand;
use secrecy::SecretString;

use super::Outcome;
use crate::config::Config;
use crate::terminal;
use crate::wiring::{self, ClockKind};

const ON_THE_COMMAND_LINE: &str = "on the command line";

/// The operator's encrypted settings.
#[derive(Subcommand)]
pub(super) enum SettingsCommand {
    /// Tell which settings there are, which are set and from where; values are never shown
    List,
    /// Set a value; every instance takes it over within seconds. A receiving address that replaces another one becomes
    /// valid after its cooling time, and all admins are told
    Set {
        /// One of those that `settings list` tells
        key: Key,
        /// The value; `-` reads it from standard input, so that no secret stands on a command line
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// Why; kept, and told to the admins
        #[arg(long, default_value = ON_THE_COMMAND_LINE)]
        reason: String,
        /// Without the cooling time of a receiving address: money goes there from now on
        #[arg(long)]
        now: bool,
    },
    /// Delete a value; its versions are kept
    Delete {
        /// One of those that `settings list` tells
        key: Key,
        /// Why; kept
        #[arg(long, default_value = ON_THE_COMMAND_LINE)]
        reason: String,
    },
    /// Tell which versions a setting had; fingerprints tell them apart
    History {
        /// One of those that `settings list` tells
        key: Key,
    },
    /// Cancel a receiving address that waits for the end of its cooling time
    Cancel {
        /// One of those that `settings list` tells
        key: Key,
        /// Why; kept, and told to the admins
        #[arg(long, default_value = ON_THE_COMMAND_LINE)]
        reason: String,
    },
}

pub(super) async fn settings(config: &Config, command: SettingsCommand) -> Outcome {
    // A cooling time runs by the sandbox's clock where there is one.
    let clock = if config.sandbox { ClockKind::Sandbox } else { ClockKind::System };
    let app = wiring::wire(config, clock).await?.app;
    let context = Context::operator();
    match command {
        SettingsCommand::List => list(&app).await?,
        SettingsCommand::Set { key, value, reason, now } => {
            let value = if value == "-" { std::io::read_to_string(std::io::stdin())? } else { value };
            set(&app, key, value.trim(), &reason, now).await?;
        }
        SettingsCommand::Delete { key, reason } => {
            app.delete_setting(&context, key, &reason).await?;
            terminal::say(&format!("{} is deleted", key.as_str()));
        }
        SettingsCommand::History { key } => history(&app, key).await?,
        SettingsCommand::Cancel { key, reason } => {
            app.cancel_cooling(&context, key, &reason).await?;
            terminal::say(&format!("{} stays as it is", key.as_str()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

type Done = Result<(), Box<dyn std::error::Error + Send + Sync>>;

async fn list(app: &App) -> Done {
    for view in app.setting_views().await? {
        let state = if app.settings().is_set(view.key) { "set" } else { "not set" };
        let source = view.source.as_str();
        let cooling = view.cooling.map(|cooling| format!(" [another one from {}]", cooling.active_from));
        terminal::say(&format!(
            "{:<24} {state:<8} {source:<12} {}{}",
            view.key.as_str(),
            view.key.description(),
            cooling.unwrap_or_default()
        ));
    }
    Ok(())
}

async fn set(app: &App, key: Key, value: &str, reason: &str, now: bool) -> Done {
    let context = Context::operator();
    if now {
        tracing::warn!(setting.key = key.as_str(), "set at once, without a cooling time");
        app.set_setting(&context, key, value).await?;
        terminal::say(&format!("{} is set", key.as_str()));
        return Ok(());
    }
    let said = match app.change_setting(&context, key, &SecretString::from(value), reason).await? {
        Changed::Applied { .. } => format!("{} is set", key.as_str()),
        Changed::Cooling { active_from } => format!(
            "{} becomes valid at {active_from}; until then `calmness settings cancel {0}` stops it",
            key.as_str()
        ),
        Changed::Pending(asked) => format!("it waits for its second confirmation: {}", asked.id),
    };
    terminal::say(&said);
    Ok(())
}

async fn history(app: &App, key: Key) -> Done {
    for version in app.setting_history(key).await? {
        let fingerprint = version.fingerprint.as_deref().unwrap_or("deleted");
        let by = version.actor_id.unwrap_or_default();
        terminal::say(&format!(
            "{:>4} {} {fingerprint:<16} {} {by} {}",
            version.version, version.set_at, version.actor_kind, version.reason
        ));
    }
    Ok(())
}
