//! Refunds of a capture.

use domain::ids::PaymentId;
use domain::money::Money;
use serde::{Deserialize, Serialize};

use super::order::{Amount, StatusDetails, identifier};
use crate::payments::words::failure_reason;
use crate::payments::{ProviderError, Refund, RefundState, Refunded};

#[derive(Serialize)]
pub(super) struct RefundRequest {
    amount: Amount,
    invoice_id: String,
    custom_id: String,
}

impl RefundRequest {
    /// `custom_id` stays the payment's, so that callbacks about the refund name it.
    pub(super) fn of(payment: PaymentId, refund: &Refund) -> Self {
        Self {
            amount: Amount::of(refund.amount),
            invoice_id: refund.id.to_string(),
            custom_id: payment.to_string(),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct RefundAnswer {
    id: String,
    #[serde(default)]
    status: String,
    status_details: Option<StatusDetails>,
    seller_payable_breakdown: Option<Breakdown>,
}

#[derive(Debug, Deserialize)]
struct Breakdown {
    total_refunded_amount: Option<Amount>,
}

impl RefundAnswer {
    pub(super) fn into_refunded(self) -> Result<Refunded, ProviderError> {
        let reference = Some(identifier(&self.id)?.to_owned());
        let state = match self.status.as_str() {
            "COMPLETED" => RefundState::Succeeded,
            "FAILED" | "CANCELLED" => {
                let reason = self.status_details.and_then(|details| details.reason);
                RefundState::Failed(failure_reason(reason.as_deref().or(Some(&self.status))))
            }
            _ => RefundState::Pending,
        };
        let breakdown = self.seller_payable_breakdown.filter(|_| state == RefundState::Succeeded);
        let total: Option<Money> = breakdown.and_then(|it| it.total_refunded_amount?.money());
        Ok(Refunded { reference, state, total })
    }
}
