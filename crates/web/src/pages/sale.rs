//! `/`: what is sold, and the words for it that other pages share.

use application::text::{self, Locale};
use axum::http::StatusCode;
use axum::response::Response;
use domain::money::Currency;
use domain::payment::Mode;
use domain::plan::{Plan, PlanCode};
use gateways::payments::{CheckoutKind, PaymentProvider};

use super::session::{self, Visitor};
use super::views::{HomeView, Offer, PlanCard};

/// The home page.
pub(super) async fn home(visitor: Visitor) -> Response {
    let view = HomeView { page: visitor.frame(), plans: plan_cards(&visitor) };
    visitor.show(StatusCode::OK, &view)
}

/// Every plan with each way to pay for it now.
pub(super) fn plan_cards(visitor: &Visitor) -> Vec<PlanCard> {
    let (app, locale) = (visitor.app(), visitor.locale);
    let plans = app.catalogue().plans();
    let cards = plans.iter().map(|plan| PlanCard {
        code: plan.code.to_string(),
        name: text::plan_name(locale, &plan.code, plan.length.days()),
        days: plan.length.days(),
        offers: offers(visitor, plan),
        asks_phone: app.providers().iter().any(|provider| prompts(&**provider, plan)),
        idempotency_key: session::nonce(app),
    });
    cards.collect()
}

fn prompts(provider: &dyn PaymentProvider, plan: &Plan) -> bool {
    let capabilities = provider.capabilities();
    capabilities.checkout == CheckoutKind::Phone
        && plan.prices.iter().any(|price| capabilities.currencies.contains(&price.currency))
}

fn offers(visitor: &Visitor, plan: &Plan) -> Vec<Offer> {
    let locale = visitor.locale;
    let mut offers = Vec::new();
    for provider in visitor.app().providers() {
        let taken = &provider.capabilities().currencies;
        // In a sandbox everything is play money, and every page says so.
        let unreal = provider.capabilities().mode == Mode::Test && !visitor.state.options.sandbox;
        for price in plan.prices.iter().filter(|price| taken.contains(&price.currency)) {
            offers.push(Offer {
                value: format!("{}:{}", provider.code(), price.currency.code()),
                price: locale.money(*price),
                provider: if unreal {
                    let name = way_to_pay(locale, provider.code(), price.currency);
                    format!("{name} · {}", text::text(locale, "way-test", &[]))
                } else {
                    way_to_pay(locale, provider.code(), price.currency)
                },
            });
        }
    }
    offers
}

/// What a way to pay is called. The two CFA francs are worth the same and written the same, so it says which one.
fn way_to_pay(locale: Locale, provider: &str, currency: Currency) -> String {
    let name = text::provider_name(locale, provider);
    match currency {
        Currency::Xof => format!("{name} · {}", text::text(locale, "currency-xof", &[])),
        Currency::Xaf => format!("{name} · {}", text::text(locale, "currency-xaf", &[])),
        _ => name,
    }
}

/// What a plan is called; one that is not sold any more goes by its code.
pub(super) fn plan_name(visitor: &Visitor, code: &PlanCode) -> String {
    let plan = visitor.app().catalogue().plan(code);
    plan.map_or_else(|| code.to_string(), |plan| text::plan_name(visitor.locale, code, plan.length.days()))
}
