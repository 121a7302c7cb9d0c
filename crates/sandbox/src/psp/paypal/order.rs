//! Orders, captures and refunds as PayPal writes them.

use serde_json::{Value, json};

use super::{PAYER_EMAIL, PAYER_ID, terms::Amount};
use crate::{
    clock::rfc3339,
    psp::payment::{Charge, Closed, Payment, Refund},
};

/// Below this the API lives; links in its answers begin with it.
pub(super) fn base(host: &str) -> String {
    format!("http://{host}/paypal")
}

pub(super) fn order(payment: &Payment, base: &str, page: &str) -> Value {
    let href = format!("{base}/v2/checkout/orders/{}", payment.reference);
    let status = status(payment);
    let mut links = vec![json!({ "href": href, "rel": "self", "method": "GET" })];
    match status {
        "PAYER_ACTION_REQUIRED" => {
            links.push(json!({ "href": page, "rel": "payer-action", "method": "GET" }));
        }
        "APPROVED" => {
            links.push(json!({ "href": format!("{href}/capture"), "rel": "capture", "method": "POST" }));
        }
        _ => {}
    }
    let mut unit = json!({
        "reference_id": payment.extra.get("reference_id"),
        "custom_id": payment.extra.get("custom_id"),
        "invoice_id": payment.extra.get("invoice_id"),
        "description": payment.quote.description,
        "amount": Amount::of(payment.quote.amount, &payment.quote.currency),
    });
    let captures = captures(payment, base);
    if !captures.is_empty() {
        let refunds: Vec<Value> = payment.refunds.iter().map(|it| refund(payment, it, base)).collect();
        unit["payments"] = json!({ "captures": captures, "refunds": refunds });
    }
    json!({
        "id": payment.reference,
        "intent": "CAPTURE",
        "status": status,
        "payment_source": { "paypal": wallet(payment) },
        "purchase_units": [unit],
        "create_time": rfc3339(payment.opened_at),
        "update_time": rfc3339(payment.updated_at),
        "links": links,
    })
}

fn status(payment: &Payment) -> &'static str {
    if payment.awaits_capture() {
        return "APPROVED";
    }
    match (payment.charges.is_empty(), payment.closed) {
        (false, _) | (true, Some(Closed::Failed)) => "COMPLETED",
        (true, Some(Closed::Expired | Closed::Canceled)) => "VOIDED",
        (true, None) => "PAYER_ACTION_REQUIRED",
    }
}

/// The payer is known once they have agreed, and remembered once they have paid.
fn wallet(payment: &Payment) -> Value {
    if payment.approved.is_none() && payment.charges.is_empty() {
        return json!({});
    }
    let mut wallet = json!({
        "email_address": PAYER_EMAIL, "account_id": PAYER_ID, "account_status": "VERIFIED",
        "name": { "given_name": "Awa", "surname": "Diop" },
    });
    let vault_id = payment.extra.get("vault_id").filter(|_| !payment.charges.is_empty());
    if let Some(vault_id) = vault_id {
        wallet["attributes"] =
            json!({ "vault": { "id": vault_id, "status": "VAULTED", "customer": { "id": PAYER_ID } } });
    }
    wallet
}

fn captures(payment: &Payment, base: &str) -> Vec<Value> {
    if payment.charges.is_empty() && payment.closed == Some(Closed::Failed) {
        return vec![declined(payment)];
    }
    payment.charges.iter().map(|charge| capture(payment, charge, base)).collect()
}

pub(super) fn capture(payment: &Payment, charge: &Charge, base: &str) -> Value {
    let status = match payment.refunded_amount() {
        0 => "COMPLETED",
        part if part < payment.paid_amount() => "PARTIALLY_REFUNDED",
        _ => "REFUNDED",
    };
    let href = format!("{base}/v2/payments/captures/{}", charge.id);
    json!({
        "id": charge.id,
        "status": status,
        "amount": Amount::of(charge.amount, &charge.currency),
        "final_capture": true,
        "custom_id": payment.extra.get("custom_id"),
        "invoice_id": payment.extra.get("invoice_id"),
        "supplementary_data": { "related_ids": { "order_id": payment.reference } },
        "create_time": rfc3339(charge.at),
        "update_time": rfc3339(payment.updated_at),
        "links": [
            { "href": href, "rel": "self", "method": "GET" },
            { "href": format!("{href}/refund"), "rel": "refund", "method": "POST" },
        ],
    })
}

/// What a payer's no looks like: a capture that the bank declined, named after its order.
pub(super) fn declined(payment: &Payment) -> Value {
    json!({
        "id": format!("{:.16}D", payment.reference),
        "status": "DECLINED",
        "amount": Amount::of(payment.quote.amount, &payment.quote.currency),
        "custom_id": payment.extra.get("custom_id"),
        "invoice_id": payment.extra.get("invoice_id"),
        "supplementary_data": { "related_ids": { "order_id": payment.reference } },
        "create_time": rfc3339(payment.updated_at),
        "update_time": rfc3339(payment.updated_at),
    })
}

pub(super) fn refund(payment: &Payment, refund: &Refund, base: &str) -> Value {
    let currency = payment.currency();
    let before = payment.refunds.iter().take_while(|it| it.reference != refund.reference);
    let total = before.map(|it| it.amount).sum::<i64>() + refund.amount;
    let capture = payment.charges.first().map(|charge| charge.id.as_str()).unwrap_or_default();
    json!({
        "id": refund.reference,
        "status": "COMPLETED",
        "amount": Amount::of(refund.amount, currency),
        "custom_id": payment.extra.get("custom_id"),
        "invoice_id": refund.refund_id,
        "seller_payable_breakdown": {
            "gross_amount": Amount::of(refund.amount, currency),
            "total_refunded_amount": Amount::of(total, currency),
        },
        "create_time": rfc3339(refund.at),
        "update_time": rfc3339(refund.at),
        "links": [
            { "href": format!("{base}/v2/payments/refunds/{}", refund.reference), "rel": "self", "method": "GET" },
            { "href": format!("{base}/v2/payments/captures/{capture}"), "rel": "up", "method": "GET" },
        ],
    })
}
