//! Asking the provider to open a checkout, outside any transaction, with the payment's own id as the key.

use domain::payment::{Claim, Event, Phase, Statement};
use gateways::payments::{Checkout, CheckoutWay, Instructions, Order, Payer, ProviderError};
use scoped_futures::ScopedFutureExt;
use sqlx::types::Json;

use super::apply::{Applied, apply};
use super::store::{self, StoredPayment};
use super::{BillingError, quarantine};
use crate::actor::{Actor, Context};
use crate::app::App;
use crate::tx::Tx;

impl App {
    /// The payment as its provider needs to know it.
    pub(super) fn order(&self, stored: &StoredPayment, payer: Payer) -> Order {
        let public_url = &self.options().public_url;
        Order {
            payment_id: stored.id,
            amount: stored.payment.amount,
            description: format!("{}: {}", self.options().company_name, stored.plan_code),
            return_url: self.return_url(stored.id, stored.quote_expires_at),
            webhook_url: format!("{public_url}/api/webhooks/{}", stored.provider),
            created_at: stored.created_at,
            expires_at: stored.quote_expires_at,
            nonce: stored.nonce.clone(),
            payer,
        }
    }

    /// Asks the provider, and writes what it answered. Can run twice: the provider knows the key.
    pub(super) async fn open_at_provider(
        &self,
        context: &Context,
        stored: &StoredPayment,
    ) -> Result<StoredPayment, BillingError> {
        let provider = self.provider(&stored.provider).ok_or(BillingError::UnknownProvider)?;
        if stored.payment.facts.phase == Phase::Created {
            self.tx("payment_asked", context, |tx| {
                async move { apply(tx, stored.id, &Event::Asked).await }.scope_boxed()
            })
            .await?;
        }
        let payer = self.payer_of(stored).await?;
        let asked = provider.create_checkout(&self.order(stored, payer)).await;
        let by_provider = context.acting_as(Actor::Provider(stored.provider.clone()));
        self.tx("payment_opened", &by_provider, |tx| {
            let asked = &asked;
            async move { record_opening(tx, stored, asked).await }.scope_boxed()
        })
        .await
    }
}

/// Writes what the provider answered to the request to open a checkout.
async fn record_opening(
    tx: &mut Tx,
    stored: &StoredPayment,
    asked: &Result<Checkout, ProviderError>,
) -> Result<StoredPayment, BillingError> {
    let event = match asked {
        Ok(checkout) => Some(Event::Opened { reference: checkout.reference.clone() }),
        Err(ProviderError::Refused(reason)) => {
            let claim = Claim::Failed { reason: reason.clone() };
            Some(Event::Stated(Statement::new(tx.now(), claim)))
        }
        Err(error @ (ProviderError::Unknown(_) | ProviderError::Unavailable(_))) => {
            // Not a failure: the check asks with the same key.
            tracing::warn!(payment.id = %stored.id, error = error as &dyn std::error::Error, "opening is unknown");
            None
        }
    };
    if let Some(event) = event
        && let Applied::Contradicts(contradiction) = apply(tx, stored.id, &event).await?
    {
        quarantine::quarantine_payment(
            tx,
            stored.id,
            &stored.provider,
            &contradiction,
            quarantine::Source::Asked(&event),
        )
        .await?;
    }
    if let Ok(checkout) = asked {
        let (page, instructions) = match &checkout.way {
            CheckoutWay::Page(page) => (Some(page.as_str()), None),
            CheckoutWay::Instructions(instructions) => (None, Some(Json(instructions))),
        };
        let query = sqlx::query!(
            "UPDATE payments
             SET checkout_url = COALESCE(checkout_url, $2), instructions = COALESCE(instructions, $3)
             WHERE id = $1",
            stored.id.uuid(),
            page,
            instructions as Option<Json<&Instructions>>
        );
        query.execute(tx.db()).await?;
    }
    let now_stored = store::lock(tx, stored.id).await?.unwrap_or_else(|| stored.clone());
    if now_stored.outcome_is_known() {
        sqlx::query!(
            "UPDATE idempotency_keys SET answered_status = $2, answered_phase = $3, lease_until = NULL
             WHERE payment_id = $1 AND answered_status IS NULL",
            stored.id.uuid(),
            now_stored.status().as_str(),
            now_stored.payment.facts.phase.as_str()
        )
        .execute(tx.db())
        .await?;
    }
    Ok(now_stored)
}
