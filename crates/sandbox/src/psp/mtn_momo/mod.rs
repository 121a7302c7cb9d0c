//! The provider `mtn_momo`: a token for each product, a request under the caller's own UUID, a prompt on the payer's telephone, and
//! one unsigned callback that is never repeated.

mod account;
mod collection;
mod disbursement;
mod phones;
mod refusal;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    http::Method,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use self::refusal::Refusal;
use super::{
    calls::Operation,
    event::Event,
    facade::{Bend, Facade, Named, Outgoing},
    payment::Payment,
    providers::Provider,
};
use crate::{pages::money::exponent, random, world::World};

/// MTN's Collections and Disbursements.
pub(crate) struct MtnMomo;

impl Facade for MtnMomo {
    fn code(&self) -> &'static str {
        "mtn_momo"
    }

    fn name(&self) -> &'static str {
        "MTN MoMo"
    }

    fn api_peer(&self) -> &'static str {
        "mtn_momo_api"
    }

    fn operations(&self) -> &'static [&'static str] {
        &["token", "open", "ask", "refund"]
    }

    fn routes(&self) -> Router<Arc<World>> {
        Router::new()
            .route("/mtn_momo/{product}/token/", post(account::token))
            .route("/mtn_momo/collection/v1_0/requesttopay", post(collection::request))
            .route("/mtn_momo/collection/v1_0/requesttopay/{reference}", get(collection::status))
            .route("/mtn_momo/disbursement/v1_0/refund", post(disbursement::refund))
            .route("/mtn_momo/disbursement/v1_0/refund/{reference}", get(disbursement::status))
            .route("/mtn_momo/phones", get(phones::list))
    }

    /// Only of a payment that named an address, and only how it ended.
    fn render(&self, world: &World, payment: &Payment, event: &Event, bend: &Bend) -> Option<Outgoing> {
        payment.quote.webhook_url.as_ref()?;
        let ended = matches!(event.kind.as_str(), "payment.succeeded" | "payment.failed" | "payment.expired");
        if !ended {
            return None;
        }
        let mut body = told(payment);
        body["amount"] = json!(decimal(bend.amount(event.amount), &event.currency));
        Some(Outgoing {
            method: Method::POST,
            url: event.url(world),
            headers: vec![("Content-Type", "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        })
    }

    fn new_id(&self, of: Named) -> String {
        match of {
            Named::Charge => random::number(),
            Named::Payment | Named::Refund => random::uuid(),
            Named::Event => random::id("evt"),
        }
    }

    fn tells(&self, kind: &'static str) -> Vec<&'static str> {
        match kind {
            "payment.succeeded" | "payment.failed" | "payment.expired" => vec![kind],
            // It has no word for it, but the request is over.
            "payment.canceled" => vec!["payment.failed"],
            _ => Vec::new(),
        }
    }

    fn retries<'w>(&self, _: &'w World) -> &'w [Duration] {
        &[]
    }

    fn broken(&self) -> Response {
        Refusal::of("INTERNAL_PROCESSING_ERROR").into_response()
    }
}

fn operation(name: &'static str) -> Operation {
    Operation { provider: Provider::MtnMomo, name }
}

/// How a request stands, in MTN's words.
fn told(payment: &Payment) -> Value {
    let charge = payment.charges.first();
    let (status, reason) = match payment.status() {
        "succeeded" => ("SUCCESSFUL", None),
        "pending" => ("PENDING", None),
        "expired" => ("FAILED", Some(json!("EXPIRED"))),
        _ => ("FAILED", Some(payment.extra.get("reason").cloned().unwrap_or(json!("APPROVAL_REJECTED")))),
    };
    let amount = charge.map_or(payment.quote.amount, |charge| charge.amount);
    let mut told = json!({
        "amount": decimal(amount, payment.currency()),
        "currency": payment.currency(),
        "externalId": payment.quote.payment_id,
        "payer": { "partyIdType": "MSISDN", "partyId": payment.extra.get("msisdn") },
        "payerMessage": payment.quote.description,
        "payeeNote": payment.extra.get("note"),
        "status": status,
    });
    if let Some(charge) = charge {
        told["financialTransactionId"] = json!(charge.id);
    }
    if let Some(reason) = reason {
        told["reason"] = reason;
    }
    told
}

/// Minor units as MTN writes amounts.
fn decimal(minor: i64, currency: &str) -> String {
    let exponent = exponent(currency);
    let digits = format!("{minor:0>width$}", width = exponent + 1);
    let (whole, fraction) = digits.split_at(digits.len() - exponent);
    if fraction.bytes().all(|digit| digit == b'0') { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// MTN's amounts in minor units: digits, and no more decimals than the currency has.
fn minor(text: &str, currency: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let exponent = exponent(currency);
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = fraction.trim_end_matches('0');
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > exponent {
        return None;
    }
    format!("{whole}{fraction:0<exponent$}").parse().ok().filter(|minor| *minor > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_travel_as_decimals_and_come_back_the_same() {
        for (amount, currency, text) in
            [(10_000, "EUR", "100"), (5_999, "EUR", "59.99"), (5, "EUR", "0.05"), (15_000, "XAF", "15000")]
        {
            assert_eq!(decimal(amount, currency), text);
            assert_eq!(minor(text, currency), Some(amount));
        }
        assert_eq!(minor("5.0", "EUR"), Some(500));
        for bad in ["", ".5", "-1", "1e3", "0", "0.001", "1,5", "99999999999999999999"] {
            assert_eq!(minor(bad, "EUR"), None, "{bad}");
        }
        assert_eq!(minor("1.5", "XOF"), None);
    }
}
