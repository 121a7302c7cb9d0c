//! `config check`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::Outcome;
use crate::config::{self, Config, LoadOptions, Severity};
use crate::terminal;

/// The configuration.
#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Say what is unsafe or missing, and where to mend it; fails if the product would not start
    Check,
}

pub(super) fn config(file: Option<PathBuf>, command: &ConfigCommand) -> Outcome {
    let ConfigCommand::Check = command;
    let config = Config::load(LoadOptions::of_this_process(file))?;
    let findings = config::check(&config);
    for finding in &findings {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        terminal::say(&format!("{severity}: {}: {}\n  {}", finding.key, finding.sentence, finding.remedy));
    }
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Ok(ExitCode::FAILURE);
    }
    terminal::say("the configuration can be used");
    Ok(ExitCode::SUCCESS)
}
