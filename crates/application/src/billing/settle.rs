//! Taking a verified statement of a provider: the hot path of a webhook.
//!
//! Two round trips: read the payment with its schedule, decide in the domain, write everything guarded by the
//! versions that were read. A first success takes the single statement of `settle.sql`; everything rarer takes
//! [`super::apply`] in a transaction.

use domain::ids::{NotificationId, PaymentId, PeriodId, SubscriptionId, WebhookEventId};
use domain::payment::{Decision, Event, Statement, Verdict};
use domain::subscription::{PeriodState, Schedule};
use domain::time::{Instant, microseconds_between};
use gateways::payments::Instructions;
use scoped_futures::ScopedFutureExt;
use serde_json::json;
use sqlx::types::Json;

use super::apply::{self, Applied, apply};
use super::quarantine;
use super::store::{Row, StoredPayment};
use super::webhook::{self, Delivery, Outcome};
use crate::actor::Context;
use crate::app::App;
use crate::notifications::Content;
use crate::subscriptions::{Loaded, Outlook, StoredPeriod};
use crate::tx::{StoreError, Tx};

/// Each turn another writer must have been faster; they come to an end.
const MAX_TURNS: u32 = 16;

/// A payment with the schedule that its success would extend.
struct Situation {
    stored: StoredPayment,
    /// By an admin's freeze.
    withheld: bool,
    subscription: Option<Loaded>,
    event_known: bool,
}

impl App {
    /// Applies a statement and stores its event, once.
    pub(super) async fn settle(
        &self,
        context: &Context,
        delivery: &Delivery<'_>,
        payment: PaymentId,
        statement: &Statement,
    ) -> Result<Outcome, StoreError> {
        let event = Event::Stated(statement.clone());
        for _ in 0..MAX_TURNS {
            let Some(situation) = self.situation(payment, delivery).await? else {
                return self.quarantine_unknown(context, delivery, payment).await;
            };
            if situation.event_known {
                return Ok(Outcome::Duplicate);
            }
            let simple = match situation.stored.payment.apply(&event) {
                Verdict::Grow(decision) if is_simple(&situation, &decision) => decision,
                _ => return self.settle_in_transaction(context, delivery, payment, &event).await,
            };
            if self.write_success(context, delivery, &situation, &simple).await? {
                self.wake_workers();
                return Ok(Outcome::Applied);
            }
        }
        self.settle_in_transaction(context, delivery, payment, &event).await
    }

    async fn situation(
        &self,
        payment: PaymentId,
        delivery: &Delivery<'_>,
    ) -> Result<Option<Situation>, StoreError> {
        let row = sqlx::query!(
            r#"SELECT payments.id, payments.user_id, payments.plan_code, payments.channel, plan_days, provider,
                      amount_minor, currency, quote_expires_at, checkout_url, nonce, phase, provider_reference,
                      settled_at, refunded_minor, dispute, disputed_at, closed, closed_at, failure_reason,
                      quarantined_at, payments.version, payments.created_at, mode, transaction_reference,
                      instructions AS "instructions: Json<Instructions>",
                      payer_encrypted, late_until,
                      (users.frozen_at IS NOT NULL AND users.frozen_by IS DISTINCT FROM 'rule') AS "withheld!",
                      subscriptions.id AS "subscription_id?", subscriptions.version AS "subscription_version?",
                      (SELECT json_agg(json_build_object(
                                  'id', id, 'position', position, 'length_us', length_us, 'state', state,
                                  'used_before_us', used_before_us,
                                  'starts_at_us', (extract(epoch FROM starts_at) * 1000000)::bigint,
                                  'ends_at_us', (extract(epoch FROM periods.ends_at) * 1000000)::bigint,
                                  'bought_at_us', (extract(epoch FROM bought_at) * 1000000)::bigint))
                       FROM periods WHERE subscription_id = subscriptions.id)
                      AS "periods?: sqlx::types::Json<Vec<StoredPeriod>>",
                      EXISTS (SELECT FROM webhook_events WHERE webhook_events.provider = $2 AND event_id = $3)
                      AS "event_known!"
               FROM payments
               JOIN users ON users.id = payments.user_id
               LEFT JOIN subscriptions
                      ON subscriptions.user_id = payments.user_id AND subscriptions.channel = payments.channel
               WHERE payments.id = $1 AND payments.provider = $2"#,
            payment.uuid(),
            delivery.provider,
            delivery.event_id
        )
        .fetch_optional(self.db())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let subscription = match (row.subscription_id, row.subscription_version) {
            (Some(id), Some(version)) => {
                let periods = row.periods.map(|json| json.0).unwrap_or_default();
                let schedule = StoredPeriod::schedule(&periods)?;
                Some(Loaded { id: SubscriptionId::from_uuid(id), version, schedule })
            }
            _ => None,
        };
        let stored = Row {
            id: row.id,
            user_id: row.user_id,
            plan_code: row.plan_code,
            channel: row.channel,
            plan_days: row.plan_days,
            provider: row.provider,
            amount_minor: row.amount_minor,
            currency: row.currency,
            quote_expires_at: row.quote_expires_at,
            checkout_url: row.checkout_url,
            nonce: row.nonce,
            phase: row.phase,
            provider_reference: row.provider_reference,
            settled_at: row.settled_at,
            refunded_minor: row.refunded_minor,
            dispute: row.dispute,
            disputed_at: row.disputed_at,
            closed: row.closed,
            closed_at: row.closed_at,
            failure_reason: row.failure_reason,
            quarantined_at: row.quarantined_at,
            version: row.version,
            created_at: row.created_at,
            mode: row.mode,
            transaction_reference: row.transaction_reference,
            instructions: row.instructions,
            payer_encrypted: row.payer_encrypted,
            late_until: row.late_until,
        }
        .into_payment()?;
        Ok(Some(Situation { stored, withheld: row.withheld, subscription, event_known: row.event_known }))
    }

    /// Writes a first success in one statement. Not if somebody changed the payment or the subscription since.
    async fn write_success(
        &self,
        context: &Context,
        delivery: &Delivery<'_>,
        situation: &Situation,
        decision: &Decision,
    ) -> Result<bool, StoreError> {
        let now = self.now().await?;
        let stored = &situation.stored;
        let known = situation.subscription.as_ref();
        let subscription =
            known.map_or_else(|| SubscriptionId::new(now.wall, &self.entropy()), |known| known.id);
        let mut schedule = known.map_or_else(Schedule::default, |known| known.schedule.clone());
        let ended_before = schedule.ends_at();
        let period = PeriodId::new(now.wall, &self.entropy());
        schedule.append(period, stored.length.duration(), PeriodState::Live, now.business);
        let Some(added) = schedule.periods().iter().find(|added| added.id == period) else {
            return Ok(false);
        };
        let outlook = Outlook::of(&schedule, now.business);
        let notification = NotificationId::new(now.wall, &self.entropy());
        let ends_at_us = microseconds_between(Instant::UNIX_EPOCH, outlook.ends_at);
        let confirmation = Content::PaymentConfirmed { payment: stored.id, ends_at_us };
        let payload =
            serde_json::to_value(confirmation).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let event = WebhookEventId::new(now.wall, &self.entropy());
        let extended = json!({
            "payment": stored.id,
            "period_state": PeriodState::Live.as_str(),
            "ends_at_before_us": ended_before.map(|end| microseconds_between(Instant::UNIX_EPOCH, end)),
            "ends_at_us": ends_at_us,
        });
        let written = sqlx::query_file_scalar!(
            "src/billing/settle.sql",
            stored.id.uuid(),
            stored.version,
            subscription.uuid(),
            outlook.ends_at,
            outlook.remind_at,
            outlook.end_due_at,
            now.business,
            known.map_or(0, |known| known.version),
            decision.facts.reference,
            decision.facts.settled.as_ref().map(|settled| settled.at),
            event.uuid(),
            delivery.provider,
            delivery.event_id,
            delivery.event_type,
            delivery.seal(self, event)?,
            now.wall,
            period.uuid(),
            added.position,
            microseconds_between(added.starts_at, added.ends_at),
            added.starts_at,
            context.request_id.as_deref(),
            context.address.map(|address| address.to_string()),
            apply::details(stored, decision),
            extended,
            notification.uuid(),
            apply::confirmation_key(stored.id),
            payload,
            decision.facts.transaction
        )
        .fetch_optional(self.db())
        .await;
        match written {
            Ok(row) => Ok(row.is_some()),
            // The same event, delivered to another connection at the same time: read again.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
            Err(error) => match StoreError::from(error) {
                error if error.worth_repeating() => Ok(false),
                error => Err(error),
            },
        }
    }

    /// Everything that is not a plain first success.
    async fn settle_in_transaction(
        &self,
        context: &Context,
        delivery: &Delivery<'_>,
        payment: PaymentId,
        event: &Event,
    ) -> Result<Outcome, StoreError> {
        self.tx("settle_payment", context, |tx| {
            async move { settle_slowly(self, tx, delivery, payment, event).await }.scope_boxed()
        })
        .await
    }

    async fn quarantine_unknown(
        &self,
        context: &Context,
        delivery: &Delivery<'_>,
        payment: PaymentId,
    ) -> Result<Outcome, StoreError> {
        self.tx("quarantine_unknown_payment", context, |tx| {
            async move {
                let stored =
                    webhook::store(self, tx, delivery, None, Outcome::Quarantined("unknown_payment")).await?;
                let Some(id) = stored else { return Ok(Outcome::Duplicate) };
                quarantine::keep_unknown_payment(tx, delivery.provider, &payment.to_string(), id).await?;
                Ok(Outcome::Quarantined("unknown_payment"))
            }
            .scope_boxed()
        })
        .await
    }

    fn entropy(&self) -> domain::ids::IdEntropy {
        crypto::random::bytes(&**self.random())
    }
}

/// The common case: pending, not withheld, never refunded or disputed, and now paid in time.
fn is_simple(situation: &Situation, decision: &Decision) -> bool {
    let facts = &decision.facts;
    decision.newly_settled
        && decision.entitlement == Some(PeriodState::Live)
        && !situation.withheld
        && facts.refunded_minor == 0
        && facts.dispute.is_none()
        && facts.closed.is_none()
        && !facts.late(situation.stored.quote_expires_at)
}

async fn settle_slowly(
    app: &App,
    tx: &mut Tx,
    delivery: &Delivery<'_>,
    payment: PaymentId,
    event: &Event,
) -> Result<Outcome, StoreError> {
    // The payment's lock comes first, so that one event delivered twice takes turns.
    let applied = apply(tx, payment, event).await?;
    let outcome = match &applied {
        Applied::Changed(_) => Outcome::Applied,
        Applied::Known => Outcome::AlreadyApplied,
        Applied::Contradicts(contradiction) => Outcome::Quarantined(contradiction.code()),
        Applied::NoSuchPayment => Outcome::Quarantined("unknown_payment"),
    };
    let known = (applied != Applied::NoSuchPayment).then_some(payment);
    let Some(stored_event) = webhook::store(app, tx, delivery, known, outcome).await? else {
        // Its facts were applied with it: applying them again changed nothing.
        return Ok(Outcome::Duplicate);
    };
    if let Applied::Contradicts(contradiction) = &applied {
        quarantine::quarantine_payment(
            tx,
            payment,
            delivery.provider,
            contradiction,
            quarantine::Source::Callback(event, stored_event),
        )
        .await?;
    }
    Ok(outcome)
}
