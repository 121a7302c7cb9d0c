//! Stripe: a hosted checkout page, signed events, refunds through the API.
//!
//! A checkout session is the payment, its payment intent the movement of the money. The version of the API is pinned in every call;
//! the webhook endpoint must be created with the same one, because it is the endpoint's that shapes the events.

mod form;
mod notification;
mod settings;
mod wire;

use std::fmt::{self, Write as _};

use crypto::signature::{SigningSecret, timestamped};
use domain::money::Money;
use domain::time::{Duration, Instant};
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tracing::error;

pub use self::settings::Settings;
use self::wire::{RefundList, RefundObject, Refusal, Session, Stage, is_id};
use super::call::{Caller, Request, decode, header_value, secret_header};
use super::{
    Authenticity, Callback, Cancelled, Capabilities, Checkout, CheckoutKind, Inquiry, Line, Notification,
    NotificationError, Opening, Order, PaymentProvider, ProviderCode, ProviderError, Refund, RefundKind,
    Refunded, SettingsError, View,
};
use crate::http::Answer;

/// Its name in payments, the API and `webhooks/stripe`.
pub const CODE: ProviderCode = "stripe";

/// The version of the API that everything here is written for.
pub const API_VERSION: &str = "2026-10-28.endive";

const VERSION: HeaderName = HeaderName::from_static("stripe-version");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const SIGNATURE: &str = "stripe-signature";
const SCHEME: &str = "v1";

/// How long after its quote a payment may still turn out paid: a bank debit takes up to two weeks to come or fail.
const LATE_WINDOW: Duration = Duration::days(15);

/// How many pages of a hundred refunds of one payment are looked through.
const REFUND_PAGES: usize = 10;

/// An account at Stripe.
pub struct Stripe {
    caller: Caller,
    secret_key: SecretString,
    webhook_secrets: Vec<SigningSecret>,
    capabilities: Capabilities,
}

impl Stripe {
    /// Connects the account that `settings` describes.
    pub fn new(settings: Settings, line: Line) -> Result<Self, SettingsError> {
        let checked = settings.check()?;
        let capabilities = Capabilities {
            currencies: checked.currencies,
            mode: checked.mode,
            checkout: CheckoutKind::Page,
            refunds: RefundKind::Api,
            saves_methods: true,
            quote_lifetime: None,
            late_window: LATE_WINDOW,
            networks: checked.networks,
        };
        Ok(Self {
            caller: Caller::new(CODE, checked.base, &checked.request_signing, line)?,
            secret_key: checked.secret_key,
            webhook_secrets: checked.webhook_secrets,
            capabilities,
        })
    }

    fn headers(&self) -> Result<HeaderMap, ProviderError> {
        let bearer = format!("Bearer {}", self.secret_key.expose_secret());
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, secret_header(&bearer)?);
        headers.insert(VERSION, HeaderValue::from_static(API_VERSION));
        Ok(headers)
    }

    async fn get(&self, target: &str) -> Result<Answer, ProviderError> {
        let headers = self.headers()?;
        self.caller.send(Request { method: Method::GET, target, headers, body: None }).await
    }

    async fn post(&self, target: &str, key: Option<&str>, form: Vec<u8>) -> Result<Answer, ProviderError> {
        let mut headers = self.headers()?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        if let Some(key) = key {
            headers.insert(IDEMPOTENCY_KEY, header_value(key)?);
        }
        self.caller.send(Request { method: Method::POST, target, headers, body: Some(form) }).await
    }

    async fn open(&self, order: &Order) -> Result<Checkout, ProviderError> {
        let key = order.payment_id.to_string();
        let answer = self.post("v1/checkout/sessions", Some(&key), form::checkout(order)).await?;
        if answer.status != 200 {
            return Err(refusal(&answer));
        }
        decode::<Session>(&answer)?.about(order.payment_id)?.into_checkout(self.caller.base())
    }

    /// The session of a payment, which must be there once it has a name.
    async fn ask(&self, inquiry: &Inquiry, reference: &str) -> Result<Session, ProviderError> {
        let id = path_part(reference)?;
        let target = format!("v1/checkout/sessions/{id}?expand%5B0%5D=payment_intent.latest_charge");
        let answer = self.get(&target).await?;
        match answer.status {
            200 => decode::<Session>(&answer)?.about(inquiry.payment_id),
            // A key of another account sees nothing of this one: that says nothing about the payment.
            404 => Err(ProviderError::Unknown("the session is not known to this account".to_owned())),
            _ => Err(refusal(&answer)),
        }
    }

    /// Without a name the session may be there all the same: opening it again under the same key brings the first answer back.
    async fn view(&self, inquiry: &Inquiry) -> Result<View, ProviderError> {
        match &inquiry.reference {
            Some(reference) => self.ask(inquiry, reference).await?.into_view(self.caller.wall()),
            None => Ok(View::NeverOpened),
        }
    }

    /// No key: closing twice is closing once, and a kept answer would only be an older truth.
    async fn close(&self, inquiry: &Inquiry) -> Result<Cancelled, ProviderError> {
        // The address of a session without a name was never given out, so nobody can pay there.
        let Some(reference) = &inquiry.reference else { return Ok(Cancelled::Closed) };
        let target = format!("v1/checkout/sessions/{}/expire", path_part(reference)?);
        let answer = self.post(&target, None, Vec::new()).await?;
        let session = match answer.status {
            200 => decode::<Session>(&answer)?.about(inquiry.payment_id)?,
            // Only an open session can be closed; the session itself tells how it ended instead.
            400 if Refusal::read(&answer.body).is_some() => self.ask(inquiry, reference).await?,
            404 => return Err(ProviderError::Unknown("the session is not known to this account".to_owned())),
            _ => return Err(refusal(&answer)),
        };
        Ok(match session.stage() {
            Stage::Expired => Cancelled::Closed,
            Stage::Open | Stage::Complete { .. } => Cancelled::StillPayable,
        })
    }

    async fn send_back(&self, inquiry: &Inquiry, refund: &Refund) -> Result<Refunded, ProviderError> {
        let answer = if let Some(reference) = &refund.reference {
            self.get(&format!("v1/refunds/{}?expand%5B0%5D=charge", path_part(reference)?)).await?
        } else {
            let transaction = self.transaction(inquiry).await?;
            if let Some(made) = self.made_before(&transaction, refund).await? {
                return made.into_refunded();
            }
            let form = form::refund(&inquiry.payment_id.to_string(), &transaction, refund);
            self.post("v1/refunds", Some(&refund.id.to_string()), form).await?
        };
        if answer.status != 200 {
            return Err(refusal(&answer));
        }
        decode::<RefundObject>(&answer)?.into_refunded()
    }

    /// Stripe forgets a key after a day: a refund whose answer was lost is looked for by the name that it was given.
    async fn made_before(
        &self,
        transaction: &str,
        refund: &Refund,
    ) -> Result<Option<RefundObject>, ProviderError> {
        if !refund.again {
            return Ok(None);
        }
        let intent = path_part(transaction)?;
        let mut after = None;
        for _ in 0..REFUND_PAGES {
            let mut target = format!("v1/refunds?payment_intent={intent}&limit=100&expand%5B0%5D=data.charge");
            if let Some(last) = after {
                let _ = write!(target, "&starting_after={last}");
            }
            let answer = self.get(&target).await?;
            if answer.status != 200 {
                return Err(refusal(&answer));
            }
            let page = decode::<RefundList>(&answer)?;
            let last = page.data.last().map(|last| last.id.clone()).filter(|id| page.has_more && is_id(id));
            if let Some(made) = page.data.into_iter().find(|made| made.is_of(refund.id)) {
                return Ok(Some(made));
            }
            if last.is_none() {
                return Ok(None);
            }
            after = last;
        }
        Err(ProviderError::Unknown("too many refunds to look through".to_owned()))
    }

    async fn transaction(&self, inquiry: &Inquiry) -> Result<String, ProviderError> {
        let known = match (&inquiry.transaction, &inquiry.reference) {
            (Some(transaction), _) => Some(transaction.clone()),
            (None, Some(reference)) => self.ask(inquiry, reference).await?.transaction(),
            (None, None) => None,
        };
        known.ok_or_else(|| ProviderError::Refused("nothing was paid that could go back".to_owned()))
    }
}

impl PaymentProvider for Stripe {
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

    /// The money is taken when the payer agrees: there is never anything left to take.
    fn capture<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<View, ProviderError>> {
        self.fetch(inquiry)
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
        wall: Instant,
    ) -> BoxFuture<'a, Result<Authenticity, NotificationError>> {
        let presented = (callback.header)(SIGNATURE);
        let verified = timestamped::verify(
            &self.webhook_secrets,
            SCHEME,
            presented.as_deref(),
            callback.body,
            wall.unix_timestamp(),
        )
        .map(|()| Authenticity::Verified)
        .map_err(|error| NotificationError::Unverified(error.to_string()));
        Box::pin(async { verified })
    }

    fn parse_notification(&self, body: &[u8]) -> Result<Notification, NotificationError> {
        notification::read(body)
    }
}

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripe")
            .field("caller", &self.caller)
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}

/// A name of Stripe's as part of a path: nothing else can stand there.
fn path_part(reference: &str) -> Result<&str, ProviderError> {
    if is_id(reference) {
        Ok(reference)
    } else {
        Err(ProviderError::Refused("the reference is not one of Stripe's".to_owned()))
    }
}

/// What an answer other than the awaited one says.
fn refusal(answer: &Answer) -> ProviderError {
    let status = answer.status;
    let refusal = Refusal::read(&answer.body);
    let word = refusal.as_ref().and_then(Refusal::word);
    let said = word.map_or_else(|| format!("status {status}"), str::to_owned);
    match (status, refusal) {
        (401 | 403, _) => {
            error!(
                provider.code = CODE,
                error = said,
                "Stripe refuses our key: check it and its permissions"
            );
            ProviderError::Unavailable(said)
        }
        (409 | 429, _) => ProviderError::Unavailable(said),
        // The key was used before for something else, so something is there.
        (400..=499, Some(refusal)) if refusal.kind == "idempotency_error" => ProviderError::Unknown(said),
        // A 4xx in Stripe's own words is a no; anybody else's page in between proves nothing.
        (400..=499, Some(_)) => ProviderError::Refused(said),
        _ => ProviderError::Unknown(said),
    }
}

#[cfg(test)]
mod tests;
