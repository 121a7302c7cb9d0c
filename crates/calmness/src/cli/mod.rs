//! The command line. Each command is a file of its own.

mod approval;
mod audit;
mod backup;
mod config_check;
mod demo;
mod doctor;
mod export;
mod incident;
mod keys;
mod migrate;
mod private_database;
mod receipt;
mod rehearse;
mod removals;
mod retention;
#[cfg(test)]
mod runbooks;
mod serve;
mod settings;
mod subscription;
mod user;
mod webhook;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::config::{Config, ConfigError, LoadOptions};
use crate::{logging, terminal};

type Outcome = Result<ExitCode, Box<dyn Error + Send + Sync>>;

/// Sells time-limited access to Telegram signal channels.
#[derive(Parser)]
#[command(
    name = "calmness",
    version,
    about,
    long_about = "Sells time-limited access to Telegram signal channels.\n\n\
    Settings come from calmness.toml and from environment variables (DATABASE_URL, SECRET_KEY, CALMNESS__SECTION__KEY); \
    every secret may stand in a file named by the same key with _FILE at its end. Try `calmness demo` first."
)]
struct Arguments {
    /// The configuration file [default: calmness.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve HTTP and work off what is owed
    Serve(serve::ServeArguments),
    /// Work off what is owed, without serving HTTP
    Worker,
    /// Bring the database up to date; needs the owner's address (MIGRATION_DATABASE_URL)
    Migrate,
    /// Start everything on this machine: a private PostgreSQL, the product and a simulated world
    Demo(demo::DemoArguments),
    /// Play the whole story by itself, with what goes wrong, and check the invariants
    Rehearse(rehearse::RehearseArguments),
    /// Users
    #[command(subcommand)]
    User(user::UserCommand),
    /// Keys
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// The operator's encrypted settings
    #[command(subcommand)]
    Settings(settings::SettingsCommand),
    /// Sensitive changes that wait for a second confirmation
    #[command(subcommand)]
    Approval(approval::ApprovalCommand),
    /// What callbacks of payment providers told
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    /// Removals that nobody could foresee and that wait for an admin
    #[command(subcommand)]
    Removals(removals::RemovalsCommand),
    /// Subscriptions: give time and take it
    #[command(subcommand)]
    Subscription(subscription::SubscriptionCommand),
    /// Write a table for accounting as CSV
    Export(export::ExportArguments),
    /// Signed receipts
    #[command(subcommand)]
    Receipt(receipt::ReceiptCommand),
    /// Encrypted copies of the database
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    /// How long what is kept is kept
    #[command(subcommand)]
    Retention(retention::RetentionCommand),
    /// The audit log and its chain
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// The configuration
    #[command(subcommand)]
    Config(config_check::ConfigCommand),
    /// The bad day: end all sessions, pause purchases, gather evidence
    #[command(subcommand)]
    Incident(incident::IncidentCommand),
    /// Check database, roles, migrations, owed work, clock and every invariant
    Doctor(doctor::DoctorArguments),
    /// Write a completion script for a shell to standard output
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Run a command beside a private PostgreSQL that is thrown away
    #[command(hide = true)]
    PrivateDatabase(private_database::PrivateDatabaseArguments),
    /// The product of a demo, with the movable clock
    #[command(hide = true)]
    DemoServer(serve::ServeArguments),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments)),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            terminal::complain(&*error);
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Outcome {
    let file = arguments.config;
    match arguments.command {
        Command::Serve(options) => {
            let (config, _log) = load_to_serve(file)?;
            serve::serve(&config, &options, crate::wiring::ClockKind::System).await
        }
        Command::DemoServer(options) => {
            let (config, _log) = load_to_serve(file)?;
            serve::serve(&config, &options, crate::wiring::ClockKind::Sandbox).await
        }
        Command::Worker => {
            let (config, _log) = load_to_serve(file)?;
            serve::worker(&config).await
        }
        Command::Migrate => migrate::migrate(&load(file)?).await,
        Command::Demo(options) => demo::demo(options).await,
        Command::Rehearse(options) => rehearse::rehearse(options).await,
        Command::User(command) => user::user(&load(file)?, command).await,
        Command::Keys(command) => keys::keys(&load(file)?, command).await,
        Command::Settings(command) => settings::settings(&load(file)?, command).await,
        Command::Approval(command) => approval::approval(&load(file)?, command).await,
        Command::Webhook(command) => webhook::webhook(&load(file)?, command).await,
        Command::Removals(command) => removals::removals(&load(file)?, command).await,
        Command::Subscription(command) => subscription::subscription(&load(file)?, command).await,
        Command::Export(arguments) => export::export(&load(file)?, arguments).await,
        Command::Receipt(command) => receipt::receipt(&command),
        Command::Backup(backup::BackupCommand::Keygen { output }) => backup::keygen(output.as_deref()),
        Command::Backup(command) => backup::backup(&load(file)?, command).await,
        Command::Retention(command) => retention::retention(&load(file)?, command).await,
        Command::Audit(command) => audit::audit(file, command).await,
        Command::Config(command) => config_check::config(file, &command),
        Command::Incident(command) => incident::incident(file, command).await,
        Command::Doctor(options) => doctor::doctor(&load(file)?, &options).await,
        Command::PrivateDatabase(options) => private_database::private_database(options).await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "calmness", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Reads the configuration and starts the log.
fn load(file: Option<PathBuf>) -> Result<Config, ConfigError> {
    let config = Config::load(LoadOptions::of_this_process(file))?;
    logging::start(&config.log);
    Ok(config)
}

/// For what runs on by itself: its log goes to the file as well, until the guard is dropped.
fn load_to_serve(file: Option<PathBuf>) -> Result<(Config, logging::Guard), Box<dyn Error + Send + Sync>> {
    let config = Config::load(LoadOptions::of_this_process(file))?;
    let guard = logging::start_with_file(&config.log)?;
    Ok((config, guard))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
