//! The books: every movement of money that had come is appended in the transaction that learned of it. That it came is the
//! payment's own line, so the hot path writes nothing more.

use domain::movement::movement;
use domain::payment::{Decision, Event};

use super::store::StoredPayment;
use crate::tx::{StoreError, Tx};

/// Books what a decision moves beside the money's coming itself.
pub(super) async fn book(
    tx: &mut Tx,
    stored: &StoredPayment,
    decision: &Decision,
    event: &Event,
) -> Result<(), StoreError> {
    let moved = movement(&stored.payment.facts, &decision.facts, stored.payment.amount);
    let Some(moved) = moved else { return Ok(()) };
    let now = tx.now();
    let value_at = match event {
        Event::Stated(statement) => statement.at,
        _ => now,
    };
    sqlx::query!(
        "INSERT INTO movements (payment_id, kind, amount_minor, booked_at, value_at)
         VALUES ($1, $2, $3, $4, $5)",
        stored.id.uuid(),
        moved.kind.as_str(),
        moved.amount_minor,
        now,
        value_at
    )
    .execute(tx.db())
    .await?;
    Ok(())
}
