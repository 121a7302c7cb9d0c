//! The providers of a demo: their accounts in the simulated world, and the settings with which the product reaches them.

use application::settings::Key;
use crypto::fingerprint::sha256;
use serde_json::{Value, json};

use super::secrets::Secrets;

const MOMO_USER: &str = "11111111-1111-4111-8111-111111111111";
const BTCPAY_STORE: &str = "CalmnessDemoStore";
const PAYPAL_CLIENT: &str = "calmness-demo";
const PAYPAL_WEBHOOK: &str = "8PT597110X687430LKGECATA";

impl Secrets {
    /// A provider's secret: the same at each start of a demo, another one in each demo.
    fn of_provider(&self, name: &str) -> String {
        hex::encode(sha256(format!("calmness/demo/{name}/{}", self.psp_request).as_bytes()))
    }
}

/// The accounts in the simulated world.
pub(super) fn accounts(secrets: &Secrets) -> sandbox::ProvidersConfig {
    sandbox::ProvidersConfig {
        stripe: sandbox::StripeConfig {
            secret_key: format!("sk_test_{}", secrets.of_provider("stripe-key")),
            webhook_secret: format!("whsec_{}", secrets.of_provider("stripe-webhook")),
        },
        mtn_momo: sandbox::MtnMomoConfig {
            api_user: MOMO_USER.to_owned(),
            api_key: secrets.of_provider("momo-key"),
            collection_key: secrets.of_provider("momo-collection"),
            disbursement_key: secrets.of_provider("momo-disbursement"),
        },
        fedapay: sandbox::FedaPayConfig {
            secret_key: format!("sk_sandbox_{}", secrets.of_provider("fedapay-key")),
            webhook_secret: format!("wh_sandbox_{}", secrets.of_provider("fedapay-webhook")),
        },
        btcpay: sandbox::BtcPayConfig {
            store_id: BTCPAY_STORE.to_owned(),
            api_key: secrets.of_provider("btcpay-key"),
            webhook_secret: secrets.of_provider("btcpay-webhook"),
        },
        paypal: sandbox::PaypalConfig {
            client_id: PAYPAL_CLIENT.to_owned(),
            client_secret: secrets.of_provider("paypal-secret"),
            webhook_id: PAYPAL_WEBHOOK.to_owned(),
        },
    }
}

/// The product's settings for them, with the simulated world at `world`.
pub(super) fn settings(secrets: &Secrets, world: &str) -> Vec<(Key, Value)> {
    let accounts = accounts(secrets);
    let (momo, fedapay, btcpay) = (accounts.mtn_momo, accounts.fedapay, accounts.btcpay);
    let (paypal, stripe) = (accounts.paypal, accounts.stripe);
    let product = |subscription: &str| json!({ "api_user": momo.api_user, "api_key": momo.api_key, "subscription_key": subscription });
    vec![
        (
            Key::Stripe,
            json!({
                "base_url": format!("{world}/stripe"), "secret_key": stripe.secret_key,
                "webhook_secrets": [stripe.webhook_secret], "currencies": ["EUR"], "mode": "test",
            }),
        ),
        (
            Key::Paypal,
            json!({
                "base_url": format!("{world}/paypal"), "client_id": paypal.client_id,
                "client_secret": paypal.client_secret, "webhook_id": paypal.webhook_id,
                "currencies": ["EUR"], "mode": "test",
            }),
        ),
        (
            Key::MtnMomo,
            json!({
                "base_url": format!("{world}/mtn_momo"), "collection": product(&momo.collection_key),
                "disbursement": product(&momo.disbursement_key), "callbacks": true,
                "currencies": ["EUR"], "mode": "test",
            }),
        ),
        (
            Key::Fedapay,
            json!({
                "base_url": format!("{world}/fedapay/v1"), "secret_key": fedapay.secret_key,
                "webhook_secrets": [fedapay.webhook_secret], "currencies": ["XOF"], "mode": "test",
            }),
        ),
        (
            Key::Btcpay,
            json!({
                "base_url": format!("{world}/btcpay"), "store_id": btcpay.store_id, "api_key": btcpay.api_key,
                "webhook_secrets": [btcpay.webhook_secret], "currencies": ["EUR"], "mode": "test",
            }),
        ),
        (
            Key::BankTransfer,
            json!({
                "account_holder": "Calmness SARL", "iban": "FR76 3000 6000 0112 3456 7890 189",
                "bic": "AGRIFRPP", "currencies": ["EUR"], "mode": "test",
            }),
        ),
    ]
}
