//! Rotating every key that this installation can rotate by itself, and naming what only people can renew.

use crypto::envelope::Rotation;
use scoped_futures::ScopedFutureExt;
use serde_json::json;
use uuid::Uuid;

use super::announce::announce;
use super::{Act, IncidentError, checked_reason};
use crate::actor::Context;
use crate::app::App;
use crate::identity::EverybodyOut;
use crate::settings::Key;

/// What becomes of what earlier data keys sealed: it stays readable until it is moved.
const MOVE: &str = "this installation, 15 seconds from now, while it serves";

/// What was rotated, and what is left to people.
#[derive(Clone, Debug)]
pub struct RotatedKeys {
    /// The name of the key that signs access tokens from now on; tokens of earlier ones are worth nothing.
    pub jwt_key: String,
    /// The data key that seals what is written from now on; none where the key service did not do its part.
    pub data_key: Option<Uuid>,
    /// Whether the key service made its next key and wraps every data key under it.
    pub key_encryption_key: bool,
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
    /// The settings, variables or commands that take the new one, or make it.
    pub settings: Vec<String>,
}

impl App {
    /// Makes new keys: the one of access tokens at once, everywhere within a second; the data key; the one that wraps data
    /// keys, where the key service can. What a key service that is away could not do is among the renewals. With `end_sessions`, everybody logs in
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
        let sessions = if end_sessions {
            Some(self.revoke_all_sessions(context, keys_too, reason).await?)
        } else {
            None
        };
        let jwt_key = self.rotate_jwt_key(context, true).await?;
        let mut renewals = Vec::new();
        let data_key = self.next_data_key(context, &mut renewals).await;
        let key_encryption_key = self.next_kek(context, &mut renewals).await;
        self.tx("announce_rotation", context, |tx| {
            let details = json!({
                "jwt_key": jwt_key,
                "data_key": data_key,
                "key_encryption_key": key_encryption_key,
                "sessions_ended": end_sessions,
            });
            async move { Ok::<_, IncidentError>(announce(tx, Act::KeysRotated, reason, details).await?) }
                .scope_boxed()
        })
        .await?;
        renewals.extend(self.renewals());
        Ok(RotatedKeys { jwt_key, data_key, key_encryption_key, sessions, renewals })
    }

    /// A key service that is away must not keep the other keys from being rotated.
    async fn next_data_key(&self, context: &Context, renewals: &mut Vec<Renewal>) -> Option<Uuid> {
        let (at, command) = match self.rotate_data_key(context).await {
            Ok(key) => {
                renewals.push(renewal(
                    "what earlier data keys sealed",
                    MOVE,
                    &["calmness keys rewrap values"],
                ));
                return Some(key);
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the data key was not rotated");
                (
                    "the key service, which did not do its part: then run the command",
                    "calmness keys rotate data",
                )
            }
        };
        renewals.push(renewal("the data key", at, &[command]));
        None
    }

    async fn next_kek(&self, context: &Context, renewals: &mut Vec<Renewal>) -> bool {
        let rotated = match self.rotate_kek(context).await {
            Ok(Rotation::Done) => self.rewrap_data_keys(context).await.map(|_| true),
            Ok(Rotation::ByOperator(how)) => {
                renewals.push(renewal("the key that wraps data keys", how, &["calmness keys rewrap kek"]));
                return false;
            }
            Err(error) => Err(error),
        };
        rotated.unwrap_or_else(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the key-encryption key was not rotated"
            );
            let at = "the key service, which did not do its part: then run the command";
            renewals.push(renewal("the key that wraps data keys", at, &["calmness keys rotate kek"]));
            false
        })
    }

    /// The secrets of this installation that others gave, or that only its operator holds.
    fn renewals(&self) -> Vec<Renewal> {
        let mut renewals = vec![Renewal {
            secret: "SECRET_KEY".to_owned(),
            at: "the machine: a new value from `openssl rand -base64 48`, then a restart of every instance",
            settings: vec!["SECRET_KEY".to_owned(), "SECRET_KEY_PREVIOUS (the value until now)".to_owned()],
        }];
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
            renewals.push(renewal("the bot's token", "Telegram's @BotFather: /revoke", &settings));
        }
        if self.mailer().is_some() {
            renewals.push(renewal("the mail server's password", "the mail server", &["mail.smtp_url"]));
        }
        if self.sms().is_some() {
            let settings = ["sms.auth_tokens", "sms.api_key_secret"];
            renewals.push(renewal("Twilio's token", "Twilio's console", &settings));
        }
        renewals.push(renewal(
            "the database's passwords",
            "PostgreSQL: ALTER ROLE … PASSWORD",
            &["DATABASE_URL", "MIGRATION_DATABASE_URL"],
        ));
        renewals
    }
}

fn renewal(secret: &str, at: &'static str, settings: &[&str]) -> Renewal {
    Renewal {
        secret: secret.to_owned(),
        at,
        settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
    }
}
