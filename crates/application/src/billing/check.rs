//! Asking the provider about payments whose end we do not know (the reconciler), as owed work.
//!
//! Due after 5 s, 30 s, 2 min, 10 min, 1 h, then hourly, and right when the quote runs out. So a lost callback costs
//! minutes, and a crash between our commit and the provider's answer is completed here with the same key.

use domain::ids::{LeaseToken, PaymentId, UserId};
use domain::payment::{Claim, Event, Statement, Status};
use domain::time::{Duration, Instant};
use futures_util::future::BoxFuture;
use gateways::payments::{Cancelled, Inquiry, Opening, PaymentProvider, ProviderError, SavedMethod, View};
use scoped_futures::ScopedFutureExt;

use super::apply::{Applied, apply};
use super::methods::{self, MethodError};
use super::store::{self, StoredPayment};
use super::{BillingError, quarantine};
use crate::actor::{Actor, Context};
use crate::app::App;
use crate::tx::StoreError;
use crate::work::{Lease, OwedWork};

const DELAYS: [Duration; 5] = [
    Duration::seconds(5),
    Duration::seconds(30),
    Duration::minutes(2),
    Duration::minutes(10),
    Duration::hours(1),
];

/// When a new payment is asked about for the first time.
pub(super) fn first_due(now: Instant) -> Instant {
    now + DELAYS[0]
}

/// When a payment of this age is asked about again; the end of its quote is not slept through.
fn next_due(now: Instant, created_at: Instant, quote_expires_at: Instant) -> Instant {
    let mut scheduled = DELAYS.iter().scan(created_at, |at, delay| {
        *at += *delay;
        Some(*at)
    });
    let next = scheduled.find(|at| *at > now).unwrap_or(now + DELAYS[DELAYS.len() - 1]);
    if now < quote_expires_at && quote_expires_at < next { quote_expires_at } else { next }
}

/// Why the provider's answer is not there.
#[derive(Debug, thiserror::Error)]
enum ProviderAnswerError {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Payments to ask about, as owed work.
pub(crate) struct PaymentChecks;

/// A claimed payment.
pub(crate) struct Claimed {
    id: PaymentId,
    attempts: i32,
    /// Since when the asking was owed that was claimed.
    due_at: Option<Instant>,
    token: LeaseToken,
}

impl OwedWork for PaymentChecks {
    type Item = Claimed;

    const NAME: &'static str = "payment_check";

    fn claim(app: &App, lease: Lease) -> BoxFuture<'_, Result<Vec<Claimed>, StoreError>> {
        Box::pin(async move {
            let rows = sqlx::query!(
                "UPDATE payments
                 SET lease_until = $1, lease_token = $2, check_attempts = check_attempts + 1
                 WHERE id IN (SELECT id FROM payments
                              WHERE check_due_at <= $3 AND (lease_until IS NULL OR lease_until < $4)
                              ORDER BY check_due_at
                              LIMIT $5
                              FOR UPDATE SKIP LOCKED)
                 RETURNING id, check_attempts, check_due_at",
                lease.until,
                lease.token.uuid(),
                lease.due_by,
                lease.wall,
                lease.limit
            )
            .fetch_all(app.db())
            .await?;
            let claimed = rows.into_iter().map(|row| Claimed {
                id: PaymentId::from_uuid(row.id),
                attempts: row.check_attempts,
                due_at: row.check_due_at,
                token: lease.token,
            });
            Ok(claimed.collect())
        })
    }

    fn act(app: &App, claimed: Claimed) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let told = app.check_payment(&claimed).await.unwrap_or_else(|error| {
                tracing::warn!(
                    payment.id = %claimed.id,
                    payment.attempts = claimed.attempts,
                    error = &error as &dyn std::error::Error,
                    "a payment could not be asked about"
                );
                false
            });
            app.finish_check(&claimed, told).await
        })
    }
}

impl App {
    /// Whether the provider told what it knows.
    async fn check_payment(&self, claimed: &Claimed) -> Result<bool, BillingError> {
        let stored = store::read(self.db(), claimed.id).await?;
        let context = Context::system("payment_check").acting_as(Actor::Provider(stored.provider.clone()));
        let provider = self.provider(&stored.provider).ok_or(BillingError::UnknownProvider)?;
        let provider = &*provider;
        match self.ask(provider, &stored).await {
            Ok(View::Known { reference, statements, method, .. }) => {
                self.learn(&context, &stored, reference, statements).await?;
                if let Some(method) = method {
                    self.remember_method(&context, &stored, &method).await?;
                }
                let stored = store::read(self.db(), stored.id).await?;
                if stored.payment.facts.transaction.is_some()
                    && let Err(error) = self.apply_waiting_events(&context, stored.id).await
                {
                    tracing::error!(payment.id = %stored.id, error = &error as &dyn std::error::Error, "kept events wait");
                }
                if stored.status() == Status::Pending {
                    self.pursue(&context, provider, &stored).await?;
                }
                Ok(true)
            }
            Ok(View::NeverOpened) => {
                self.not_opened(&context, provider, &stored).await?;
                Ok(true)
            }
            Err(ProviderAnswerError::Store(error)) => Err(error.into()),
            Err(ProviderAnswerError::Provider(error @ ProviderError::Refused(_))) => {
                // A refusal to answer is no statement about the payment.
                tracing::error!(payment.id = %stored.id, error = &error as &dyn std::error::Error, "refused to tell");
                Ok(true)
            }
            Err(ProviderAnswerError::Provider(error)) => {
                tracing::warn!(payment.id = %stored.id, error = &error as &dyn std::error::Error, "not told yet");
                Ok(false)
            }
        }
    }

    /// What the provider knows; where the payer has agreed and the quote still holds, the money is taken first. After the
    /// quote nothing is taken any more: a payer who agrees too late is not charged.
    async fn ask(
        &self,
        provider: &dyn PaymentProvider,
        stored: &StoredPayment,
    ) -> Result<View, ProviderAnswerError> {
        let inquiry = stored.inquiry();
        let view = provider.fetch(&inquiry).await?;
        let View::Known { reference, capturable: true, .. } = &view else { return Ok(view) };
        let holds = self.now().await?.business <= stored.quote_expires_at;
        if !holds || stored.status() != Status::Pending {
            return Ok(view);
        }
        let inquiry = Inquiry { reference: reference.clone().or(inquiry.reference), ..inquiry };
        Ok(provider.capture(&inquiry).await?)
    }

    /// Known to the provider and not paid: we may not have heard where to pay, or the quote has run out.
    async fn pursue(
        &self,
        context: &Context,
        provider: &dyn PaymentProvider,
        stored: &StoredPayment,
    ) -> Result<(), BillingError> {
        let now = self.now().await?.business;
        if now < stored.quote_expires_at {
            if !stored.outcome_is_known() {
                // Asking with the same key tells.
                self.open_at_provider(&Context::system("payment_check"), stored).await?;
            }
            return Ok(());
        }
        let closed = match provider.cancel(&stored.inquiry()).await {
            Ok(Cancelled::Closed) => true,
            // What did not come in all this time does not come any more; if it does, it settles late.
            Ok(Cancelled::StillPayable) => stored.late_until <= now,
            Err(error) => {
                tracing::warn!(payment.id = %stored.id, error = &error as &dyn std::error::Error, "not closed yet");
                false
            }
        };
        if closed {
            self.learn_expiry(context, stored, Statement::new(now, Claim::Expired)).await?;
        }
        Ok(())
    }

    async fn remember_method(
        &self,
        context: &Context,
        stored: &StoredPayment,
        method: &SavedMethod,
    ) -> Result<(), StoreError> {
        let kept = self
            .tx("remember_payment_method", context, |tx| {
                async move { methods::remember(self, tx, stored.user, &stored.provider, method).await }
                    .scope_boxed()
            })
            .await;
        match kept {
            Ok(()) => Ok(()),
            Err(MethodError::Store(error)) => Err(error),
            Err(error) => {
                tracing::info!(payment.id = %stored.id, error = &error as &dyn std::error::Error, "not remembered");
                Ok(())
            }
        }
    }

    async fn learn(
        &self,
        context: &Context,
        stored: &StoredPayment,
        reference: Option<String>,
        statements: Vec<Statement>,
    ) -> Result<(), StoreError> {
        let opened = Event::Opened { reference };
        let events: Vec<Event> =
            std::iter::once(opened).chain(statements.into_iter().map(Event::Stated)).collect();
        for event in &events {
            self.tx("payment_fetched", context, |tx| {
                async move {
                    if let Applied::Contradicts(contradiction) = apply(tx, stored.id, event).await? {
                        quarantine::quarantine_payment(
                            tx,
                            stored.id,
                            &stored.provider,
                            &contradiction,
                            quarantine::Source::Asked(event),
                        )
                        .await?;
                    }
                    Ok::<_, StoreError>(())
                }
                .scope_boxed()
            })
            .await?;
        }
        Ok(())
    }

    /// The provider has never heard of it: it is opened now, or it can no longer be paid.
    async fn not_opened(
        &self,
        context: &Context,
        provider: &dyn PaymentProvider,
        stored: &StoredPayment,
    ) -> Result<(), BillingError> {
        let now = self.now().await?.business;
        if stored.quote_expires_at <= now {
            let statement = Statement::new(now, Claim::Expired);
            return Ok(self.learn_expiry(context, stored, statement).await?);
        }
        let payer = self.payer_of(stored).await?;
        let by_call = provider.opening(&self.order(stored, payer)) == Opening::Call;
        if by_call && stored.status() == Status::Pending {
            self.open_at_provider(&Context::system("payment_check"), stored).await?;
        }
        Ok(())
    }

    async fn learn_expiry(
        &self,
        context: &Context,
        stored: &StoredPayment,
        statement: Statement,
    ) -> Result<(), StoreError> {
        let event = Event::Stated(statement);
        self.tx("payment_expired", context, |tx| {
            let event = &event;
            async move { apply(tx, stored.id, event).await.map(drop) }.scope_boxed()
        })
        .await
    }

    /// Gives the row back: due again while its end is unknown, or while what was asked for was not told. Who asked for
    /// it meanwhile is not overruled.
    async fn finish_check(&self, claimed: &Claimed, told: bool) -> Result<(), StoreError> {
        let now = self.now().await?.business;
        let row = sqlx::query!(
            r#"SELECT status = 'pending' AS "pending!", created_at, quote_expires_at FROM payments WHERE id = $1"#,
            claimed.id.uuid()
        )
        .fetch_one(self.db())
        .await?;
        let due = (row.pending || !told).then(|| next_due(now, row.created_at, row.quote_expires_at));
        sqlx::query!(
            "UPDATE payments
             SET check_due_at = CASE WHEN check_due_at IS DISTINCT FROM $4 THEN check_due_at ELSE $3 END,
                 lease_until = NULL, lease_token = NULL
             WHERE id = $1 AND lease_token = $2",
            claimed.id.uuid(),
            claimed.token.uuid(),
            due,
            claimed.due_at
        )
        .execute(self.db())
        .await?;
        Ok(())
    }

    /// The payer is back from the checkout: asks the provider at once.
    pub async fn check_payment_soon(&self, user: UserId, id: PaymentId) -> Result<(), StoreError> {
        let now = self.now().await?.business;
        let hurried = sqlx::query!(
            "UPDATE payments SET check_due_at = $3
             WHERE id = $1 AND user_id = $2 AND status = 'pending' AND check_due_at > $3",
            id.uuid(),
            user.uuid(),
            now
        )
        .execute(self.db())
        .await?;
        if hurried.rows_affected() > 0 {
            self.wake_workers();
        }
        Ok(())
    }
}

/// A hint only makes us ask: also about a payment that was paid, because a hint may tell of its money going back.
pub(super) async fn hurry(app: &App, provider: &str, id: PaymentId) -> Result<(), StoreError> {
    let now = app.now().await?.business;
    sqlx::query!(
        "UPDATE payments SET check_due_at = $3
         WHERE id = $1 AND provider = $2",
        id.uuid(),
        provider,
        now
    )
    .execute(app.db())
    .await?;
    app.wake_workers();
    Ok(())
}

/// The same for a hint that anybody could have sent: it makes us ask about what still waits, and about nothing else.
pub(super) async fn hurry_pending(app: &App, provider: &str, id: PaymentId) -> Result<(), StoreError> {
    let now = app.now().await?.business;
    sqlx::query!(
        "UPDATE payments SET check_due_at = $3 WHERE id = $1 AND provider = $2 AND status = 'pending'",
        id.uuid(),
        provider,
        now
    )
    .execute(app.db())
    .await?;
    app.wake_workers();
    Ok(())
}

/// A payment that was paid is asked about once more: what went back of it, in all.
pub(super) async fn hurry_settled(app: &App, id: PaymentId) -> Result<(), StoreError> {
    let now = app.now().await?.business;
    sqlx::query!(
        "UPDATE payments SET check_due_at = $2 WHERE id = $1 AND settled_at IS NOT NULL",
        id.uuid(),
        now
    )
    .execute(app.db())
    .await?;
    app.wake_workers();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::time::Instant;

    #[test]
    fn checks_grow_apart_and_do_not_sleep_through_the_end_of_the_quote() {
        let start = Instant::UNIX_EPOCH;
        let quote_ends = start + Duration::minutes(30);
        let mut now = first_due(start);
        let mut instants = vec![now];
        for _ in 1..8 {
            now = next_due(now, start, quote_ends);
            instants.push(now);
        }
        let seconds: Vec<i64> = instants.iter().map(|instant| (*instant - start).whole_seconds()).collect();
        assert_eq!(seconds, [5, 35, 155, 755, 1_800, 4_355, 7_955, 11_555]);
    }
}
