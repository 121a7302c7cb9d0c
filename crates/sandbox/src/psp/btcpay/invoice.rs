//! One payment of the books as an invoice.

use axum::http::HeaderMap;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::{
    pages::money::exponent,
    psp::{
        checkout,
        payment::{Closed, Payment},
    },
};

/// Where a facade's own facts about a payment are.
pub(super) const METADATA: &str = "metadata";
pub(super) const MONITORING_MINUTES: &str = "monitoring_minutes";
pub(super) const CHECKOUT: &str = "checkout";
pub(super) const MARKED: &str = "marked";

/// The status and the additional one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    New(&'static str),
    Expired(&'static str),
    Invalid(&'static str),
    Settled(&'static str),
}

impl Standing {
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::New(more) => ("New", more),
            Self::Expired(more) => ("Expired", more),
            Self::Invalid(more) => ("Invalid", more),
            Self::Settled(more) => ("Settled", more),
        }
    }

    /// What its owner may make of it.
    fn markable(self) -> &'static [&'static str] {
        match self {
            Self::New(_) | Self::Expired(_) => &["Settled", "Invalid"],
            Self::Invalid(_) => &["Settled"],
            Self::Settled(_) => &[],
        }
    }
}

/// How an invoice stands at this time.
pub(super) fn standing(payment: &Payment, now: OffsetDateTime) -> Standing {
    match mark(payment) {
        Some("Settled") => return Standing::Settled("Marked"),
        Some(_) if payment.charges.is_empty() => return Standing::Invalid("Marked"),
        _ => {}
    }
    let (paid, asked) = (payment.paid_amount(), payment.quote.amount);
    match payment.closed {
        _ if paid >= asked && payment.charges.iter().any(|charge| charge.late) => {
            Standing::Settled("PaidLate")
        }
        _ if paid > asked => Standing::Settled("PaidOver"),
        _ if paid == asked => Standing::Settled("None"),
        _ if paid > 0 && now >= payment.quote.expires_at => Standing::Expired("PaidPartial"),
        _ if paid > 0 => Standing::New("PaidPartial"),
        Some(Closed::Failed) => Standing::Invalid("None"),
        Some(Closed::Canceled) => Standing::Invalid("Marked"),
        Some(Closed::Expired) => Standing::Expired("None"),
        None => Standing::New("None"),
    }
}

/// What its owner has decided that it is.
pub(super) fn mark(payment: &Payment) -> Option<&str> {
    payment.extra.get(MARKED)?.as_str()
}

pub(super) fn metadata(payment: &Payment) -> Value {
    payment.extra.get(METADATA).cloned().unwrap_or_default()
}

/// The order that an invoice was made for.
pub(super) fn order_id(payment: &Payment) -> Option<&str> {
    payment.extra.get(METADATA)?.get("orderId")?.as_str()
}

/// As the API answers it to this caller.
pub(super) fn show(payment: &Payment, store_id: &str, headers: &HeaderMap, now: OffsetDateTime) -> Value {
    let standing = standing(payment, now);
    let (status, additional) = standing.words();
    let monitored = payment.extra.get(MONITORING_MINUTES).and_then(Value::as_i64).unwrap_or(1_440);
    let monitoring = payment.quote.expires_at.saturating_add(Duration::minutes(monitored));
    json!({
        "id": payment.reference,
        "storeId": store_id,
        "amount": decimal(payment.quote.amount, payment.currency()),
        "paidAmount": decimal(payment.paid_amount(), payment.currency()),
        "currency": payment.currency(),
        "type": "Standard",
        "checkoutLink": checkout::address(headers, &payment.quote.payment_id),
        "createdTime": payment.opened_at.unix_timestamp(),
        "expirationTime": payment.quote.expires_at.unix_timestamp(),
        "monitoringExpiration": monitoring.unix_timestamp(),
        "status": status,
        "additionalStatus": additional,
        "availableStatusesForManualMarking": standing.markable(),
        "archived": false,
        "metadata": metadata(payment),
        "checkout": payment.extra.get(CHECKOUT),
        "receipt": { "enabled": null, "showQR": null, "showPayments": null },
    })
}

/// Minor units as a decimal with all its digits.
pub(super) fn decimal(minor: i64, currency: &str) -> String {
    let exponent = exponent(currency);
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = exponent + 1);
    let (whole, fraction) = digits.split_at(digits.len() - exponent);
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// A decimal as minor units, if it has no more digits than the currency.
pub(super) fn minor(text: &str, currency: &str) -> Option<i64> {
    let exponent = exponent(currency);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let significant = fraction.trim_end_matches('0');
    if whole.is_empty() || !digits(whole) || !digits(fraction) || significant.len() > exponent {
        return None;
    }
    format!("{whole}{significant:0<exponent$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_travel_as_decimals_of_their_currency() {
        for (amount, currency, text) in [
            (5_990, "EUR", "59.90"),
            (5, "EUR", "0.05"),
            (25_000, "XOF", "25000"),
            (12_345, "BTC", "0.00012345"),
        ] {
            assert_eq!(decimal(amount, currency), text);
            assert_eq!(minor(text, currency), Some(amount));
        }
        assert_eq!(minor("10", "EUR"), Some(1_000));
        for broken in ["", "-1", "1e3", ".5", "0.001", "1.2.3", "99999999999999999999"] {
            assert_eq!(minor(broken, "EUR"), None, "{broken}");
        }
    }
}
