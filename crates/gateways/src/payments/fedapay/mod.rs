//! FedaPay: one page for the mobile money of eight West African countries.
//!
//! FedaPay has no idempotency keys, so a transaction is looked up by our payment's id before it is created. Should that miss one, no
//! harm is done: a transaction is paid on a page whose address only its own token call gives away, and only one of them ever
//! reaches the payer.

mod notification;
mod settings;
mod wire;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use crypto::signature::SigningSecret;
use domain::ids::PaymentId;
use domain::money::{Currency, Money};
use domain::time::{Duration, Instant};
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use secrecy::{ExposeSecret, SecretString};

pub use self::settings::Settings;
use self::wire::{CurrencyAnswer, TokenAnswer, Transaction, TransactionRequest, is_own, refusal};
use super::call::{Caller, Request, decode, json, secret_header};
use super::words::page;
use super::{
    Authenticity, Callback, Cancelled, Capabilities, Checkout, CheckoutKind, CheckoutWay, Inquiry, Line,
    Notification, NotificationError, Opening, Order, PaymentProvider, ProviderCode, ProviderError, Refund,
    RefundKind, Refunded, SettingsError, View,
};
use crate::http::Answer;

/// Its name in payments, the API and `webhooks/fedapay`.
pub const CODE: ProviderCode = "fedapay";

const SIGNATURE: &str = "x-fedapay-signature";

/// How long after its quote a payment may still turn out paid.
const LATE_WINDOW: Duration = Duration::days(7);

/// FedaPay, with one account.
pub struct FedaPay {
    caller: Caller,
    secret_key: SecretString,
    webhook_secrets: Vec<SigningSecret>,
    capabilities: Capabilities,
    /// FedaPay's numbers for currencies, as it told them.
    currencies: Mutex<Vec<(i64, Currency)>>,
}

impl FedaPay {
    /// Connects FedaPay as `settings` describe it.
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
            secret_key: settings.secret_key,
            webhook_secrets: checked.webhook_secrets,
            capabilities,
            currencies: Mutex::new(Vec::new()),
        })
    }

    async fn call(
        &self,
        method: Method,
        target: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, ProviderError> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, secret_header(&format!("Bearer {}", self.secret_key.expose_secret()))?);
        self.caller.send(Request { method, target, headers, body }).await
    }

    /// `None` if FedaPay itself says that there is none.
    async fn find(&self, target: &str, payment: PaymentId) -> Result<Option<Transaction>, ProviderError> {
        let answer = self.call(Method::GET, target, None).await?;
        match answer.status {
            200 => Transaction::read(&answer)?.about(payment).map(Some),
            // The 404 page of a wrong address or a proxy proves nothing.
            404 if is_own(&answer) => Ok(None),
            _ => Err(refusal(&answer)),
        }
    }

    async fn find_by_payment(&self, payment: PaymentId) -> Result<Option<Transaction>, ProviderError> {
        self.find(&format!("transactions/merchant/{payment}"), payment).await
    }

    async fn create(&self, order: &Order) -> Result<Transaction, ProviderError> {
        let body = json(&TransactionRequest::of(order))?;
        let answer = self.call(Method::POST, "transactions", Some(body)).await?;
        match answer.status {
            200 | 201 => Transaction::read(&answer)?.about(order.payment_id),
            _ => Err(refusal(&answer)),
        }
    }

    async fn open(&self, order: &Order) -> Result<Checkout, ProviderError> {
        let transaction = match self.find_by_payment(order.payment_id).await? {
            Some(transaction) => transaction,
            None => self.create(order).await?,
        };
        let target = format!("transactions/{}/token", transaction.id);
        let answer = self.call(Method::POST, &target, Some(b"{}".to_vec())).await?;
        if !matches!(answer.status, 200 | 201) {
            // There is a transaction, whatever is wrong with its page: it is not refused.
            return Err(match refusal(&answer) {
                ProviderError::Refused(said) => ProviderError::Unknown(said),
                error => error,
            });
        }
        let url = decode::<TokenAnswer>(&answer)?.url;
        let way = CheckoutWay::Page(page(&url, self.caller.base())?);
        Ok(Checkout { reference: Some(transaction.id.to_string()), way })
    }

    async fn view(&self, inquiry: &Inquiry) -> Result<View, ProviderError> {
        let payment = inquiry.payment_id;
        let found = match &inquiry.reference {
            // FedaPay names transactions by numbers; nothing else goes into a path.
            Some(id) if id.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.find(&format!("transactions/{id}"), payment).await?
            }
            _ => self.find_by_payment(payment).await?,
        };
        let Some(transaction) = found else { return Ok(View::NeverOpened) };
        let currency = self.currency_of(&transaction).await?;
        let statements = transaction.statements(currency, Some(self.caller.wall())).unwrap_or_default();
        Ok(View::known(Some(transaction.id.to_string()), statements))
    }

    /// A transaction says its currency, or gives FedaPay's own number for it: what that means is asked once.
    async fn currency_of(&self, transaction: &Transaction) -> Result<Option<Currency>, ProviderError> {
        let Some(id) = transaction.currency_id.filter(|_| transaction.currency().is_none()) else {
            return Ok(transaction.currency());
        };
        let kept = self.currencies.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, currency)) = kept.into_iter().find(|(kept, _)| *kept == id) {
            return Ok(Some(currency));
        }
        let answer = self.call(Method::GET, &format!("currencies/{id}"), None).await?;
        if answer.status != 200 {
            return Err(ProviderError::Unknown(format!("the currency is unknown: status {}", answer.status)));
        }
        let words = decode::<CurrencyAnswer>(&answer)?.currency;
        let currency: Option<Currency> = words.iso.parse().ok().filter(|_| words.id == id);
        if let Some(currency) = currency {
            self.currencies.lock().unwrap_or_else(PoisonError::into_inner).push((id, currency));
        }
        Ok(currency)
    }
}

impl PaymentProvider for FedaPay {
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

    /// The payer's approval moves the money: there is never anything left to take.
    fn capture<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<View, ProviderError>> {
        self.fetch(inquiry)
    }

    /// A prompt may already be on the payer's telephone: the transaction is left to run out.
    fn cancel<'a>(&'a self, _: &'a Inquiry) -> BoxFuture<'a, Result<Cancelled, ProviderError>> {
        Box::pin(async { Ok(Cancelled::StillPayable) })
    }

    /// FedaPay documents no call for it.
    fn refund<'a>(&'a self, _: &'a Inquiry, _: &'a Refund) -> BoxFuture<'a, Result<Refunded, ProviderError>> {
        Box::pin(async { Err(ProviderError::Refused("refunds_by_hand".to_owned())) })
    }

    fn verify_notification<'a>(
        &'a self,
        callback: &'a Callback<'a>,
        wall: Instant,
    ) -> BoxFuture<'a, Result<Authenticity, NotificationError>> {
        let presented = (callback.header)(SIGNATURE);
        let (secrets, unix) = (&self.webhook_secrets, wall.unix_timestamp());
        let verified = notification::verify(secrets, presented.as_deref(), callback.body, unix);
        Box::pin(async { verified.map(|()| Authenticity::Verified) })
    }

    fn parse_notification(&self, body: &[u8]) -> Result<Notification, NotificationError> {
        notification::read(body)
    }
}

impl fmt::Debug for FedaPay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FedaPay")
            .field("caller", &self.caller)
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
