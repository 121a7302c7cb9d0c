//! `incident replay`.

use std::collections::BTreeMap;

use application::incident::ReplayRequest;
use application::{App, Context};
use clap::Args;
use time::OffsetDateTime;

use super::{Why, instant};
use crate::terminal;

/// How many callbacks go at once.
const BATCH: u16 = 100;

/// Which callbacks.
#[derive(Args)]
pub(in crate::cli) struct ReplayArguments {
    /// Received from here on, like 2026-11-23T14:05:00Z
    #[arg(long, value_parser = instant)]
    from: OffsetDateTime,
    /// Received before this
    #[arg(long, value_parser = instant)]
    to: OffsetDateTime,
    /// Only this provider's
    #[arg(long)]
    provider: Option<String>,
    /// Only those that came to this: applied, already_applied, ignored, hinted or quarantined
    #[arg(long)]
    outcome: Option<String>,
    /// Only tell how many there are
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    why: Why,
}

pub(super) async fn replay(
    app: &App,
    arguments: ReplayArguments,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut request = ReplayRequest {
        from: arguments.from,
        to: arguments.to,
        provider: arguments.provider,
        outcome: arguments.outcome,
        dry_run: arguments.dry_run,
        after: None,
        limit: BATCH,
        reason: arguments.why.reason,
    };
    let (mut done, mut outcomes) = (0, BTreeMap::<String, u64>::new());
    loop {
        let batch = app.replay_range(&Context::operator(), &request).await?;
        if request.dry_run {
            terminal::say(&format!("{} callbacks would be processed again", batch.matching));
            return Ok(());
        }
        done += batch.processed;
        for (outcome, count) in batch.outcomes {
            *outcomes.entry(outcome).or_default() += count;
        }
        for (id, why) in batch.failed {
            *outcomes.entry("failed".to_owned()).or_default() += 1;
            terminal::note(&format!("{id}: {why}"));
        }
        if terminal::is_watched() {
            terminal::note(&format!("{done} done, {} to go", batch.matching.saturating_sub(batch.processed)));
        }
        match batch.next {
            Some(next) => request.after = Some(next),
            None => break,
        }
    }
    terminal::say(&format!("{done} callbacks processed again"));
    for (outcome, count) in outcomes {
        terminal::say(&format!("  {outcome:<16} {count}"));
    }
    Ok(())
}
