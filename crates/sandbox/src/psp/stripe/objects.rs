//! The books in the shape of Stripe's objects.

use serde_json::{Value, json};

use super::super::{
    event::Event,
    facade::Bend,
    payment::{Charge, Dispute, Payment, Refund},
};

/// The checkout session; `url` only while it can be paid.
pub(super) fn session(payment: &Payment, url: Option<&str>, expand: bool) -> Value {
    let (status, payment_status) = match payment.status() {
        "succeeded" => ("complete", "paid"),
        "failed" => ("complete", "unpaid"),
        "pending" => ("open", "unpaid"),
        _ => ("expired", "unpaid"),
    };
    let amount = payment.charges.first().map_or(payment.quote.amount, |charge| charge.amount);
    let intent = match (intent_id(payment), expand) {
        (Some(_), true) => intent(payment),
        (id, _) => json!(id),
    };
    json!({
        "id": payment.reference, "object": "checkout.session", "mode": "payment", "livemode": false,
        "client_reference_id": payment.quote.payment_id, "metadata": { "payment_id": payment.quote.payment_id },
        "status": status, "payment_status": payment_status, "payment_intent": intent,
        "amount_total": amount, "currency": payment.currency().to_ascii_lowercase(),
        "customer": if status == "complete" { payment.extra.get("customer") } else { None },
        "created": payment.opened_at.unix_timestamp(), "expires_at": payment.quote.expires_at.unix_timestamp(),
        "success_url": payment.quote.return_url, "url": url.filter(|_| status == "open"),
    })
}

/// There is none before the payer has tried.
fn intent_id(payment: &Payment) -> Option<String> {
    match (payment.charges.first(), payment.status()) {
        (Some(charge), _) => Some(charge.id.clone()),
        (None, "failed") => Some(payment.reference.replacen("cs_test_", "pi_", 1)),
        _ => None,
    }
}

fn intent(payment: &Payment) -> Value {
    let charge = payment.charges.first();
    let error = json!({ "type": "card_error", "code": "card_declined", "decline_code": "generic_decline" });
    json!({
        "id": intent_id(payment), "object": "payment_intent", "livemode": false,
        "status": if charge.is_some() { "succeeded" } else { "requires_payment_method" },
        "last_payment_error": charge.is_none().then_some(error),
        "latest_charge": charge.map(|charge| self::charge(payment, charge, payment.refunded_amount())),
        "metadata": { "payment_id": payment.quote.payment_id },
    })
}

fn charge(payment: &Payment, charge: &Charge, refunded: i64) -> Value {
    json!({
        "id": charge_id(charge), "object": "charge", "livemode": false, "payment_intent": charge.id,
        "created": charge.at.unix_timestamp(), "amount": charge.amount, "amount_refunded": refunded,
        "currency": charge.currency.to_ascii_lowercase(), "paid": true, "refunded": refunded >= charge.amount,
        "disputed": payment.dispute().is_some(), "status": "succeeded",
        "metadata": { "payment_id": payment.quote.payment_id },
        "payment_method_details": { "type": "card", "card": { "brand": "visa", "last4": "4242" } },
    })
}

fn charge_id(charge: &Charge) -> String {
    charge.id.replacen("pi_", "ch_", 1)
}

pub(super) fn refund(payment: &Payment, refund: &Refund, expand: bool) -> Value {
    let charge = payment.charges.first();
    json!({
        "id": refund.reference, "object": "refund", "amount": refund.amount, "status": "succeeded",
        "currency": payment.currency().to_ascii_lowercase(), "created": refund.at.unix_timestamp(),
        "payment_intent": charge.map(|charge| &charge.id),
        "charge": charge.map(|charge| if expand {
            self::charge(payment, charge, payment.refunded_amount())
        } else {
            json!(charge_id(charge))
        }),
        "metadata": { "refund_id": refund.refund_id, "payment_id": payment.quote.payment_id },
    })
}

/// What an event carries.
pub(super) fn of_event(payment: &Payment, event: &Event, bend: &Bend) -> Option<Value> {
    let amount = bend.amount(event.amount);
    let first = payment.charges.first();
    let mut object = match event.kind.as_str() {
        "charge.refunded" => charge(payment, first?, amount),
        "refund.created" => {
            let refunds = &mut payment.refunds.iter();
            refund(
                payment,
                refunds.find(|refund| Some(&refund.refund_id) == event.refund_id.as_ref())?,
                false,
            )
        }
        "charge.dispute.created" | "charge.dispute.closed" => {
            let charge = first?;
            let status = match event.outcome {
                Some(Dispute::Won) => "won",
                Some(Dispute::Lost) => "lost",
                Some(Dispute::Open) | None => "needs_response",
            };
            json!({
                "id": charge.id.replacen("pi_", "du_", 1), "object": "dispute", "amount": charge.amount,
                "currency": charge.currency.to_ascii_lowercase(), "charge": charge_id(charge), "payment_intent": charge.id,
                "status": status, "reason": "general", "metadata": {}, "livemode": false,
            })
        }
        _ => session(payment, None, false),
    };
    // A session in an event stands as it stood then, whatever has happened since.
    let stood = match event.kind.as_str() {
        "checkout.session.completed" => Some(("complete", "paid")),
        "checkout.session.async_payment_failed" => Some(("complete", "unpaid")),
        "checkout.session.expired" => Some(("expired", "unpaid")),
        _ => None,
    };
    if let Some((status, payment_status)) = stood {
        object["status"] = json!(status);
        object["payment_status"] = json!(payment_status);
        object["amount_total"] = json!(amount);
        object["currency"] = json!(event.currency.to_ascii_lowercase());
    }
    Some(object)
}
