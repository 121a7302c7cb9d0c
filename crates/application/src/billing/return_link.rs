//! The way back from a provider (Q3): a link that shows that we made it for this payment, with an end, and that does
//! something once. What the browser brings along proves nothing about money: the provider is asked.

use crypto::link_nonce;
use domain::ids::{PaymentId, UserId};
use domain::time::{Duration, Instant};
use scoped_futures::ScopedFutureExt;

use crate::actor::Context;
use crate::app::App;
use crate::tx::{StoreError, Tx};

/// So long after the end of its quote somebody may still come back from the provider's page.
const GRACE: Duration = Duration::hours(24);

/// What a way back came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayBack {
    /// For the first time: the provider is asked at once.
    First,
    /// Again: it has no effect any more.
    Again,
    /// Forged, expired or without a nonce.
    Unknown,
}

impl App {
    /// Where a provider sends the payer back to. Always the same for one payment: a repeated request must not differ.
    pub(super) fn return_url(&self, payment: PaymentId, quote_expires_at: Instant) -> String {
        let expires_at = (quote_expires_at + GRACE).unix_timestamp();
        let nonce = link_nonce::issue(self.keys().link_nonce(), payment.uuid(), expires_at);
        format!("{}/payments/{payment}/return?nonce={nonce}", self.options().public_url)
    }

    /// Somebody comes back from the provider of a payment of theirs.
    pub async fn come_back(
        &self,
        context: &Context,
        user: UserId,
        payment: PaymentId,
        nonce: &str,
    ) -> Result<WayBack, StoreError> {
        let now = self.now().await?.business.unix_timestamp();
        if !link_nonce::verify(self.keys().link_nonces(), payment.uuid(), nonce, now) {
            return Ok(WayBack::Unknown);
        }
        let first = self
            .tx("come_back", context, |tx| async move { use_up(tx, user, payment).await }.scope_boxed())
            .await?;
        if first {
            self.check_payment_soon(user, payment).await?;
        }
        Ok(if first { WayBack::First } else { WayBack::Again })
    }
}

/// Uses up the way back of a payment of this user. Says whether it was there to use.
async fn use_up(tx: &mut Tx, user: UserId, payment: PaymentId) -> Result<bool, StoreError> {
    let now = tx.now();
    let taken = sqlx::query!(
        "INSERT INTO payment_returns (payment_id, returned_at)
         SELECT id, $3 FROM payments WHERE id = $1 AND user_id = $2
         ON CONFLICT (payment_id) DO NOTHING",
        payment.uuid(),
        user.uuid(),
        now
    )
    .execute(tx.db())
    .await?;
    Ok(taken.rows_affected() == 1)
}
