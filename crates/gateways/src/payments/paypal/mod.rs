//! PayPal: orders that the payer approves on PayPal's page and that we then capture.
//!
//! No money moves before our capture, unless the payer had PayPal remember their account: then opening takes it at once.

mod notification;
mod order;
mod refund;
mod settings;
mod signature;
mod token;

use std::fmt;

use domain::money::Money;
use domain::time::{Duration, Instant};
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tracing::error;

use self::order::{OrderAnswer, OrderRequest, Progress, identifier};
use self::refund::{RefundAnswer, RefundRequest};
pub use self::settings::Settings;
use self::signature::{PublicKey, Transmission, Verdict, unverified};
use self::token::Tokens;
use super::call::{Caller, Request, decode, header_value, json};
use super::words::is_word;
use super::{
    Authenticity, Callback, Cancelled, Capabilities, Checkout, CheckoutKind, Inquiry, Line, Notification,
    NotificationError, Opening, Order, PaymentProvider, ProviderCode, ProviderError, Refund, RefundKind,
    Refunded, SettingsError, View,
};
use crate::http::Answer;

/// Its name in payments, the API and `webhooks/paypal`.
pub const CODE: ProviderCode = "paypal";

const REQUEST_ID: HeaderName = HeaderName::from_static("paypal-request-id");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const WHOLE: HeaderValue = HeaderValue::from_static("return=representation");

/// How long after its quote a payment may still turn out paid: PayPal reviews some captures for days.
const LATE_WINDOW: Duration = Duration::days(14);

/// How many callbacks may be checked with PayPal at the same time: a stranger must not make us flood it.
const MAX_POSTBACKS: usize = 8;

/// Why a capture took no money while the payer can still agree in another way.
const PAYER_HAS_TO_ACT: [&str; 10] = [
    "INSTRUMENT_DECLINED",
    "ORDER_NOT_APPROVED",
    "PAYER_ACTION_REQUIRED",
    "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING",
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED",
    "PAYER_ACCOUNT_RESTRICTED",
    "PAYER_CANNOT_PAY",
    "TRANSACTION_LIMIT_EXCEEDED",
    "TRANSACTION_REFUSED",
    "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED",
];

/// An application at PayPal.
pub struct Paypal {
    caller: Caller,
    tokens: Tokens,
    webhook_id: String,
    webhook_keys: Vec<PublicKey>,
    postbacks: Semaphore,
    capabilities: Capabilities,
}

impl Paypal {
    /// Connects the application that `settings` describes.
    pub fn new(settings: Settings, line: Line) -> Result<Self, SettingsError> {
        let settings::Checked { base, webhook_keys, settings } = settings.check()?;
        let capabilities = Capabilities {
            currencies: settings.currencies,
            mode: settings.mode,
            checkout: CheckoutKind::Page,
            refunds: RefundKind::Api,
            saves_methods: settings.saves_methods,
            quote_lifetime: None,
            late_window: LATE_WINDOW,
            networks: settings.networks,
        };
        Ok(Self {
            caller: Caller::new(CODE, base, &settings.request_signing, line)?,
            tokens: Tokens::new(settings.client_id, settings.client_secret),
            webhook_id: settings.webhook_id,
            webhook_keys,
            postbacks: Semaphore::new(MAX_POSTBACKS),
            capabilities,
        })
    }

    /// Calls with the token, and once more with a new one where PayPal no longer knows it.
    async fn call(
        &self,
        method: Method,
        target: &str,
        key: Option<&str>,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, ProviderError> {
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            headers.insert(REQUEST_ID, header_value(key)?);
            headers.insert(PREFER, WHOLE);
        }
        if body.as_ref().is_some_and(Vec::is_empty) {
            // The client leaves it out by itself, and some proxies answer 411 to a POST without a length.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let send = |authorization: HeaderValue| {
            let mut headers = headers.clone();
            headers.insert(AUTHORIZATION, authorization);
            self.caller.send(Request { method: method.clone(), target, headers, body: body.clone() })
        };
        let held = self.tokens.authorization(&self.caller, None).await?;
        let answer = send(held.clone()).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        send(self.tokens.authorization(&self.caller, Some(&held)).await?).await
    }

    async fn open(&self, order: &Order) -> Result<Checkout, ProviderError> {
        let body = json(&OrderRequest::of(order))?;
        let key = order.payment_id.to_string();
        let answer = self.call(Method::POST, "v2/checkout/orders", Some(&key), Some(body)).await?;
        if !matches!(answer.status, 200 | 201) {
            return Err(refusal(&answer));
        }
        decode::<OrderAnswer>(&answer)?.into_checkout(self.caller.base(), &order.return_url)
    }

    /// `None` if PayPal no longer has the order: it forgets those that nobody approved, and never one that brought money.
    async fn order(&self, inquiry: &Inquiry, reference: &str) -> Result<Option<OrderAnswer>, ProviderError> {
        let target = format!("v2/checkout/orders/{}", identifier(reference)?);
        let answer = self.call(Method::GET, &target, None, None).await?;
        match answer.status {
            200 => decode::<OrderAnswer>(&answer)?.about(inquiry.payment_id).map(Some),
            404 if Problem::read(&answer.body).is_some() => Ok(None),
            _ => Err(refusal(&answer)),
        }
    }

    /// An order that is gone claims nothing: another account's credentials would see none of them either.
    async fn view(&self, inquiry: &Inquiry) -> Result<View, ProviderError> {
        let Some(reference) = &inquiry.reference else { return Ok(View::NeverOpened) };
        match self.order(inquiry, reference).await? {
            Some(order) => order.into_view(inquiry.amount.currency, self.caller.wall()),
            None => Ok(View::known(Some(reference.clone()), Vec::new())),
        }
    }

    async fn take(&self, inquiry: &Inquiry) -> Result<View, ProviderError> {
        let Some(reference) = &inquiry.reference else { return Ok(View::NeverOpened) };
        let target = format!("v2/checkout/orders/{}/capture", identifier(reference)?);
        let key = format!("{}:capture", inquiry.payment_id);
        let answer = self.call(Method::POST, &target, Some(&key), Some(Vec::new())).await?;
        if matches!(answer.status, 200 | 201) {
            let order = decode::<OrderAnswer>(&answer)?.about(inquiry.payment_id)?;
            return order.into_view(inquiry.amount.currency, self.caller.wall());
        }
        let issue = Problem::read(&answer.body).filter(|_| answer.status == 422).map(Problem::into_word);
        match issue.as_deref() {
            Some("ORDER_ALREADY_CAPTURED") => self.view(inquiry).await,
            Some(issue) if PAYER_HAS_TO_ACT.contains(&issue) => {
                Ok(View::known(Some(reference.clone()), Vec::new()))
            }
            _ => Err(refusal(&answer)),
        }
    }

    /// PayPal has no call that closes an order. Without our capture no money moves, so it is closed by never capturing it; only
    /// what has been taken already, or at once from a remembered account, can still arrive.
    async fn close(&self, inquiry: &Inquiry) -> Result<Cancelled, ProviderError> {
        let Some(reference) = &inquiry.reference else {
            let taken_at_once = self.capabilities.saves_methods;
            return Ok(if taken_at_once { Cancelled::StillPayable } else { Cancelled::Closed });
        };
        let order = self.order(inquiry, reference).await?;
        let progress = order.map_or(Progress::Still, |order| order.progress());
        Ok(if progress == Progress::Still { Cancelled::Closed } else { Cancelled::StillPayable })
    }

    async fn send_back(&self, inquiry: &Inquiry, refund: &Refund) -> Result<Refunded, ProviderError> {
        let made = match &refund.reference {
            Some(reference) => Some(reference.clone()),
            None => self.made_before(inquiry, refund).await?,
        };
        let answer = if let Some(reference) = &made {
            let target = format!("v2/payments/refunds/{}", identifier(reference)?);
            self.call(Method::GET, &target, None, None).await?
        } else {
            let capture = self.capture_of(inquiry).await?;
            let target = format!("v2/payments/captures/{}/refund", identifier(&capture)?);
            let body = json(&RefundRequest::of(inquiry.payment_id, refund))?;
            let key = refund.id.to_string();
            self.call(Method::POST, &target, Some(&key), Some(body)).await?
        };
        if !matches!(answer.status, 200 | 201) {
            return Err(refusal(&answer));
        }
        decode::<RefundAnswer>(&answer)?.into_refunded()
    }

    /// PayPal forgets the keys of refunds after 45 days: one whose answer was lost is looked for in its order, by the name that it
    /// was given.
    async fn made_before(
        &self,
        inquiry: &Inquiry,
        refund: &Refund,
    ) -> Result<Option<String>, ProviderError> {
        let Some(reference) = inquiry.reference.as_deref().filter(|_| refund.again) else { return Ok(None) };
        let order = self.order(inquiry, reference).await?;
        Ok(order.as_ref().and_then(|order| order.refund_named(refund.id)).map(str::to_owned))
    }

    async fn capture_of(&self, inquiry: &Inquiry) -> Result<String, ProviderError> {
        if let Some(capture) = &inquiry.transaction {
            return Ok(capture.clone());
        }
        let order = match &inquiry.reference {
            Some(reference) => self.order(inquiry, reference).await?,
            None => None,
        };
        let capture = order.as_ref().and_then(OrderAnswer::paid_capture).map(str::to_owned);
        capture.ok_or_else(|| ProviderError::Refused("there is no capture to refund".to_owned()))
    }

    async fn verify(&self, callback: &Callback<'_>) -> Result<Authenticity, NotificationError> {
        let transmission = Transmission::read(callback, self.caller.base())?;
        if transmission.is_signed_by(&self.webhook_keys, &self.webhook_id, callback.body) {
            return Ok(Authenticity::Verified);
        }
        let unavailable = |error: ProviderError| match error {
            ProviderError::Refused(said) => unverified(format!("PayPal does not check it: {said}")),
            error => NotificationError::Unavailable(error.to_string()),
        };
        let Ok(_place) = self.postbacks.try_acquire() else {
            return Err(NotificationError::Unavailable("too many are being checked".to_owned()));
        };
        let question = transmission.question(&self.webhook_id, callback.body).map_err(unavailable)?;
        let target = "v1/notifications/verify-webhook-signature";
        let answer = self.call(Method::POST, target, None, Some(question)).await.map_err(unavailable)?;
        if answer.status != 200 {
            return Err(unavailable(refusal(&answer)));
        }
        let verdict: Verdict = decode(&answer).map_err(unavailable)?;
        match verdict.verification_status.as_str() {
            "SUCCESS" => Ok(Authenticity::Verified),
            "FAILURE" => Err(unverified("PayPal says that it is not its own")),
            _ => Err(NotificationError::Unavailable("PayPal's verdict is not a known word".to_owned())),
        }
    }
}

impl PaymentProvider for Paypal {
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

    /// Without a reference nothing can be asked: the key of the payment leads to the same order again.
    fn fetch<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<View, ProviderError>> {
        Box::pin(self.view(inquiry))
    }

    fn capture<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<View, ProviderError>> {
        Box::pin(self.take(inquiry))
    }

    fn cancel<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<Cancelled, ProviderError>> {
        Box::pin(self.close(inquiry))
    }

    fn refund<'a>(
        &'a self,
        inquiry: &'a Inquiry,
        refund: &'a Refund,
    ) -> BoxFuture<'a, Result<Refunded, ProviderError>> {
        Box::pin(self.send_back(inquiry, refund))
    }

    fn verify_notification<'a>(
        &'a self,
        callback: &'a Callback<'a>,
        _: Instant,
    ) -> BoxFuture<'a, Result<Authenticity, NotificationError>> {
        Box::pin(self.verify(callback))
    }

    fn parse_notification(&self, body: &[u8]) -> Result<Notification, NotificationError> {
        notification::read(body)
    }
}

impl fmt::Debug for Paypal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paypal")
            .field("caller", &self.caller)
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}

/// A no in PayPal's own words.
#[derive(Debug, Deserialize)]
struct Problem {
    name: String,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Debug, Deserialize)]
struct Detail {
    issue: Option<String>,
}

impl Problem {
    fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok().filter(|problem: &Self| is_word(&problem.name))
    }

    /// The first issue that is a word, else the name. The texts beside them are for people and may hold anything.
    fn into_word(self) -> String {
        let issue = self.details.into_iter().filter_map(|detail| detail.issue).find(|issue| is_word(issue));
        issue.unwrap_or(self.name)
    }
}

/// What an answer other than the awaited one says.
fn refusal(answer: &Answer) -> ProviderError {
    let status = answer.status;
    let word = Problem::read(&answer.body).map(Problem::into_word);
    let known = word.is_some();
    let said = word.unwrap_or_else(|| format!("status {status}"));
    match status {
        401 | 403 => {
            error!(
                provider.code = CODE,
                provider.said = said,
                "PayPal does not let our application do this: compare its credentials and its permissions"
            );
            ProviderError::Unavailable(said)
        }
        409 | 429 => ProviderError::Unavailable(said),
        422 if said == "ORDER_COMPLETION_IN_PROGRESS" => ProviderError::Unavailable(said),
        503 if answer.retry_after.is_some() => ProviderError::Unavailable(said),
        // A 4xx in PayPal's own words is a no; anybody else's page in between proves nothing.
        400..=499 if known => ProviderError::Refused(said),
        _ => ProviderError::Unknown(said),
    }
}

#[cfg(test)]
mod tests;
