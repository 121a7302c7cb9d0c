//! The telephones with a prompt on them: where a payer finds what a real one would show by itself.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};

use crate::{
    pages::{Frame, moment, money, render},
    psp::{ledger, providers::Provider},
    world::World,
};

/// How many prompts the page lists.
const LISTED: usize = 200;

#[derive(Template)]
#[template(path = "phones.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
}

struct Row {
    msisdn: String,
    amount: String,
    description: String,
    payment_id: String,
    until: String,
}

/// `GET /mtn_momo/phones`
pub(super) async fn list(State(world): State<Arc<World>>) -> Response {
    if let Ok(now) = world.business_now().await {
        ledger::expire_due(&world, now);
    }
    let rows = world.ledger.with(|ledger| {
        let open = ledger
            .payments()
            .rev()
            .filter(|payment| payment.provider == Provider::MtnMomo && payment.status() == "pending");
        let row = |payment: &crate::psp::payment::Payment| Row {
            msisdn: payment
                .extra
                .get("msisdn")
                .and_then(|msisdn| msisdn.as_str())
                .unwrap_or_default()
                .to_owned(),
            amount: money::display(payment.quote.amount, &payment.quote.currency, false),
            description: payment.quote.description.clone().unwrap_or_default(),
            payment_id: payment.quote.payment_id.clone(),
            until: format!("{} UTC", moment(payment.quote.expires_at)),
        };
        open.take(LISTED).map(row).collect()
    });
    render(&Page { frame: Frame::live(&world, "ledger", "Telephones"), rows })
}
