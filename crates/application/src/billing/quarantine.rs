//! What contradicts is kept and shown, and changes nothing (P4, SEC-45).

use domain::ids::PaymentId;
use domain::payment::Contradiction;
use serde_json::json;

use crate::alerts;
use crate::audit;
use crate::tx::{StoreError, Tx};

/// Where a contradiction came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// An event of its own: each counts.
    Callback,
    /// The provider's answer to our asking, which we repeat.
    Asked,
}

/// Marks a payment whose provider contradicts the quote: an operator decides. Its place is freed, so that the user can
/// pay anew.
pub(super) async fn quarantine_payment(
    tx: &mut Tx,
    payment: PaymentId,
    provider: &str,
    contradiction: &Contradiction,
    source: Source,
) -> Result<(), StoreError> {
    let now = tx.now();
    let marked = sqlx::query!(
        "UPDATE payments
         SET quarantined_at = $2, is_open = false, version = version + 1
         WHERE id = $1 AND quarantined_at IS NULL",
        payment.uuid(),
        now
    )
    .execute(tx.db())
    .await?;
    let by_callback = matches!(source, Source::Callback);
    if marked.rows_affected() == 0 && !by_callback {
        // Asked again and told the same: the operator knows.
        return Ok(());
    }
    if marked.rows_affected() == 1 {
        let entry = audit::Entry {
            action: "payment.quarantined",
            subject_kind: "payment",
            subject_id: payment.to_string(),
            user: None,
            details: json!({ "reason": contradiction.code() }),
        };
        audit::record(tx, entry).await?;
    }
    let condition = format!("{}:{payment}", contradiction.code());
    let details = json!({ "payment": payment, "provider": provider, "why": contradiction.to_string() });
    alerts::raise(tx, alerts::Kind::WebhookQuarantined, &condition, details).await
}

/// Tells of a signed statement about a payment of our form that does not exist.
pub(super) async fn alert_unknown_payment(
    tx: &mut Tx,
    provider: &str,
    payment: &str,
) -> Result<(), StoreError> {
    let details = json!({ "payment": payment, "provider": provider, "why": "there is no such payment" });
    let condition = format!("unknown_payment:{provider}:{payment}");
    alerts::raise(tx, alerts::Kind::WebhookQuarantined, &condition, details).await
}
