//! The providers that keep these books: one variant, one place in [`Provider::ALL`], one arm each.
//!
//! Everything else that is particular to a provider is in its [`Facade`].

use std::sync::Arc;

use axum::Router;
use serde::{Deserialize, Serialize};

use super::{
    btcpay::BtcPay, facade::Facade, fedapay::FedaPay, hmac_psp::HmacPsp, mtn_momo::MtnMomo, paypal::Paypal,
    stripe::Stripe,
};
use crate::world::World;

/// Whose payment it is. A payment that names nobody is of the time when there was only one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Provider {
    #[default]
    HmacPsp,
    MtnMomo,
    #[serde(rename = "fedapay")]
    FedaPay,
    #[serde(rename = "btcpay")]
    BtcPay,
    Paypal,
    Stripe,
}

impl Provider {
    pub(crate) const ALL: &'static [Self] =
        &[Self::HmacPsp, Self::MtnMomo, Self::FedaPay, Self::BtcPay, Self::Paypal, Self::Stripe];

    /// What is particular to it.
    pub(crate) fn facade(self) -> &'static dyn Facade {
        match self {
            Self::HmacPsp => &HmacPsp,
            Self::MtnMomo => &MtnMomo,
            Self::FedaPay => &FedaPay,
            Self::BtcPay => &BtcPay,
            Self::Paypal => &Paypal,
            Self::Stripe => &Stripe,
        }
    }
}

/// The APIs of all providers.
pub(crate) fn routes() -> Router<Arc<World>> {
    Provider::ALL.iter().fold(Router::new(), |router, provider| router.merge(provider.facade().routes()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_code_of_a_facade_is_the_word_its_payments_are_kept_under() {
        for &provider in Provider::ALL {
            assert_eq!(json!(provider), provider.facade().code());
        }
    }
}
