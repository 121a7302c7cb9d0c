//! The forms that are posted: keys with their brackets as they are, as in Stripe's own libraries, values escaped.

use domain::time::{Duration, Instant};
use form_urlencoded::byte_serialize;
use secrecy::ExposeSecret;

use crate::payments::{Order, Refund};

/// Stripe keeps a checkout open for at least 30 minutes from its creation, so it closes that long after the quote.
const SHORTEST: Duration = Duration::minutes(30);

/// And for 24 hours at the most.
const LONGEST: Duration = Duration::hours(24);

/// A form under construction.
#[derive(Default)]
struct Form(String);

impl Form {
    fn field(&mut self, key: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(key);
        self.0.push('=');
        self.0.extend(byte_serialize(value.as_bytes()));
    }

    fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// A checkout. Made of the order alone, so that a repetition is the same byte for byte: Stripe refuses a key that comes back with
/// anything else.
pub(super) fn checkout(order: &Order) -> Vec<u8> {
    let payment = order.payment_id.to_string();
    let payer = &order.payer;
    let mut form = Form::default();
    form.field("mode", "payment");
    form.field("client_reference_id", &payment);
    form.field("success_url", &order.return_url);
    form.field("cancel_url", &order.return_url);
    form.field("expires_at", &closes_at(order).unix_timestamp().to_string());
    form.field("metadata[payment_id]", &payment);
    form.field("payment_intent_data[metadata][payment_id]", &payment);
    match &payer.method {
        Some(method) => form.field("customer", method.0.expose_secret()),
        None => form.field("customer_email", &payer.email),
    }
    if payer.remember {
        if payer.method.is_none() {
            form.field("customer_creation", "always");
        }
        form.field("payment_intent_data[setup_future_usage]", "on_session");
    }
    form.field("line_items[0][quantity]", "1");
    form.field("line_items[0][price_data][currency]", &order.amount.currency.code().to_ascii_lowercase());
    form.field("line_items[0][price_data][unit_amount]", &order.amount.minor.to_string());
    form.field("line_items[0][price_data][product_data][name]", &order.description);
    form.field("locale", payer.locale);
    form.into_bytes()
}

fn closes_at(order: &Order) -> Instant {
    order.expires_at.saturating_add(SHORTEST).min(order.created_at.saturating_add(LONGEST))
}

/// Money that goes back, with the charge in the answer: it holds the total.
pub(super) fn refund(payment: &str, transaction: &str, refund: &Refund) -> Vec<u8> {
    let mut form = Form::default();
    form.field("payment_intent", transaction);
    form.field("amount", &refund.amount.minor.to_string());
    form.field("metadata[refund_id]", &refund.id.to_string());
    form.field("metadata[payment_id]", payment);
    form.field("expand[0]", "charge");
    form.into_bytes()
}
