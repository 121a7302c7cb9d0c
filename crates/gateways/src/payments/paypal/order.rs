//! Orders: what is asked for, and what PayPal's own answer says became of it.
//!
//! An order that is complete is not money yet: its captures are.

use domain::ids::{PaymentId, RefundId};
use domain::money::{Currency, Money};
use domain::payment::{Claim, Statement};
use domain::time::{Instant, OffsetDateTime};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;

use crate::payments::words::{self, failure_reason, is_reference};
use crate::payments::{Checkout, CheckoutWay, MethodToken, Order, ProviderError, SavedMethod, View};

/// The longest description that PayPal takes, in characters.
const MAX_DESCRIPTION: usize = 127;

/// The longest identifier of PayPal's that goes into a path, in bytes; its own have 17 to 20.
const MAX_IDENTIFIER: usize = 64;

/// An amount as PayPal writes it: a decimal in a string, with the currency's own number of decimals.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Amount {
    currency_code: String,
    value: String,
}

impl Amount {
    pub(super) fn of(money: Money) -> Self {
        Self { currency_code: money.currency.code().to_owned(), value: money.decimal() }
    }

    /// `None` for a currency that is not sold in and for anything that is no exact amount.
    pub(super) fn money(&self) -> Option<Money> {
        Money::parse_decimal(&self.value, self.currency_code.parse().ok()?)
    }
}

#[derive(Serialize)]
pub(super) struct OrderRequest {
    intent: &'static str,
    purchase_units: [UnitRequest; 1],
    payment_source: SourceRequest,
}

#[derive(Serialize)]
struct UnitRequest {
    reference_id: String,
    custom_id: String,
    invoice_id: String,
    description: String,
    amount: Amount,
}

#[derive(Serialize)]
struct SourceRequest {
    paypal: WalletRequest,
}

#[derive(Serialize)]
struct WalletRequest {
    experience_context: Experience,
    #[serde(skip_serializing_if = "Option::is_none")]
    vault_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<AttributesRequest>,
}

#[derive(Serialize)]
struct Experience {
    user_action: &'static str,
    payment_method_preference: &'static str,
    shipping_preference: &'static str,
    locale: &'static str,
    return_url: String,
    cancel_url: String,
}

#[derive(Serialize)]
struct AttributesRequest {
    vault: VaultRequest,
}

#[derive(Serialize)]
struct VaultRequest {
    store_in_vault: &'static str,
    usage_type: &'static str,
}

impl OrderRequest {
    pub(super) fn of(order: &Order) -> Self {
        let id = order.payment_id.to_string();
        let payer = &order.payer;
        let remember = payer.remember && payer.method.is_none();
        Self {
            intent: "CAPTURE",
            purchase_units: [UnitRequest {
                reference_id: id.clone(),
                custom_id: id.clone(),
                invoice_id: id,
                description: order.description.chars().take(MAX_DESCRIPTION).collect(),
                amount: Amount::of(order.amount),
            }],
            payment_source: SourceRequest {
                paypal: WalletRequest {
                    experience_context: Experience {
                        user_action: "PAY_NOW",
                        payment_method_preference: "IMMEDIATE_PAYMENT_REQUIRED",
                        shipping_preference: "NO_SHIPPING",
                        locale: if payer.locale == "fr" { "fr-FR" } else { "en-US" },
                        return_url: order.return_url.clone(),
                        cancel_url: order.return_url.clone(),
                    },
                    vault_id: payer.method.as_ref().map(|method| method.0.expose_secret().to_owned()),
                    attributes: remember.then_some(AttributesRequest {
                        vault: VaultRequest { store_in_vault: "ON_SUCCESS", usage_type: "MERCHANT" },
                    }),
                },
            },
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct OrderAnswer {
    id: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    purchase_units: Vec<Unit>,
    payment_source: Option<Source>,
    #[serde(default)]
    links: Vec<Link>,
    update_time: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Unit {
    reference_id: Option<String>,
    custom_id: Option<String>,
    payments: Option<Payments>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Payments {
    captures: Vec<Capture>,
    refunds: Vec<RefundLine>,
}

#[derive(Debug, Deserialize)]
struct Capture {
    id: String,
    #[serde(default)]
    status: String,
    status_details: Option<StatusDetails>,
    amount: Option<Amount>,
    custom_id: Option<String>,
    create_time: Option<String>,
    update_time: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StatusDetails {
    pub(super) reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RefundLine {
    #[serde(default)]
    id: String,
    invoice_id: Option<String>,
    #[serde(default)]
    status: String,
    amount: Option<Amount>,
    create_time: Option<String>,
    update_time: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Link {
    pub(super) href: String,
    #[serde(default)]
    pub(super) rel: String,
}

#[derive(Debug, Deserialize)]
struct Source {
    paypal: Option<Wallet>,
}

#[derive(Debug, Deserialize)]
struct Wallet {
    email_address: Option<String>,
    attributes: Option<Attributes>,
}

#[derive(Debug, Deserialize)]
struct Attributes {
    vault: Option<Vault>,
}

#[derive(Debug, Deserialize)]
struct Vault {
    id: Option<SecretString>,
}

/// How far the money of an order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It needs a capture of ours to move.
    Still,
    /// It has moved or is about to.
    Moving,
}

impl OrderAnswer {
    /// The answer, if it is about the payment that was asked about.
    pub(super) fn about(self, asked: PaymentId) -> Result<Self, ProviderError> {
        let ours = |id: &Option<String>| id.as_deref().and_then(words::payment_id) == Some(asked);
        let named = self.purchase_units.iter().any(|unit| {
            ours(&unit.custom_id)
                || ours(&unit.reference_id)
                || unit.payments.iter().flat_map(|payments| &payments.captures).any(|it| ours(&it.custom_id))
        });
        if named {
            Ok(self)
        } else {
            Err(ProviderError::Unknown("the answer is about another payment".to_owned()))
        }
    }

    /// Where the payer agrees. With a remembered account the money is taken at once and the payer returns without a page.
    pub(super) fn into_checkout(self, base: &Url, return_url: &str) -> Result<Checkout, ProviderError> {
        let reference = Some(identifier(&self.id)?.to_owned());
        let link = |rel: &str| self.links.iter().find(|link| link.rel == rel);
        let page = match link("payer-action").or_else(|| link("approve")) {
            Some(link) => words::page(&link.href, base)?,
            None if matches!(self.status.as_str(), "COMPLETED" | "APPROVED") => return_url.to_owned(),
            None => {
                return Err(ProviderError::Unknown("opened, but without an address to agree at".to_owned()));
            }
        };
        Ok(Checkout { reference, way: CheckoutWay::Page(page) })
    }

    pub(super) fn into_view(self, currency: Currency, wall: Instant) -> Result<View, ProviderError> {
        let reference = Some(identifier(&self.id)?.to_owned());
        let statements =
            self.statements(currency, wall).into_iter().map(|it| it.named(reference.clone())).collect();
        let capturable = self.status == "APPROVED" && self.progress() == Progress::Still;
        let method = self.payment_source.and_then(|source| source.paypal).and_then(Wallet::remembered);
        Ok(View::Known { reference, statements, capturable, method })
    }

    pub(super) fn progress(&self) -> Progress {
        let idle = |capture: &Capture| matches!(capture.status.as_str(), "DECLINED" | "FAILED");
        if self.captures().all(idle) { Progress::Still } else { Progress::Moving }
    }

    /// The capture that brought the money.
    pub(super) fn paid_capture(&self) -> Option<&str> {
        self.captures().find(|capture| capture.is_paid()).map(|capture| capture.id.as_str())
    }

    /// What has gone back in all, where the answer says it.
    pub(super) fn refunded(&self, currency: Currency) -> Option<Money> {
        let listed = self
            .refunds()
            .filter(|refund| refund.status == "COMPLETED")
            .map(|refund| refund.amount.as_ref().and_then(Amount::money))
            .try_fold(Money::new(0, currency), |sum, amount| sum.checked_add(amount?).ok())?;
        if listed.minor > 0 {
            return Some(listed);
        }
        // The list may be missing; a capture that was refunded whole says as much by itself.
        self.captures().find(|it| it.status == "REFUNDED").and_then(|it| it.amount.as_ref()?.money())
    }

    /// PayPal's name for a refund of ours.
    pub(super) fn refund_named(&self, refund: RefundId) -> Option<&str> {
        let ours = |line: &&RefundLine| {
            line.invoice_id.as_deref().and_then(|text| text.parse().ok()) == Some(refund)
        };
        self.refunds().find(ours).map(|line| line.id.as_str())
    }

    fn captures(&self) -> impl Iterator<Item = &Capture> {
        self.purchase_units.iter().filter_map(|unit| unit.payments.as_ref()).flat_map(|it| &it.captures)
    }

    fn refunds(&self) -> impl Iterator<Item = &RefundLine> {
        self.purchase_units.iter().filter_map(|unit| unit.payments.as_ref()).flat_map(|it| &it.refunds)
    }

    /// Everything that the answer claims. A status that nobody here knows claims nothing: the payment stays pending.
    fn statements(&self, currency: Currency, wall: Instant) -> Vec<Statement> {
        let mut statements: Vec<_> = self.captures().filter_map(|capture| capture.statement(wall)).collect();
        if let Some(total) = self.refunded(currency) {
            let at = self
                .refunds()
                .filter_map(|it| instant(it.update_time.as_deref()).or(instant(it.create_time.as_deref())))
                .max();
            statements.push(Statement::new(at.unwrap_or(wall), Claim::Refunded).of(Some(total)));
        }
        if self.status == "VOIDED" {
            statements
                .push(Statement::new(instant(self.update_time.as_deref()).unwrap_or(wall), Claim::Expired));
        }
        statements
    }
}

impl Capture {
    fn is_paid(&self) -> bool {
        matches!(self.status.as_str(), "COMPLETED" | "PARTIALLY_REFUNDED" | "REFUNDED")
    }

    fn statement(&self, wall: Instant) -> Option<Statement> {
        if self.is_paid() {
            let at = instant(self.create_time.as_deref()).unwrap_or(wall);
            let amount = self.amount.as_ref().and_then(Amount::money);
            let transaction = Some(self.id.clone()).filter(|id| is_reference(id));
            return Some(Statement::new(at, Claim::Succeeded).of(amount).moved_by(transaction));
        }
        if matches!(self.status.as_str(), "DECLINED" | "FAILED") {
            let at =
                instant(self.update_time.as_deref()).or(instant(self.create_time.as_deref())).unwrap_or(wall);
            let reason = self.status_details.as_ref().and_then(|details| details.reason.as_deref());
            let reason = failure_reason(reason.or(Some(&self.status)));
            return Some(Statement::new(at, Claim::Failed { reason }));
        }
        None
    }
}

impl Wallet {
    fn remembered(self) -> Option<SavedMethod> {
        let token = self.attributes?.vault?.id.filter(|id| is_vault_id(id.expose_secret()))?;
        let account = self.email_address.as_deref().and_then(masked);
        let display = account.map_or("PayPal".to_owned(), |account| format!("PayPal {account}"));
        Some(SavedMethod { token: MethodToken(token), display })
    }
}

/// `a•••@example.com`: enough for its owner.
fn masked(email: &str) -> Option<String> {
    let (name, domain) = email.rsplit_once('@')?;
    let plain =
        domain.len() <= 100 && domain.bytes().all(|it| it.is_ascii_alphanumeric() || b".-".contains(&it));
    let first = name.chars().next().filter(char::is_ascii_alphanumeric)?;
    plain.then(|| format!("{first}•••@{domain}"))
}

fn is_vault_id(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// A name of PayPal's that can stand in a path.
pub(super) fn identifier(text: &str) -> Result<&str, ProviderError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=MAX_IDENTIFIER).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text)
    } else {
        Err(ProviderError::Unknown("an identifier is not in PayPal's form".to_owned()))
    }
}

/// RFC 3339, as PayPal dates everything.
pub(super) fn instant(text: Option<&str>) -> Option<Instant> {
    OffsetDateTime::parse(text?, &Rfc3339).ok()
}
