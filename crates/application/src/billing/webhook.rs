//! Callbacks of providers (P2, P4, SEC-34…36): verified on the raw bytes, stored once, answered after the commit.

use crypto::envelope::Label;
use domain::ids::{PaymentId, WebhookEventId};
use gateways::payments::{Notification, NotificationError};
use scoped_futures::ScopedFutureExt;
use thiserror::Error;

use super::{check, quarantine};
use crate::actor::{Actor, Context};
use crate::app::App;
use crate::tx::{StoreError, Tx, tx_error};

const BODY: Label = Label::new("webhook_events", "body_encrypted");

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
}
tx_error!(WebhookError);

/// What a callback that was taken came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookAnswer {
    /// A statement, stored and applied now or before.
    Stored,
    /// A hint: the provider will be asked.
    Hinted,
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
    Quarantined(&'static str),
    /// It was stored before.
    Duplicate,
}

impl Outcome {
    const fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::AlreadyApplied | Self::Duplicate => "already_applied",
            Self::Ignored => "ignored",
            Self::Quarantined(_) => "quarantined",
        }
    }

    const fn reason(self) -> Option<&'static str> {
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
        let wall = self.clock().wall();
        let notification = match connector.parse_notification(&|name| header(name), body, wall) {
            Ok(notification) => notification,
            Err(NotificationError::Unverified(reason)) => {
                tracing::warn!(webhook.provider = provider, webhook.refused = reason, "callback refused");
                self.refusals().count(provider, context.address, body, &reason, wall);
                return Err(WebhookError::Unverified);
            }
            Err(error @ NotificationError::Malformed(_)) => {
                tracing::error!(
                    webhook.provider = provider,
                    error = &error as &dyn std::error::Error,
                    "callback unreadable"
                );
                return Err(WebhookError::Malformed);
            }
        };
        let context = context.acting_as(Actor::Provider(provider.to_owned()));
        match notification {
            Notification::Statement { event_id, event_type, payment_id, statement } => {
                let delivery = Delivery { provider, event_id: &event_id, event_type: &event_type, body };
                let outcome = self.settle(&context, &delivery, payment_id, &statement).await?;
                tracing::info!(
                    webhook.provider = provider,
                    webhook.event_id = event_id,
                    webhook.event_type = event_type,
                    webhook.outcome = outcome.word(),
                    payment.id = %payment_id,
                    "callback taken"
                );
                Ok(WebhookAnswer::Stored)
            }
            Notification::Hint { payment_id } => {
                check::hurry(self, provider, payment_id).await?;
                Ok(WebhookAnswer::Hinted)
            }
            Notification::NotOurs { event_id, event_type, suspicious } => {
                let delivery = Delivery { provider, event_id: &event_id, event_type: &event_type, body };
                self.keep_foreign(&context, &delivery, suspicious.as_deref()).await?;
                Ok(WebhookAnswer::Stored)
            }
        }
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
                if let Some(subject) = suspicious.filter(|_| fresh) {
                    quarantine::alert_unknown_payment(tx, delivery.provider, subject).await?;
                }
                Ok(())
            }
            .scope_boxed()
        })
        .await
    }
}

/// Stores an event once. Says whether it was not known before.
pub(super) async fn store(
    app: &App,
    tx: &mut Tx,
    delivery: &Delivery<'_>,
    payment: Option<PaymentId>,
    outcome: Outcome,
) -> Result<bool, StoreError> {
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
    Ok(done.rows_affected() == 1)
}
