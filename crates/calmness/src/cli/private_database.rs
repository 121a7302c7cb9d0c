//! `private-database`: runs a command beside a private PostgreSQL that is thrown away, for tests and for checking queries.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use secrecy::ExposeSecret;
use tokio::process::Command;

use super::Outcome;
use crate::postgres::{self, Cluster, Durability, Options};
use crate::terminal;

/// Which command, and where.
#[derive(Args)]
pub(super) struct PrivateDatabaseArguments {
    /// Where the cluster is made; it is erased at the end
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// What to run; it finds an empty database in SQLX_DATABASE_URL and the server's own in TEST_DATABASE_URL
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(super) async fn private_database(arguments: PrivateDatabaseArguments) -> Outcome {
    let folder = match arguments.folder {
        Some(folder) => folder,
        None => std::env::temp_dir().join(format!("calmness-{}", std::process::id())),
    };
    std::fs::create_dir_all(&folder)?;
    let options = Options { durability: Durability::TestsOnly, ..Options::new(folder.clone()) };
    let cluster = Cluster::start(options, &|step: &str| terminal::note(&format!("· {step}"))).await?;
    let outcome = run(&cluster, &arguments.command).await;
    cluster.stop().await?;
    postgres::erase(&folder).await?;
    std::fs::remove_dir_all(&folder).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    outcome
}

async fn run(cluster: &Cluster, command: &[OsString]) -> Outcome {
    const EMPTY: &str = "empty";
    cluster.ensure_database(EMPTY).await?;
    let (program, rest) = command.split_first().ok_or("there is no command")?;
    let status = Command::new(program)
        .args(rest)
        .env("SQLX_DATABASE_URL", cluster.url(EMPTY).expose_secret())
        .env("TEST_DATABASE_URL", cluster.admin_url().expose_secret())
        .status()
        .await?;
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}
