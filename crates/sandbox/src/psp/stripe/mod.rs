//! Stripe as far as the product uses it: checkout sessions, refunds, signed events. Below `/stripe`.

mod api;
mod objects;
mod refusal;

use std::sync::Arc;

use axum::{
    Router,
    http::Method,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    event::Event,
    facade::{Bend, Facade, Named, Outgoing},
    payment::Payment,
    signature::{self, Signed},
};
use crate::{random, world::World};

/// The version that events are shaped by.
const API_VERSION: &str = "2026-10-28.endive";

pub(crate) struct Stripe;

impl Facade for Stripe {
    fn code(&self) -> &'static str {
        "stripe"
    }

    fn name(&self) -> &'static str {
        "Stripe"
    }

    fn api_peer(&self) -> &'static str {
        "stripe_api"
    }

    fn operations(&self) -> &'static [&'static str] {
        &["open", "ask", "refund", "cancel"]
    }

    fn routes(&self) -> Router<Arc<World>> {
        api::routes()
    }

    /// A charge in the books is a payment intent here.
    fn new_id(&self, of: Named) -> String {
        random::id(match of {
            Named::Payment => "cs_test",
            Named::Charge => "pi",
            Named::Refund => "re",
            Named::Event => "evt",
        })
    }

    fn tells(&self, kind: &'static str) -> Vec<&'static str> {
        match kind {
            "payment.succeeded" => vec!["checkout.session.completed"],
            "payment.failed" => vec!["checkout.session.async_payment_failed"],
            "payment.expired" | "payment.canceled" => vec!["checkout.session.expired"],
            "payment.refunded" => vec!["charge.refunded", "refund.created"],
            "dispute.opened" => vec!["charge.dispute.created"],
            "dispute.closed" => vec!["charge.dispute.closed"],
            _ => Vec::new(),
        }
    }

    fn forgets_keys_after(&self) -> Option<time::Duration> {
        Some(time::Duration::hours(24))
    }

    fn render(&self, world: &World, payment: &Payment, event: &Event, bend: &Bend) -> Option<Outgoing> {
        let object = objects::of_event(payment, event, bend)?;
        let body = json!({
            "id": event.id, "object": "event", "api_version": API_VERSION, "created": event.at.unix_timestamp(),
            "livemode": false, "pending_webhooks": 1, "request": { "id": null, "idempotency_key": null },
            "type": event.kind, "data": { "object": object },
        })
        .to_string();
        let secret = bend.secret(&world.config.providers.stripe.webhook_secret);
        let t = bend.at(world.wall()).unix_timestamp();
        Some(Outgoing {
            method: Method::POST,
            url: event.url(world),
            headers: vec![
                ("Content-Type", "application/json; charset=utf-8".to_owned()),
                ("Stripe-Signature", signature::header(&secret, t, Signed::Body(body.as_bytes()))),
            ],
            body: body.into_bytes(),
        })
    }

    fn broken(&self) -> Response {
        refusal::Refusal::broken().into_response()
    }
}
