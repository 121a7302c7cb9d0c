//! `incident …`: what an operator does on a bad day. Every act takes a reason and is told to every admin.

mod evidence;
mod replay;

use std::path::PathBuf;
use std::process::ExitCode;

use application::identity::{Email, EverybodyOut};
use application::{App, Context};
use clap::{Args, Subcommand};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Outcome;
use crate::terminal;
use crate::wiring::{self, ClockKind};

/// The bad day.
#[derive(Subcommand)]
pub(super) enum IncidentCommand {
    /// End everybody's sessions within a second; everybody logs in again, access and payments go on
    RevokeSessions {
        /// End the keys of machines too
        #[arg(long)]
        api_keys: bool,
        #[command(flatten)]
        why: Why,
    },
    /// Make every key anew that this installation can make, and tell what only you can renew
    RotateKeys {
        /// End everybody's sessions as well
        #[arg(long)]
        revoke_sessions: bool,
        /// End the keys of machines too
        #[arg(long, requires = "revoke_sessions")]
        api_keys: bool,
        #[command(flatten)]
        why: Why,
    },
    /// Open no new payment; what is under way is settled, logins and access go on
    PausePurchases(Why),
    /// Let people buy again
    ResumePurchases(Why),
    /// Freeze an account: no login, no payment, no access; its paid time waits
    Freeze {
        /// Whose
        email: Email,
        #[command(flatten)]
        why: Why,
    },
    /// Process the kept callbacks of a period again; what counted already counts no second time
    Replay(replay::ReplayArguments),
    /// Gather what is known of a user, a payment or a period as one signed archive
    Evidence(evidence::EvidenceArguments),
    /// Verify an archive of evidence with the published keys; needs no server and no network
    VerifyEvidence(evidence::VerifyArguments),
    /// Tell how the switches stand
    Status {
        /// Print the public keys that evidence is verified with, as JSON, and nothing else
        #[arg(long)]
        evidence_keys: bool,
    },
}

/// Why something is done.
#[derive(Args)]
pub(super) struct Why {
    /// Why; kept in the audit log and mailed to every admin
    #[arg(long)]
    pub(super) reason: String,
}

pub(super) async fn incident(file: Option<PathBuf>, command: IncidentCommand) -> Outcome {
    if let IncidentCommand::VerifyEvidence(arguments) = &command {
        return evidence::verify(arguments);
    }
    let config = super::load(file)?;
    // A freeze moves paid time, which runs by the sandbox's clock where there is one.
    let clock = if config.sandbox { ClockKind::Sandbox } else { ClockKind::System };
    let app = wiring::wire(&config, clock).await?.app;
    act(&app, command).await?;
    Ok(ExitCode::SUCCESS)
}

async fn act(app: &App, command: IncidentCommand) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let context = Context::operator();
    match command {
        IncidentCommand::RevokeSessions { api_keys, why } => {
            tell_sessions(app.revoke_all_sessions(&context, api_keys, &why.reason).await?);
        }
        IncidentCommand::RotateKeys { revoke_sessions, api_keys, why } => {
            rotate(app, &context, revoke_sessions, api_keys, &why.reason).await?;
        }
        IncidentCommand::PausePurchases(why) => {
            let begun = app.pause_purchases(&context, &why.reason).await?;
            terminal::say(if begun { "purchases are paused" } else { "purchases were paused already" });
        }
        IncidentCommand::ResumePurchases(why) => {
            let ended = app.resume_purchases(&context, &why.reason).await?;
            terminal::say(if ended { "purchases are open again" } else { "purchases were not paused" });
        }
        IncidentCommand::Freeze { email, why } => {
            let user = app.user_of_address(&email).await?;
            app.freeze_in_emergency(&context, user, &why.reason).await?;
            terminal::say("the account is frozen; all its sessions have ended");
        }
        IncidentCommand::Replay(arguments) => replay::replay(app, arguments).await?,
        IncidentCommand::Evidence(arguments) => evidence::gather(app, arguments).await?,
        IncidentCommand::Status { evidence_keys } => status(app, evidence_keys).await?,
        IncidentCommand::VerifyEvidence(arguments) => {
            evidence::verify(&arguments)?;
        }
    }
    Ok(())
}

fn tell_sessions(ended: EverybodyOut) {
    terminal::say(&format!("{} sessions and {} API keys have ended", ended.sessions, ended.api_keys));
}

async fn rotate(
    app: &App,
    context: &Context,
    revoke_sessions: bool,
    api_keys: bool,
    reason: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let rotated = app.rotate_every_key(context, revoke_sessions, api_keys, reason).await?;
    terminal::say("Done:");
    terminal::say(&format!("  {} signs access tokens; earlier ones are worth nothing", rotated.jwt_key));
    if let Some(ended) = rotated.sessions {
        terminal::say(&format!("  {} sessions and {} API keys have ended", ended.sessions, ended.api_keys));
    }
    terminal::say("Left to you:");
    for renewal in rotated.renewals {
        terminal::say(&format!("  {}", renewal.secret));
        terminal::say(&format!("    renew it: {}", renewal.at));
        terminal::say(&format!("    then set: {}", renewal.settings.join(", ")));
    }
    Ok(())
}

async fn status(app: &App, only_keys: bool) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let status = app.incident_status().await?;
    if only_keys {
        terminal::say(&serde_json::to_string_pretty(&status.evidence_keys)?);
        return Ok(());
    }
    match status.purchases_paused {
        Some(pause) => {
            let since = pause.since.format(&Rfc3339)?;
            terminal::say(&format!("purchases   paused since {since}: {}", pause.reason));
        }
        None => terminal::say("purchases   open"),
    }
    let ended = status.sessions_ended_at.map(|at| at.format(&Rfc3339)).transpose()?;
    let ended = ended.map_or_else(|| "never ended together".to_owned(), |at| format!("all ended {at}"));
    terminal::say(&format!("sessions    {} alive; {ended}", status.sessions));
    for key in &status.evidence_keys.keys {
        terminal::say(&format!("evidence    signed with {}", key.kid));
    }
    Ok(())
}

/// An instant on the command line.
fn instant(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "write it like 2026-11-23T14:05:00Z".to_owned())
}
