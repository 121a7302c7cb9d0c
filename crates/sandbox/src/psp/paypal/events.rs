//! The bodies of events. The kinds are PayPal's own, from the facade's `tells`.

use serde_json::{Value, json};

use super::{
    order::{capture, declined, order, refund},
    terms::Amount,
};
use crate::{
    clock::rfc3339,
    psp::{
        event::Event,
        facade::Bend,
        payment::{Dispute, Payment},
    },
};

/// Links in events name the real API, wherever the event comes from.
const API: &str = "https://api.paypal.com";

pub(super) fn body(payment: &Payment, event: &Event, bend: &Bend) -> Option<Vec<u8>> {
    let (resource_type, resource) = resource(payment, event, bend)?;
    let body = json!({
        "id": event.id,
        "event_version": "1.0",
        "create_time": rfc3339(event.at),
        "resource_type": resource_type,
        "resource_version": "2.0",
        "event_type": event.kind,
        "summary": format!("{} of {}", event.kind, payment.reference),
        "resource": resource,
        "links": [{ "href": format!("{API}/v1/notifications/webhooks-events/{}", event.id), "rel": "self", "method": "GET" }],
    });
    Some(body.to_string().into_bytes())
}

/// `None` where PayPal tells nothing: an order that nobody approved just fades away.
fn resource(payment: &Payment, event: &Event, bend: &Bend) -> Option<(&'static str, Value)> {
    match event.kind.as_str() {
        "CHECKOUT.ORDER.APPROVED" => Some(("checkout-order", order(payment, API, ""))),
        "CHECKOUT.PAYMENT-APPROVAL.REVERSED" => {
            payment.approved.as_ref()?;
            let unit = json!({ "custom_id": payment.extra.get("custom_id") });
            Some(("payment_token", json!({ "order_id": payment.reference, "purchase_units": [unit] })))
        }
        "PAYMENT.CAPTURE.COMPLETED" => {
            let mut told = capture(payment, payment.charges.first()?, API);
            told["amount"] = json!(Amount::of(bend.amount(event.amount), &event.currency));
            told["status"] = json!("COMPLETED");
            Some(("capture", told))
        }
        "PAYMENT.CAPTURE.DENIED" => Some(("capture", declined(payment))),
        "PAYMENT.CAPTURE.REFUNDED" => {
            let name = event.refund_id.as_deref()?;
            let made = payment.refunds.iter().find(|refund| refund.refund_id == name)?;
            Some(("refund", refund(payment, made, API)))
        }
        "CUSTOMER.DISPUTE.CREATED" | "CUSTOMER.DISPUTE.RESOLVED" => {
            Some(("dispute", dispute(payment, event)))
        }
        _ => None,
    }
}

fn dispute(payment: &Payment, event: &Event) -> Value {
    let outcome = event.outcome.map(|outcome| match outcome {
        Dispute::Lost => "RESOLVED_BUYER_FAVOUR",
        Dispute::Won | Dispute::Open => "RESOLVED_SELLER_FAVOUR",
    });
    json!({
        "dispute_id": format!("PP-D-{:.5}", payment.reference),
        "disputed_transactions": [{
            "seller_transaction_id": payment.charges.first().map(|charge| charge.id.as_str()),
            "custom": payment.extra.get("custom_id"),
        }],
        "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        "status": if outcome.is_some() { "RESOLVED" } else { "OPEN" },
        "dispute_amount": Amount::of(event.amount, &event.currency),
        "dispute_outcome": outcome.map(|code| json!({ "outcome_code": code })),
        "create_time": rfc3339(event.at),
    })
}
