//! The body that makes an order.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::Refusal;
use crate::{
    pages::money::exponent,
    problem::Problem,
    psp::{
        facade::Named,
        payment::{OnPay, Opening, Quote, Way},
        providers::Provider,
    },
    world::World,
};

/// How long an order waits for its payer.
const LIFE: Duration = Duration::hours(3);

/// What PayPal takes, of the currencies that the product knows.
const CURRENCIES: [&str; 6] = ["EUR", "USD", "GBP", "CHF", "CAD", "JPY"];

/// A decimal in a string.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Amount {
    currency_code: String,
    value: String,
}

impl Amount {
    pub(super) fn of(minor: i64, currency: &str) -> Self {
        let exponent = exponent(currency);
        let digits = format!("{minor:0>width$}", width = exponent + 1);
        let (whole, fraction) = digits.split_at(digits.len() - exponent);
        let value = if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") };
        Self { currency_code: currency.to_owned(), value }
    }

    pub(super) fn currency(&self) -> &str {
        &self.currency_code
    }

    /// Minor units.
    pub(super) fn minor(&self) -> Result<i64, Refusal> {
        if !CURRENCIES.contains(&self.currency_code.as_str()) {
            return Err(Refusal::unprocessable("INVALID_CURRENCY_CODE", "Currency code is not supported."));
        }
        let exponent = exponent(&self.currency_code);
        let (whole, fraction) = self.value.split_once('.').unwrap_or((&self.value, ""));
        if !fraction.is_empty() && exponent == 0 {
            return Err(Refusal::unprocessable("DECIMALS_NOT_SUPPORTED", "This currency has no decimals."));
        }
        if fraction.len() > exponent {
            return Err(Refusal::unprocessable("DECIMAL_PRECISION", "There are too many decimals."));
        }
        let digits = format!("{whole}{fraction:0<exponent$}");
        let plain = !whole.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| plain).ok_or_else(|| {
            Refusal::invalid("INVALID_PARAMETER_SYNTAX", "An amount is a decimal such as 10.00.")
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct OrderBody {
    intent: String,
    purchase_units: Vec<UnitBody>,
    payment_source: Option<SourceBody>,
}

#[derive(Debug, Deserialize)]
struct UnitBody {
    reference_id: Option<String>,
    custom_id: Option<String>,
    invoice_id: Option<String>,
    description: Option<String>,
    amount: Amount,
}

#[derive(Debug, Deserialize)]
struct SourceBody {
    paypal: WalletBody,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WalletBody {
    vault_id: Option<String>,
    attributes: Option<Value>,
    experience_context: Value,
}

impl OrderBody {
    /// The terms, and whether a remembered account pays them at once.
    pub(super) fn opening(self, world: &World, now: OffsetDateTime) -> Result<(Opening, bool), Refusal> {
        if self.intent != "CAPTURE" {
            return Err(Refusal::unprocessable("UNSUPPORTED_INTENT", "Only CAPTURE is played here."));
        }
        let [unit] = <[UnitBody; 1]>::try_from(self.purchase_units).map_err(|_| {
            Refusal::invalid("INVALID_ARRAY_LENGTH", "Exactly one purchase unit is played here.")
        })?;
        let wallet = self.payment_source.map(|source| source.paypal).unwrap_or_default();
        let remembered = wallet.vault_id.is_some();
        if wallet.vault_id.is_some_and(|token| !is_remembered(world, &token)) {
            return Err(Refusal::unprocessable("TOKEN_ID_NOT_FOUND", "Specified token was not found."));
        }
        let address = |name: &str| wallet.experience_context[name].as_str().map(str::to_owned);
        let new_name = || Provider::Paypal.facade().new_id(Named::Payment);
        let vault = wallet.attributes.as_ref().map(|attributes| &attributes["vault"]["store_in_vault"]);
        let mut extra = Map::from_iter([
            ("reference_id".to_owned(), json!(unit.reference_id.unwrap_or_else(|| "default".to_owned()))),
            ("custom_id".to_owned(), json!(unit.custom_id)),
            ("invoice_id".to_owned(), json!(unit.invoice_id)),
            ("cancel_url".to_owned(), json!(address("cancel_url"))),
        ]);
        if vault.is_some_and(|vault| vault == "ON_SUCCESS") {
            extra.insert("vault_id".to_owned(), json!(new_name().to_lowercase()));
        }
        let quote = Quote {
            payment_id: unit.custom_id.unwrap_or_else(new_name),
            amount: unit.amount.minor()?,
            currency: unit.amount.currency().to_owned(),
            description: unit.description,
            return_url: address("return_url").unwrap_or_else(|| world.config.product_url.clone()),
            webhook_url: None,
            expires_at: now + LIFE,
        };
        let opening = Opening {
            provider: Provider::Paypal,
            quote: quote.checked().map_err(|problem: Problem| Refusal::from(problem))?,
            way: Way::Api,
            reference: None,
            on_pay: if remembered { OnPay::Charge } else { OnPay::Approve },
            extra,
        };
        Ok((opening, remembered))
    }
}

/// Where remembered accounts are kept among the books.
const DESK: &str = "vault";

/// Remembers the payer's account if its payment, which has just brought money, asked for it.
pub(super) fn remember(world: &World, payment_id: &str) {
    world.ledger.with(|ledger| {
        let Some(token) =
            ledger.payment(payment_id).and_then(|payment| payment.extra.get("vault_id")).cloned()
        else {
            return;
        };
        let desk = ledger.desks.entry(Provider::Paypal).or_default();
        let held = desk.entry(DESK).or_insert_with(|| json!({}));
        if let Some((held, token)) = held.as_object_mut().zip(token.as_str()) {
            held.insert(token.to_owned(), json!(payment_id));
        }
    });
    world.changed();
}

fn is_remembered(world: &World, token: &str) -> bool {
    world.ledger.with(|ledger| {
        let held = ledger.desks.get(&Provider::Paypal).and_then(|desk| desk.get(DESK));
        held.is_some_and(|held| held.get(token).is_some())
    })
}
