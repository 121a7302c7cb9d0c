//! `migrate`.

use std::process::ExitCode;

use application::database::{self, Rights};

use super::Outcome;
use crate::config::Config;
use crate::terminal;

pub(super) async fn migrate(config: &Config) -> Outcome {
    let url = config.database.migration_url.as_ref().or(config.database.url.as_ref());
    let url = url.ok_or("no database: set MIGRATION_DATABASE_URL (the owner's address) or DATABASE_URL")?;
    let owner = database::connect(url, Rights::OfLogin, 2).await?;
    let missing = database::missing_migrations(&owner).await?;
    database::migrate(&owner).await?;
    terminal::say(&format!("{missing} migrations applied; the service's role is {}", database::SERVICE_ROLE));
    Ok(ExitCode::SUCCESS)
}
