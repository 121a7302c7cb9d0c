//! The inbox of callbacks: what was kept, and processing it again. A kept event was verified when it came, so that its body alone
//! is read.

use domain::ids::{PaymentId, UserId, WebhookEventId};
use domain::payment::Event;
use domain::time::Instant;
use gateways::payments::{Notification, Subject};
use scoped_futures::ScopedFutureExt;
use secrecy::ExposeSecret;
use serde_json::json;

use super::apply::{Applied, apply};
use super::review::{self, ReviewError};
use super::webhook::{BODY, Outcome};
use super::{check, store};
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::tx::StoreError;

/// A kept event as staff see it; its body stays sealed.
#[derive(Clone, Debug)]
pub struct EventView {
    /// Which.
    pub id: WebhookEventId,
    /// Who sent it.
    pub provider: String,
    /// The provider's identifier.
    pub event_id: String,
    /// The provider's word for what happened.
    pub event_type: String,
    /// About which payment.
    pub payment: Option<PaymentId>,
    /// `applied`, `already_applied`, `ignored`, `hinted` or `quarantined`.
    pub outcome: String,
    /// Why it was quarantined.
    pub reason: Option<String>,
    /// How often it was processed.
    pub attempts: i32,
    /// When it came (wall time).
    pub received_at: Instant,
}

/// Which kept events.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Only those of this provider.
    pub provider: Option<String>,
    /// Only those that came to this.
    pub outcome: Option<String>,
    /// Only those about this payment.
    pub payment: Option<PaymentId>,
    /// Only those that came then or later (wall time).
    pub from: Option<Instant>,
    /// Only those that came before (wall time).
    pub to: Option<Instant>,
}

impl App {
    /// Kept events, the newest first.
    pub async fn webhook_events(
        &self,
        filter: &EventFilter,
        after: Option<WebhookEventId>,
        limit: i64,
    ) -> Result<Vec<EventView>, StoreError> {
        let rows = sqlx::query!(
            "SELECT id, provider, event_id, event_type, payment_id, outcome, reason, attempts, received_at
             FROM webhook_events
             WHERE ($1::text IS NULL OR provider = $1) AND ($2::text IS NULL OR outcome = $2)
               AND ($3::uuid IS NULL OR id < $3) AND ($5::uuid IS NULL OR payment_id = $5)
               AND ($6::timestamptz IS NULL OR received_at >= $6) AND ($7::timestamptz IS NULL OR received_at < $7)
             ORDER BY id DESC LIMIT $4",
            filter.provider,
            filter.outcome,
            after.map(WebhookEventId::uuid),
            limit,
            filter.payment.map(PaymentId::uuid),
            filter.from,
            filter.to
        )
        .fetch_all(self.db())
        .await?;
        let views = rows.into_iter().map(|row| EventView {
            id: WebhookEventId::from_uuid(row.id),
            provider: row.provider,
            event_id: row.event_id,
            event_type: row.event_type,
            payment: row.payment_id.map(PaymentId::from_uuid),
            outcome: row.outcome,
            reason: row.reason,
            attempts: row.attempts,
            received_at: row.received_at,
        });
        Ok(views.collect())
    }

    /// Applies what was kept under a name of the provider's that has turned out to be this payment's: a dispute may be told
    /// before the money.
    pub(super) async fn apply_waiting_events(
        &self,
        context: &Context,
        payment: PaymentId,
    ) -> Result<(), ReviewError> {
        let waiting = sqlx::query_scalar!(
            "SELECT webhook_events.id
             FROM payments JOIN webhook_events ON webhook_events.provider = payments.provider
                  AND webhook_events.subject IN (payments.transaction_reference, payments.provider_reference)
             WHERE payments.id = $1 AND webhook_events.payment_id IS NULL
             ORDER BY webhook_events.id",
            payment.uuid()
        )
        .fetch_all(self.db())
        .await
        .map_err(StoreError::from)?;
        for id in waiting {
            self.replay_event(context, None, WebhookEventId::from_uuid(id), "its transaction became known")
                .await?;
        }
        Ok(())
    }

    /// Processes a kept event again, as if it came now. Says what came of it.
    pub async fn replay_event(
        &self,
        context: &Context,
        by: Option<UserId>,
        id: WebhookEventId,
        reason: &str,
    ) -> Result<String, ReviewError> {
        let row =
            sqlx::query!("SELECT provider, body_encrypted FROM webhook_events WHERE id = $1", id.uuid())
                .fetch_optional(self.db())
                .await
                .map_err(StoreError::from)?
                .ok_or(ReviewError::NotFound)?;
        let sealed = row.body_encrypted.ok_or(ReviewError::BodyForgotten)?;
        let body = self.keys().open_text(&BODY, id.uuid(), &sealed)?;
        let provider = self.provider(&row.provider).ok_or(ReviewError::NothingToReplay)?;
        let notification = provider
            .parse_notification(body.expose_secret().as_bytes())
            .map_err(|_| ReviewError::NothingToReplay)?;
        let (subject, statement) = match notification {
            Notification::Statement { subject, statement, .. } => (subject, Some(statement)),
            Notification::Hint { subject, .. } => (subject, None),
            Notification::NotOurs { .. } => return Err(ReviewError::NothingToReplay),
        };
        let payment = self.payment_of(&row.provider, &subject).await?;
        let outcome = self
            .tx("replay_event", context, |tx| {
                let (statement, subject, provider) = (&statement, &subject, row.provider.as_str());
                async move {
                    let outcome = match (payment, statement) {
                        // A provider's word about a payment through another one is nobody's.
                        (Some(payment), _) if !store::is_through(tx, payment, provider).await? => {
                            Outcome::Quarantined("unknown_payment")
                        }
                        (Some(payment), Some(statement)) => {
                            match apply(tx, payment, &Event::Stated(statement.clone())).await? {
                                Applied::Changed(_) => Outcome::Applied,
                                Applied::Known => Outcome::AlreadyApplied,
                                Applied::Contradicts(contradiction) => {
                                    Outcome::Quarantined(contradiction.code())
                                }
                                Applied::NoSuchPayment => Outcome::Quarantined("unknown_payment"),
                            }
                        }
                        (Some(_), None) => Outcome::Hinted,
                        (None, _) => Outcome::Ignored,
                    };
                    let wall = tx.wall();
                    let known = match (outcome, subject) {
                        (Outcome::Quarantined("unknown_payment"), Subject::Payment(_)) => None,
                        _ => payment,
                    };
                    sqlx::query!(
                        "UPDATE webhook_events
                         SET outcome = $2, reason = $3, payment_id = COALESCE(payment_id, $4),
                             attempts = attempts + 1, last_attempt_at = $5
                         WHERE id = $1",
                        id.uuid(),
                        outcome.word(),
                        outcome.reason(),
                        known.map(PaymentId::uuid),
                        wall
                    )
                    .execute(tx.db())
                    .await?;
                    if matches!(outcome, Outcome::Applied | Outcome::AlreadyApplied) {
                        review::resolve_cases_of(tx, id, by, reason).await?;
                    }
                    let entry = audit::Entry {
                        action: "webhook.replayed",
                        subject_kind: "webhook_event",
                        subject_id: id.to_string(),
                        user: None,
                        details: json!({ "outcome": outcome.word(), "reason": reason }),
                    };
                    audit::record(tx, entry).await?;
                    Ok::<_, ReviewError>(outcome)
                }
                .scope_boxed()
            })
            .await?;
        if let (Some(payment), None) = (payment, &statement) {
            check::hurry(self, &row.provider, payment).await?;
        }
        self.wake_workers();
        Ok(outcome.word().to_owned())
    }
}
