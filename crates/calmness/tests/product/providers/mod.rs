//! The same behaviour through every provider: each test plays one scene through all of them against their simulations, whose books
//! are the judge. Nobody is ever charged twice.

mod coins;
mod dashboard;
mod disputes;
mod line;
mod lost_refunds;
mod money_back;
mod overtaking;
mod scenes;
mod shuffles;
mod trouble;

use application::Context;
use application::settings::Key;
use serde_json::{Value, json};

use crate::support::{Customer, World};

/// A provider in the simulated world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) code: &'static str,
    /// What the signaux-monthly plan costs there.
    pub(crate) currency: &'static str,
    pub(crate) amount: i64,
    /// Whether it prompts a telephone.
    phone: bool,
    disputes: Told,
    /// Refunds that were made at the provider, of everything and of a part.
    dashboard: Told,
    dashboard_part: Told,
    key: Option<Key>,
    settings: fn(&str) -> Value,
}

/// Whether a provider tells of something, or why its contract has no word for it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Told {
    Yes,
    Not(#[expect(dead_code, reason = "it is there to be read, and shown by Debug")] &'static str),
}

impl Told {
    pub(crate) const fn is_told(self) -> bool {
        matches!(self, Self::Yes)
    }
}

const GENERIC: Line = Line {
    code: "hmac_psp",
    currency: "EUR",
    amount: 5_999,
    phone: false,
    disputes: Told::Yes,
    dashboard: Told::Yes,
    dashboard_part: Told::Yes,
    key: None,
    settings: |_| Value::Null,
};

const MTN_MOMO: Line = Line {
    code: "mtn_momo",
    currency: "EUR",
    amount: 5_999,
    phone: true,
    disputes: Told::Not("a request is approved with the payer's PIN: Collections has no word for a dispute"),
    dashboard: Told::Not("a refund is another product's transfer: the request to pay stays SUCCESSFUL"),
    dashboard_part: Told::Not("as the whole"),
    key: Some(Key::MtnMomo),
    settings: |sandbox| {
        let product = |key: &str| json!({ "api_user": crate::support::MOMO_USER, "api_key": crate::support::MOMO_KEY, "subscription_key": key });
        json!({
            "base_url": format!("{sandbox}/mtn_momo"),
            "collection": product(crate::support::MOMO_COLLECTION),
            "disbursement": product(crate::support::MOMO_DISBURSEMENT),
            "callbacks": true,
            "currencies": ["EUR"],
            "mode": "test",
        })
    },
};

const FEDAPAY: Line = Line {
    code: "fedapay",
    currency: "XOF",
    amount: 39_000,
    phone: false,
    disputes: Told::Not("no event and no status of a transaction speaks of one"),
    dashboard: Told::Yes,
    dashboard_part: Told::Not("approved_partially_refunded doesn't say how much: recorded by hand"),
    key: Some(Key::Fedapay),
    settings: |sandbox| {
        json!({
            "base_url": format!("{sandbox}/fedapay/v1"),
            "secret_key": crate::support::FEDAPAY_KEY,
            "webhook_secrets": [crate::support::FEDAPAY_WEBHOOK],
            "currencies": ["XOF"],
            "mode": "test",
        })
    },
};

const BTCPAY: Line = Line {
    code: "btcpay",
    currency: "EUR",
    amount: 5_999,
    phone: false,
    disputes: Told::Not("coins cannot be called back"),
    dashboard: Told::Not("a refund is an offer beside the invoice, which stays Settled"),
    dashboard_part: Told::Not("as the whole"),
    key: Some(Key::Btcpay),
    settings: |sandbox| {
        json!({
            "base_url": format!("{sandbox}/btcpay"),
            "store_id": "TheTestsStore",
            "api_key": crate::support::BTCPAY_KEY,
            "webhook_secrets": [crate::support::BTCPAY_WEBHOOK],
            "currencies": ["EUR"],
            "mode": "test",
        })
    },
};

const PAYPAL: Line = Line {
    code: "paypal",
    currency: "EUR",
    amount: 5_999,
    phone: false,
    disputes: Told::Yes,
    dashboard: Told::Yes,
    dashboard_part: Told::Yes,
    key: Some(Key::Paypal),
    settings: |sandbox| {
        json!({
            "base_url": format!("{sandbox}/paypal"),
            "client_id": "paypal-sandbox-client",
            "client_secret": "paypal-sandbox-secret",
            "webhook_id": "8PT597110X687430LKGECATA",
            "currencies": ["EUR"],
            "mode": "test",
        })
    },
};

const STRIPE: Line = Line {
    code: "stripe",
    currency: "EUR",
    amount: 5_999,
    phone: false,
    disputes: Told::Yes,
    dashboard: Told::Yes,
    dashboard_part: Told::Yes,
    key: Some(Key::Stripe),
    settings: |sandbox| {
        json!({
            "base_url": format!("{sandbox}/stripe"),
            "secret_key": "sk_test_sandbox0123456789",
            "webhook_secrets": ["whsec_sandbox0123456789abcdef"],
            "currencies": ["EUR"],
            "mode": "test",
        })
    },
};

/// Every provider that has a simulation.
pub(crate) const LINES: &[Line] = &[GENERIC, STRIPE, PAYPAL, MTN_MOMO, FEDAPAY, BTCPAY];

impl Line {
    /// A world where this provider takes payments, and somebody who pays.
    pub(crate) async fn world(self) -> (World, Customer) {
        let world = World::new().await;
        if let Some(key) = self.key {
            let settings = (self.settings)(&world.sandbox).to_string();
            world.app.set_setting(&Context::operator(), key, &settings).await.unwrap();
        }
        let customer = world.customer().await;
        (world, customer)
    }

    pub(crate) fn order(self) -> Value {
        let mut body =
            json!({ "plan_code": "signaux-monthly", "provider": self.code, "currency": self.currency });
        if self.phone {
            body["phone_number"] = json!("+22997808080");
        }
        body
    }

    /// Whether the payer's yes takes the money. PayPal's moves with our capture: nothing can follow it before we have asked for it,
    /// and a payer who agrees after a refusal is not charged.
    pub(crate) fn takes_at_once(self) -> bool {
        self.code != "paypal"
    }

    /// Its API, as fault orders name it.
    pub(crate) fn api(self) -> String {
        if self.code == "hmac_psp" { "psp_api".to_owned() } else { format!("{}_api", self.code) }
    }

    /// Opens a payment, which must be awaited by the provider.
    pub(crate) async fn open(self, world: &World, customer: &Customer, key: &str) -> Value {
        let payment = world.init_with(customer, key, &self.order()).await.expect(201).body;
        assert_eq!(payment["phase"], "awaiting", "{payment}");
        payment
    }
}
