//! `export`: tables for accounting, as CSV.

use std::path::PathBuf;
use std::process::ExitCode;

use application::Context;
use application::exports::{Export, Range};
use clap::{Args, ValueEnum};
use domain::time::Instant;
use tokio::io::AsyncWriteExt;

use super::Outcome;
use super::subscription::moment;
use crate::config::Config;
use crate::terminal;
use crate::wiring::{self, ClockKind};

/// Which table, of which time, to where.
#[derive(Args)]
pub(super) struct ExportArguments {
    /// What to export
    table: Table,
    /// From then on: 2026-11-01, or an instant like 2026-11-01T00:00:00Z
    #[arg(long, value_parser = moment)]
    from: Instant,
    /// Before then
    #[arg(long, value_parser = moment)]
    to: Instant,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A table.
#[derive(Clone, Copy, ValueEnum)]
enum Table {
    /// Payments that were opened
    Payments,
    /// Refunds that were asked for
    Refunds,
    /// Periods that were bought or given
    Subscriptions,
    /// Every movement of money, with running totals
    Journal,
}

impl From<Table> for Export {
    fn from(table: Table) -> Self {
        match table {
            Table::Payments => Self::Payments,
            Table::Refunds => Self::Refunds,
            Table::Subscriptions => Self::Subscriptions,
            Table::Journal => Self::Journal,
        }
    }
}

pub(super) async fn export(config: &Config, arguments: ExportArguments) -> Outcome {
    let range = Range { from: arguments.from, to: arguments.to };
    if range.from >= range.to {
        return Err("--from must come before --to".into());
    }
    let app = wiring::wire(config, ClockKind::System).await?.app;
    let mut lines = app.export_table(&Context::operator(), arguments.table.into(), range).await?;
    match arguments.output {
        None => {
            let mut output = tokio::io::stdout();
            while let Some(text) = lines.next().await? {
                output.write_all(text.as_bytes()).await?;
            }
            output.flush().await?;
        }
        Some(path) => {
            // Half a table under the name of a whole one would be believed.
            let mut unfinished = path.clone().into_os_string();
            unfinished.push(".part");
            let mut file = tokio::fs::File::create(&unfinished).await?;
            while let Some(text) = lines.next().await? {
                file.write_all(text.as_bytes()).await?;
            }
            file.sync_all().await?;
            tokio::fs::rename(&unfinished, &path).await?;
            terminal::note(&format!("written to {}", path.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
