//! BTCPay Server's Greenfield API, as far as invoices go: no keys that make calls idempotent, orders found by search, and webhooks
//! whose signature covers no time.
//!
//! Coins that a payer sends confirm at once. Too few of them leave an invoice open (`PaidPartial`) until its time runs out, too many
//! settle it (`PaidOver`), late ones settle it after it expired (`PaidLate`).

mod api;
mod invoice;

use std::sync::Arc;

use axum::{
    Router,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Map, Value, json};

use self::invoice::Standing;
use super::{
    event::Event,
    facade::{Bend, Facade, Named, Outgoing},
    payment::Payment,
    signature,
};
use crate::{random, world::World};

/// A store on a BTCPay Server.
pub(crate) struct BtcPay;

impl Facade for BtcPay {
    fn code(&self) -> &'static str {
        "btcpay"
    }

    fn name(&self) -> &'static str {
        "BTCPay Server"
    }

    fn api_peer(&self) -> &'static str {
        "btcpay_api"
    }

    fn operations(&self) -> &'static [&'static str] {
        &["open", "ask", "cancel"]
    }

    fn routes(&self) -> Router<Arc<World>> {
        const STORE: &str = "/btcpay/api/v1/stores/{store_id}/invoices";
        Router::new()
            .route(STORE, get(api::search).post(api::open))
            .route(&format!("{STORE}/{{invoice_id}}"), get(api::ask_in_store))
            .route(&format!("{STORE}/{{invoice_id}}/status"), post(api::mark_in_store))
            .route("/btcpay/api/v1/invoices/{invoice_id}", get(api::ask))
            .route("/btcpay/api/v1/invoices/{invoice_id}/status", post(api::mark))
    }

    fn new_id(&self, _: Named) -> String {
        random::invoice_id()
    }

    fn tells(&self, kind: &'static str) -> Vec<&'static str> {
        match kind {
            "payment.opened" => vec!["InvoiceCreated"],
            "payment.succeeded" => {
                vec!["InvoiceReceivedPayment", "InvoiceProcessing", "InvoicePaymentSettled", "InvoiceSettled"]
            }
            "payment.failed" | "payment.canceled" => vec!["InvoiceInvalid"],
            "payment.expired" => vec!["InvoiceExpired"],
            // Refunds are offers beside the invoice, and coins know no disputes.
            _ => Vec::new(),
        }
    }

    fn takes_part_payments(&self) -> bool {
        true
    }

    /// It tries again only where trying again can help.
    fn takes(&self, status: StatusCode) -> bool {
        let later = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        !later && !status.is_server_error()
    }

    fn render(&self, world: &World, payment: &Payment, event: &Event, bend: &Bend) -> Option<Outgoing> {
        let details = details(payment, event, bend)?;
        let redelivered = !event.attempts.is_empty();
        let delivery =
            if redelivered { format!("{}{:02}", event.id, event.attempts.len()) } else { event.id.clone() };
        let mut body = Map::from_iter([
            ("deliveryId".to_owned(), json!(delivery)),
            ("webhookId".to_owned(), json!("SandboxWebhook")),
            ("originalDeliveryId".to_owned(), json!(event.id)),
            ("isRedelivery".to_owned(), json!(redelivered)),
            ("type".to_owned(), json!(event.kind)),
            ("timestamp".to_owned(), json!(event.at.unix_timestamp())),
            ("storeId".to_owned(), json!(world.config.providers.btcpay.store_id)),
            ("invoiceId".to_owned(), json!(payment.reference)),
            ("metadata".to_owned(), invoice::metadata(payment)),
        ]);
        body.extend(details);
        let body = Value::Object(body).to_string();
        let secret = bend.secret(&world.config.providers.btcpay.webhook_secret);
        Some(Outgoing {
            method: Method::POST,
            url: event.url(world),
            headers: vec![
                ("Content-Type", "application/json".to_owned()),
                ("BTCPay-Sig", format!("sha256={}", signature::hex_mac(&secret, body.as_bytes()))),
            ],
            body: body.into_bytes(),
        })
    }

    fn broken(&self) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

/// What an event of this kind says besides; `None` if the invoice gives no reason to tell it.
fn details(payment: &Payment, event: &Event, bend: &Bend) -> Option<Map<String, Value>> {
    let marked = invoice::mark(payment) == Some("Settled");
    let late = payment.charges.iter().any(|charge| charge.late);
    let enough = payment.paid_amount() >= payment.quote.amount;
    let over = invoice::standing(payment, event.at) == Standing::Settled("PaidOver");
    let members = match event.kind.as_str() {
        "InvoiceCreated" => json!({}),
        // A marked invoice has seen no coins.
        "InvoiceReceivedPayment" | "InvoicePaymentSettled" if !marked => {
            let settled = event.kind == "InvoicePaymentSettled";
            json!({
                "afterExpiration": late,
                "paymentMethodId": "BTC-CHAIN",
                "payment": {
                    "id": payment.charges.last().map(|charge| &charge.id),
                    "receivedDate": event.at.unix_timestamp(),
                    "value": invoice::decimal(bend.amount(event.amount), &event.currency),
                    "fee": "0",
                    "status": if settled { "Settled" } else { "Processing" },
                    "destination": "bcrt1qsandbox",
                },
            })
        }
        "InvoiceProcessing" if !marked && enough => json!({ "overPaid": over }),
        "InvoiceSettled" if enough => json!({ "manuallyMarked": marked, "overPaid": over }),
        "InvoiceInvalid" => json!({ "manuallyMarked": invoice::mark(payment) == Some("Invalid") }),
        "InvoiceExpired" => json!({ "partiallyPaid": payment.paid_amount() > 0 }),
        _ => return None,
    };
    members.as_object().cloned()
}
