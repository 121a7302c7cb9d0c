//! Sending what is owed.

use domain::ids::PaymentId;
use domain::money::Money;
use domain::time::{Duration, Instant};
use futures_util::future::BoxFuture;
use gateways::mail::{MailError, OutgoingMail};
use gateways::telegram::TelegramError;
use scoped_futures::ScopedFutureExt;
use secrecy::ExposeSecret;
use serde_json::json;

use super::Content;
use super::render::{BotMessage, Letterhead, MailContent};
use super::store::{self, Owed};
use crate::actor::Context;
use crate::alerts;
use crate::app::App;
use crate::audit;
use crate::billing;
use crate::identity;
use crate::text::Locale;
use crate::tx::StoreError;
use crate::work::{Backoff, Lease, OwedWork};

const BACKOFF: Backoff = Backoff { first: Duration::seconds(5), longest: Duration::minutes(10) };
/// After so many failures in a row the company is told; trying goes on.
const ALERT_AFTER: i32 = 8;

/// A message that Telegram refuses this often is not sent any more.
const MAX_REFUSALS: i32 = 10;

/// Notifications to send, as owed work.
pub(crate) struct NotificationWork;

impl OwedWork for NotificationWork {
    type Item = Owed;

    const NAME: &'static str = "notification";

    fn claim(app: &App, lease: Lease) -> BoxFuture<'_, Result<Vec<Owed>, StoreError>> {
        Box::pin(store::claim(app, lease))
    }

    fn act(app: &App, owed: Owed) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let outcome = match owed.medium.as_str() {
                "telegram" => app.say(&owed).await?,
                _ => app.mail(&owed).await?,
            };
            app.finish_notification(&owed, outcome).await
        })
    }
}

/// How one attempt ended.
enum Outcome {
    Sent,
    /// It can never arrive.
    GivenUp(String),
    /// Again, not before this long.
    Later {
        reason: String,
        after: Option<Duration>,
    },
}

/// Who reads a mail, as far as that decides whether and how it is sent.
enum Addressee {
    Anybody,
    Owner(Locale),
    /// There is nothing to send.
    Done(Outcome),
}

impl App {
    async fn mail(&self, owed: &Owed) -> Result<Outcome, StoreError> {
        let Some(mailer) = self.mailer() else { return Ok(later("no mail server is set up")) };
        let for_company = matches!(owed.content, Content::Alert { .. });
        let to = if for_company { self.settings().company_email() } else { owed.recipient.clone() };
        let to = match to {
            Some(to) => to,
            None if for_company => return Ok(later("no company_email is set")),
            None => return Ok(Outcome::GivenUp("whom it was for was erased".to_owned())),
        };
        let mut locale = owed.locale.unwrap_or(self.options().default_locale);
        match self.addressee(owed, &to).await? {
            Addressee::Anybody => {}
            Addressee::Owner(chosen) => locale = chosen,
            Addressee::Done(outcome) => return Ok(outcome),
        }
        let Some(content) = self.mail_content(owed).await? else {
            return Ok(Outcome::GivenUp("it has nothing to tell".to_owned()));
        };
        let rendered = content.render(locale, &self.letterhead());
        let rendered =
            rendered.map_err(|error| StoreError::Corrupt(format!("a mail template failed: {error}")))?;
        let host =
            self.options().public_url.split("://").last().and_then(|rest| rest.split(['/', ':']).next());
        let mail = OutgoingMail {
            message_id: format!("<{}@{}>", owed.id, host.unwrap_or("localhost")),
            to,
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
            auto_submitted: true,
        };
        Ok(match mailer.send(&mail).await {
            Ok(()) => Outcome::Sent,
            Err(MailError::Permanent(reason)) => Outcome::GivenUp(reason),
            Err(MailError::Temporary(reason)) => later(&reason),
        })
    }

    /// What is mailed to an address that somebody typed may depend on whether it is a user's. That is looked up here and
    /// not while they wait for the answer, which therefore tells nothing (SEC-4).
    async fn addressee(&self, owed: &Owed, to: &str) -> Result<Addressee, StoreError> {
        let given_up = |reason: &str| Addressee::Done(Outcome::GivenUp(reason.to_owned()));
        match owed.content {
            Content::PasswordReset => {
                let owner = identity::owner_of_address(self.db(), to).await?;
                Ok(owner.map_or(given_up("nobody has this address"), |(_, locale)| Addressee::Owner(locale)))
            }
            Content::Verification => {
                let Some((owner, _)) = identity::owner_of_address(self.db(), to).await? else {
                    return Ok(Addressee::Anybody);
                };
                self.tx("tell_already_registered", &Context::system("notifications"), |tx| {
                    async move { identity::tell_already_registered(tx, owner).await }.scope_boxed()
                })
                .await?;
                Ok(given_up("the address has an account, whose owner is told"))
            }
            Content::VerificationAgain => {
                self.renew_links(to, owed.id).await?;
                Ok(Addressee::Done(Outcome::Sent))
            }
            _ => Ok(Addressee::Anybody),
        }
    }

    fn letterhead(&self) -> Letterhead {
        let contact = self.settings().company_email().unwrap_or_else(|| self.options().public_url.clone());
        Letterhead { company: self.options().company_name.clone(), contact }
    }

    async fn mail_content(&self, owed: &Owed) -> Result<Option<MailContent>, StoreError> {
        let public_url = &self.options().public_url;
        let dashboard = format!("{public_url}/dashboard");
        let now = self.now().await?.business;
        Ok(Some(match &owed.content {
            Content::Verification => {
                let Some(token) = &owed.secret else { return Ok(None) };
                MailContent::Verification {
                    link: format!("{public_url}/verify?token={}", token.expose_secret()),
                }
            }
            Content::PasswordReset => {
                let Some(token) = &owed.secret else { return Ok(None) };
                let link = format!("{public_url}/password/reset?token={}", token.expose_secret());
                MailContent::PasswordReset { link }
            }
            Content::Security { event, user_agent, network, at_us } => MailContent::Security {
                event: *event,
                user_agent: user_agent.clone(),
                network: network.clone(),
                at: instant(*at_us)?,
                link: format!("{public_url}/security"),
            },
            Content::ApiKeyEnding { name, ends_at_us } => MailContent::ApiKeyEnding {
                name: name.clone(),
                ends_at: instant(*ends_at_us)?,
                link: format!("{public_url}/security"),
            },
            Content::Erased => MailContent::Erased { link: public_url.clone() },
            Content::AlreadyRegistered => {
                MailContent::AlreadyRegistered { link: format!("{public_url}/login") }
            }
            Content::PaymentConfirmed { payment, ends_at_us } => {
                return self.confirmation(*payment, *ends_at_us, dashboard).await;
            }
            Content::Reminder { ends_at_us } => {
                let ends_at = instant(*ends_at_us)?;
                MailContent::Reminder { ends_at, left: (ends_at - now).max(Duration::ZERO), link: dashboard }
            }
            Content::SubscriptionEnded { ended_at_us } => {
                MailContent::SubscriptionEnded { ended_at: instant(*ended_at_us)?, link: dashboard }
            }
            Content::Incident { act, by, reason, at_us } => MailContent::Incident {
                act: *act,
                by: by.map(|admin| admin.to_string()),
                reason: reason.clone(),
                at: instant(*at_us)?,
                link: dashboard,
            },
            Content::Alert { kind, condition, details } => {
                let mut facts = vec![("condition".to_owned(), condition.clone())];
                if let Some(members) = details.as_object() {
                    let shown = |value: &serde_json::Value| {
                        value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
                    };
                    facts.extend(members.iter().map(|(name, value)| (name.clone(), shown(value))));
                }
                MailContent::CompanyAlert {
                    condition: kind.clone(),
                    details: facts,
                    seen_at: now,
                    link: dashboard,
                }
            }
            Content::ApprovalRequested { approval } => {
                return self.approval_mail(*approval, false, dashboard).await;
            }
            Content::ApprovalDone { approval } => {
                return self.approval_mail(*approval, true, dashboard).await;
            }
            _ => return Ok(None),
        }))
    }

    async fn confirmation(
        &self,
        payment: PaymentId,
        ends_at_us: i64,
        link: String,
    ) -> Result<Option<MailContent>, StoreError> {
        let Some(bought) = billing::purchase(self.db(), payment).await? else { return Ok(None) };
        Ok(Some(MailContent::PaymentConfirmed {
            plan: bought.plan_code,
            days: bought.days,
            amount: Money::new(bought.amount.minor, bought.amount.currency),
            ends_at: instant(ends_at_us)?,
            reference: payment.to_string(),
            telegram_linked: crate::access::is_linked(self.db(), bought.user).await?,
            link,
        }))
    }

    async fn say(&self, owed: &Owed) -> Result<Outcome, StoreError> {
        let Some(telegram) = self.telegram() else { return Ok(later("no bot is set up")) };
        let account = owed.recipient.as_deref().and_then(|text| text.parse::<i64>().ok());
        let (Some(account), Some(message)) = (account, self.bot_message(&owed.content)?) else {
            return Ok(Outcome::GivenUp("it has nobody to tell or nothing to say".to_owned()));
        };
        let locale: Locale = owed.locale.unwrap_or(self.options().default_locale);
        Ok(match telegram.send_message(account, &message.say(locale)).await {
            Ok(()) => Outcome::Sent,
            Err(TelegramError::Unreachable) => Outcome::GivenUp(TelegramError::Unreachable.to_string()),
            Err(error @ TelegramError::RetryAfter { after }) => {
                Outcome::Later { reason: error.to_string(), after: Duration::try_from(after).ok() }
            }
            Err(error @ (TelegramError::UnknownUser(_) | TelegramError::Refused(_)))
                if owed.attempts >= MAX_REFUSALS =>
            {
                Outcome::GivenUp(error.to_string())
            }
            Err(error) => later(&error.to_string()),
        })
    }

    fn bot_message(&self, content: &Content) -> Result<Option<BotMessage>, StoreError> {
        let dashboard = format!("{}/dashboard", self.options().public_url);
        Ok(Some(match content {
            Content::BotLinkedWithInvite { link } => BotMessage::LinkedWithInvite { link: link.clone() },
            Content::BotLinkedWithoutAccess => BotMessage::LinkedWithoutAccess { link: dashboard },
            Content::BotLinkInvalid => BotMessage::LinkInvalid { link: dashboard },
            Content::BotHelp => BotMessage::Help { link: dashboard },
            Content::BotRemoved => BotMessage::Removed { link: dashboard },
            Content::BotOpened { ends_at_us, link } => {
                BotMessage::Opened { ends_at: instant(*ends_at_us)?, link: link.clone() }
            }
            _ => return Ok(None),
        }))
    }

    async fn finish_notification(&self, owed: &Owed, outcome: Outcome) -> Result<(), StoreError> {
        let context = Context::system("notifications");
        match outcome {
            Outcome::Sent => {
                self.tx("notification_sent", &context, |tx| {
                    async move {
                        if store::finish_sent(tx, owed).await? {
                            audit::record(tx, entry("notification.sent", owed, "")).await?;
                        }
                        Ok(())
                    }
                    .scope_boxed()
                })
                .await
            }
            Outcome::GivenUp(reason) => {
                tracing::warn!(notification.id = %owed.id, reason, "a message can never arrive");
                self.tx("notification_given_up", &context, |tx| {
                    let reason = reason.clone();
                    async move {
                        if store::finish_given_up(tx, owed, &reason).await? {
                            audit::record(tx, entry("notification.given_up", owed, &reason)).await?;
                        }
                        Ok(())
                    }
                    .scope_boxed()
                })
                .await
            }
            Outcome::Later { reason, after } => {
                let delay = after.unwrap_or_else(|| BACKOFF.after(owed.attempts, &**self.random()));
                tracing::warn!(notification.id = %owed.id, notification.attempts = owed.attempts, reason, "not sent yet");
                store::finish_later(self, owed, self.now().await?.business + delay).await?;
                if owed.attempts == ALERT_AFTER {
                    self.alert_undelivered(&context, owed, &reason).await?;
                }
                Ok(())
            }
        }
    }

    async fn alert_undelivered(
        &self,
        context: &Context,
        owed: &Owed,
        reason: &str,
    ) -> Result<(), StoreError> {
        let (condition, details) = (format!("undelivered:{}", owed.medium), json!({ "reason": reason }));
        self.tx("alert_undelivered", context, |tx| {
            let (condition, details) = (condition.clone(), details.clone());
            async move { alerts::raise(tx, alerts::Kind::WorkOverdue, &condition, details).await }
                .scope_boxed()
        })
        .await
    }
}

fn later(reason: &str) -> Outcome {
    Outcome::Later { reason: reason.to_owned(), after: None }
}

fn entry(action: &'static str, owed: &Owed, reason: &str) -> audit::Entry {
    audit::Entry {
        action,
        subject_kind: "notification",
        subject_id: owed.id.to_string(),
        user: None,
        details: json!({ "kind": owed.content.kind(), "reason": reason }),
    }
}

fn instant(us: i64) -> Result<Instant, StoreError> {
    Instant::from_unix_timestamp_nanos(i128::from(us) * 1_000)
        .map_err(|_| StoreError::Corrupt("an instant out of range".to_owned()))
}
