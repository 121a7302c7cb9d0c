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
use domain::time::{Duration, Instant};
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName};
use tracing::error;

pub use self::settings::{OpeningMode, Settings};
use super::call::{Caller, Request, decode, header_value, json};
use super::{
    Authenticity, Callback, Cancelled, Capabilities, Checkout, CheckoutKind, Inquiry, Line, Notification,
    NotificationError, Opening, Order, PaymentProvider, ProviderCode, ProviderError, Refund, RefundKind,
    RefundState, Refunded, RequestSigning, SettingsError, View,
};
use crate::http::Answer;

/// Its name in payments, the API and `webhooks/hmac_psp`.
pub const CODE: ProviderCode = "hmac_psp";

const SIGNATURE: &str = "x-signature";
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How long after its quote a payment may still turn out paid.
const LATE_WINDOW: Duration = Duration::days(30);

/// A payment service that speaks the generic signed contract.
pub struct HmacPsp {
    caller: Caller,
    opening: OpeningMode,
    webhook_secrets: Vec<SigningSecret>,
    link_secret: SigningSecret,
    capabilities: Capabilities,
}

impl HmacPsp {
    /// Connects the service that `settings` describes.
    pub fn new(settings: Settings, line: Line) -> Result<Self, SettingsError> {
        let checked = settings.check()?;
        let caller = Caller::new(CODE, checked.base, &RequestSigning::Off, line)?;
        let capabilities = Capabilities {
            currencies: checked.currencies,
            mode: checked.mode,
            checkout: CheckoutKind::Page,
            refunds: RefundKind::Api,
            saves_methods: false,
            quote_lifetime: None,
            late_window: LATE_WINDOW,
            networks: checked.networks,
        };
        Ok(Self {
            caller: caller.signing_with(checked.request_secrets),
            opening: checked.opening,
            webhook_secrets: checked.webhook_secrets,
            link_secret: checked.link_secret,
            capabilities,
        })
    }

    async fn call(
        &self,
        method: Method,
        target: &str,
        key: Option<&str>,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, ProviderError> {
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            headers.insert(IDEMPOTENCY_KEY, header_value(key)?);
        }
        self.caller.send(Request { method, target, headers, body }).await
    }

    async fn open(&self, order: &Order) -> Result<Checkout, ProviderError> {
        let body = json(&wire::CheckoutRequest::of(order))?;
        let key = order.payment_id.to_string();
        let answer = self.call(Method::POST, "payments", Some(&key), Some(body)).await?;
        if !matches!(answer.status, 200 | 201) {
            return Err(refusal(&answer));
        }
        decode::<wire::CheckoutAnswer>(&answer)?.into_checkout(self.caller.base())
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
            Some(answer) => answer.into_view(self.caller.wall()),
            None => Ok(View::NeverOpened),
        }
    }

    async fn send_back(&self, payment: PaymentId, refund: &Refund) -> Result<Refunded, ProviderError> {
        let (id, amount) = (refund.id.to_string(), refund.amount);
        let body = json(&wire::RefundRequest { refund_id: &id, amount: amount.minor })?;
        let path = format!("payments/{payment}/refunds");
        let answer = self.call(Method::POST, &path, Some(&id), Some(body)).await?;
        if !matches!(answer.status, 200 | 201) {
            return Err(refusal(&answer));
        }
        // The contract does not promise the total in this answer; the service's own view has it.
        let total: Option<Money> = match decode::<wire::RefundAnswer>(&answer)?.total(amount.currency) {
            Some(total) => Some(total),
            None => self.ask(payment).await?.and_then(|answer| answer.refunded(amount.currency)),
        };
        Ok(Refunded { reference: Some(id), state: RefundState::Succeeded, total })
    }
}

impl PaymentProvider for HmacPsp {
    fn code(&self) -> ProviderCode {
        CODE
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn quote(&self, price: Money, _: u32) -> Money {
        price
    }

    fn opening(&self, order: &Order) -> Opening {
        match self.opening {
            OpeningMode::Api => Opening::Call,
            OpeningMode::Link => Opening::Link(link::checkout(self.caller.base(), &self.link_secret, order)),
        }
    }

    fn create_checkout<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Checkout, ProviderError>> {
        Box::pin(self.open(order))
    }

    fn fetch<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<View, ProviderError>> {
        Box::pin(self.view(inquiry.payment_id))
    }

    /// The service takes the money when the payer agrees: there is never anything left to take.
    fn capture<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<View, ProviderError>> {
        self.fetch(inquiry)
    }

    /// The contract has no such call: the service closes by itself when the quote has run out.
    fn cancel<'a>(&'a self, _: &'a Inquiry) -> BoxFuture<'a, Result<Cancelled, ProviderError>> {
        Box::pin(async { Ok(Cancelled::StillPayable) })
    }

    fn refund<'a>(
        &'a self,
        inquiry: &'a Inquiry,
        refund: &'a Refund,
    ) -> BoxFuture<'a, Result<Refunded, ProviderError>> {
        Box::pin(self.send_back(inquiry.payment_id, refund))
    }

    fn verify_notification<'a>(
        &'a self,
        callback: &'a Callback<'a>,
        wall: Instant,
    ) -> BoxFuture<'a, Result<Authenticity, NotificationError>> {
        let presented = (callback.header)(SIGNATURE);
        let signed = Signed::Body(callback.body);
        let verified =
            signature::verify(&self.webhook_secrets, presented.as_deref(), signed, wall.unix_timestamp())
                .map(|()| Authenticity::Verified)
                .map_err(|error| NotificationError::Unverified(error.to_string()));
        Box::pin(async { verified })
    }

    fn parse_notification(&self, body: &[u8]) -> Result<Notification, NotificationError> {
        notification::read(body)
    }
}

impl fmt::Debug for HmacPsp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HmacPsp")
            .field("caller", &self.caller)
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

#[cfg(test)]
mod tests;
