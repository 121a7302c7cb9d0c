//! BTCPay Server: coins straight into the operator's own wallet, invoiced by a server of theirs (Greenfield API).
//!
//! The API has no idempotency keys. So every invoice carries our payment's id as its `orderId`, and before one is opened we look for
//! it. Callbacks are signed but not dated: they only make us ask. Too few coins until the time has run out, and too many, are told
//! with the amount that came: it differs from the quote, so an admin decides. What its owner marks at the server counts as paid.

mod notification;
mod settings;
mod wire;

use std::fmt;

use crypto::signature::{self, SigningSecret};
use domain::ids::PaymentId;
use domain::money::Money;
use domain::time::{Duration, Instant};
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tracing::error;

pub use self::settings::{Settings, SpeedPolicy};
use self::wire::{Invoice, Standing};
use super::call::{Caller, Request, decode, json, secret_header};
use super::words::{is_word, page};
use super::{
    Authenticity, Callback, Cancelled, Capabilities, Checkout, CheckoutKind, CheckoutWay, Inquiry, Line,
    Notification, NotificationError, Opening, Order, PaymentProvider, ProviderCode, ProviderError, Refund,
    RefundKind, Refunded, SettingsError, View,
};
use crate::http::Answer;

/// Its name in payments, the API and `webhooks/btcpay`.
pub const CODE: ProviderCode = "btcpay";

const SIGNATURE: &str = "btcpay-sig";
const SIGNATURE_SCHEME: &str = "sha256=";

/// How long after its quote a payment may still turn out paid: coins confirm late.
const LATE_WINDOW: Duration = Duration::days(7);

/// A store on a BTCPay Server.
pub struct BtcPay {
    caller: Caller,
    store_id: String,
    api_key: SecretString,
    webhook_secrets: Vec<SigningSecret>,
    speed_policy: SpeedPolicy,
    monitoring_minutes: u32,
    capabilities: Capabilities,
}

impl BtcPay {
    /// Connects the store that `settings` describes.
    pub fn new(settings: Settings, line: Line) -> Result<Self, SettingsError> {
        let checked = settings.check()?;
        let capabilities = Capabilities {
            currencies: settings.currencies,
            mode: settings.mode,
            checkout: CheckoutKind::Page,
            refunds: RefundKind::ByHand,
            saves_methods: false,
            quote_lifetime: None,
            late_window: LATE_WINDOW,
            networks: settings.networks,
        };
        Ok(Self {
            caller: Caller::new(CODE, checked.base, &settings.request_signing, line)?,
            store_id: settings.store_id,
            api_key: settings.api_key,
            webhook_secrets: checked.webhook_secrets,
            speed_policy: settings.speed_policy,
            monitoring_minutes: settings.monitoring_minutes,
            capabilities,
        })
    }

    async fn call(
        &self,
        method: Method,
        target: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, ProviderError> {
        let token = secret_header(&format!("token {}", self.api_key.expose_secret()))?;
        let mut headers = HeaderMap::from_iter([(AUTHORIZATION, token)]);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        self.caller.send(Request { method, target, headers, body }).await
    }

    /// The invoices of a payment, which are one or none unless two calls raced.
    async fn invoices(&self, payment: PaymentId) -> Result<Vec<Invoice>, ProviderError> {
        let target = format!("api/v1/stores/{}/invoices?orderId={payment}", self.store_id);
        let answer = self.call(Method::GET, &target, None).await?;
        if answer.status != 200 {
            return Err(refusal(&answer));
        }
        // Searched for there, compared here: a server that ignores the filter must not lend us another order's invoice.
        let found = decode::<Vec<Invoice>>(&answer)?;
        Ok(found.into_iter().filter(|invoice| invoice.is_of(payment)).collect())
    }

    /// The search passes over archived invoices: one whose name is known is asked for by it.
    async fn known(&self, inquiry: &Inquiry) -> Result<Vec<Invoice>, ProviderError> {
        let mut invoices = self.invoices(inquiry.payment_id).await?;
        let reference = inquiry.reference.as_deref().filter(|reference| is_word(reference));
        let Some(reference) = reference.filter(|_| invoices.is_empty()) else { return Ok(invoices) };
        let answer = self.call(Method::GET, &format!("api/v1/invoices/{reference}"), None).await?;
        match answer.status {
            200 => {
                let invoice = decode::<Invoice>(&answer)?;
                if !invoice.is_of(inquiry.payment_id) {
                    return Err(ProviderError::Unknown("the answer is about another payment".to_owned()));
                }
                invoices.push(invoice);
                Ok(invoices)
            }
            // Only the server itself may say so: the 404 page of a wrong address or a proxy proves nothing.
            404 if wire::Problem::read(&answer.body).is_some() => Ok(invoices),
            _ => Err(refusal(&answer)),
        }
    }

    async fn open(&self, order: &Order) -> Result<Checkout, ProviderError> {
        let mut invoices = self.invoices(order.payment_id).await?;
        if let Some(index) = wire::foremost(&invoices, None) {
            return self.checkout(&invoices.swap_remove(index));
        }
        let (speed, wall) = (self.speed_policy.as_str(), self.caller.wall());
        let body = json(&wire::InvoiceRequest::of(order, speed, self.monitoring_minutes, wall))?;
        let target = format!("api/v1/stores/{}/invoices", self.store_id);
        let answer = self.call(Method::POST, &target, Some(body)).await?;
        if !matches!(answer.status, 200 | 201) {
            return Err(refusal(&answer));
        }
        let invoice = decode::<Invoice>(&answer)?;
        if !invoice.is_of(order.payment_id) {
            return Err(ProviderError::Unknown("the answer is about another payment".to_owned()));
        }
        self.checkout(&invoice)
    }

    fn checkout(&self, invoice: &Invoice) -> Result<Checkout, ProviderError> {
        let way = CheckoutWay::Page(page(wire::link(invoice)?, self.caller.base())?);
        Ok(Checkout { reference: Some(invoice.id.clone()), way })
    }

    async fn view(&self, inquiry: &Inquiry) -> Result<View, ProviderError> {
        let invoices = self.known(inquiry).await?;
        let Some(index) = wire::foremost(&invoices, inquiry.reference.as_deref()) else {
            return Ok(View::NeverOpened);
        };
        let statements = wire::statements(&invoices, self.caller.wall());
        Ok(View::known(Some(invoices[index].id.clone()), statements))
    }

    async fn close(&self, inquiry: &Inquiry) -> Result<Cancelled, ProviderError> {
        let mut outcome = Cancelled::Closed;
        for invoice in self.known(inquiry).await? {
            let closed = match invoice.standing() {
                Standing::Invalid => true,
                Standing::Open => self.invalidate(&invoice).await?,
                // An expired invoice still watches for what comes late.
                Standing::Undecided | Standing::Settled | Standing::Expired => false,
            };
            if !closed {
                outcome = Cancelled::StillPayable;
            }
        }
        Ok(outcome)
    }

    /// Whether the invoice is over now. A no means that money came in between.
    async fn invalidate(&self, invoice: &Invoice) -> Result<bool, ProviderError> {
        let target = format!("api/v1/invoices/{}/status", invoice.id);
        let answer = self.call(Method::POST, &target, Some(json(&wire::Mark { status: "Invalid" })?)).await?;
        if answer.status == 200 {
            return Ok(decode::<Invoice>(&answer)?.standing() == Standing::Invalid);
        }
        match refusal(&answer) {
            ProviderError::Refused(_) => Ok(false),
            other => Err(other),
        }
    }
}

impl PaymentProvider for BtcPay {
    fn code(&self) -> ProviderCode {
        CODE
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn quote(&self, price: Money, _: u32) -> Money {
        price
    }

    fn opening(&self, _: &Order) -> Opening {
        Opening::Call
    }

    fn create_checkout<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Checkout, ProviderError>> {
        Box::pin(self.open(order))
    }

    fn fetch<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<View, ProviderError>> {
        Box::pin(self.view(inquiry))
    }

    /// Coins arrive by themselves: there is never anything left to take.
    fn capture<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<View, ProviderError>> {
        self.fetch(inquiry)
    }

    fn cancel<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<Cancelled, ProviderError>> {
        Box::pin(self.close(inquiry))
    }

    /// What the API calls a refund is an offer that the payer must claim, and made twice it is two offers: an admin does it there.
    fn refund<'a>(&'a self, _: &'a Inquiry, _: &'a Refund) -> BoxFuture<'a, Result<Refunded, ProviderError>> {
        Box::pin(async { Err(ProviderError::Refused("by_hand".to_owned())) })
    }

    fn verify_notification<'a>(
        &'a self,
        callback: &'a Callback<'a>,
        _: Instant,
    ) -> BoxFuture<'a, Result<Authenticity, NotificationError>> {
        let presented = (callback.header)(SIGNATURE);
        let signature = presented.as_deref().and_then(|header| header.strip_prefix(SIGNATURE_SCHEME));
        let verified = signature.is_some_and(|signature| {
            signature::verify_hex_hmac_sha256(&self.webhook_secrets, callback.body, signature)
        });
        Box::pin(async move {
            if verified {
                Ok(Authenticity::Verified)
            } else {
                Err(NotificationError::Unverified("no signature fits".to_owned()))
            }
        })
    }

    fn parse_notification(&self, body: &[u8]) -> Result<Notification, NotificationError> {
        notification::read(body)
    }
}

impl fmt::Debug for BtcPay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BtcPay")
            .field("caller", &self.caller)
            .field("store_id", &self.store_id)
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}

/// What an answer other than the awaited one says.
fn refusal(answer: &Answer) -> ProviderError {
    let status = answer.status;
    let problem = wire::Problem::read(&answer.body);
    let word = problem.as_ref().and_then(wire::Problem::word);
    let said = word.map_or_else(|| format!("status {status}"), str::to_owned);
    match status {
        401 | 403 => {
            error!(
                provider.code = CODE,
                "the payment server refuses our key: compare the API key, its permissions and the store"
            );
            ProviderError::Unavailable(said)
        }
        409 | 429 => ProviderError::Unavailable(said),
        // A 4xx in the server's own words is a no; anybody else's page in between proves nothing.
        400..=499 if problem.is_some() => ProviderError::Refused(said),
        _ => ProviderError::Unknown(said),
    }
}

#[cfg(test)]
mod tests;
