//! `keys list` and `keys rotate`.

use std::process::ExitCode;

use application::Context;
use clap::{Subcommand, ValueEnum};
use time::format_description::well_known::Rfc3339;

use super::Outcome;
use crate::config::Config;
use crate::terminal;
use crate::wiring::{self, ClockKind};

/// Keys.
#[derive(Subcommand)]
pub(super) enum KeysCommand {
    /// Tell which keys sign access tokens, by their names; keys themselves are never shown
    List,
    /// Make the next key; every instance takes it over within seconds
    Rotate {
        /// Which
        purpose: Purpose,
        /// Earlier keys are worth nothing from this second on: everybody exchanges their refresh token
        #[arg(long)]
        emergency: bool,
    },
}

/// What a key is for.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Purpose {
    /// Signs access tokens
    Jwt,
}

pub(super) async fn keys(config: &Config, command: KeysCommand) -> Outcome {
    let app = wiring::wire(config, ClockKind::System).await?.app;
    match command {
        KeysCommand::List => {
            for key in app.jwt_keys().await? {
                let state = match key.revoked_at {
                    Some(at) => format!("revoked {}", at.format(&Rfc3339)?),
                    None => format!("signs from {}", key.signs_from.format(&Rfc3339)?),
                };
                terminal::say(&format!("jwt  {}  {state}", key.kid));
            }
        }
        KeysCommand::Rotate { purpose: Purpose::Jwt, emergency } => {
            let kid = app.rotate_jwt_key(&Context::operator(), emergency).await?;
            let (when, earlier) = if emergency {
                ("from now on", "are worth nothing any more")
            } else {
                ("in a few seconds", "are believed for 30 minutes after that")
            };
            terminal::say(&format!("{kid} signs access tokens {when}; tokens of earlier keys {earlier}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}
