//! The sixth act: one purchase through each provider, each in its own words.

use serde_json::{Value, json};

use crate::rehearsal::http::{Played, demand, same, text};
use crate::rehearsal::people::{Customer, MONTH, fresh_key};
use crate::rehearsal::report::{Report, Scene};
use crate::rehearsal::world::World;

/// A provider, the currency it is paid in here, and what the payer is shown.
const PROVIDERS: [(&str, &str, &str); 5] = [
    ("stripe", "EUR", "checkout_url"),
    ("paypal", "EUR", "checkout_url"),
    ("mtn_momo", "EUR", "instructions"),
    ("fedapay", "XOF", "checkout_url"),
    ("btcpay", "EUR", "checkout_url"),
];

pub(in crate::rehearsal) async fn play(world: &mut World, report: &mut Report) {
    report.act("providers", "Act 6: through every provider");
    let _best_effort = world.mend().await;
    for (provider, currency, shown) in PROVIDERS {
        let _told = purchase(world, report, provider, currency, shown).await;
    }
    let _told = transfer(world, report).await;
}

async fn opened(customer: &Customer, provider: &str, currency: &'static str) -> Played<Value> {
    let mut body = json!({ "plan_code": MONTH.plan, "provider": provider, "currency": currency });
    if provider == "mtn_momo" {
        body["phone_number"] = json!("+22997808080");
    }
    let opened = customer.init_with(&body, &fresh_key()).await?.expect(201)?.body;
    same("phase", opened["phase"].as_str(), Some("awaiting"))?;
    Ok(opened)
}

async fn purchase(
    world: &World,
    report: &mut Report,
    provider: &'static str,
    currency: &'static str,
    shown: &str,
) -> Scene {
    let bought = async {
        let customer = world.customer(provider).await?;
        let payment = opened(&customer, provider, currency).await?;
        demand(!payment[shown].is_null(), || format!("no {shown} in {payment}"))?;
        let id = text(&payment, "/id")?;
        customer.at_checkout(&id, "pay").await?;
        customer.until_payment(&id, "succeeded").await?;
        customer.running_time().await.map(drop)
    };
    report.step(&format!("a month is bought through {provider}"), bought).await
}

async fn transfer(world: &World, report: &mut Report) -> Scene {
    let told = async {
        let customer = world.customer("bank_transfer").await?;
        let payment = opened(&customer, "bank_transfer", "EUR").await?;
        let reference = text(&payment, "/instructions/reference")?;
        demand(reference.starts_with("CALM-"), || format!("an odd reference: {reference}"))
    };
    report.step("a bank transfer is told with a reference of its own", told).await
}
