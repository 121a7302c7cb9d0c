//! "Where is my money" for staff: everything that is known of one payment, in one answer.

use domain::ids::{PaymentId, QuarantineId, WebhookEventId};
use domain::time::Instant;

use super::inbox::{EventFilter, EventView};
use super::refunds::RefundView;
use super::review::CaseView;
use super::view::{StaffPaymentView, Step};
use crate::app::App;
use crate::tx::StoreError;

/// So many rows of each kind are told of one payment.
const MOST: i64 = 100;

/// A movement of money that had come.
#[derive(Clone, Debug)]
pub struct MovementView {
    /// `refund`, `dispute_lost` or `dispute_won`.
    pub kind: String,
    /// In minor units of the payment's currency; negative where money left.
    pub amount_minor: i64,
    /// When we learned of it.
    pub booked_at: Instant,
    /// When it happened, by the provider's clock.
    pub value_at: Instant,
}

/// A message about the payment.
#[derive(Clone, Debug)]
pub struct MailView {
    /// Such as `payment_confirmed`.
    pub kind: String,
    /// When it was owed.
    pub owed_at: Instant,
    /// When it was sent.
    pub sent_at: Option<Instant>,
    /// Why it can never arrive.
    pub given_up_for: Option<String>,
}

/// Everything that is known of one payment.
#[derive(Clone, Debug)]
pub struct PaymentTrace {
    /// The payment.
    pub payment: StaffPaymentView,
    /// Each step with its instant.
    pub steps: Vec<Step>,
    /// What moved after the money had come.
    pub movements: Vec<MovementView>,
    /// Refunds that were asked for here.
    pub refunds: Vec<RefundView>,
    /// Callbacks that named it, the newest first.
    pub events: Vec<EventView>,
    /// Contradictions, the newest first.
    pub cases: Vec<CaseView>,
    /// Messages about it.
    pub mails: Vec<MailView>,
}

impl App {
    /// Everything that is known of one payment.
    pub async fn trace_payment(&self, id: PaymentId) -> Result<Option<PaymentTrace>, StoreError> {
        let Some(payment) = self.any_payment(id).await? else { return Ok(None) };
        let filter = EventFilter { payment: Some(id), ..EventFilter::default() };
        Ok(Some(PaymentTrace {
            payment,
            steps: self.staff_steps(id).await?,
            movements: self.movements_of(id).await?,
            refunds: self.refunds_of(id).await?,
            events: self.webhook_events(&filter, None, MOST).await?,
            cases: self.cases_of(id).await?,
            mails: self.mails_of(id).await?,
        }))
    }

    async fn staff_steps(&self, id: PaymentId) -> Result<Vec<Step>, StoreError> {
        let row = sqlx::query!(
            r#"SELECT payments.created_at, phase, settled_at, recorded_at,
                      (SELECT min(business_at) FROM audit_logs
                       WHERE subject_kind = 'payment' AND subject_id = payments.id::text
                         AND action <> 'payment.created' AND details ->> 'phase' IN ('sent', 'awaiting')) AS asked_at,
                      (SELECT min(business_at) FROM audit_logs
                       WHERE subject_kind = 'payment' AND subject_id = payments.id::text
                         AND action <> 'payment.created' AND details ->> 'phase' = 'awaiting') AS accepted_at,
                      (SELECT bought_at FROM periods WHERE payment_id = payments.id) AS extended_at,
                      way.invited_at, way.joined_at
               FROM payments
               LEFT JOIN LATERAL (
                   SELECT min(memberships.invited_at) AS invited_at,
                          min(memberships.observed_at) FILTER (WHERE observed = 'member') AS joined_at
                   FROM bindings JOIN memberships ON memberships.telegram_user_id = bindings.telegram_user_id
                                                 AND memberships.channel = payments.channel
                   WHERE bindings.user_id = payments.user_id AND bindings.ended_at IS NULL) AS way ON true
               WHERE payments.id = $1"#,
            id.uuid()
        )
        .fetch_one(self.db())
        .await?;
        // Where opening is one transaction without a call there was nobody to ask.
        let opened = (row.phase == "awaiting").then_some(row.created_at);
        let has_time = row.extended_at.is_some();
        Ok(vec![
            Step { name: "created", at: Some(row.created_at) },
            Step { name: "asked", at: row.asked_at.or(opened) },
            Step { name: "accepted", at: row.accepted_at.or(opened) },
            Step { name: "settled", at: row.settled_at },
            Step { name: "recorded", at: row.recorded_at },
            Step { name: "extended", at: row.extended_at },
            Step { name: "invited", at: row.invited_at.filter(|_| has_time) },
            Step { name: "joined", at: row.joined_at.filter(|_| has_time) },
        ])
    }

    async fn movements_of(&self, id: PaymentId) -> Result<Vec<MovementView>, StoreError> {
        let rows = sqlx::query_as!(
            MovementView,
            "SELECT kind, amount_minor, booked_at, value_at FROM movements WHERE payment_id = $1 ORDER BY id LIMIT $2",
            id.uuid(),
            MOST
        );
        Ok(rows.fetch_all(self.db()).await?)
    }

    async fn cases_of(&self, id: PaymentId) -> Result<Vec<CaseView>, StoreError> {
        let rows = sqlx::query!(
            "SELECT id, provider, webhook_event_id, code, why, stated, created_at, resolution, resolution_reason,
                    resolved_at
             FROM quarantine WHERE payment_id = $1 ORDER BY id DESC LIMIT $2",
            id.uuid(),
            MOST
        )
        .fetch_all(self.db())
        .await?;
        let views = rows.into_iter().map(|row| CaseView {
            id: QuarantineId::from_uuid(row.id),
            provider: row.provider,
            payment: Some(id),
            event: row.webhook_event_id.map(WebhookEventId::from_uuid),
            code: row.code,
            why: row.why,
            stated: row.stated,
            created_at: row.created_at,
            resolution: row.resolution,
            resolution_reason: row.resolution_reason,
            resolved_at: row.resolved_at,
        });
        Ok(views.collect())
    }

    async fn mails_of(&self, id: PaymentId) -> Result<Vec<MailView>, StoreError> {
        let rows = sqlx::query_as!(
            MailView,
            "SELECT kind, created_at AS owed_at, sent_at, given_up_for FROM notifications WHERE dedupe_key = $1",
            super::apply::confirmation_key(id)
        );
        Ok(rows.fetch_all(self.db()).await?)
    }
}
