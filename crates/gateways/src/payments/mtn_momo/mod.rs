//! MTN MoMo: the payer is asked on their telephone and approves there.
//!
//! MTN names a request by a UUID of ours, which is also the key under which repeating asks nobody twice. It is computed from the
//! payment's id, so nothing more is stored. Callbacks are unsigned and sent once; they only make us ask.

mod product;
mod settings;
mod wire;

use std::fmt;

use crypto::fingerprint::sha256;
use domain::ids::PaymentId;
use domain::money::Money;
use domain::time::{Duration, Instant};
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::HeaderName;
use secrecy::SecretString;
use uuid::Uuid;

use self::product::Product;
pub use self::settings::{Credentials, Settings};
use self::wire::{PayRequest, RefundRequest, StatusAnswer, refusal};
use super::call::{Caller, Request, decode, header_value, json};
use super::{
    Authenticity, Callback, Cancelled, Capabilities, Checkout, CheckoutKind, CheckoutWay, Inquiry,
    Instructions, Line, Notification, NotificationError, Opening, Order, PaymentProvider, ProviderCode,
    ProviderError, Refund, RefundKind, RefundState, Refunded, SettingsError, Subject, View,
};
use crate::http::Answer;

/// Its name in payments, the API and `webhooks/mtn_momo`.
pub const CODE: ProviderCode = "mtn_momo";

const REFERENCE_ID: HeaderName = HeaderName::from_static("x-reference-id");
const CALLBACK_URL: HeaderName = HeaderName::from_static("x-callback-url");

/// MTN's prompt runs out after about five minutes.
const QUOTE_LIFETIME: Duration = Duration::minutes(15);

/// How long after its quote a payment may still turn out paid.
const LATE_WINDOW: Duration = Duration::hours(24);

/// What MTN says to a key that it has seen before.
const KNOWN_KEY: &str = "RESOURCE_ALREADY_EXIST";

/// MTN MoMo, with one set of credentials for each of its products.
pub struct MtnMomo {
    caller: Caller,
    target_environment: String,
    collection: Product,
    disbursement: Option<Product>,
    callbacks: bool,
    capabilities: Capabilities,
}

/// One call of a product.
struct Call {
    method: Method,
    path: String,
    key: Option<Uuid>,
    callback_url: Option<String>,
    body: Option<Vec<u8>>,
}

impl MtnMomo {
    /// Connects MTN as `settings` describe it.
    pub fn new(settings: Settings, line: Line) -> Result<Self, SettingsError> {
        let checked = settings.check()?;
        let caller = Caller::new(CODE, checked.base, &settings.request_signing, line)?;
        let capabilities = Capabilities {
            currencies: settings.currencies,
            mode: settings.mode,
            checkout: CheckoutKind::Phone,
            refunds: if checked.disbursement.is_some() { RefundKind::Api } else { RefundKind::ByHand },
            saves_methods: false,
            quote_lifetime: Some(QUOTE_LIFETIME),
            late_window: LATE_WINDOW,
            networks: settings.networks,
        };
        Ok(Self {
            caller,
            target_environment: checked.target_environment,
            collection: checked.collection,
            disbursement: checked.disbursement,
            callbacks: settings.callbacks,
            capabilities,
        })
    }

    /// Sends a call with the token that is kept, and once more with a new one if MTN no longer takes it: a call that was refused
    /// for its token has done nothing.
    async fn call(&self, product: &Product, call: &Call) -> Result<Answer, ProviderError> {
        let token = product.token(&self.caller).await?;
        let answer = self.send(product, &token, call).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        product.forget(&token).await;
        let token = product.token(&self.caller).await?;
        self.send(product, &token, call).await
    }

    async fn send(
        &self,
        product: &Product,
        token: &SecretString,
        call: &Call,
    ) -> Result<Answer, ProviderError> {
        let mut headers = product.headers(token, &self.target_environment)?;
        if let Some(key) = call.key {
            headers.insert(REFERENCE_ID, header_value(&key.to_string())?);
        }
        if let Some(address) = &call.callback_url {
            headers.insert(CALLBACK_URL, header_value(address)?);
        }
        let (method, body) = (call.method.clone(), call.body.clone());
        self.caller.send(Request { method, target: &call.path, headers, body }).await
    }

    /// Posts under a key. Whether MTN takes it now or took it before is the same.
    async fn post(&self, product: &Product, call: Call) -> Result<(), ProviderError> {
        let answer = self.call(product, &call).await?;
        match answer.status {
            202 => Ok(()),
            409 if wire::code(&answer).as_deref() == Some(KNOWN_KEY) => Ok(()),
            _ => Err(refusal(&answer)),
        }
    }

    /// `None` if MTN itself says that it has never heard of this key.
    async fn ask(
        &self,
        product: &Product,
        path: &str,
        key: &str,
    ) -> Result<Option<StatusAnswer>, ProviderError> {
        let path = product.path(&format!("v1_0/{path}/{key}"));
        let call = Call { method: Method::GET, path, key: None, callback_url: None, body: None };
        let answer = self.call(product, &call).await?;
        match answer.status {
            200 => decode(&answer).map(Some),
            // The 404 page of a wrong address or a proxy proves nothing.
            404 if wire::code(&answer).is_some() => Ok(None),
            _ => Err(refusal(&answer)),
        }
    }

    async fn open(&self, order: &Order) -> Result<Checkout, ProviderError> {
        let phone = order.payer.phone.as_ref();
        let phone = phone.ok_or_else(|| ProviderError::Refused("phone_missing".to_owned()))?;
        let key = payment_key(order.payment_id);
        let call = Call {
            method: Method::POST,
            path: self.collection.path("v1_0/requesttopay"),
            key: Some(key),
            callback_url: self.callbacks.then(|| order.webhook_url.clone()),
            body: Some(json(&PayRequest::of(order, phone))?),
        };
        self.post(&self.collection, call).await?;
        let prompt = Instructions::PhonePrompt { phone: phone.masked() };
        Ok(Checkout { reference: Some(key.to_string()), way: CheckoutWay::Instructions(prompt) })
    }

    async fn view(&self, payment: PaymentId) -> Result<View, ProviderError> {
        let key = payment_key(payment).to_string();
        match self.ask(&self.collection, "requesttopay", &key).await? {
            Some(answer) => Ok(answer.about(payment)?.into_view(key, self.caller.wall())),
            None => Ok(View::NeverOpened),
        }
    }

    async fn send_back(&self, inquiry: &Inquiry, refund: &Refund) -> Result<Refunded, ProviderError> {
        let product = self.disbursement.as_ref();
        let product = product.ok_or_else(|| ProviderError::Refused("refunds_by_hand".to_owned()))?;
        let key = version_4(&refund.id.to_string());
        let refunded = |state| Refunded { reference: Some(key.to_string()), state, total: None };
        if refund.reference.is_some() {
            let answer = self.ask(product, "refund", &key.to_string()).await?;
            // It was taken once, or there would be no reference: that MTN cannot find it now decides nothing.
            let answer =
                answer.ok_or_else(|| ProviderError::Unknown("the refund is not found".to_owned()))?;
            return Ok(refunded(answer.refund_state()));
        }
        let paid = payment_key(inquiry.payment_id).to_string();
        let call = Call {
            method: Method::POST,
            path: product.path("v1_0/refund"),
            key: Some(key),
            callback_url: None,
            body: Some(json(&RefundRequest::of(inquiry.payment_id, refund, paid))?),
        };
        self.post(product, call).await?;
        Ok(refunded(RefundState::Pending))
    }
}

/// MTN's name for a payment.
fn payment_key(payment: PaymentId) -> Uuid {
    version_4(&payment.to_string())
}

/// MTN takes version 4 alone, which is any bits at all but six.
fn version_4(id: &str) -> Uuid {
    let digest = sha256(format!("calmness/mtn_momo/{id}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

impl PaymentProvider for MtnMomo {
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
        Box::pin(self.view(inquiry.payment_id))
    }

    /// The payer's approval moves the money: there is never anything left to take.
    fn capture<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<View, ProviderError>> {
        self.fetch(inquiry)
    }

    /// A prompt cannot be called back: it runs out by itself.
    fn cancel<'a>(&'a self, _: &'a Inquiry) -> BoxFuture<'a, Result<Cancelled, ProviderError>> {
        Box::pin(async { Ok(Cancelled::StillPayable) })
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
        _: &'a Callback<'a>,
        _: Instant,
    ) -> BoxFuture<'a, Result<Authenticity, NotificationError>> {
        Box::pin(async { Ok(Authenticity::Unsigned) })
    }

    fn parse_notification(&self, body: &[u8]) -> Result<Notification, NotificationError> {
        let subject = Subject::Payment(wire::named_payment(body)?);
        Ok(Notification::Hint { event: None, subject })
    }
}

impl fmt::Debug for MtnMomo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MtnMomo")
            .field("caller", &self.caller)
            .field("target_environment", &self.target_environment)
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
