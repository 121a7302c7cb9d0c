//! Billing: plans, payments, callbacks.
//!
//! ```text
//! init      → key, payment, audit (one statement) → the provider is asked with the payment's id, or nobody in link mode
//! webhook   → raw bytes verified → event stored once, facts grow, time extended, audit, work owed → 200
//! check     → the provider is asked on a growing schedule, so a lost callback costs minutes
//! ```
//!
//! What follows from an event is decided by `domain::payment`; [`apply`] writes it in one transaction. The two hot
//! paths, [`init`] and [`settle`], do the same for their one common case in a single statement each.

pub(crate) mod apply;
pub mod catalogue;
mod check;
pub(crate) mod connectors;
mod inbox;
mod init;
mod methods;
mod movements;
mod opening;
pub(crate) mod pause;
mod payer;
mod quarantine;
mod receipts;
mod refunds;
pub mod refusals;
mod return_link;
mod review;
mod settle;
mod store;
mod trace;
mod view;
mod webhook;

use domain::ids::{PaymentId, UserId};
use domain::money::{Currency, Money};
use domain::plan::PlanCode;
use sqlx::PgPool;
use thiserror::Error;

pub(crate) use self::check::PaymentChecks;
pub use self::inbox::{EventFilter, EventView};
pub use self::init::{IdempotencyKey, InitAnswer, InitRequest, InvalidIdempotencyKey};
pub use self::methods::{MethodError, MethodView, NewMethod};
pub use self::pause::PurchasePause;
pub use self::receipts::{NotPaid, Receipt, SignedReceipt};
pub(crate) use self::refunds::RefundWork;
pub use self::refunds::{RefundError, RefundFilter, RefundRequest, RefundView, StaffRefundView};
pub use self::return_link::WayBack;
pub use self::review::{CaseView, Confirmation, ReviewError};
pub(crate) use self::store::lock_entitlements;
pub use self::trace::{MailView, MovementView, PaymentTrace};
pub use self::view::{PaymentCursor, PaymentFilter, PaymentView, StaffPaymentView, Step};
pub(crate) use self::webhook::BODY;
pub use self::webhook::{WebhookAnswer, WebhookError};
use crate::tx::{StoreError, tx_error};

/// Why a payment was not opened.
#[derive(Debug, Error)]
pub enum BillingError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such plan is sold.
    #[error("no plan of this code is sold")]
    UnknownPlan,
    /// No such provider is set up.
    #[error("no provider of this name takes payments here")]
    UnknownProvider,
    /// Several prices fit: the currency must be named.
    #[error("name one of the currencies: {}", codes(.0))]
    CurrencyRequired(Vec<Currency>),
    /// The plan has no price in this currency, or the provider does not take it.
    #[error("this plan is not sold in this currency through this provider")]
    CurrencyNotOffered,
    /// The same key was used with another body.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The first request of this key is still at work.
    #[error("the first request with this idempotency key is still at work")]
    InProgress,
    /// This provider prompts the payer's telephone, and no number was given.
    #[error("this provider needs the payer's telephone number")]
    PhoneRequired,
    /// The caller has stored no such way to pay for this provider.
    #[error("there is no such payment method for this provider")]
    UnknownMethod,
    /// The operator has paused all purchases.
    #[error("purchases pause")]
    PurchasesPaused,
    /// The account may not pay now.
    #[error("this account may not start payments")]
    NotAllowed,
}
tx_error!(BillingError);

fn codes(currencies: &[Currency]) -> String {
    currencies.iter().map(|currency| currency.code()).collect::<Vec<_>>().join(", ")
}

/// What a payment bought, for the words of a mail.
pub(crate) struct Purchase {
    pub(crate) user: UserId,
    pub(crate) plan_code: PlanCode,
    pub(crate) days: u16,
    pub(crate) amount: Money,
}

/// What a payment bought.
pub(crate) async fn purchase(db: &PgPool, payment: PaymentId) -> Result<Option<Purchase>, StoreError> {
    let row = sqlx::query!(
        "SELECT user_id, plan_code, plan_days, amount_minor, currency FROM payments WHERE id = $1",
        payment.uuid()
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(Purchase {
            user: UserId::from_uuid(row.user_id),
            plan_code: store::plan_code(&row.plan_code)?,
            days: u16::try_from(row.plan_days)
                .map_err(|_| StoreError::Corrupt("payments.plan_days".to_owned()))?,
            amount: Money::new(row.amount_minor, store::currency(&row.currency)?),
        })
    })
    .transpose()
}
