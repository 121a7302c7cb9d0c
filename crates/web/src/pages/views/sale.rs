//! What is for sale: the home page and the cards of plans.

use askama::Template;

use super::PageFrame;

/// The home page: what it is, how it works, what it costs.
#[derive(Template)]
#[template(path = "home.html")]
pub struct HomeView {
    /// What surrounds it.
    pub page: PageFrame,
    /// What is sold.
    pub plans: Vec<PlanCard>,
}

/// One plan with all ways to pay for it.
#[derive(Clone, Debug)]
pub struct PlanCard {
    /// Its code, which the form posts as `plan_code`.
    pub code: String,
    /// What it is called.
    pub name: String,
    /// Its length in whole days.
    pub days: u16,
    /// The ways to pay; none while no provider is up.
    pub offers: Vec<Offer>,
    /// Whether one of the ways prompts the payer's telephone, so that its number is asked for.
    pub asks_phone: bool,
    /// Made anew with each page, so that a double click buys once.
    pub idempotency_key: String,
}

/// One way to pay for a plan: a provider and a currency.
#[derive(Clone, Debug)]
pub struct Offer {
    /// What the form posts as `offer`: `<provider>:<currency>`.
    pub value: String,
    /// The price, formatted.
    pub price: String,
    /// What the provider is called.
    pub provider: String,
}

impl PlanCard {
    /// Each price once, in the order of the offers.
    pub fn prices(&self) -> Vec<&str> {
        let mut prices: Vec<&str> = Vec::new();
        for offer in &self.offers {
            if !prices.contains(&offer.price.as_str()) {
                prices.push(&offer.price);
            }
        }
        prices
    }
}
