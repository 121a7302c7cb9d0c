//! `subscription show`, `grant`, `extend`, `revoke`.

use std::process::ExitCode;

use application::billing::IdempotencyKey;
use application::exports::parse_moment;
use application::identity::Email;
use application::subscriptions::{Grant, GrantedTo};
use application::{App, Context};
use clap::{Args, Subcommand};
use domain::ids::{PeriodId, SubscriptionId};
use domain::plan::{ChannelKey, PlanCode, PlanLength};

use super::Outcome;
use crate::config::Config;
use crate::terminal;
use crate::wiring::{self, ClockKind};

/// Subscriptions.
#[derive(Subcommand)]
pub(super) enum SubscriptionCommand {
    /// Tell what somebody has: each subscription with its periods
    Show {
        /// Whose
        email: Email,
    },
    /// Give somebody time without a payment; they are told by mail
    Grant {
        /// Whose
        email: Email,
        #[command(flatten)]
        given: Given,
        /// As if this plan had been bought [default: the channel's first plan]
        #[arg(long)]
        plan: Option<PlanCode>,
        /// Into which channel [default: the plan's, or the default channel]
        #[arg(long)]
        channel: Option<ChannelKey>,
    },
    /// Give more time to whoever has a subscription; they are told by mail
    Extend {
        /// Which, as `subscription show` names it
        id: SubscriptionId,
        #[command(flatten)]
        given: Given,
    },
    /// Take what lies ahead of one period, or of all; time that was used stays
    Revoke {
        /// Which, as `subscription show` names it
        id: SubscriptionId,
        /// Only this period
        #[arg(long)]
        period: Option<PeriodId>,
        /// Why; kept, never shown to the customer
        #[arg(long)]
        reason: String,
    },
}

/// Time that is given.
#[derive(Args)]
pub(super) struct Given {
    /// How many days
    #[arg(long, value_parser = days)]
    days: PlanLength,
    /// Why; kept, never shown to the customer
    #[arg(long)]
    reason: String,
    /// A name for this gift: the same name again gives nothing more
    #[arg(long, value_name = "NAME")]
    once: IdempotencyKey,
}

pub(super) async fn subscription(config: &Config, command: SubscriptionCommand) -> Outcome {
    // Paid time runs by the sandbox's clock where there is one.
    let clock = if config.sandbox { ClockKind::Sandbox } else { ClockKind::System };
    let app = wiring::wire(config, clock).await?.app;
    match command {
        SubscriptionCommand::Show { email } => show(&app, &email).await?,
        SubscriptionCommand::Grant { email, given, plan, channel } => {
            let user = app.user_of_address(&email).await?;
            give(&app, GrantedTo::User { user, plan, channel }, given).await?;
        }
        SubscriptionCommand::Extend { id, given } => give(&app, GrantedTo::Subscription(id), given).await?,
        SubscriptionCommand::Revoke { id, period, reason } => {
            let taken = app.revoke_time(&Context::operator(), id, period, &reasonable(&reason)?).await?;
            terminal::say(&format!("{} taken; access ends at {}", taken.periods.len(), taken.ends_at));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn give(
    app: &App,
    to: GrantedTo,
    given: Given,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let grant = Grant { key: given.once, to, length: given.days, reason: reasonable(&given.reason)? };
    let granted = app.grant(&Context::operator(), &grant).await?;
    let word = if granted.fresh { "given" } else { "was given before" };
    terminal::say(&format!("{word}: period {} of subscription {}", granted.period, granted.subscription));
    Ok(())
}

async fn show(app: &App, email: &Email) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    use application::subscriptions::SubscriptionFilter;
    let user = Some(app.user_of_address(email).await?);
    let filter = SubscriptionFilter { user, ..SubscriptionFilter::default() };
    for row in app.all_subscriptions(&filter, None, 100).await? {
        terminal::say(&format!("{} {:<16} {:<9} until {}", row.id, row.channel, row.status, row.ends_at));
        let Some(whole) = app.any_subscription(row.id).await? else { continue };
        for period in whole.periods {
            let source = match (&period.payment, &period.grant) {
                (Some((payment, status)), _) => format!("payment {payment} ({status})"),
                (None, Some((_, reason))) => format!("given: {reason}"),
                (None, None) => "given".to_owned(),
            };
            terminal::say(&format!(
                "    {} {:<8} {:<16} {} to {} {source}",
                period.id,
                period.state.as_str(),
                period.plan_code,
                period.starts_at,
                period.ends_at
            ));
        }
    }
    Ok(())
}

fn days(text: &str) -> Result<PlanLength, String> {
    let days: u16 = text.parse().map_err(|_| "a number of days".to_owned())?;
    PlanLength::from_days(days).map_err(|error| error.to_string())
}

/// What the database keeps of a reason.
fn reasonable(reason: &str) -> Result<String, &'static str> {
    let reason = reason.trim();
    if (1..=500).contains(&reason.chars().count()) {
        Ok(reason.to_owned())
    } else {
        Err("give a reason, in 500 characters at most")
    }
}

/// An instant of the command line: RFC 3339, or a day, which stands for its beginning in UTC.
pub(super) fn moment(text: &str) -> Result<domain::time::Instant, String> {
    parse_moment(text).ok_or_else(|| "write 2026-11-23 or 2026-11-23T14:00:00Z".to_owned())
}
