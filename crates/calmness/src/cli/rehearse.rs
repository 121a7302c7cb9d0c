//! `rehearse`.

use std::process::ExitCode;

use clap::Args;

use super::Outcome;
use crate::rehearsal;

/// How to tell.
#[derive(Args)]
pub(super) struct RehearseArguments {
    /// One JSON line for each step, and one for the end
    #[arg(long)]
    json: bool,
    /// Repeats what an earlier rehearsal left to chance: the moment of the kill under load
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

pub(super) async fn rehearse(arguments: RehearseArguments) -> Outcome {
    let passed = rehearsal::play(arguments.json, arguments.seed).await?;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
