//! The provider `fedapay`: transactions with numbers of its own, a page for each, events signed with a time.

mod api;
mod refusal;

use std::sync::Arc;

use axum::{
    Router,
    http::Method,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use reqwest::Url;
use serde_json::{Value, json};
use time::OffsetDateTime;

use self::refusal::Refusal;
use super::{
    calls::Operation,
    event::Event,
    facade::{Bend, Facade, Named, Outgoing},
    ledger::Outcome,
    payment::Payment,
    providers::Provider,
    signature,
};
use crate::{clock::rfc3339, random, world::World};

/// FedaPay's numbers for its currencies.
const CURRENCIES: [(i64, &str, &str, i64); 2] =
    [(1, "XOF", "West African CFA franc", 952), (2, "GNF", "Guinean franc", 324)];

/// The aggregator.
pub(crate) struct FedaPay;

impl Facade for FedaPay {
    fn code(&self) -> &'static str {
        "fedapay"
    }

    fn name(&self) -> &'static str {
        "FedaPay"
    }

    fn api_peer(&self) -> &'static str {
        "fedapay_api"
    }

    fn operations(&self) -> &'static [&'static str] {
        &["open", "token", "ask"]
    }

    fn routes(&self) -> Router<Arc<World>> {
        Router::new()
            .route("/fedapay/v1/transactions", post(api::create))
            .route("/fedapay/v1/transactions/{id}", get(api::retrieve))
            .route("/fedapay/v1/transactions/merchant/{reference}", get(api::retrieve_by_merchant))
            .route("/fedapay/v1/transactions/{id}/token", post(api::token))
            .route("/fedapay/v1/currencies/{id}", get(api::currency))
    }

    fn render(&self, world: &World, payment: &Payment, event: &Event, bend: &Bend) -> Option<Outgoing> {
        let mut entity = told(payment);
        if let Some(status) = event.kind.strip_prefix("transaction.").filter(|word| *word != "updated") {
            let status = if status == "created" { "pending" } else { status };
            entity["status"] = json!(status);
            entity["amount"] = json!(bend.amount(event.amount));
            entity["updated_at"] = json!(rfc3339(event.at));
        }
        entity["currency"] = json!({ "iso": event.currency });
        let body = json!({ "name": event.kind, "object": "transaction", "entity": entity }).to_string();
        let secret = bend.secret(&world.config.providers.fedapay.webhook_secret);
        let t = bend.at(world.wall()).unix_timestamp();
        let s = signature::hex_mac(&secret, format!("{t}.{body}").as_bytes());
        Some(Outgoing {
            method: Method::POST,
            url: event.url(world),
            headers: vec![
                ("Content-Type", "application/json".to_owned()),
                ("X-FEDAPAY-SIGNATURE", format!("t={t},s={s}")),
            ],
            body: body.into_bytes(),
        })
    }

    fn new_id(&self, of: Named) -> String {
        match of {
            Named::Payment => random::number(),
            Named::Charge => random::id("trx"),
            Named::Refund => random::id("ref"),
            Named::Event => random::id("evt"),
        }
    }

    fn tells(&self, kind: &'static str) -> Vec<&'static str> {
        match kind {
            "payment.opened" => vec!["transaction.created"],
            "payment.succeeded" => vec!["transaction.approved"],
            "payment.failed" => vec!["transaction.declined"],
            "payment.expired" => vec!["transaction.expired"],
            "payment.canceled" => vec!["transaction.canceled"],
            "payment.refunded" => vec!["transaction.updated"],
            _ => Vec::new(),
        }
    }

    /// The browser comes back with words that nobody should believe.
    fn return_url(&self, payment: &Payment, outcome: Outcome) -> String {
        let Ok(mut url) = Url::parse(&payment.quote.return_url) else {
            return payment.quote.return_url.clone();
        };
        let status = match outcome {
            Outcome::Pay => "approved",
            Outcome::Refuse => "declined",
            _ => status(payment),
        };
        url.query_pairs_mut().append_pair("id", &payment.reference).append_pair("status", status);
        url.into()
    }

    fn broken(&self) -> Response {
        Refusal::broken().into_response()
    }
}

fn operation(name: &'static str) -> Operation {
    Operation { provider: Provider::FedaPay, name }
}

/// FedaPay's word for how a payment stands.
fn status(payment: &Payment) -> &'static str {
    match payment.status() {
        "succeeded" if payment.refunded_amount() == 0 => "approved",
        "succeeded" if payment.refunded_amount() >= payment.paid_amount() => "refunded",
        "succeeded" => "approved_partially_refunded",
        "failed" => "declined",
        other => other,
    }
}

/// A transaction in FedaPay's words. Its currency is only a number; events say more.
fn told(payment: &Payment) -> Value {
    let charge = payment.charges.first();
    let moment = |at: Option<OffsetDateTime>| at.map(rfc3339);
    let ended = |word: &str| moment((payment.status() == word).then_some(payment.updated_at));
    let currency = CURRENCIES.iter().find(|(_, iso, ..)| *iso == payment.currency());
    json!({
        "id": payment.reference.parse::<i64>().ok(),
        "klass": "v1/transaction",
        "reference": charge.map(|charge| &charge.id),
        "merchant_reference": payment.quote.payment_id,
        "description": payment.quote.description,
        "callback_url": payment.quote.return_url,
        "amount": charge.map_or(payment.quote.amount, |charge| charge.amount),
        "currency_id": currency.map(|(id, ..)| id),
        "status": status(payment),
        "created_at": rfc3339(payment.opened_at),
        "updated_at": rfc3339(payment.updated_at),
        "approved_at": moment(charge.map(|charge| charge.at)),
        "declined_at": ended("failed"),
        "canceled_at": ended("canceled"),
        "refunded_at": moment(payment.refunds.last().map(|refund| refund.at)),
    })
}
