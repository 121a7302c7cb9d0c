//! The Greenfield API's JSON, and what it means in our words.

use domain::ids::PaymentId;
use domain::money::{Currency, Money};
use domain::payment::{Claim, Statement};
use domain::time::{Duration, Instant};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::payments::words::{is_reference, is_word, unix};
use crate::payments::{Order, ProviderError};

/// The shortest time that an invoice is open, in minutes: a coin needs some to be sent.
const MIN_OPEN_MINUTES: i64 = 5;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InvoiceRequest<'a> {
    amount: String,
    currency: &'static str,
    metadata: MetadataRequest<'a>,
    checkout: CheckoutRequest<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MetadataRequest<'a> {
    order_id: PaymentId,
    item_desc: &'a str,
    buyer_email: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CheckoutRequest<'a> {
    speed_policy: &'static str,
    expiration_minutes: i64,
    monitoring_minutes: u32,
    payment_tolerance: u8,
    #[serde(rename = "redirectURL")]
    redirect_url: &'a str,
    redirect_automatically: bool,
    default_language: &'static str,
}

impl<'a> InvoiceRequest<'a> {
    pub(super) fn of(
        order: &'a Order,
        speed_policy: &'static str,
        monitoring_minutes: u32,
        wall: Instant,
    ) -> Self {
        Self {
            amount: order.amount.decimal(),
            currency: order.amount.currency.code(),
            metadata: MetadataRequest {
                order_id: order.payment_id,
                item_desc: &order.description,
                buyer_email: &order.payer.email,
            },
            checkout: CheckoutRequest {
                speed_policy,
                expiration_minutes: open_minutes(order, wall),
                monitoring_minutes,
                payment_tolerance: 0,
                redirect_url: &order.return_url,
                redirect_automatically: true,
                default_language: if order.payer.locale == "fr" { "fr-FR" } else { "en" },
            },
        }
    }
}

/// What is left of the quote. Its times are business time, which runs ahead of the wall where it is moved: so never more than the
/// whole quote.
fn open_minutes(order: &Order, wall: Instant) -> i64 {
    let left: Duration = (order.expires_at - wall).min(order.expires_at - order.created_at);
    left.whole_minutes().max(MIN_OPEN_MINUTES)
}

#[derive(Debug, Serialize)]
pub(super) struct Mark {
    pub(super) status: &'static str,
}

/// An invoice as the server tells it. Unknown words claim nothing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invoice {
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    status: String,
    additional_status: Option<String>,
    amount: Option<String>,
    /// What came, in the invoice's currency; older servers don't say.
    paid_amount: Option<String>,
    currency: Option<String>,
    pub(super) checkout_link: Option<String>,
    expiration_time: Option<i64>,
    #[serde(default)]
    metadata: Value,
}

/// Where an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing has been paid; it can be.
    Open,
    /// Money has been seen, or nobody here knows the word.
    Undecided,
    /// The money is there.
    Settled,
    /// Its time has run out and nothing was seen; what comes late is still watched for.
    Expired,
    /// It is over without money.
    Invalid,
}

impl Invoice {
    /// Whether it is one of this payment, under an identifier that can be kept.
    pub(super) fn is_of(&self, payment: PaymentId) -> bool {
        let order_id = self.metadata.get("orderId").and_then(Value::as_str);
        order_id.and_then(crate::payments::words::payment_id) == Some(payment)
            && is_reference(&self.id)
            && is_word(&self.id)
    }

    pub(super) fn standing(&self) -> Standing {
        let nothing_seen = self.additional_status.as_deref().is_none_or(|word| word == "None");
        match self.status.as_str() {
            "New" if nothing_seen => Standing::Open,
            "Settled" => Standing::Settled,
            "Expired" if nothing_seen => Standing::Expired,
            "Invalid" => Standing::Invalid,
            _ => Standing::Undecided,
        }
    }

    /// What it claims by itself. Too few coins until the time ran out, and too many, are told as the money that came: what differs
    /// from the quote is an admin's to decide.
    pub(super) fn statement(&self, wall: Instant) -> Option<Statement> {
        let additional = self.additional_status.as_deref().unwrap_or("None");
        let (at, claim) = match self.standing() {
            Standing::Undecided if self.status == "Expired" && additional == "PaidPartial" => {
                (self.expired_at().unwrap_or(wall).min(wall), Claim::Succeeded)
            }
            Standing::Open | Standing::Undecided => return None,
            Standing::Settled => (self.settled_at(additional, wall), Claim::Succeeded),
            Standing::Expired => (self.expired_at().unwrap_or(wall).min(wall), Claim::Expired),
            Standing::Invalid => {
                let reason = if additional == "Marked" { "marked_invalid" } else { "invalid" };
                (wall, Claim::Failed { reason: reason.to_owned() })
            }
        };
        let amount = if claim == Claim::Succeeded { self.money(additional) } else { None };
        let transaction = (claim == Claim::Succeeded).then(|| self.id.clone());
        Some(Statement::new(at, claim).of(amount).named(Some(self.id.clone())).moved_by(transaction))
    }

    /// The server doesn't say when the money came, but whether it came in time.
    fn settled_at(&self, additional: &str, wall: Instant) -> Instant {
        match additional {
            "None" | "PaidOver" => self.expired_at().unwrap_or(wall).min(wall),
            "PaidLate" => self.expired_at().unwrap_or(wall).max(wall),
            _ => wall,
        }
    }

    fn expired_at(&self) -> Option<Instant> {
        self.expiration_time.and_then(unix)
    }

    /// What came. An invoice that was paid as asked, or that its owner has marked, is worth what it asks for.
    fn money(&self, additional: &str) -> Option<Money> {
        let currency: Currency = self.currency.as_deref()?.parse().ok()?;
        let asked = Money::parse_decimal(self.amount.as_deref()?, currency);
        let paid = self.paid_amount.as_deref().and_then(|text| whole_minor(text, currency));
        match additional {
            "PaidPartial" | "PaidOver" => paid,
            "PaidLate" => paid.filter(|paid| asked.is_some_and(|asked| asked.minor < paid.minor)).or(asked),
            _ => asked,
        }
    }
}

/// Coins are worth fractions of a cent at the server's rate: those are left out.
fn whole_minor(text: &str, currency: Currency) -> Option<Money> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let kept = fraction.get(..usize::try_from(currency.exponent()).unwrap_or(0)).unwrap_or(fraction);
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let text = if kept.is_empty() { whole.to_owned() } else { format!("{whole}.{kept}") };
    (digits(whole) && digits(fraction)).then(|| Money::parse_decimal(&text, currency)).flatten()
}

/// Everything that the invoices of one payment claim together. There is more than one only where two calls raced, and the first
/// one's end means nothing while another can be paid.
pub(super) fn statements(invoices: &[Invoice], wall: Instant) -> Vec<Statement> {
    let claimed: Vec<Option<Statement>> = invoices.iter().map(|invoice| invoice.statement(wall)).collect();
    let succeeded = |statement: &&Statement| statement.claim == Claim::Succeeded;
    let successes: Vec<Statement> = claimed.iter().flatten().filter(succeeded).cloned().collect();
    if !successes.is_empty() {
        return successes;
    }
    let all_over: Option<Vec<Statement>> = claimed.into_iter().collect();
    all_over.and_then(|ends| ends.into_iter().next()).into_iter().collect()
}

/// What the server says when it says no: one problem, or a list of what is wrong in the request.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Problem {
    One { code: String },
    Fields(Vec<FieldProblem>),
}

#[derive(Debug, Deserialize)]
pub(super) struct FieldProblem {
    path: String,
}

impl Problem {
    /// `None` for anything that is not the server's own: a page of a proxy, an empty body.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let problem: Self = serde_json::from_slice(body).ok()?;
        match &problem {
            Self::Fields(fields) if fields.is_empty() => None,
            _ => Some(problem),
        }
    }

    /// Its code or the name of the wrong field, if it is a word. The texts beside it are for people and may hold anything.
    pub(super) fn word(&self) -> Option<&str> {
        let word = match self {
            Self::One { code } => code,
            Self::Fields(fields) => &fields.first()?.path,
        };
        Some(word.as_str()).filter(|word| is_word(word))
    }
}

/// The one among the invoices of a payment that the payer is sent to or that its row is named after.
pub(super) fn foremost(invoices: &[Invoice], reference: Option<&str>) -> Option<usize> {
    let named = invoices.iter().position(|invoice| Some(invoice.id.as_str()) == reference);
    let settled = || invoices.iter().position(|invoice| invoice.standing() == Standing::Settled);
    let seen = || invoices.iter().position(|invoice| invoice.standing() == Standing::Undecided);
    let open = || invoices.iter().position(|invoice| invoice.standing() == Standing::Open);
    named.or_else(settled).or_else(seen).or_else(open).or_else(|| (!invoices.is_empty()).then_some(0))
}

/// A page for the payer, or why nothing can be done with the answer.
pub(super) fn link(invoice: &Invoice) -> Result<&str, ProviderError> {
    let missing = || ProviderError::Unknown("opened, but the answer has no checkout address".to_owned());
    invoice.checkout_link.as_deref().ok_or_else(missing)
}
