//! The pause of all purchases: while it lasts no payment is opened, and everything that was opened goes on.
//!
//! It is looked at where a payment is written (`init.sql`), so it holds on every instance from its commit on.

use domain::time::Instant;
use uuid::Uuid;

use crate::app::App;
use crate::tx::{StoreError, Tx};

/// A pause that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchasePause {
    /// Since when (wall time).
    pub since: Instant,
    /// Why; for the operator's people.
    pub reason: String,
}

/// Begins the pause; says whether there was none.
pub(crate) async fn begin(tx: &mut Tx, reason: &str) -> Result<bool, StoreError> {
    let (id, wall) = (uuid::Builder::from_random_bytes(tx.random()).into_uuid(), tx.wall());
    let begun = sqlx::query!(
        "INSERT INTO purchase_pauses (id, reason, paused_at) VALUES ($1, $2, $3)
         ON CONFLICT ((true)) WHERE resumed_at IS NULL DO NOTHING",
        id,
        reason,
        wall
    );
    Ok(begun.execute(tx.db()).await?.rows_affected() == 1)
}

/// Ends the pause; says which it was, if there was one.
pub(crate) async fn end(tx: &mut Tx) -> Result<Option<Uuid>, StoreError> {
    let wall = tx.wall();
    let ended = sqlx::query_scalar!(
        "UPDATE purchase_pauses SET resumed_at = GREATEST($1, paused_at) WHERE resumed_at IS NULL RETURNING id",
        wall
    );
    Ok(ended.fetch_optional(tx.db()).await?)
}

/// Whether purchases pause, as this transaction sees it.
pub(super) async fn lasts(tx: &mut Tx) -> Result<bool, StoreError> {
    let lasts = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM purchase_pauses WHERE resumed_at IS NULL) AS "lasts!""#
    );
    Ok(lasts.fetch_one(tx.db()).await?)
}

impl App {
    /// The pause of all purchases, if one lasts.
    pub async fn purchase_pause(&self) -> Result<Option<PurchasePause>, StoreError> {
        let pause = sqlx::query_as!(
            PurchasePause,
            "SELECT paused_at AS since, reason FROM purchase_pauses WHERE resumed_at IS NULL"
        );
        Ok(pause.fetch_optional(self.db()).await?)
    }
}
