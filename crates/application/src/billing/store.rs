//! The table of payments: rows in, rows out.

use domain::ids::{PaymentId, UserId};
use domain::money::{Currency, Money};
use domain::payment::{
    Closure, ClosureReason, Decision, Dispute, DisputeState, Facts, Mode, Payment, Phase, Settlement, Status,
};
use domain::plan::{ChannelKey, PlanCode, PlanLength};
use domain::subscription::PeriodState;
use domain::time::Instant;
use gateways::payments::{Inquiry, Instructions};
use sqlx::types::Json;

use crate::tx::{StoreError, Tx};

/// A payment with everything that decisions about it need.
#[derive(Clone, Debug)]
pub(crate) struct StoredPayment {
    pub(crate) id: PaymentId,
    pub(crate) user: UserId,
    pub(crate) plan_code: PlanCode,
    pub(crate) channel: ChannelKey,
    pub(crate) length: PlanLength,
    pub(crate) provider: String,
    pub(crate) quote_expires_at: Instant,
    pub(crate) nonce: String,
    pub(crate) created_at: Instant,
    pub(crate) version: i32,
    pub(crate) payment: Payment,
    pub(crate) checkout_url: Option<String>,
    /// What the payer does instead of visiting a page.
    pub(crate) instructions: Option<Instructions>,
    pub(crate) quarantined_at: Option<Instant>,
    /// Until when money may still turn out to have come.
    pub(crate) late_until: Instant,
    /// The payer's telephone and way to pay, sealed.
    pub(crate) payer_sealed: Option<Vec<u8>>,
}

impl StoredPayment {
    /// The payment as its provider needs to know it to be asked about it.
    pub(crate) fn inquiry(&self) -> Inquiry {
        let facts = &self.payment.facts;
        Inquiry {
            payment_id: self.id,
            reference: facts.reference.clone(),
            transaction: facts.transaction.clone(),
            amount: self.payment.amount,
            created_at: self.created_at,
        }
    }
}

/// The columns of a payment, as any query of this room selects them.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: uuid::Uuid,
    pub(super) user_id: uuid::Uuid,
    pub(super) plan_code: String,
    pub(super) channel: String,
    pub(super) plan_days: i32,
    pub(super) provider: String,
    pub(super) amount_minor: i64,
    pub(super) currency: String,
    pub(super) quote_expires_at: Instant,
    pub(super) checkout_url: Option<String>,
    pub(super) nonce: String,
    pub(super) phase: String,
    pub(super) provider_reference: Option<String>,
    pub(super) settled_at: Option<Instant>,
    pub(super) refunded_minor: i64,
    pub(super) dispute: Option<String>,
    pub(super) disputed_at: Option<Instant>,
    pub(super) closed: Option<String>,
    pub(super) closed_at: Option<Instant>,
    pub(super) failure_reason: Option<String>,
    pub(super) quarantined_at: Option<Instant>,
    pub(super) version: i32,
    pub(super) created_at: Instant,
    pub(super) mode: String,
    pub(super) transaction_reference: Option<String>,
    pub(super) instructions: Option<Json<Instructions>>,
    pub(super) payer_encrypted: Option<Vec<u8>>,
    pub(super) late_until: Option<Instant>,
}

pub(super) fn currency(code: &str) -> Result<Currency, StoreError> {
    code.parse().map_err(|_| StoreError::unknown_word("currency", code))
}

pub(super) fn plan_code(code: &str) -> Result<PlanCode, StoreError> {
    code.parse().map_err(|_| StoreError::unknown_word("plan_code", code))
}

pub(super) fn channel(key: &str) -> Result<ChannelKey, StoreError> {
    key.parse().map_err(|_| StoreError::unknown_word("channel", key))
}

pub(super) fn phase(word: &str) -> Result<Phase, StoreError> {
    [Phase::Created, Phase::Sent, Phase::Awaiting]
        .into_iter()
        .find(|phase| phase.as_str() == word)
        .ok_or_else(|| StoreError::unknown_word("payments.phase", word))
}

fn mode(word: &str) -> Result<Mode, StoreError> {
    [Mode::Test, Mode::Live]
        .into_iter()
        .find(|mode| mode.as_str() == word)
        .ok_or_else(|| StoreError::unknown_word("payments.mode", word))
}

fn dispute_state(word: &str) -> Result<DisputeState, StoreError> {
    [DisputeState::Open, DisputeState::Won, DisputeState::Lost]
        .into_iter()
        .find(|state| state.as_str() == word)
        .ok_or_else(|| StoreError::unknown_word("payments.dispute", word))
}

pub(super) fn status(word: &str) -> Result<Status, StoreError> {
    [
        Status::Pending,
        Status::Succeeded,
        Status::Failed,
        Status::Expired,
        Status::Refunded,
        Status::PartiallyRefunded,
        Status::Disputed,
        Status::ChargedBack,
    ]
    .into_iter()
    .find(|status| status.as_str() == word)
    .ok_or_else(|| StoreError::unknown_word("payments.status", word))
}

impl Row {
    pub(super) fn into_payment(self) -> Result<StoredPayment, StoreError> {
        let dispute = match (&self.dispute, self.disputed_at) {
            (Some(word), Some(at)) => Some(Dispute { at, state: dispute_state(word)? }),
            _ => None,
        };
        let closed = match (self.closed.as_deref(), self.closed_at) {
            (Some("expired"), Some(at)) => Some(Closure { at, reason: ClosureReason::Expired }),
            (Some(_), Some(at)) => {
                let reason = self.failure_reason.unwrap_or_default();
                Some(Closure { at, reason: ClosureReason::Failed(reason) })
            }
            _ => None,
        };
        let days = u16::try_from(self.plan_days)
            .map_err(|_| StoreError::Corrupt("payments.plan_days".to_owned()))?;
        let facts = Facts {
            phase: phase(&self.phase)?,
            reference: self.provider_reference,
            transaction: self.transaction_reference,
            settled: self.settled_at.map(|at| Settlement { at }),
            refunded_minor: self.refunded_minor,
            dispute,
            closed,
        };
        Ok(StoredPayment {
            id: PaymentId::from_uuid(self.id),
            user: UserId::from_uuid(self.user_id),
            plan_code: plan_code(&self.plan_code)?,
            channel: channel(&self.channel)?,
            length: PlanLength::from_days(days).map_err(|error| StoreError::Corrupt(error.to_string()))?,
            provider: self.provider,
            quote_expires_at: self.quote_expires_at,
            nonce: self.nonce,
            created_at: self.created_at,
            version: self.version,
            payment: Payment {
                amount: Money::new(self.amount_minor, currency(&self.currency)?),
                mode: mode(&self.mode)?,
                facts,
            },
            checkout_url: self.checkout_url,
            instructions: self.instructions.map(|json| json.0),
            quarantined_at: self.quarantined_at,
            late_until: self.late_until.unwrap_or(self.quote_expires_at),
            payer_sealed: self.payer_encrypted,
        })
    }
}

/// Selects the columns of [`Row`], with a condition and its arguments behind.
macro_rules! select_payment {
    ($condition:literal $(, $argument:expr)*) => {
        sqlx::query_as!(
            $crate::billing::store::Row,
            r#"SELECT id, user_id, plan_code, channel, plan_days, provider, amount_minor, currency, quote_expires_at,
                    checkout_url, nonce, phase, provider_reference, settled_at, refunded_minor, dispute, disputed_at,
                    closed, closed_at, failure_reason, quarantined_at, version, created_at, mode,
                    transaction_reference, instructions AS "instructions: _", payer_encrypted, late_until
             FROM payments "# + $condition
            $(, $argument)*
        )
    };
}
pub(super) use select_payment;

/// A payment as it is now.
pub(super) async fn read(db: &sqlx::PgPool, id: PaymentId) -> Result<StoredPayment, StoreError> {
    let row: Row = select_payment!("WHERE id = $1", id.uuid()).fetch_one(db).await?;
    row.into_payment()
}

pub(super) async fn lock(tx: &mut Tx, id: PaymentId) -> Result<Option<StoredPayment>, StoreError> {
    let row = select_payment!("WHERE id = $1 FOR UPDATE", id.uuid()).fetch_optional(tx.db()).await?;
    row.map(Row::into_payment).transpose()
}

/// Locks the payments of a user that money came for, and says what each entitles to.
pub(crate) async fn lock_entitlements(
    tx: &mut Tx,
    user: UserId,
) -> Result<Vec<(PaymentId, PeriodState)>, StoreError> {
    let rows =
        select_payment!("WHERE user_id = $1 AND settled_at IS NOT NULL ORDER BY id FOR UPDATE", user.uuid())
            .fetch_all(tx.db())
            .await?;
    let mut entitlements = Vec::with_capacity(rows.len());
    for row in rows {
        let stored = row.into_payment()?;
        let state = stored.payment.facts.entitlement(stored.payment.amount);
        entitlements.extend(state.map(|state| (stored.id, state)));
    }
    Ok(entitlements)
}

/// How many payments of a user failed since then (business time).
pub(super) async fn count_failed(tx: &mut Tx, user: UserId, since: Instant) -> Result<i64, StoreError> {
    let query = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM payments WHERE user_id = $1 AND closed = 'failed' AND closed_at > $2"#,
        user.uuid(),
        since
    );
    Ok(query.fetch_one(tx.db()).await?)
}

/// Writes the facts of a decision. The caller holds the row's lock.
pub(super) async fn write_facts(tx: &mut Tx, id: PaymentId, decision: &Decision) -> Result<(), StoreError> {
    let now = tx.now();
    let facts = &decision.facts;
    let (closed, reason) = match facts.closed.as_ref().map(|closed| &closed.reason) {
        None => (None, None),
        Some(ClosureReason::Expired) => (Some("expired"), None),
        Some(ClosureReason::Failed(reason)) => (Some("failed"), Some(reason.as_str())),
    };
    let is_pending = decision.status == Status::Pending;
    let done = sqlx::query!(
        "UPDATE payments
         SET phase = $2, provider_reference = $3, settled_at = $4, refunded_minor = $5, dispute = $6,
             disputed_at = $7, closed = $8, closed_at = $9, failure_reason = $10, status = $11,
             recorded_at = CASE WHEN $4::timestamptz IS NOT NULL THEN COALESCE(recorded_at, $12) END,
             quarantined_at = CASE WHEN $4::timestamptz IS NULL OR recorded_at IS NOT NULL THEN quarantined_at END,
             is_open = is_open AND $13,
             transaction_reference = $15,
             check_due_at = CASE WHEN $14 THEN $12 WHEN $13 OR check_due_at <= $12 THEN check_due_at END,
             check_attempts = CASE WHEN $14 THEN 0 ELSE check_attempts END,
             version = version + 1
         WHERE id = $1",
        id.uuid(),
        facts.phase.as_str(),
        facts.reference,
        facts.settled.as_ref().map(|settled| settled.at),
        facts.refunded_minor,
        facts.dispute.map(|dispute| dispute.state.as_str()),
        facts.dispute.map(|dispute| dispute.at),
        closed,
        facts.closed.as_ref().map(|closed| closed.at),
        reason,
        decision.status.as_str(),
        now,
        is_pending,
        decision.ask_provider,
        facts.transaction
    )
    .execute(tx.db())
    .await?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StoreError::Corrupt("a locked payment is gone".to_owned()))
    }
}

/// Whether this movement of money has paid another payment of the provider.
pub(super) async fn transaction_is_used(
    tx: &mut Tx,
    stored: &StoredPayment,
    transaction: &str,
) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM payments WHERE provider = $1 AND transaction_reference = $2 AND id <> $3)
           AS "used!""#,
        stored.provider,
        transaction,
        stored.id.uuid()
    );
    Ok(query.fetch_one(tx.db()).await?)
}

/// Whether this payment exists and is paid through this provider.
pub(super) async fn is_through(tx: &mut Tx, id: PaymentId, provider: &str) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM payments WHERE id = $1 AND provider = $2) AS "is_through!""#,
        id.uuid(),
        provider
    );
    Ok(query.fetch_one(tx.db()).await?)
}
