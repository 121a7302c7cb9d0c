//! `approval list`, `show`, `confirm` and `reject`: the operator on the machine counts as another person.

use std::process::ExitCode;

use application::Context;
use application::approvals::ApprovalView;
use clap::Subcommand;
use domain::approval::State;
use domain::ids::ApprovalId;

use super::Outcome;
use crate::config::Config;
use crate::terminal;
use crate::wiring::{self, ClockKind};

/// Sensitive changes that wait for a second confirmation.
#[derive(Subcommand)]
pub(super) enum ApprovalCommand {
    /// Tell what waits, the newest first
    List {
        /// What was decided too
        #[arg(long)]
        all: bool,
    },
    /// Tell exactly what would change, and its digest
    Show {
        /// Its id, as `approval list` shows it
        id: ApprovalId,
    },
    /// Confirm it, and do what it asks for
    Confirm {
        /// Its id
        id: ApprovalId,
        /// The digest that `approval show` tells: you have looked at what will change
        #[arg(long)]
        digest: String,
    },
    /// Say no
    Reject {
        /// Its id
        id: ApprovalId,
        /// Why; kept
        #[arg(long)]
        reason: String,
    },
}

pub(super) async fn approval(config: &Config, command: ApprovalCommand) -> Outcome {
    // A confirmed receiving address cools down by the sandbox's clock where there is one.
    let clock = if config.sandbox { ClockKind::Sandbox } else { ClockKind::System };
    let app = wiring::wire(config, clock).await?.app;
    let context = Context::operator();
    match command {
        ApprovalCommand::List { all } => {
            let state = (!all).then_some(State::Pending);
            for view in app.approvals(state, None, 100).await? {
                terminal::say(&format!(
                    "{} {:<10} {:<16} {} {}",
                    view.id,
                    view.state.as_str(),
                    view.kind,
                    view.requested_at,
                    view.summary.subject
                ));
            }
        }
        ApprovalCommand::Show { id } => show(&app.approval(id).await?.ok_or("there is no such request")?),
        ApprovalCommand::Confirm { id, digest } => {
            let done = app.confirm_approval(&context, id, &digest).await?;
            terminal::say(&format!("{} of {} is done", done.kind, done.summary.subject));
        }
        ApprovalCommand::Reject { id, reason } => {
            app.reject_approval(&context, id, &reason).await?;
            terminal::say("it will not be done");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(view: &ApprovalView) {
    let by = view.requested_by.map_or_else(|| "the product or the operator".to_owned(), |id| id.to_string());
    terminal::say(&format!("{} of {} ({})", view.kind, view.summary.subject, view.state.as_str()));
    terminal::say(&format!("asked for by {by} at {}: {}", view.requested_at, view.reason));
    terminal::say(&format!("to be confirmed before {}", view.expires_at));
    for change in &view.summary.changes {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        terminal::say(&format!("  {}: {} -> {}", change.field, shown(&change.before), shown(&change.after)));
    }
    terminal::say(&format!("digest {}", view.digest));
}
