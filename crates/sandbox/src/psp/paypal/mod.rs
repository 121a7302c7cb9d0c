//! PayPal: orders that the payer approves on a page and the shop captures, refunds of captures, signed events.

mod access;
mod api;
mod events;
mod order;
mod refusal;
mod signature;
mod terms;

use std::sync::Arc;

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use reqwest::Url;

use self::refusal::Refusal;
use super::{
    calls::Operation,
    event::Event,
    facade::{Bend, Facade, Named, Outgoing},
    ledger::Outcome,
    payment::Payment,
    providers::Provider,
};
use crate::{random, world::World};

/// The company, as far as a shop sees it.
pub(crate) struct Paypal;

impl Facade for Paypal {
    fn code(&self) -> &'static str {
        "paypal"
    }

    fn name(&self) -> &'static str {
        "PayPal"
    }

    fn api_peer(&self) -> &'static str {
        "paypal_api"
    }

    fn operations(&self) -> &'static [&'static str] {
        &["token", "open", "ask", "capture", "refund", "verify"]
    }

    fn routes(&self) -> Router<Arc<World>> {
        Router::new()
            .route("/paypal/v1/oauth2/token", post(access::token))
            .route("/paypal/v2/checkout/orders", post(api::create))
            .route("/paypal/v2/checkout/orders/{order_id}", get(api::ask))
            .route("/paypal/v2/checkout/orders/{order_id}/capture", post(api::capture))
            .route("/paypal/v2/payments/captures/{capture_id}", get(api::ask_capture))
            .route("/paypal/v2/payments/captures/{capture_id}/refund", post(api::refund))
            .route("/paypal/v2/payments/refunds/{refund_id}", get(api::ask_refund))
            .route("/paypal/v1/notifications/verify-webhook-signature", post(signature::check))
            .route(signature::KEY_PATH, get(signature::public_key))
    }

    fn render(&self, world: &World, payment: &Payment, event: &Event, bend: &Bend) -> Option<Outgoing> {
        let body = events::body(payment, event, bend)?;
        Some(signature::signed(world, event, bend, body))
    }

    /// Seventeen capitals and digits, as PayPal's own.
    fn new_id(&self, of: Named) -> String {
        let name =
            || random::id("").trim_start_matches('_').to_uppercase().chars().take(17).collect::<String>();
        if of == Named::Event { format!("WH-{}-{}", name(), name()) } else { name() }
    }

    fn tells(&self, kind: &'static str) -> Vec<&'static str> {
        match kind {
            "payment.approved" => vec!["CHECKOUT.ORDER.APPROVED"],
            "payment.succeeded" => vec!["PAYMENT.CAPTURE.COMPLETED"],
            "payment.failed" => vec!["PAYMENT.CAPTURE.DENIED"],
            "payment.expired" => vec!["CHECKOUT.PAYMENT-APPROVAL.REVERSED"],
            "payment.refunded" => vec!["PAYMENT.CAPTURE.REFUNDED"],
            "dispute.opened" => vec!["CUSTOMER.DISPUTE.CREATED"],
            "dispute.closed" => vec!["CUSTOMER.DISPUTE.RESOLVED"],
            _ => Vec::new(),
        }
    }

    /// Back to one of two addresses, with the order's name in the query.
    fn return_url(&self, payment: &Payment, outcome: Outcome) -> String {
        let agreed = matches!(outcome, Outcome::Pay | Outcome::PayLate);
        let cancel_url = payment.extra.get("cancel_url").and_then(|url| url.as_str()).filter(|_| !agreed);
        let address = cancel_url.unwrap_or(&payment.quote.return_url);
        let Ok(mut url) = Url::parse(address) else { return address.to_owned() };
        url.query_pairs_mut().append_pair("token", &payment.reference);
        if agreed {
            url.query_pairs_mut().append_pair("PayerID", PAYER_ID);
        }
        url.into()
    }

    fn broken(&self) -> Response {
        Refusal::broken().into_response()
    }
}

/// The one payer there is.
const PAYER_ID: &str = "QYR5Z8XDVJNXQ";
const PAYER_EMAIL: &str = "awa@example.com";

fn operation(name: &'static str) -> Operation {
    Operation { provider: Provider::Paypal, name }
}
