//! Money that goes back, asked for by an admin: once per key, owed work until its end is known.
//!
//! The refund's own id is the provider's key, stored before the call, so an unknown outcome is resolved by the same call. What the
//! provider's side says about refunds (a dashboard's too) arrives as a cumulative amount and is judged by `domain::payment`; this
//! file only sends.

use domain::ids::{LeaseToken, PaymentId, RefundId, UserId};
use domain::money::Money;
use domain::payment::{Claim, Event, Statement};
use domain::time::{Duration, Instant};
use futures_util::future::BoxFuture;
use gateways::payments::{ProviderError, Refund, RefundKind, RefundState, Refunded};
use scoped_futures::ScopedFutureExt;
use serde_json::json;
use thiserror::Error;

use super::apply::{Applied, apply};
use super::init::IdempotencyKey;
use super::store::{self, StoredPayment};
use super::{check, quarantine};
use crate::actor::{Actor, Context};
use crate::app::App;
use crate::audit;
use crate::tx::{StoreError, Tx, tx_error};
use crate::work::{Lease, OwedWork};

/// After so many tries the wait between them does not grow any more.
const LONGEST_WAIT: Duration = Duration::hours(1);
/// How often a refund that is on its way is asked about.
const PENDING_WAIT: Duration = Duration::minutes(30);

/// Why no money goes back.
#[derive(Debug, Error)]
pub enum RefundError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such payment.
    #[error("there is no such payment")]
    NoSuchPayment,
    /// No money came for it, or it has gone back.
    #[error("this payment has no money to send back")]
    NothingToRefund,
    /// More than is left.
    #[error("only {left} can be sent back")]
    TooMuch {
        /// What is left.
        left: Money,
    },
    /// The same key was used for another refund.
    #[error("this idempotency key was used for another request")]
    KeyReused,
}
tx_error!(RefundError);

/// What an admin asks for.
#[derive(Clone, Debug)]
pub struct RefundRequest {
    /// Who asks.
    pub by: UserId,
    /// Once per key.
    pub key: IdempotencyKey,
    /// Of which payment.
    pub payment: PaymentId,
    /// How much, in minor units of the quote's currency; all that is left if absent.
    pub amount: Option<i64>,
    /// Why; kept, never shown to the payer.
    pub reason: String,
}

impl RefundRequest {
    fn fingerprint(&self) -> [u8; 32] {
        let canonical = json!(["payments.refund/1", self.payment, self.amount, self.reason]);
        crypto::fingerprint::sha256(canonical.to_string().as_bytes())
    }
}

/// A refund as staff see it.
#[derive(Clone, Debug)]
pub struct RefundView {
    /// Which.
    pub id: RefundId,
    /// Of which payment.
    pub payment: PaymentId,
    /// How much.
    pub amount: Money,
    /// `requested`, `sent` (its outcome is unknown), `pending`, `succeeded` or `failed`.
    pub state: String,
    /// Why it failed, in the provider's word.
    pub failure_reason: Option<String>,
    /// When it was asked for.
    pub created_at: Instant,
    /// When its end was known.
    pub finished_at: Option<Instant>,
}

/// A refund with whose it is.
#[derive(Clone, Debug)]
pub struct StaffRefundView {
    /// The refund.
    pub refund: RefundView,
    /// Who paid.
    pub user: UserId,
    /// Through whom.
    pub provider: String,
    /// Why it was asked for.
    pub reason: String,
    /// Who asked for it.
    pub requested_by: UserId,
}

/// Which refunds.
#[derive(Clone, Debug, Default)]
pub struct RefundFilter {
    /// Only those of this state.
    pub state: Option<String>,
    /// Only those through this provider.
    pub provider: Option<String>,
    /// Only those of this payment.
    pub payment: Option<PaymentId>,
    /// Only those to this user.
    pub user: Option<UserId>,
    /// Only those that were asked for then or later.
    pub from: Option<Instant>,
    /// Only those that were asked for before.
    pub to: Option<Instant>,
}

impl App {
    /// Everybody's refunds, the newest first, at most `limit`.
    pub async fn all_refunds(
        &self,
        filter: &RefundFilter,
        after: Option<RefundId>,
        limit: i64,
    ) -> Result<Vec<StaffRefundView>, StoreError> {
        let rows = sqlx::query!(
            "SELECT refunds.id, payment_id, refunds.amount_minor, currency, state, refunds.failure_reason,
                    refunds.created_at, finished_at, user_id, provider, reason, requested_by
             FROM refunds JOIN payments ON payments.id = payment_id
             WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR provider = $2)
               AND ($3::uuid IS NULL OR payment_id = $3) AND ($4::uuid IS NULL OR user_id = $4)
               AND ($5::timestamptz IS NULL OR refunds.created_at >= $5)
               AND ($6::timestamptz IS NULL OR refunds.created_at < $6)
               AND ($7::uuid IS NULL OR refunds.id < $7)
             ORDER BY refunds.id DESC LIMIT $8",
            filter.state,
            filter.provider,
            filter.payment.map(PaymentId::uuid),
            filter.user.map(UserId::uuid),
            filter.from,
            filter.to,
            after.map(RefundId::uuid),
            limit
        )
        .fetch_all(self.db())
        .await?;
        let views = rows.into_iter().map(|row| {
            Ok(StaffRefundView {
                refund: RefundView {
                    id: RefundId::from_uuid(row.id),
                    payment: PaymentId::from_uuid(row.payment_id),
                    amount: Money::new(row.amount_minor, store::currency(&row.currency)?),
                    state: row.state,
                    failure_reason: row.failure_reason,
                    created_at: row.created_at,
                    finished_at: row.finished_at,
                },
                user: UserId::from_uuid(row.user_id),
                provider: row.provider,
                reason: row.reason,
                requested_by: UserId::from_uuid(row.requested_by),
            })
        });
        views.collect()
    }

    /// Asks for money to go back; the same key answers as before. Says whether it is new.
    pub async fn request_refund(
        &self,
        context: &Context,
        request: &RefundRequest,
    ) -> Result<(RefundView, bool), RefundError> {
        let asked = self.tx("request_refund", context, |tx| {
            async move { self.insert_refund(tx, request).await }.scope_boxed()
        });
        let (id, fresh) = asked.await?;
        self.wake_workers();
        let view = self.refunds_of(request.payment).await?.into_iter().find(|refund| refund.id == id);
        Ok((view.ok_or(RefundError::NoSuchPayment)?, fresh))
    }

    async fn insert_refund(
        &self,
        tx: &mut Tx,
        request: &RefundRequest,
    ) -> Result<(RefundId, bool), RefundError> {
        // The payment's lock first: two refunds of one payment take turns.
        let stored = store::lock(tx, request.payment).await?.ok_or(RefundError::NoSuchPayment)?;
        let fingerprint = request.fingerprint();
        let known = sqlx::query!(
            "SELECT id, fingerprint FROM refunds WHERE requested_by = $1 AND idempotency_key = $2",
            request.by.uuid(),
            request.key.as_str()
        )
        .fetch_optional(tx.db())
        .await?;
        if let Some(known) = known {
            return if known.fingerprint == fingerprint {
                Ok((RefundId::from_uuid(known.id), false))
            } else {
                Err(RefundError::KeyReused)
            };
        }
        let amount = refundable(tx, &stored, request.amount).await?;
        // A provider that is not set up now may well send it later: the refund waits for it.
        let by_hand = self
            .provider(&stored.provider)
            .is_some_and(|provider| provider.capabilities().refunds == RefundKind::ByHand);
        let id = RefundId::new(tx.wall(), &tx.entropy());
        let now = tx.now();
        sqlx::query!(
            "INSERT INTO refunds (id, payment_id, amount_minor, state, reason, requested_by, idempotency_key,
                                  fingerprint, created_at, due_at, finished_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            id.uuid(),
            stored.id.uuid(),
            amount,
            if by_hand { "succeeded" } else { "requested" },
            request.reason,
            request.by.uuid(),
            request.key.as_str(),
            fingerprint.as_slice(),
            now,
            (!by_hand).then_some(now),
            by_hand.then_some(now)
        )
        .execute(tx.db())
        .await?;
        let entry = audit::Entry {
            action: "refund.requested",
            subject_kind: "payment",
            subject_id: stored.id.to_string(),
            user: Some(stored.user),
            details: json!({ "refund": id, "amount": amount, "by_hand": by_hand }),
        };
        audit::record(tx, entry).await?;
        if by_hand {
            // The admin has sent it themselves and says so.
            learn_total(tx, &stored, None).await?;
        } else {
            tx.owe_work();
        }
        Ok((id, true))
    }

    /// The refunds of a payment, the oldest first.
    pub async fn refunds_of(&self, payment: PaymentId) -> Result<Vec<RefundView>, StoreError> {
        let rows = sqlx::query!(
            "SELECT refunds.id, refunds.amount_minor, currency, state, refunds.failure_reason, refunds.created_at,
                    finished_at
             FROM refunds JOIN payments ON payments.id = payment_id
             WHERE payment_id = $1 ORDER BY refunds.id",
            payment.uuid()
        )
        .fetch_all(self.db())
        .await?;
        let views = rows.into_iter().map(|row| {
            Ok(RefundView {
                id: RefundId::from_uuid(row.id),
                payment,
                amount: Money::new(row.amount_minor, store::currency(&row.currency)?),
                state: row.state,
                failure_reason: row.failure_reason,
                created_at: row.created_at,
                finished_at: row.finished_at,
            })
        });
        views.collect()
    }
}

/// The amount, if so much is left: what is asked for and not failed counts as gone, and so does what the provider says.
async fn refundable(tx: &mut Tx, stored: &StoredPayment, asked: Option<i64>) -> Result<i64, RefundError> {
    let facts = &stored.payment.facts;
    let asked_before = sqlx::query_scalar!(
        r#"SELECT COALESCE(sum(amount_minor), 0)::bigint AS "sum!" FROM refunds
           WHERE payment_id = $1 AND state <> 'failed'"#,
        stored.id.uuid()
    )
    .fetch_one(tx.db())
    .await?;
    let gone = asked_before.max(facts.refunded_minor);
    let left = stored.payment.amount.minor - gone;
    if facts.settled.is_none() || left <= 0 {
        return Err(RefundError::NothingToRefund);
    }
    match asked {
        None => Ok(left),
        Some(amount) if (1..=left).contains(&amount) => Ok(amount),
        Some(_) => Err(RefundError::TooMuch { left: Money::new(left, stored.payment.amount.currency) }),
    }
}

/// Refunds to send or to ask about, as owed work.
pub(crate) struct RefundWork;

/// A claimed refund.
pub(crate) struct Claimed {
    id: RefundId,
    payment: PaymentId,
    amount: i64,
    reference: Option<String>,
    /// With this one.
    attempts: i32,
    token: LeaseToken,
}

impl OwedWork for RefundWork {
    type Item = Claimed;

    const NAME: &'static str = "refund";

    fn claim(app: &App, lease: Lease) -> BoxFuture<'_, Result<Vec<Claimed>, StoreError>> {
        Box::pin(async move {
            let rows = sqlx::query!(
                "UPDATE refunds
                 SET lease_until = $1, lease_token = $2, attempts = attempts + 1,
                     state = CASE state WHEN 'requested' THEN 'sent' ELSE state END
                 WHERE id IN (SELECT id FROM refunds
                              WHERE due_at <= $3 AND (lease_until IS NULL OR lease_until < $4)
                              ORDER BY due_at LIMIT $5
                              FOR UPDATE SKIP LOCKED)
                 RETURNING id, payment_id, amount_minor, provider_reference, attempts",
                lease.until,
                lease.token.uuid(),
                lease.due_by,
                lease.wall,
                lease.limit
            )
            .fetch_all(app.db())
            .await?;
            let claimed = rows.into_iter().map(|row| Claimed {
                id: RefundId::from_uuid(row.id),
                payment: PaymentId::from_uuid(row.payment_id),
                amount: row.amount_minor,
                reference: row.provider_reference,
                attempts: row.attempts,
                token: lease.token,
            });
            Ok(claimed.collect())
        })
    }

    fn act(app: &App, claimed: Claimed) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { app.send_refund(&claimed).await })
    }
}

impl App {
    async fn send_refund(&self, claimed: &Claimed) -> Result<(), StoreError> {
        let stored = store::read(self.db(), claimed.payment).await?;
        let refund = Refund {
            id: claimed.id,
            amount: Money::new(claimed.amount, stored.payment.amount.currency),
            reference: claimed.reference.clone(),
            again: claimed.attempts > 1,
        };
        let asked = match self.provider(&stored.provider) {
            Some(provider) => provider.refund(&stored.inquiry(), &refund).await,
            None => Err(ProviderError::Unavailable("the provider is not set up any more".to_owned())),
        };
        let context = Context::system("refund").acting_as(Actor::Provider(stored.provider.clone()));
        self.tx("refund_answered", &context, |tx| {
            let (asked, stored) = (&asked, &stored);
            async move { record(tx, claimed, stored, asked).await }.scope_boxed()
        })
        .await?;
        if matches!(&asked, Ok(refunded) if refunded.state == RefundState::Succeeded) {
            // What has gone back in all, a dashboard's refunds too, is the provider's to say.
            check::hurry_settled(self, stored.id).await?;
        }
        Ok(())
    }
}

/// Writes what the provider answered. Whoever claimed the refund since is not overruled.
async fn record(
    tx: &mut Tx,
    claimed: &Claimed,
    stored: &StoredPayment,
    asked: &Result<Refunded, ProviderError>,
) -> Result<(), StoreError> {
    let Some(locked) = store::lock(tx, stored.id).await? else { return Ok(()) };
    let now = tx.now();
    let (state, failure, due) = match asked {
        Ok(Refunded { state: RefundState::Succeeded, .. }) => ("succeeded", None, None),
        Ok(Refunded { state: RefundState::Pending, .. }) => ("pending", None, Some(now + PENDING_WAIT)),
        Ok(Refunded { state: RefundState::Failed(reason), .. }) | Err(ProviderError::Refused(reason)) => {
            ("failed", Some(reason.as_str()), None)
        }
        Err(error) => {
            tracing::warn!(refund.id = %claimed.id, error = error as &dyn std::error::Error, "refund unknown");
            let exponent = u32::try_from(claimed.attempts).unwrap_or(0).min(10);
            let wait = (Duration::seconds(5) * 2_i32.pow(exponent)).min(LONGEST_WAIT);
            ("sent", None, Some(now + wait))
        }
    };
    let reference = asked.as_ref().ok().and_then(|refunded| refunded.reference.clone());
    let written = sqlx::query!(
        "UPDATE refunds
         SET state = CASE WHEN $3 = 'sent' AND state = 'pending' THEN state ELSE $3 END,
             failure_reason = left($4, 255), provider_reference = COALESCE(provider_reference, $5),
             due_at = $6, finished_at = $7, lease_until = NULL, lease_token = NULL
         WHERE id = $1 AND lease_token = $2",
        claimed.id.uuid(),
        claimed.token.uuid(),
        state,
        failure,
        reference,
        due,
        due.is_none().then_some(now)
    )
    .execute(tx.db())
    .await?;
    if written.rows_affected() == 0 || due.is_some() {
        return Ok(());
    }
    let entry = audit::Entry {
        action: if state == "failed" { "refund.failed" } else { "refund.succeeded" },
        subject_kind: "payment",
        subject_id: stored.id.to_string(),
        user: Some(stored.user),
        details: json!({ "refund": claimed.id, "amount": claimed.amount, "reason": failure }),
    };
    audit::record(tx, entry).await?;
    match asked {
        Ok(refunded) if state == "succeeded" => learn_total(tx, &locked, refunded.total).await,
        _ => {
            let details = json!({ "payment": stored.id, "refund": claimed.id, "why": failure });
            let condition = format!("refund_failed:{}", claimed.id);
            crate::alerts::raise(tx, crate::alerts::Kind::RefundFailed, &condition, details).await
        }
    }
}

/// What has gone back in all: the provider's word, or at least the sum of what we have sent.
async fn learn_total(tx: &mut Tx, stored: &StoredPayment, told: Option<Money>) -> Result<(), StoreError> {
    let sent = sqlx::query_scalar!(
        r#"SELECT COALESCE(sum(amount_minor), 0)::bigint AS "sum!" FROM refunds
           WHERE payment_id = $1 AND state = 'succeeded'"#,
        stored.id.uuid()
    )
    .fetch_one(tx.db())
    .await?;
    let sent = Money::new(sent.min(stored.payment.amount.minor), stored.payment.amount.currency);
    let total = match told {
        Some(told) if told.currency != sent.currency || told.minor > sent.minor => told,
        _ => sent,
    };
    let event = Event::Stated(Statement::new(tx.now(), Claim::Refunded).of(Some(total)));
    if let Applied::Contradicts(contradiction) = apply(tx, stored.id, &event).await? {
        let source = quarantine::Source::Asked(&event);
        quarantine::quarantine_payment(tx, stored.id, &stored.provider, &contradiction, source).await?;
    }
    Ok(())
}
