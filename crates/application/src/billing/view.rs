//! A payment as its owner sees it: "where is my money".

use domain::ids::{PaymentId, UserId};
use domain::money::{Currency, Money};
use domain::payment::{ClosureReason, Mode, Phase, Status};
use domain::plan::PlanCode;
use domain::time::Instant;
use gateways::payments::Instructions;

use super::store::{Row, StoredPayment, select_payment};
use crate::app::App;
use crate::tx::StoreError;

/// A payment as its owner sees it.
#[derive(Clone, Debug)]
pub struct PaymentView {
    /// Which.
    pub id: PaymentId,
    /// What its facts say.
    pub status: Status,
    /// How far the provider was asked.
    pub phase: Phase,
    /// What is bought.
    pub plan_code: PlanCode,
    /// Through whom.
    pub provider: String,
    /// The frozen amount.
    pub amount: Money,
    /// Where to pay, while it can be paid.
    pub checkout_url: Option<String>,
    /// What to do instead of visiting a page, while it can be paid.
    pub instructions: Option<Instructions>,
    /// Whether it is about real money.
    pub mode: Mode,
    /// Until when the quote holds.
    pub expires_at: Instant,
    /// When it was opened.
    pub created_at: Instant,
    /// When the provider saw the money, by its own clock.
    pub settled_at: Option<Instant>,
    /// How much went back, in minor units.
    pub refunded_minor: i64,
    /// The money came after the payment had been given up.
    pub late: bool,
    /// A statement contradicted the quote; the operator is looking at it.
    pub under_review: bool,
    /// Why it failed, in the provider's word.
    pub failure_reason: Option<String>,
}

/// One step on the way of the money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// `created`, `accepted`, `settled`, `extended`, `access`.
    pub name: &'static str,
    /// When it was reached; not yet if absent.
    pub at: Option<Instant>,
}

/// Where a page of the list of payments starts.
pub type PaymentCursor = PaymentId;

impl PaymentView {
    /// As it is now.
    pub(crate) fn of(stored: &StoredPayment) -> Self {
        let facts = &stored.payment.facts;
        Self {
            settled_at: facts.settled.as_ref().map(|settled| settled.at),
            refunded_minor: facts.refunded_minor,
            late: facts.late(stored.quote_expires_at),
            under_review: stored.quarantined_at.is_some(),
            ..Self::as_answered(stored, stored.status(), facts.phase)
        }
    }

    /// As the first answer to its request showed it: everything else in it never changes.
    pub(crate) fn as_answered(stored: &StoredPayment, status: Status, phase: Phase) -> Self {
        let payable = status == Status::Pending && phase == Phase::Awaiting;
        Self {
            id: stored.id,
            status,
            phase,
            plan_code: stored.plan_code.clone(),
            provider: stored.provider.clone(),
            amount: stored.payment.amount,
            checkout_url: stored.checkout_url.clone().filter(|_| payable),
            instructions: stored.instructions.clone().filter(|_| payable),
            mode: stored.payment.mode,
            expires_at: stored.quote_expires_at,
            created_at: stored.created_at,
            settled_at: None,
            refunded_minor: 0,
            late: false,
            under_review: false,
            failure_reason: match stored.payment.facts.closed.as_ref().map(|closed| &closed.reason) {
                Some(ClosureReason::Failed(reason)) if status == Status::Failed => Some(reason.clone()),
                _ => None,
            },
        }
    }
}

impl App {
    /// A user's payment; somebody else's is the same as none (SEC-22).
    pub async fn payment(&self, user: UserId, id: PaymentId) -> Result<Option<PaymentView>, StoreError> {
        let row: Option<Row> = select_payment!("WHERE id = $1 AND user_id = $2", id.uuid(), user.uuid())
            .fetch_optional(self.db())
            .await?;
        row.map(|row| Ok(PaymentView::of(&row.into_payment()?))).transpose()
    }

    /// A user's payments, newest first, at most `limit`, after `cursor`.
    pub async fn payments(
        &self,
        user: UserId,
        cursor: Option<PaymentCursor>,
        limit: i64,
    ) -> Result<Vec<PaymentView>, StoreError> {
        let rows: Vec<Row> = select_payment!(
            "WHERE user_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
            user.uuid(),
            cursor.map(PaymentId::uuid),
            limit
        )
        .fetch_all(self.db())
        .await?;
        rows.into_iter().map(|row| Ok(PaymentView::of(&row.into_payment()?))).collect()
    }

    /// The steps of a payment with their instants.
    pub async fn payment_steps(&self, user: UserId, id: PaymentId) -> Result<Vec<Step>, StoreError> {
        let row = sqlx::query!(
            r#"SELECT payments.created_at,
                      (SELECT min(business_at) FROM audit_logs
                       WHERE subject_kind = 'payment' AND subject_id = payments.id::text
                         AND action <> 'payment.created' AND details ->> 'phase' = 'awaiting') AS opened_at,
                      phase, settled_at,
                      (SELECT bought_at FROM periods WHERE payment_id = payments.id) AS extended_at,
                      (SELECT min(memberships.invited_at) FROM bindings
                       JOIN memberships ON memberships.telegram_user_id = bindings.telegram_user_id
                                       AND memberships.channel = payments.channel
                       WHERE bindings.user_id = payments.user_id AND bindings.ended_at IS NULL) AS invited_at
               FROM payments
               WHERE id = $1 AND user_id = $2"#,
            id.uuid(),
            user.uuid()
        )
        .fetch_optional(self.db())
        .await?;
        let Some(row) = row else { return Ok(Vec::new()) };
        let accepted = row.opened_at.or_else(|| (row.phase == "awaiting").then_some(row.created_at));
        Ok(vec![
            Step { name: "created", at: Some(row.created_at) },
            Step { name: "accepted", at: accepted },
            Step { name: "settled", at: row.settled_at },
            Step { name: "extended", at: row.extended_at },
            Step { name: "access", at: row.invited_at.filter(|_| row.extended_at.is_some()) },
        ])
    }
}

/// Which payments staff want to see.
#[derive(Clone, Debug, Default)]
pub struct PaymentFilter {
    /// Only those of this status.
    pub status: Option<String>,
    /// Only those through this provider.
    pub provider: Option<String>,
    /// Only those of this user.
    pub user: Option<UserId>,
    /// Only those of exactly this amount, in minor units.
    pub amount_minor: Option<i64>,
    /// Only those in this currency.
    pub currency: Option<Currency>,
    /// Only those that the provider, or the bank, calls so.
    pub reference: Option<String>,
    /// Only those that were opened then or later.
    pub from: Option<Instant>,
    /// Only those that were opened before.
    pub to: Option<Instant>,
}

/// A payment as staff see it.
#[derive(Clone, Debug)]
pub struct StaffPaymentView {
    /// As its owner sees it.
    pub payment: PaymentView,
    /// Whose.
    pub user: UserId,
    /// The provider's own name for it.
    pub reference: Option<String>,
    /// The provider's own name for the movement of the money.
    pub transaction: Option<String>,
}

impl StaffPaymentView {
    fn of(stored: &StoredPayment) -> Self {
        Self {
            payment: PaymentView::of(stored),
            user: stored.user,
            reference: stored.payment.facts.reference.clone(),
            transaction: stored.payment.facts.transaction.clone(),
        }
    }
}

impl App {
    /// Anybody's payments, newest first.
    pub async fn all_payments(
        &self,
        filter: &PaymentFilter,
        cursor: Option<PaymentCursor>,
        limit: i64,
    ) -> Result<Vec<StaffPaymentView>, StoreError> {
        let rows: Vec<Row> = select_payment!(
            "WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR provider = $2)
               AND ($3::uuid IS NULL OR user_id = $3) AND ($4::uuid IS NULL OR id < $4)
               AND ($6::bigint IS NULL OR amount_minor = $6) AND ($7::text IS NULL OR currency = $7)
               AND ($8::text IS NULL OR provider_reference = $8 OR transaction_reference = $8)
               AND ($9::timestamptz IS NULL OR created_at >= $9) AND ($10::timestamptz IS NULL OR created_at < $10)
             ORDER BY id DESC LIMIT $5",
            filter.status,
            filter.provider,
            filter.user.map(UserId::uuid),
            cursor.map(PaymentId::uuid),
            limit,
            filter.amount_minor,
            filter.currency.map(Currency::code),
            filter.reference,
            filter.from,
            filter.to
        )
        .fetch_all(self.db())
        .await?;
        rows.into_iter().map(|row| Ok(StaffPaymentView::of(&row.into_payment()?))).collect()
    }

    /// Anybody's payment.
    pub async fn any_payment(&self, id: PaymentId) -> Result<Option<StaffPaymentView>, StoreError> {
        let row: Option<Row> = select_payment!("WHERE id = $1", id.uuid()).fetch_optional(self.db()).await?;
        row.map(|row| Ok(StaffPaymentView::of(&row.into_payment()?))).transpose()
    }
}
