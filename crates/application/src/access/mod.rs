//! Access: who is let into a channel, and who is removed.
//!
//! Nothing is fired at Telegram from a change. A change owes *membership work*, one row per account and channel; the
//! worker reads what is wanted right before each act, and again after it, so a failed removal, a refund during an
//! expiry, a switch of account or a restart need no code of their own (see `domain::access`).

mod bot;
mod clock_watch;
mod fuse;
mod fuse_store;
mod holds;
mod holds_store;
mod link;
mod membership;
mod store;
mod updates;

use domain::ids::UserId;
use domain::plan::ChannelKey;
use sqlx::PgPool;
use thiserror::Error;

pub use self::bot::UpdateSource;
pub(crate) use self::clock_watch::ClockWatch;
pub use self::holds::{HeldRemoval, HoldError, RemovalDecision, RemovalHold};
pub(crate) use self::holds::{decide_hold, describe_hold, hold_object, lock_hold};
pub(crate) use self::link::unbind;
pub use self::link::{AccessView, BindingView, DeepLink};
pub(crate) use self::membership::MembershipWork;
use crate::tx::{StoreError, Tx, tx_error};

/// Why something about Telegram could not be done.
#[derive(Debug, Error)]
pub enum AccessError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No bot is set up, or Telegram has not told its name yet.
    #[error("Telegram is not set up")]
    NotSetUp,
}
tx_error!(AccessError);

/// Owes the mending of a user's membership in a channel: their time or their standing changed.
pub(crate) async fn owe_membership_of_user(
    tx: &mut Tx,
    user: UserId,
    channel: &ChannelKey,
) -> Result<(), StoreError> {
    store::owe_of_user(tx, user, channel).await?;
    tx.owe_work();
    Ok(())
}

/// Whether a Telegram account is bound to the user now.
pub(crate) async fn is_linked(db: &PgPool, user: UserId) -> Result<bool, StoreError> {
    let bound = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM bindings WHERE user_id = $1 AND ended_at IS NULL) AS "bound!""#,
        user.uuid()
    );
    Ok(bound.fetch_one(db).await?)
}
