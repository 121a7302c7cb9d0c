//! Asking the provider about payments whose end we do not know (the reconciler), as owed work.
//!
//! Due after 5 s, 30 s, 2 min, 10 min, 1 h, then hourly, and right when the quote runs out. So a lost callback costs
//! minutes, and a crash between our commit and the provider's answer is completed here with the same key.

use domain::ids::{LeaseToken, PaymentId, UserId};
use domain::payment::{Claim, Event, Statement, Status};
use domain::time::{Duration, Instant};
use futures_util::future::BoxFuture;
use gateways::payments::{Opening, PaymentProvider, ProviderError, View};
use scoped_futures::ScopedFutureExt;

use super::apply::{Applied, apply};
use super::store::{Row, StoredPayment, select_payment};
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

/// When it is asked about again after so many attempts; the end of its quote is not slept through.
fn next_due(now: Instant, attempts: i32, quote_expires_at: Instant) -> Instant {
    let index = usize::try_from(attempts).unwrap_or(0).min(DELAYS.len() - 1);
    let next = now + DELAYS[index];
    if now < quote_expires_at && quote_expires_at < next { quote_expires_at } else { next }
}

/// Payments to ask about, as owed work.
pub(crate) struct PaymentChecks;

/// A claimed payment.
pub(crate) struct Claimed {
    id: PaymentId,
    attempts: i32,
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
                 RETURNING id, check_attempts",
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
                token: lease.token,
            });
            Ok(claimed.collect())
        })
    }

    fn act(app: &App, claimed: Claimed) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            if let Err(error) = app.check_payment(&claimed).await {
                tracing::warn!(
                    payment.id = %claimed.id,
                    payment.attempts = claimed.attempts,
                    error = &error as &dyn std::error::Error,
                    "a payment could not be asked about"
                );
            }
            app.finish_check(&claimed).await
        })
    }
}

impl App {
    async fn check_payment(&self, claimed: &Claimed) -> Result<(), BillingError> {
        let row: Row = select_payment!("WHERE id = $1", claimed.id.uuid()).fetch_one(self.db()).await?;
        let stored = row.into_payment()?;
        let context = Context::system("payment_check").acting_as(Actor::Provider(stored.provider.clone()));
        let provider = self.provider(&stored.provider).ok_or(BillingError::UnknownProvider)?;
        match provider.fetch(stored.id).await {
            Ok(View::Known { reference, statements }) => {
                self.learn(&context, &stored, reference, statements).await?;
                // Known to the provider, but we never heard where to pay: asking with the same key tells.
                if stored.checkout_url.is_none() && stored.status() == Status::Pending {
                    self.open_at_provider(&Context::system("payment_check"), &stored).await?;
                }
                Ok(())
            }
            Ok(View::NeverOpened) => self.not_opened(&context, provider, &stored).await,
            Err(error @ ProviderError::Refused(_)) => {
                // A refusal to answer is no statement about the payment.
                tracing::error!(payment.id = %stored.id, error = &error as &dyn std::error::Error, "refused to tell");
                Ok(())
            }
            Err(error) => {
                tracing::warn!(payment.id = %stored.id, error = &error as &dyn std::error::Error, "not told yet");
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
                        quarantine::quarantine_payment(tx, stored.id, &stored.provider, &contradiction)
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
            let statement = Statement { at: now, reference: None, amount: None, claim: Claim::Expired };
            return Ok(self.learn_expiry(context, stored, statement).await?);
        }
        let by_call = provider.opening(&self.order(stored)) == Opening::Call;
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

    /// Gives the row back: due again while its end is unknown.
    async fn finish_check(&self, claimed: &Claimed) -> Result<(), StoreError> {
        let now = self.now().await?.business;
        let row = sqlx::query!(
            r#"SELECT status = 'pending' AS "pending!", quote_expires_at FROM payments WHERE id = $1"#,
            claimed.id.uuid()
        )
        .fetch_one(self.db())
        .await?;
        let due = row.pending.then(|| next_due(now, claimed.attempts, row.quote_expires_at));
        sqlx::query!(
            "UPDATE payments SET check_due_at = $3, lease_until = NULL, lease_token = NULL
             WHERE id = $1 AND lease_token = $2",
            claimed.id.uuid(),
            claimed.token.uuid(),
            due
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

/// A hint only makes us ask. Says whether the payment is one of ours that still waits.
pub(super) async fn hurry(app: &App, provider: &str, id: PaymentId) -> Result<(), StoreError> {
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
        for attempts in 1..8 {
            now = next_due(now, attempts, quote_ends);
            instants.push(now);
        }
        let seconds: Vec<i64> = instants.iter().map(|instant| (*instant - start).whole_seconds()).collect();
        assert_eq!(seconds, [5, 35, 155, 755, 1_800, 5_400, 9_000, 12_600]);
    }
}
