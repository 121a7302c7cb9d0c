//! Stripe's objects as far as they are read here, and what they mean in our words. Unknown fields and words are skipped: they come
//! with every version.

use domain::ids::{PaymentId, RefundId};
use domain::money::{Currency, Money};
use domain::payment::{Claim, MAX_REFERENCE_LENGTH, Mode, Statement};
use domain::time::Instant;
use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;

use crate::payments::words::{self, failure_reason, unix};
use crate::payments::{
    Checkout, CheckoutWay, MethodToken, ProviderError, RefundState, Refunded, SavedMethod, View,
};

/// An object, or only its name where it was not asked for.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Expandable<T> {
    Name(String),
    Object(T),
}

impl<T> Expandable<T> {
    fn object(&self) -> Option<&T> {
        match self {
            Self::Name(_) => None,
            Self::Object(object) => Some(object),
        }
    }
}

/// The only thing of a customer that is read.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    id: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Metadata {
    payment_id: Option<String>,
    refund_id: Option<String>,
}

impl Metadata {
    pub(super) fn payment_id(&self) -> Option<PaymentId> {
        self.payment_id.as_deref().and_then(words::payment_id)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Session {
    pub(super) id: String,
    client_reference_id: Option<String>,
    metadata: Option<Metadata>,
    status: Option<String>,
    payment_status: Option<String>,
    amount_total: Option<i64>,
    currency: Option<String>,
    payment_intent: Option<Expandable<Intent>>,
    customer: Option<Expandable<Named>>,
    livemode: Option<bool>,
    expires_at: Option<i64>,
    url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Intent {
    id: String,
    status: Option<String>,
    last_payment_error: Option<PaymentError>,
    latest_charge: Option<Expandable<Charge>>,
}

#[derive(Debug, Deserialize)]
struct PaymentError {
    code: Option<String>,
    decline_code: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Charge {
    pub(super) metadata: Option<Metadata>,
    pub(super) payment_intent: Option<String>,
    created: Option<i64>,
    currency: Option<String>,
    amount_refunded: Option<i64>,
    payment_method_details: Option<MethodDetails>,
}

#[derive(Debug, Deserialize)]
struct MethodDetails {
    card: Option<Card>,
}

#[derive(Debug, Deserialize)]
struct Card {
    brand: Option<String>,
    last4: Option<String>,
}

/// How far a checkout has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Open,
    Complete { paid: bool },
    Expired,
}

impl Session {
    /// Which of our payments it is for.
    pub(super) fn payment_id(&self) -> Option<PaymentId> {
        let noted = self.metadata.as_ref().and_then(Metadata::payment_id);
        noted.or_else(|| self.client_reference_id.as_deref().and_then(words::payment_id))
    }

    /// The session, if it is for the payment that was asked about.
    pub(super) fn about(self, asked: PaymentId) -> Result<Self, ProviderError> {
        if self.payment_id() == Some(asked) {
            Ok(self)
        } else {
            Err(ProviderError::Unknown("the answer is about another payment".to_owned()))
        }
    }

    pub(super) fn into_checkout(self, base: &Url) -> Result<Checkout, ProviderError> {
        let Some(url) = &self.url else {
            // A repeated call brings the first answer back, with its address: this is something else.
            return Err(ProviderError::Unknown("opened, but without a checkout address".to_owned()));
        };
        let way = CheckoutWay::Page(words::page(url, base)?);
        Ok(Checkout { reference: Some(self.reference()?), way })
    }

    /// Its own name, which goes into the path of every call about it.
    pub(super) fn reference(&self) -> Result<String, ProviderError> {
        if is_id(&self.id) {
            Ok(self.id.clone())
        } else {
            Err(ProviderError::Unknown("the session's id is not one of Stripe's".to_owned()))
        }
    }

    /// The name of the movement of the money.
    pub(super) fn transaction(&self) -> Option<String> {
        let id = match self.payment_intent.as_ref()? {
            Expandable::Name(id) => id,
            Expandable::Object(intent) => &intent.id,
        };
        Some(id).filter(|id| is_id(id)).cloned()
    }

    pub(super) fn stage(&self) -> Stage {
        match self.status.as_deref() {
            Some("complete") => {
                let paid = matches!(self.payment_status.as_deref(), Some("paid" | "no_payment_required"));
                Stage::Complete { paid }
            }
            Some("expired") => Stage::Expired,
            _ => Stage::Open,
        }
    }

    pub(super) fn amount(&self) -> Option<Money> {
        money(self.amount_total, self.currency.as_deref())
    }

    pub(super) fn into_view(self, wall: Instant) -> Result<View, ProviderError> {
        let reference = self.reference()?;
        let statements = self
            .claims(wall)
            .into_iter()
            .map(|(at, claim, amount)| {
                Statement::new(at, claim)
                    .of(amount)
                    .named(Some(reference.clone()))
                    .moved_by(self.transaction())
                    .in_mode(self.livemode.map(mode))
            })
            .collect();
        let method = self.saved_method();
        Ok(View::Known { reference: Some(reference), statements, capturable: false, method })
    }

    /// Everything that the answer claims. A dispute is told by its events.
    fn claims(&self, wall: Instant) -> Vec<(Instant, Claim, Option<Money>)> {
        let mut claims = Vec::new();
        let charge = self.charge();
        match self.stage() {
            Stage::Open => {}
            Stage::Expired => {
                let at = self.expires_at.and_then(unix).map_or(wall, |closes| closes.min(wall));
                claims.push((at, Claim::Expired, None));
            }
            Stage::Complete { paid: true } => {
                let at = charge.and_then(|charge| unix(charge.created?)).unwrap_or(wall);
                claims.push((at, Claim::Succeeded, self.amount()));
            }
            Stage::Complete { paid: false } => {
                if let Some(reason) = self.failure() {
                    claims.push((wall, Claim::Failed { reason }, None));
                }
            }
        }
        if let Some(refunded) = charge.and_then(Charge::refunded).filter(|total| total.minor > 0) {
            claims.push((wall, Claim::Refunded, Some(refunded)));
        }
        claims
    }

    fn intent(&self) -> Option<&Intent> {
        self.payment_intent.as_ref()?.object()
    }

    fn charge(&self) -> Option<&Charge> {
        self.intent()?.latest_charge.as_ref()?.object()
    }

    /// Why a delayed way to pay brought no money. While it is under way the intent is `processing`.
    fn failure(&self) -> Option<String> {
        let intent = self.intent()?;
        if !matches!(intent.status.as_deref(), Some("requires_payment_method" | "canceled")) {
            return None;
        }
        let said = intent.last_payment_error.as_ref();
        let word = said.and_then(|error| error.decline_code.as_deref().or(error.code.as_deref()));
        Some(failure_reason(word.or(Some("payment_failed"))))
    }

    /// A customer is only made for a payer who asked to be remembered.
    fn saved_method(&self) -> Option<SavedMethod> {
        let customer = match self.customer.as_ref()? {
            Expandable::Name(id) => id,
            Expandable::Object(customer) => &customer.id,
        };
        let display = self.charge()?.payment_method_details.as_ref()?.card.as_ref()?.display()?;
        let token = MethodToken(SecretString::from(customer.as_str()));
        is_id(customer).then_some(SavedMethod { token, display })
    }
}

impl Charge {
    /// What has gone back in all.
    pub(super) fn refunded(&self) -> Option<Money> {
        money(self.amount_refunded, self.currency.as_deref())
    }
}

impl Card {
    fn display(&self) -> Option<String> {
        let last4 = self.last4.as_deref()?;
        let digits = last4.len() == 4 && last4.bytes().all(|byte| byte.is_ascii_digit());
        let brand = match self.brand.as_deref() {
            Some("visa") => "Visa",
            Some("mastercard") => "Mastercard",
            Some("amex") => "American Express",
            Some("cartes_bancaires") => "CB",
            Some("discover") => "Discover",
            Some("diners") => "Diners Club",
            Some("jcb") => "JCB",
            Some("unionpay") => "UnionPay",
            _ => "Card",
        };
        digits.then(|| format!("{brand} •••• {last4}"))
    }
}

/// A page of the refunds of a payment.
#[derive(Debug, Deserialize)]
pub(super) struct RefundList {
    pub(super) data: Vec<RefundObject>,
    #[serde(default)]
    pub(super) has_more: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct RefundObject {
    pub(super) id: String,
    pub(super) metadata: Option<Metadata>,
    pub(super) payment_intent: Option<String>,
    status: Option<String>,
    failure_reason: Option<String>,
    charge: Option<Expandable<Charge>>,
}

impl RefundObject {
    /// Whether it is this one of ours, made before.
    pub(super) fn is_of(&self, refund: RefundId) -> bool {
        let noted = self.metadata.as_ref().and_then(|metadata| metadata.refund_id.as_deref());
        noted.and_then(|text| text.parse().ok()) == Some(refund)
    }

    pub(super) fn into_refunded(self) -> Result<Refunded, ProviderError> {
        if !is_id(&self.id) {
            return Err(ProviderError::Unknown("the refund's id is not one of Stripe's".to_owned()));
        }
        let state = match self.status.as_deref() {
            Some("succeeded") => RefundState::Succeeded,
            Some("failed") => RefundState::Failed(failure_reason(self.failure_reason.as_deref())),
            Some("canceled") => RefundState::Failed("canceled".to_owned()),
            _ => RefundState::Pending,
        };
        // Stripe counts what is on its way as gone back already.
        let total = match state {
            RefundState::Succeeded => {
                self.charge.as_ref().and_then(Expandable::object).and_then(Charge::refunded)
            }
            RefundState::Pending | RefundState::Failed(_) => None,
        };
        Ok(Refunded { reference: Some(self.id), state, total })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Dispute {
    pub(super) metadata: Option<Metadata>,
    pub(super) payment_intent: Option<String>,
    pub(super) status: Option<String>,
}

/// A refusal in Stripe's own words.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    #[serde(rename = "type")]
    pub(super) kind: String,
    code: Option<String>,
}

#[derive(Deserialize)]
struct RefusalBody {
    error: Refusal,
}

impl Refusal {
    /// `None` for anything that Stripe would not answer: a page of a proxy, an empty body.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice::<RefusalBody>(body).ok().map(|body| body.error)
    }

    /// The code, if it is a word. The text beside it is for people and may hold anything.
    pub(super) fn word(&self) -> Option<&str> {
        self.code.as_deref().into_iter().chain([self.kind.as_str()]).find(|word| words::is_word(word))
    }
}

/// Whether it is shaped like a name of Stripe's, which can stand in a path as it is.
pub(super) fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=MAX_REFERENCE_LENGTH).contains(&text.len()) && text.bytes().all(allowed)
}

pub(super) const fn mode(livemode: bool) -> Mode {
    if livemode { Mode::Live } else { Mode::Test }
}

/// Stripe writes currencies in small letters.
fn money(minor: Option<i64>, currency: Option<&str>) -> Option<Money> {
    let currency: Currency = currency?.to_ascii_uppercase().parse().ok()?;
    Some(Money::new(minor?, currency))
}
