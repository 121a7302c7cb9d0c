//! Callbacks of providers (P2, P4, SEC-34…36): verified on the raw bytes, stored once, answered after the commit.

use crypto::envelope::Label;
use domain::ids::{PaymentId, WebhookEventId};
use gateways::payments::{Authenticity, Callback, Notification, NotificationError, PaymentProvider, Subject};
use scoped_futures::ScopedFutureExt;
use thiserror::Error;

use super::{check, quarantine, store as payments};
use crate::actor::{Actor, Context};
use crate::app::App;
use crate::tx::{StoreError, Tx, tx_error};

pub(crate) const BODY: Label = Label::new("webhook_events", "body_encrypted");

/// Why a callback was not taken.
#[derive(Debug, Error)]
pub enum WebhookError {
    /// The database failed; nothing was kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No provider of this name is set up.
    #[error("no such provider")]
    UnknownProvider,
    /// A missing, wrong or stale signature.
    #[error("the signature was refused")]
    Unverified,
    /// Signed, and yet not readable.
    #[error("the signed body could not be read")]
    Malformed,
    /// Whether it is genuine cannot be found out now; the provider sends it again.
    #[error("the signature cannot be checked now")]
    Unverifiable,
}
tx_error!(WebhookError);

/// What a callback that was taken came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookAnswer {
    /// A statement, stored and applied now or before.
    Stored,
    /// A hint: the provider will be asked.
    Hinted,
    /// A hint that anybody could have sent: the provider will be asked if the payment still waits.
    Unsigned,
}

/// One verified event on its way into the database.
pub(super) struct Delivery<'a> {
    pub(super) provider: &'a str,
    pub(super) event_id: &'a str,
    pub(super) event_type: &'a str,
    pub(super) body: &'a [u8],
}

/// What became of a verified event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Applied,
    AlreadyApplied,
    Ignored,
    Hinted,
    Quarantined(&'static str),
    /// It was stored before.
    Duplicate,
}

impl Outcome {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::AlreadyApplied | Self::Duplicate => "already_applied",
            Self::Ignored => "ignored",
            Self::Hinted => "hinted",
            Self::Quarantined(_) => "quarantined",
        }
    }

    pub(super) const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Quarantined(reason) => Some(reason),
            _ => None,
        }
    }
}

impl Delivery<'_> {
    /// The raw body, encrypted for its row.
    pub(super) fn seal(&self, app: &App, event: WebhookEventId) -> Result<Vec<u8>, StoreError> {
        app.keys().seal(&**app.random(), &BODY, event.uuid(), self.body)
    }
}

impl App {
    /// Takes a callback. `header` looks a request header up by its lower-case name.
    pub async fn receive_webhook(
        &self,
        context: &Context,
        provider: &str,
        header: &(dyn Fn(&str) -> Option<String> + Sync),
        body: &[u8],
    ) -> Result<WebhookAnswer, WebhookError> {
        let connector = self.provider(provider).ok_or(WebhookError::UnknownProvider)?;
        let callback = Callback { header, body };
        let authenticity = self.verify_sender(context, &*connector, &callback).await?;
        let notification = connector.parse_notification(body).map_err(|error| {
            tracing::error!(
                webhook.provider = provider,
                error = &error as &dyn std::error::Error,
                "callback unreadable"
            );
            WebhookError::Malformed
        })?;
        let context = context.acting_as(Actor::Provider(provider.to_owned()));
        match authenticity {
            Authenticity::Verified => self.take(&context, provider, notification, body).await,
            Authenticity::Unsigned => self.take_hint(provider, &notification).await,
        }
    }

    /// Believes the sender, or counts the refusal.
    async fn verify_sender(
        &self,
        context: &Context,
        connector: &dyn PaymentProvider,
        callback: &Callback<'_>,
    ) -> Result<Authenticity, WebhookError> {
        let (provider, wall) = (connector.code(), self.clock().wall());
        let verified = if connector.capabilities().admits(context.address) {
            connector.verify_notification(callback, wall).await
        } else {
            Err(NotificationError::Unverified("the sender's network is not on the list".to_owned()))
        };
        verified.map_err(|error| match error {
            NotificationError::Unverified(reason) => {
                tracing::warn!(webhook.provider = provider, webhook.refused = reason, "callback refused");
                self.refusals().count(provider, context.address, callback.body, &reason, wall);
                WebhookError::Unverified
            }
            NotificationError::Malformed(_) => WebhookError::Malformed,
            NotificationError::Unavailable(reason) => {
                tracing::warn!(webhook.provider = provider, reason, "callback cannot be verified now");
                WebhookError::Unverifiable
            }
        })
    }

    /// Takes what a verified sender told.
    async fn take(
        &self,
        context: &Context,
        provider: &str,
        notification: Notification,
        body: &[u8],
    ) -> Result<WebhookAnswer, WebhookError> {
        let (event, subject, statement) = match notification {
            Notification::Statement { event, subject, statement } => (event, subject, Some(statement)),
            Notification::Hint { event: Some(event), subject } => (event, subject, None),
            Notification::Hint { event: None, subject } => {
                self.hurry_subject(provider, &subject).await?;
                return Ok(WebhookAnswer::Hinted);
            }
            Notification::NotOurs { event, suspicious } => {
                let delivery = Delivery { provider, event_id: &event.id, event_type: &event.kind, body };
                self.keep_foreign(context, &delivery, suspicious.as_deref()).await?;
                return Ok(WebhookAnswer::Stored);
            }
        };
        let delivery = Delivery { provider, event_id: &event.id, event_type: &event.kind, body };
        let Some(payment) = self.payment_of(provider, &subject).await? else {
            self.keep_subject(context, &delivery, &subject).await?;
            return Ok(WebhookAnswer::Stored);
        };
        let outcome = match &statement {
            Some(statement) => self.settle(context, &delivery, payment, statement).await?,
            None => self.keep_hint(context, &delivery, payment).await?,
        };
        if statement.is_some_and(|statement| statement.transaction.is_some())
            && let Err(error) = self.apply_waiting_events(context, payment).await
        {
            // The event itself is committed; the check looks again.
            tracing::error!(payment.id = %payment, error = &error as &dyn std::error::Error, "kept events wait");
        }
        tracing::info!(
            webhook.provider = provider,
            webhook.event_id = event.id,
            webhook.event_type = event.kind,
            webhook.outcome = outcome.word(),
            payment.id = %payment,
            "callback taken"
        );
        Ok(if outcome == Outcome::Hinted { WebhookAnswer::Hinted } else { WebhookAnswer::Stored })
    }

    /// Anybody could have sent it: it only makes us ask, whatever it says.
    async fn take_hint(
        &self,
        provider: &str,
        notification: &Notification,
    ) -> Result<WebhookAnswer, WebhookError> {
        if let Notification::Statement { subject, .. } | Notification::Hint { subject, .. } = notification
            && let Some(payment) = self.payment_of(provider, subject).await?
        {
            check::hurry_pending(self, provider, payment).await?;
        }
        Ok(WebhookAnswer::Unsigned)
    }

    async fn hurry_subject(&self, provider: &str, subject: &Subject) -> Result<(), StoreError> {
        match self.payment_of(provider, subject).await? {
            Some(payment) => check::hurry(self, provider, payment).await,
            None => Ok(()),
        }
    }

    /// The payment that a callback means. One that is named by our own id is believed to exist until it is looked for.
    pub(super) async fn payment_of(
        &self,
        provider: &str,
        subject: &Subject,
    ) -> Result<Option<PaymentId>, StoreError> {
        let found = match subject {
            Subject::Payment(id) => return Ok(Some(*id)),
            Subject::Reference(reference) => {
                sqlx::query_scalar!(
                    "SELECT id FROM payments WHERE provider = $1 AND provider_reference = $2",
                    provider,
                    reference
                )
                .fetch_optional(self.db())
                .await?
            }
            Subject::Transaction(transaction) => {
                sqlx::query_scalar!(
                    "SELECT id FROM payments WHERE provider = $1 AND transaction_reference = $2",
                    provider,
                    transaction
                )
                .fetch_optional(self.db())
                .await?
            }
        };
        Ok(found.map(PaymentId::from_uuid))
    }

    /// Complete or not, it makes us ask: kept once, and the payment's next check is now.
    async fn keep_hint(
        &self,
        context: &Context,
        delivery: &Delivery<'_>,
        payment: PaymentId,
    ) -> Result<Outcome, StoreError> {
        let outcome = self
            .tx("keep_hint", context, |tx| {
                async move {
                    let known = payments::is_through(tx, payment, delivery.provider).await?;
                    if !known {
                        let outcome = Outcome::Quarantined("unknown_payment");
                        if let Some(id) = store(self, tx, delivery, None, outcome).await? {
                            let subject = payment.to_string();
                            quarantine::keep_unknown_payment(tx, delivery.provider, &subject, id).await?;
                        }
                        return Ok(outcome);
                    }
                    let stored = store(self, tx, delivery, Some(payment), Outcome::Hinted).await?;
                    Ok::<_, StoreError>(if stored.is_some() { Outcome::Hinted } else { Outcome::Duplicate })
                }
                .scope_boxed()
            })
            .await?;
        check::hurry(self, delivery.provider, payment).await?;
        Ok(outcome)
    }

    /// Names something of the provider's that no payment of ours has, or has not yet: kept under that name, and counted.
    async fn keep_subject(
        &self,
        context: &Context,
        delivery: &Delivery<'_>,
        subject: &Subject,
    ) -> Result<(), StoreError> {
        let (Subject::Reference(name) | Subject::Transaction(name)) = subject else { return Ok(()) };
        self.tx("keep_foreign_event", context, |tx| {
            async move {
                if let Some(id) = store(self, tx, delivery, None, Outcome::Ignored).await? {
                    let named = sqlx::query!(
                        "UPDATE webhook_events SET subject = left($2, 255) WHERE id = $1",
                        id.uuid(),
                        name
                    );
                    named.execute(tx.db()).await?;
                }
                Ok(())
            }
            .scope_boxed()
        })
        .await
    }

    /// Signed, but nothing follows from it: stored all the same.
    async fn keep_foreign(
        &self,
        context: &Context,
        delivery: &Delivery<'_>,
        suspicious: Option<&str>,
    ) -> Result<(), StoreError> {
        let outcome =
            if suspicious.is_some() { Outcome::Quarantined("suspicious") } else { Outcome::Ignored };
        self.tx("keep_foreign_event", context, |tx| {
            async move {
                let fresh = store(self, tx, delivery, None, outcome).await?;
                if let Some((subject, id)) = suspicious.zip(fresh) {
                    quarantine::keep_unknown_payment(tx, delivery.provider, subject, id).await?;
                }
                Ok(())
            }
            .scope_boxed()
        })
        .await
    }
}

/// Stores an event once. Its row, if it was not known before.
pub(super) async fn store(
    app: &App,
    tx: &mut Tx,
    delivery: &Delivery<'_>,
    payment: Option<PaymentId>,
    outcome: Outcome,
) -> Result<Option<WebhookEventId>, StoreError> {
    let id = WebhookEventId::new(tx.wall(), &tx.entropy());
    let (body, wall) = (delivery.seal(app, id)?, tx.wall());
    let done = sqlx::query!(
        "INSERT INTO webhook_events (id, provider, event_id, event_type, payment_id, outcome, reason, body_encrypted,
                                     received_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (provider, event_id) DO NOTHING",
        id.uuid(),
        delivery.provider,
        delivery.event_id,
        delivery.event_type,
        payment.map(PaymentId::uuid),
        outcome.word(),
        outcome.reason(),
        body,
        wall
    )
    .execute(tx.db())
    .await?;
    Ok((done.rows_affected() == 1).then_some(id))
}
