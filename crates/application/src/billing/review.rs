//! What an admin decides about money: confirming a transfer that no provider tells of, and what becomes of a contradiction.

use domain::ids::{PaymentId, QuarantineId, UserId, WebhookEventId};
use domain::money::Money;
use domain::payment::{Claim, Contradiction, Event, Statement};
use domain::time::{Duration, Instant};
use gateways::payments::CheckoutKind;
use scoped_futures::ScopedFutureExt;
use serde_json::{Value, json};
use thiserror::Error;

use super::apply::{Applied, apply};
use super::{quarantine, store};
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::tx::{StoreError, Tx, tx_error};

/// Why nothing was decided.
#[derive(Debug, Error)]
pub enum ReviewError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such payment or case.
    #[error("there is no such payment or case")]
    NotFound,
    /// This payment's provider tells by itself what was paid.
    #[error("this payment is confirmed by its provider, not by hand")]
    NotByHand,
    /// The transfer has confirmed another payment, or this one by another transfer.
    #[error("{0}")]
    AlreadyUsed(Contradiction),
    /// What came differs from the quote: kept as a case, which can be accepted.
    #[error("{0}")]
    Differs(Contradiction),
    /// The case is decided, or it cannot be accepted.
    #[error("this case cannot be decided so")]
    NotDecidable,
    /// Money that is said to have come in the future.
    #[error("the money cannot have come in the future")]
    InTheFuture,
    /// The event's body is not a statement about a payment.
    #[error("the event states nothing that could be applied again")]
    NothingToReplay,
    /// The event's body was forgotten when its time was over.
    #[error("the event's body was forgotten when its time was over: it cannot be applied again")]
    BodyForgotten,
}
tx_error!(ReviewError);

/// A transfer that an admin has seen.
#[derive(Clone, Debug)]
pub struct Confirmation {
    /// Which payment it pays.
    pub payment: PaymentId,
    /// Its name at the bank or on the chain; each confirms one payment only.
    pub transaction: String,
    /// What came.
    pub amount: Money,
    /// When it came; now if absent.
    pub received_at: Option<Instant>,
    /// Where the admin saw it.
    pub proof: String,
}

/// A contradiction that waits, or was decided.
#[derive(Clone, Debug)]
pub struct CaseView {
    /// Which.
    pub id: QuarantineId,
    /// Who stated it.
    pub provider: String,
    /// About which payment.
    pub payment: Option<PaymentId>,
    /// By which event.
    pub event: Option<WebhookEventId>,
    /// A stable word.
    pub code: String,
    /// A sentence.
    pub why: String,
    /// What was stated.
    pub stated: Value,
    /// Since when.
    pub created_at: Instant,
    /// `accepted`, `rejected` or `replayed`; none while it waits.
    pub resolution: Option<String>,
    /// Why it was decided so.
    pub resolution_reason: Option<String>,
    /// When it was decided.
    pub resolved_at: Option<Instant>,
}

impl App {
    /// Confirms that the money of an instruction came.
    pub async fn confirm_payment(
        &self,
        context: &Context,
        confirmation: &Confirmation,
    ) -> Result<(), ReviewError> {
        let outcome = self.tx("confirm_payment", context, |tx| {
            async move { self.confirm(tx, confirmation).await }.scope_boxed()
        });
        // A difference is kept with the transaction, so it is no error of the transaction.
        match outcome.await? {
            None => Ok(()),
            Some(contradiction) => Err(ReviewError::Differs(contradiction)),
        }
    }

    async fn confirm(
        &self,
        tx: &mut Tx,
        confirmation: &Confirmation,
    ) -> Result<Option<Contradiction>, ReviewError> {
        let stored = store::lock(tx, confirmation.payment).await?.ok_or(ReviewError::NotFound)?;
        let provider = self.provider(&stored.provider);
        if provider.is_none_or(|provider| provider.capabilities().checkout != CheckoutKind::Instructions) {
            return Err(ReviewError::NotByHand);
        }
        let at = confirmation.received_at.unwrap_or_else(|| tx.now());
        if at > tx.now() {
            return Err(ReviewError::InTheFuture);
        }
        let statement = Statement::new(at, Claim::Succeeded)
            .of(Some(confirmation.amount))
            .moved_by(Some(confirmation.transaction.clone()));
        let event = Event::Stated(statement);
        let applied = apply(tx, stored.id, &event).await?;
        let entry = audit::Entry {
            action: "payment.confirmed",
            subject_kind: "payment",
            subject_id: stored.id.to_string(),
            user: Some(stored.user),
            details: json!({
                "amount": confirmation.amount.minor,
                "currency": confirmation.amount.currency.code(),
                "transaction": confirmation.transaction,
                "proof": confirmation.proof,
            }),
        };
        match applied {
            Applied::Changed(_) | Applied::Known => {
                audit::record(tx, entry).await?;
                Ok(None)
            }
            Applied::NoSuchPayment => Err(ReviewError::NotFound),
            Applied::Contradicts(
                reused @ (Contradiction::TransactionReused | Contradiction::SecondTransaction),
            ) => Err(ReviewError::AlreadyUsed(reused)),
            Applied::Contradicts(contradiction) => {
                let source = quarantine::Source::Asked(&event);
                quarantine::quarantine_payment(tx, stored.id, &stored.provider, &contradiction, source)
                    .await?;
                Ok(Some(contradiction))
            }
        }
    }

    /// Cases, the newest first: those that wait, or all.
    pub async fn quarantine(
        &self,
        only_waiting: bool,
        after: Option<QuarantineId>,
        limit: i64,
    ) -> Result<Vec<CaseView>, StoreError> {
        let rows = sqlx::query!(
            "SELECT id, provider, payment_id, webhook_event_id, code, why, stated, created_at, resolution,
                    resolution_reason, resolved_at
             FROM quarantine
             WHERE ($1 = false OR resolution IS NULL) AND ($2::uuid IS NULL OR id < $2)
             ORDER BY id DESC LIMIT $3",
            only_waiting,
            after.map(QuarantineId::uuid),
            limit
        )
        .fetch_all(self.db())
        .await?;
        let views = rows.into_iter().map(|row| CaseView {
            id: QuarantineId::from_uuid(row.id),
            provider: row.provider,
            payment: row.payment_id.map(PaymentId::from_uuid),
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

    /// Takes the money of a case as it came: the payment settles.
    pub async fn accept_case(
        &self,
        context: &Context,
        by: UserId,
        id: QuarantineId,
        reason: &str,
    ) -> Result<(), ReviewError> {
        self.tx("accept_case", context, |tx| {
            async move {
                let case = waiting(tx, id).await?;
                let payment = case.payment.ok_or(ReviewError::NotDecidable)?;
                // Only money that came otherwise than it was asked for: play money is none, and a second payment by another
                // transfer is the payer's.
                if !matches!(
                    case.code.as_str(),
                    "amount_mismatch" | "amount_missing" | "currency_mismatch" | "reference_mismatch"
                ) {
                    return Err(ReviewError::NotDecidable);
                }
                let at =
                    case.stated["at_us"].as_i64().map(|us| Instant::UNIX_EPOCH + Duration::microseconds(us));
                let transaction = case.stated["transaction"].as_str().map(str::to_owned);
                let event = Event::Accepted { at: at.unwrap_or_else(|| tx.now()), transaction };
                match apply(tx, payment, &event).await? {
                    Applied::Changed(_) | Applied::Known => {}
                    Applied::NoSuchPayment => return Err(ReviewError::NotFound),
                    Applied::Contradicts(contradiction) => {
                        return Err(ReviewError::AlreadyUsed(contradiction));
                    }
                }
                resolve(tx, id, Some(by), "accepted", reason).await
            }
            .scope_boxed()
        })
        .await
    }

    /// Leaves a case as it is: nothing follows from it.
    pub async fn reject_case(
        &self,
        context: &Context,
        by: UserId,
        id: QuarantineId,
        reason: &str,
    ) -> Result<(), ReviewError> {
        self.tx("reject_case", context, |tx| {
            async move {
                waiting(tx, id).await?;
                resolve(tx, id, Some(by), "rejected", reason).await
            }
            .scope_boxed()
        })
        .await
    }
}

struct Waiting {
    payment: Option<PaymentId>,
    code: String,
    stated: Value,
}

async fn waiting(tx: &mut Tx, id: QuarantineId) -> Result<Waiting, ReviewError> {
    let row = sqlx::query!(
        "SELECT payment_id, code, stated, resolution FROM quarantine WHERE id = $1 FOR UPDATE",
        id.uuid()
    )
    .fetch_optional(tx.db())
    .await?
    .ok_or(ReviewError::NotFound)?;
    if row.resolution.is_some() {
        return Err(ReviewError::NotDecidable);
    }
    Ok(Waiting { payment: row.payment_id.map(PaymentId::from_uuid), code: row.code, stated: row.stated })
}

async fn resolve(
    tx: &mut Tx,
    id: QuarantineId,
    by: Option<UserId>,
    resolution: &str,
    reason: &str,
) -> Result<(), ReviewError> {
    let now = tx.now();
    sqlx::query!(
        "UPDATE quarantine SET resolution = $2, resolution_reason = $3, resolved_by = $4, resolved_at = $5
         WHERE id = $1",
        id.uuid(),
        resolution,
        reason,
        by.map(UserId::uuid),
        now
    )
    .execute(tx.db())
    .await?;
    let entry = audit::Entry {
        action: "quarantine.decided",
        subject_kind: "quarantine",
        subject_id: id.to_string(),
        user: None,
        details: json!({ "resolution": resolution, "reason": reason }),
    };
    Ok(audit::record(tx, entry).await?)
}

/// What an event contradicted is over once the same event was applied.
pub(super) async fn resolve_cases_of(
    tx: &mut Tx,
    event: WebhookEventId,
    by: Option<UserId>,
    reason: &str,
) -> Result<(), ReviewError> {
    let waiting = sqlx::query_scalar!(
        "SELECT id FROM quarantine WHERE webhook_event_id = $1 AND resolution IS NULL FOR UPDATE",
        event.uuid()
    );
    for id in waiting.fetch_all(tx.db()).await? {
        resolve(tx, QuarantineId::from_uuid(id), by, "replayed", reason).await?;
    }
    Ok(())
}
