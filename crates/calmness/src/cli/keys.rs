//! `keys`: what there is, the next ones, and moving everything under them.

mod rewrap;
mod status;

use std::process::ExitCode;

use application::{App, Context};
use clap::{Subcommand, ValueEnum};
use crypto::envelope::Rotation;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::Outcome;
use crate::config::Config;
use crate::terminal;
use crate::wiring::{self, ClockKind};

/// Keys.
#[derive(Subcommand)]
pub(super) enum KeysCommand {
    /// Tell which keys sign access tokens, by their names; keys themselves are never shown
    List,
    /// Tell every key by what it is for, who wraps the data keys, and how many values are under each
    Status {
        /// Do not count the values: a count reads every encrypted column
        #[arg(long)]
        no_count: bool,
        /// One JSON document instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Make the next key; every instance takes it over within seconds
    Rotate {
        /// Which
        purpose: Purpose,
        /// Of access tokens: earlier keys are worth nothing from this second on: everybody exchanges their refresh token
        #[arg(long)]
        emergency: bool,
    },
    /// Move everything under the newest keys while the product serves; can be interrupted and run again
    Rewrap {
        /// Only the data keys under the key service's key, or only the values under the newest data key [default: both]
        layer: Option<Layer>,
    },
    /// Destroy a data key that nothing is under any more
    Revoke {
        /// Its name, as `keys status` tells it
        data_key: Uuid,
    },
}

/// What a key is for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Purpose {
    /// Signs access tokens
    Jwt,
    /// Encrypts what is stored
    Data,
    /// Wraps the data keys
    Kek,
}

/// What is moved.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Layer {
    /// Data keys, under the current key-encryption key
    Kek,
    /// Every encrypted value, under the newest data key
    Values,
}

pub(super) async fn keys(config: &Config, command: KeysCommand) -> Outcome {
    let app = wiring::wire(config, ClockKind::System).await?.app;
    match command {
        KeysCommand::List => list(&app).await,
        KeysCommand::Status { no_count, json } => status::status(&app, !no_count, json).await,
        KeysCommand::Rotate { purpose, emergency } if emergency && purpose != Purpose::Jwt => {
            Err("--emergency is for the keys of access tokens".into())
        }
        KeysCommand::Rotate { purpose: Purpose::Jwt, emergency } => rotate_jwt(&app, emergency).await,
        KeysCommand::Rotate { purpose: Purpose::Data, .. } => rotate_data(&app).await,
        KeysCommand::Rotate { purpose: Purpose::Kek, .. } => rotate_kek(&app).await,
        KeysCommand::Rewrap { layer } => rewrap::rewrap(&app, layer).await,
        KeysCommand::Revoke { data_key } => {
            app.revoke_data_key(&Context::operator(), data_key).await?;
            terminal::say(&format!(
                "{data_key} is revoked: nothing was under it, and it opens nothing any more"
            ));
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn list(app: &App) -> Outcome {
    for key in app.jwt_keys().await? {
        let state = match key.revoked_at {
            Some(at) => format!("revoked {}", at.format(&Rfc3339)?),
            None => format!("signs from {}", key.signs_from.format(&Rfc3339)?),
        };
        terminal::say(&format!("jwt  {}  {state}", key.kid));
    }
    Ok(ExitCode::SUCCESS)
}

async fn rotate_jwt(app: &App, emergency: bool) -> Outcome {
    let kid = app.rotate_jwt_key(&Context::operator(), emergency).await?;
    let (when, earlier) = if emergency {
        ("from now on", "are worth nothing any more")
    } else {
        ("in a few seconds", "are believed for 30 minutes after that")
    };
    terminal::say(&format!("{kid} signs access tokens {when}; tokens of earlier keys {earlier}"));
    Ok(ExitCode::SUCCESS)
}

async fn rotate_data(app: &App) -> Outcome {
    let id = app.rotate_data_key(&Context::operator()).await?;
    terminal::say(&format!(
        "{id} seals on every instance in 15 seconds; `calmness keys rewrap values` moves what earlier keys sealed"
    ));
    Ok(ExitCode::SUCCESS)
}

async fn rotate_kek(app: &App) -> Outcome {
    match app.rotate_kek(&Context::operator()).await? {
        Rotation::Done => {
            terminal::say("the key service has made its next key");
            rewrap::rewrap(app, Some(Layer::Kek)).await
        }
        Rotation::ByOperator(how) => {
            terminal::say(&format!("the product cannot do that here: {how}"));
            Ok(ExitCode::FAILURE)
        }
    }
}
