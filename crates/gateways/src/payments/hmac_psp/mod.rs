//! The generic signed contract: any payment service that follows it can be connected without code.
//!
//! Every request that leaves carries `X-Signature`, every callback must. A checkout is opened by a call (`api`) or by a signed
//! address that the payer's browser carries itself (`link`), so that opening one needs nobody else. This connector only translates:
//! whether an amount is right is decided where the quote is.

mod link;
mod notification;
mod settings;
mod wire;

use std::fmt;

use crypto::signature::{self, Signed, SigningSecret};
use domain::ids::PaymentId;
use domain::money::Money;
use domain::time::Instant;
use futures_util::future::BoxFuture;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use tracing::error;

pub use self::settings::{OpeningMode, Settings, SettingsError};
use super::{
    Capabilities, Checkout, Notification, NotificationError, Opening, Order, PaymentProvider, ProviderCode,
    ProviderError, Refunded, View,
};
use crate::WallClock;
use crate::address;
use crate::http::{Answer, CallError, HttpClient, MAX_ANSWER, Outgoing, TOTAL_TIMEOUT};

/// Its name in payments, the API and `webhooks/hmac_psp`.
pub const CODE: ProviderCode = "hmac_psp";

const SIGNATURE: HeaderName = HeaderName::from_static("x-signature");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A payment service that speaks the generic signed contract.
pub struct HmacPsp {
    base: Url,
    opening: OpeningMode,
    request_secrets: Vec<SigningSecret>,
    webhook_secrets: Vec<SigningSecret>,
    link_secret: SigningSecret,
    capabilities: Capabilities,
    http: HttpClient,
    wall: WallClock,
}

impl HmacPsp {
    /// Connects the service that `settings` describes; `wall` is what requests are signed with.
    pub fn new(settings: Settings, http: HttpClient, wall: WallClock) -> Result<Self, SettingsError> {
        let checked = settings.check()?;
        Ok(Self {
            base: checked.base,
            opening: checked.opening,
            request_secrets: checked.request_secrets,
            webhook_secrets: checked.webhook_secrets,
            link_secret: checked.link_secret,
            capabilities: Capabilities { currencies: checked.currencies, refunds: true },
            http,
            wall,
        })
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, ProviderError> {
        let url = address::under(&self.base, path);
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE, self.sign(&method, &url, body.as_deref().unwrap_or_default())?);
        if let Some(key) = key {
            let key = HeaderValue::from_str(key)
                .map_err(|_| ProviderError::Refused("the key does not fit a header".to_owned()))?;
            headers.insert(IDEMPOTENCY_KEY, key);
        }
        let shown_path = url.path().to_owned();
        let outgoing = Outgoing {
            peer: CODE,
            method,
            url,
            shown_path: &shown_path,
            headers,
            body,
            timeout: TOTAL_TIMEOUT,
            max_answer: MAX_ANSWER,
        };
        self.http.send(outgoing).await.map_err(|error| match error {
            CallError::NotSent(reason) => ProviderError::Unavailable(reason),
            CallError::Unknown(reason) => ProviderError::Unknown(reason),
        })
    }

    fn sign(&self, method: &Method, url: &Url, body: &[u8]) -> Result<HeaderValue, ProviderError> {
        let target = address::request_target(url);
        let signed = Signed::request(method.as_str(), &target, body);
        let header = signature::sign(&self.request_secrets, (self.wall)().unix_timestamp(), signed)
            .map_err(|error| ProviderError::Unavailable(format!("the request cannot be signed: {error}")))?;
        HeaderValue::from_str(&header)
            .map_err(|_| ProviderError::Unavailable("the signature does not fit a header".to_owned()))
    }

    async fn open(&self, order: &Order) -> Result<Checkout, ProviderError> {
        let body = encode(&wire::CheckoutRequest::of(order))?;
        let key = order.payment_id.to_string();
        let answer = self.call(Method::POST, "payments", Some(&key), Some(body)).await?;
        if !matches!(answer.status, 200 | 201) {
            return Err(refusal(&answer));
        }
        decode::<wire::CheckoutAnswer>(&answer)?.into_checkout(&self.base)
    }

    /// `None` if the service has never heard of the payment.
    async fn ask(&self, payment: PaymentId) -> Result<Option<wire::PaymentAnswer>, ProviderError> {
        let answer = self.call(Method::GET, &format!("payments/{payment}"), None, None).await?;
        match answer.status {
            200 => decode::<wire::PaymentAnswer>(&answer)?.about(payment).map(Some),
            // Only the service itself may say so: the 404 page of a wrong address or a proxy proves nothing.
            404 if wire::Problem::read(&answer.body).is_some() => Ok(None),
            _ => Err(refusal(&answer)),
        }
    }

    async fn view(&self, payment: PaymentId) -> Result<View, ProviderError> {
        match self.ask(payment).await? {
            Some(answer) => answer.into_view((self.wall)()),
            None => Ok(View::NeverOpened),
        }
    }

    async fn send_back(
        &self,
        payment: PaymentId,
        refund: &str,
        amount: Money,
    ) -> Result<Refunded, ProviderError> {
        let body = encode(&wire::RefundRequest { refund_id: refund, amount: amount.minor })?;
        let path = format!("payments/{payment}/refunds");
        let answer = self.call(Method::POST, &path, Some(refund), Some(body)).await?;
        if !matches!(answer.status, 200 | 201) {
            return Err(refusal(&answer));
        }
        // The contract does not promise the total in this answer; the service's own view has it.
        let total = match decode::<wire::RefundAnswer>(&answer)?.total(amount.currency) {
            Some(total) => Some(total),
            None => self.ask(payment).await?.and_then(|answer| answer.refunded(amount.currency)),
        };
        total
            .map(|total| Refunded { total })
            .ok_or_else(|| ProviderError::Unknown("accepted, but nothing says how much in all".to_owned()))
    }
}

impl PaymentProvider for HmacPsp {
    fn code(&self) -> ProviderCode {
        CODE
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn opening(&self, order: &Order) -> Opening {
        match self.opening {
            OpeningMode::Api => Opening::Call,
            OpeningMode::Link => Opening::Link(link::checkout(&self.base, &self.link_secret, order)),
        }
    }

    fn create_checkout<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Checkout, ProviderError>> {
        Box::pin(self.open(order))
    }

    fn fetch(&self, payment: PaymentId) -> BoxFuture<'_, Result<View, ProviderError>> {
        Box::pin(self.view(payment))
    }

    fn refund<'a>(
        &'a self,
        payment: PaymentId,
        refund: &'a str,
        amount: Money,
    ) -> BoxFuture<'a, Result<Refunded, ProviderError>> {
        Box::pin(self.send_back(payment, refund, amount))
    }

    fn parse_notification(
        &self,
        header: &dyn Fn(&str) -> Option<String>,
        body: &[u8],
        wall: Instant,
    ) -> Result<Notification, NotificationError> {
        let presented = header(SIGNATURE.as_str());
        let now = wall.unix_timestamp();
        signature::verify(&self.webhook_secrets, presented.as_deref(), Signed::Body(body), now)
            .map_err(|error| NotificationError::Unverified(error.to_string()))?;
        notification::read(body)
    }
}

impl fmt::Debug for HmacPsp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HmacPsp")
            .field("base", &self.base.as_str())
            .field("opening", &self.opening)
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}

/// What an answer other than the awaited one says.
fn refusal(answer: &Answer) -> ProviderError {
    let status = answer.status;
    let problem = wire::Problem::read(&answer.body);
    let said = problem.and_then(wire::Problem::into_code).map_or(format!("status {status}"), |code| code);
    match (status, answer.retry_after) {
        (401, _) => {
            error!(
                provider.code = CODE,
                "the payment service refuses our signature: compare the request secret, and this machine's clock"
            );
            ProviderError::Unavailable(said)
        }
        (409 | 429, _) => ProviderError::Unavailable(said),
        (503, Some(after)) => ProviderError::Unavailable(format!("{said}, back in {} s", after.as_secs())),
        // A 4xx in the service's own words is a no; anybody else's page in between proves nothing.
        (400..=499, _) if wire::Problem::read(&answer.body).is_some() => ProviderError::Refused(said),
        _ => ProviderError::Unknown(said),
    }
}

fn encode(request: &impl serde::Serialize) -> Result<Vec<u8>, ProviderError> {
    serde_json::to_vec(request).map_err(|error| ProviderError::Refused(format!("not JSON: {error}")))
}

/// An unreadable success is not a refusal: the service may well have done it.
fn decode<T: DeserializeOwned>(answer: &Answer) -> Result<T, ProviderError> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        ProviderError::Unknown(format!("the answer cannot be read at line {line}, column {column}"))
    })
}

#[cfg(test)]
mod tests;
