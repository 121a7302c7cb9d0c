//! Rotating every key that this installation can rotate by itself, and naming what only people can renew.

use scoped_futures::ScopedFutureExt;
use serde_json::json;

use super::announce::announce;
use super::{Act, IncidentError, checked_reason};
use crate::actor::Context;
use crate::app::App;
use crate::identity::EverybodyOut;
use crate::settings::Key;

/// What was rotated, and what is left to people.
#[derive(Clone, Debug)]
pub struct RotatedKeys {
    /// The name of the key that signs access tokens from now on; tokens of earlier ones are worth nothing.
    pub jwt_key: String,
    /// Whose sessions ended, if that was asked for.
    pub sessions: Option<EverybodyOut>,
    /// What only people can renew, and how.
    pub renewals: Vec<Renewal>,
}

/// A secret that somebody must renew outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// Which secret.
    pub secret: String,
    /// Where it is renewed.
    pub at: &'static str,
    /// The settings, variables or commands that take the new one.
    pub settings: Vec<String>,
}

impl App {
    /// Makes new keys: the one of access tokens at once, everywhere within a second. With `end_sessions`, everybody logs in
    /// again, and keys of machines end with `keys_too`. Nothing that was paid is touched.
    pub async fn rotate_every_key(
        &self,
        context: &Context,
        end_sessions: bool,
        keys_too: bool,
        reason: &str,
    ) -> Result<RotatedKeys, IncidentError> {
        let reason = checked_reason(reason)?;
        // Sessions first: whoever held an old one must not get a token of the new key.
        let sessions = match end_sessions {
            true => Some(self.revoke_all_sessions(context, keys_too, reason).await?),
            false => None,
        };
        let jwt_key = self.rotate_jwt_key(context, true).await?;
        self.tx("announce_rotation", context, |tx| {
            let details = json!({ "jwt_key": jwt_key, "sessions_ended": end_sessions });
            async move { Ok::<_, IncidentError>(announce(tx, Act::KeysRotated, reason, details).await?) }
                .scope_boxed()
        })
        .await?;
        Ok(RotatedKeys { jwt_key, sessions, renewals: self.renewals() })
    }

    /// The secrets of this installation that others gave, or that only its operator holds.
    fn renewals(&self) -> Vec<Renewal> {
        let mut renewals = vec![Renewal {
            secret: "SECRET_KEY".to_owned(),
            at: "the machine: a new value from `openssl rand -base64 48`, then a restart of every instance",
            settings: vec!["SECRET_KEY".to_owned(), "SECRET_KEY_PREVIOUS (the value until now)".to_owned()],
        }];
        let configured = |name: &str, at, settings: &[&str]| Renewal {
            secret: name.to_owned(),
            at,
            settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
        };
        for provider in self.providers() {
            let code = provider.code();
            match Key::ALL.into_iter().find(|key| key.provider() == Some(code)) {
                Some(key) => renewals.push(Renewal {
                    secret: format!("the keys and webhook secrets of {code}"),
                    at: "the provider's own dashboard",
                    settings: vec![key.as_str().to_owned()],
                }),
                None => renewals.push(Renewal {
                    secret: format!("the request, webhook and link secrets of {code}"),
                    at: "with the payment service, both sides together",
                    settings: ["request_secrets", "webhook_secrets", "link_secret"]
                        .map(|name| format!("providers.{code}.{name}"))
                        .to_vec(),
                }),
            }
        }
        if self.telegram().is_some() {
            let settings = ["telegram.bot_token", "telegram.webhook_secret"];
            renewals.push(configured("the bot's token", "Telegram's @BotFather: /revoke", &settings));
        }
        if self.mailer().is_some() {
            renewals.push(configured("the mail server's password", "the mail server", &["mail.smtp_url"]));
        }
        if self.sms().is_some() {
            let settings = ["sms.auth_tokens", "sms.api_key_secret"];
            renewals.push(configured("Twilio's token", "Twilio's console", &settings));
        }
        renewals.push(configured(
            "the database's passwords",
            "PostgreSQL: ALTER ROLE … PASSWORD",
            &["DATABASE_URL", "MIGRATION_DATABASE_URL"],
        ));
        renewals
    }
}
