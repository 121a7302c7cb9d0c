//! Receipts: what was paid, signed, so that it can be believed without asking us.

use domain::ids::{PaymentId, UserId};
use domain::payment::{Mode, Status};
use domain::time::Instant;
use serde::Serialize;
use time::UtcOffset;
use time::format_description::well_known::Rfc3339;

use super::store::{Row, select_payment};
use super::view::PaymentView;
use crate::app::App;
use crate::tx::StoreError;

/// What a receipt says; exactly this is signed.
#[derive(Clone, Debug, Serialize)]
pub struct Receipt {
    /// Names the receipt: the payment's id.
    pub number: PaymentId,
    /// Who sold.
    pub seller: String,
    /// Where.
    pub issuer: String,
    /// Who paid.
    pub customer: String,
    /// What was bought.
    pub plan_code: String,
    /// Whole days.
    pub days: u16,
    /// Minor units.
    pub amount: i64,
    /// Its currency.
    pub currency: &'static str,
    /// The same as people write it, without grouping.
    pub amount_decimal: String,
    /// How much of it went back, in minor units.
    pub refunded_amount: i64,
    /// `succeeded`, `refunded`, `partially_refunded`, `disputed` or `charged_back`.
    pub status: &'static str,
    /// Through whom.
    pub provider: String,
    /// `live`, or `test`: then no money moved and it is worth nothing.
    pub mode: &'static str,
    /// The provider's own name for the movement of the money.
    pub transaction: Option<String>,
    /// When the provider saw the money.
    pub paid_at: String,
    /// As of when it is true.
    pub issued_at: String,
}

/// A receipt with its signature.
#[derive(Clone, Debug)]
pub struct SignedReceipt {
    /// What it says.
    pub receipt: Receipt,
    /// The same, signed: a compact JWS.
    pub jws: String,
    /// The payment, for the words of a page.
    pub payment: PaymentView,
}

impl App {
    /// The receipt of a user's payment. `Ok(None)` if there is no such payment, an empty one if no money came for it.
    pub async fn receipt(
        &self,
        user: UserId,
        id: PaymentId,
    ) -> Result<Option<Result<SignedReceipt, NotPaid>>, StoreError> {
        let row: Option<Row> = select_payment!("WHERE id = $1 AND user_id = $2", id.uuid(), user.uuid())
            .fetch_optional(self.db())
            .await?;
        let Some(stored) = row.map(Row::into_payment).transpose()? else { return Ok(None) };
        let facts = &stored.payment.facts;
        let Some(settled) = &facts.settled else { return Ok(Some(Err(NotPaid))) };
        let profile = self.profile(user).await?;
        let amount = stored.payment.amount;
        let receipt = Receipt {
            number: stored.id,
            seller: self.company_name(),
            issuer: self.options().public_url.clone(),
            customer: profile.map(|profile| profile.email).unwrap_or_default(),
            plan_code: stored.plan_code.to_string(),
            days: stored.length.days(),
            amount: amount.minor,
            currency: amount.currency.code(),
            amount_decimal: amount.decimal(),
            refunded_amount: facts.refunded_minor,
            status: Status::as_str(stored.status()),
            provider: stored.provider.clone(),
            mode: Mode::as_str(stored.payment.mode),
            transaction: facts.transaction.clone(),
            paid_at: rfc3339(settled.at)?,
            issued_at: rfc3339(self.now().await?.business)?,
        };
        let payload = serde_json::to_vec(&receipt).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let jws = self.keys().receipts().sign(&payload);
        Ok(Some(Ok(SignedReceipt { receipt, jws, payment: PaymentView::of(&stored) })))
    }
}

/// No money came for this payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPaid;

fn rfc3339(at: Instant) -> Result<String, StoreError> {
    at.to_offset(UtcOffset::UTC).format(&Rfc3339).map_err(|error| StoreError::Corrupt(error.to_string()))
}
