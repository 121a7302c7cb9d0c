//! `user create`, `user set-role`, `user freeze`, `user unfreeze`, `user trust-factors`.

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use application::identity::{Email, NewUser};
use application::text::Locale;
use application::{Context, Role};
use clap::Subcommand;
use secrecy::SecretString;

use super::Outcome;
use crate::config::Config;
use crate::terminal;
use crate::wiring::{self, ClockKind};

/// Users.
#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Make a user; the password comes from a prompt, or from standard input
    Create {
        /// Where mail goes
        email: Email,
        /// You vouch for the address: the user can log in at once, without a verification mail
        #[arg(long)]
        verified: bool,
        /// user, support or admin
        #[arg(long, default_value = "user")]
        role: Role,
        /// fr or en
        #[arg(long, default_value = "fr")]
        locale: Locale,
    },
    /// Give a user another role; ends their sessions
    SetRole {
        /// Whose
        email: Email,
        /// user, support or admin
        role: Role,
    },
    /// Freeze an account: no login, no payment, no access; its paid time waits
    Freeze {
        /// Whose
        email: Email,
        /// Why; kept in the audit log
        #[arg(long)]
        reason: String,
    },
    /// Lift a freeze; paid time runs again
    Unfreeze {
        /// Whose
        email: Email,
        /// Why; kept in the audit log
        #[arg(long)]
        reason: String,
    },
    /// Vouch for somebody: forget their failed tries, and let a second factor younger than a day approve actions
    TrustFactors {
        /// Whose
        email: Email,
    },
}

pub(super) async fn user(config: &Config, command: UserCommand) -> Outcome {
    // A freeze and its end move paid time, which runs by the sandbox's clock where there is one.
    let clock = if config.sandbox { ClockKind::Sandbox } else { ClockKind::System };
    let app = wiring::wire(config, clock).await?.app;
    let context = Context::operator();
    match command {
        UserCommand::Create { email, verified: true, role, locale } => {
            let password = read_password()?;
            let id = app.create_user(&context, NewUser { email, password, role, locale }).await?;
            terminal::say(&id.to_string());
        }
        UserCommand::Create { email, verified: false, role: Role::User, locale } => {
            app.register(&context, &email, &read_password()?, locale).await?;
            terminal::say("a verification mail is owed; the user exists once its link is followed");
        }
        UserCommand::Create { verified: false, .. } => {
            return Err(
                "another role than user needs --verified: a mailed link makes plain users only".into()
            );
        }
        UserCommand::SetRole { email, role } => {
            app.set_role(&context, &email, role).await?;
            terminal::say(&format!("the role is {}; all sessions have ended", role.as_str()));
        }
        UserCommand::Freeze { email, reason } => {
            let user = app.user_of_address(&email).await?;
            app.freeze(&context, user, &reason).await?;
            terminal::say("the account is frozen; all its sessions have ended");
        }
        UserCommand::Unfreeze { email, reason } => {
            let user = app.user_of_address(&email).await?;
            app.unfreeze(&context, user, &reason).await?;
            terminal::say("the account is not frozen; its paid time runs");
        }
        UserCommand::TrustFactors { email } => {
            app.trust_factors(&context, &email).await?;
            terminal::say("failed tries are forgotten, and confirmed factors may approve actions now");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// From a prompt where a person types, twice; else the first line of standard input. Never an argument: those are
/// readable by every process of the machine.
fn read_password() -> Result<SecretString, Box<dyn std::error::Error + Send + Sync>> {
    if std::io::stdin().is_terminal() {
        let password = rpassword::prompt_password("Password (at least 15 characters): ")?;
        if rpassword::prompt_password("Once more: ")? != password {
            return Err("the two passwords differ".into());
        }
        return Ok(SecretString::from(password));
    }
    let mut text = String::new();
    std::io::stdin().take(4_096).read_to_string(&mut text)?;
    Ok(SecretString::from(text.lines().next().unwrap_or_default().to_owned()))
}
