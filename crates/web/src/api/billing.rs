//! `/api/billing/plans` and `/providers`: what is sold, and who takes the money.

use axum::Json;
use axum::extract::State;
use gateways::payments::CheckoutKind;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::WebState;

/// One price.
#[derive(Serialize, ToSchema)]
pub(crate) struct PriceBody {
    /// Minor units: cents for EUR, francs for XOF.
    #[schema(example = 5999)]
    amount: i64,
    #[schema(example = "EUR")]
    currency: &'static str,
}

/// What is sold.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlanBody {
    #[schema(example = "signaux-monthly")]
    code: String,
    #[schema(example = "signaux")]
    channel: String,
    /// Whole days of 86,400 seconds.
    #[schema(example = 30)]
    days: u16,
    prices: Vec<PriceBody>,
}

/// What is sold.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlansResponse {
    items: Vec<PlanBody>,
}

/// Who takes payments now.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProviderBody {
    #[schema(example = "hmac_psp")]
    provider: &'static str,
    #[schema(example = json!(["EUR", "XOF"]))]
    currencies: Vec<&'static str>,
    /// `page` (the provider's), `phone` (a prompt: give `phone_number`) or `instructions`.
    #[schema(value_type = String, example = "page")]
    checkout: CheckoutKind,
    /// `test` (play money) or `live`.
    #[schema(example = "live")]
    mode: &'static str,
    /// Whether it can remember a way to pay (`remember`).
    saves_methods: bool,
}

/// Who takes payments now.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProvidersResponse {
    items: Vec<ProviderBody>,
}

/// Tells what is sold.
#[utoipa::path(get, path = "/api/billing/plans", tag = "billing", responses((status = 200, body = PlansResponse)))]
pub(crate) async fn plans(State(state): State<WebState>) -> Json<PlansResponse> {
    let plans = state.app.catalogue().plans();
    let items = plans.iter().map(|plan| PlanBody {
        code: plan.code.to_string(),
        channel: plan.channel.to_string(),
        days: plan.length.days(),
        prices: plan
            .prices
            .iter()
            .map(|price| PriceBody { amount: price.minor, currency: price.currency.code() })
            .collect(),
    });
    Json(PlansResponse { items: items.collect() })
}

/// Tells who takes payments now, in which currencies.
#[utoipa::path(get, path = "/api/billing/providers", tag = "billing", responses((status = 200, body = ProvidersResponse)))]
pub(crate) async fn providers(State(state): State<WebState>) -> Json<ProvidersResponse> {
    let providers = state.app.providers();
    let items = providers.iter().map(|provider| ProviderBody {
        provider: provider.code(),
        currencies: provider.capabilities().currencies.iter().map(|currency| currency.code()).collect(),
        checkout: provider.capabilities().checkout,
        mode: provider.capabilities().mode.as_str(),
        saves_methods: provider.capabilities().saves_methods,
    });
    Json(ProvidersResponse { items: items.collect() })
}
