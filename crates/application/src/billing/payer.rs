//! Who pays, as far as a provider needs to know: an address and a language of the account, and what the payer said for this
//! payment. A telephone and the name of a stored way to pay are kept sealed with the payment, so that asking again says the same.

use crypto::envelope::Label;
use domain::ids::{PaymentId, PaymentMethodId};
use gateways::payments::{CheckoutKind, Payer, PaymentProvider, PhoneNumber};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::BillingError;
use super::init::InitRequest;
use super::store::StoredPayment;
use crate::app::App;
use crate::tx::StoreError;

const PAYER: Label = Label::new("payments", "payer_encrypted");

/// What a payer said for one payment.
#[derive(Default, Deserialize, Serialize)]
pub(super) struct PayerDetails {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<PaymentMethodId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    remember: bool,
}

impl PayerDetails {
    /// Sealed for the payment's row; nothing if nothing was said.
    pub(super) fn seal(&self, app: &App, payment: PaymentId) -> Result<Option<Vec<u8>>, StoreError> {
        if self.phone.is_none() && self.method.is_none() && !self.remember {
            return Ok(None);
        }
        let text = serde_json::to_vec(self).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        app.keys().seal(&**app.random(), &PAYER, payment.uuid(), &text).map(Some)
    }

    fn open(app: &App, stored: &StoredPayment) -> Result<Self, StoreError> {
        let Some(sealed) = &stored.payer_sealed else { return Ok(Self::default()) };
        let text = app.keys().open_text(&PAYER, stored.id.uuid(), sealed)?;
        serde_json::from_str(text.expose_secret())
            .map_err(|_| StoreError::Corrupt("payments.payer_encrypted".to_owned()))
    }

    fn phone(&self) -> Option<PhoneNumber> {
        self.phone.as_deref().and_then(|phone| phone.parse().ok())
    }

    /// For an opening that nobody is asked for: the account is not looked up.
    pub(super) fn unknown_payer(&self) -> Payer {
        Payer {
            email: String::new(),
            phone: self.phone(),
            locale: "en",
            method: None,
            remember: self.remember,
        }
    }
}

impl App {
    /// What the payer said, completed from the stored way to pay, and enough for this provider.
    pub(super) async fn payer_details(
        &self,
        request: &InitRequest,
        provider: &dyn PaymentProvider,
    ) -> Result<PayerDetails, BillingError> {
        let mut details = PayerDetails {
            phone: request.phone.as_ref().map(|phone| phone.as_e164().to_owned()),
            method: request.method,
            remember: request.remember && provider.capabilities().saves_methods,
        };
        if let Some(method) = request.method {
            let stored = self.method_of(request.user, method).await?;
            let stored = stored.filter(|stored| stored.provider == provider.code());
            let stored = stored.ok_or(BillingError::UnknownMethod)?;
            details.phone = details.phone.or_else(|| stored.phone().map(|phone| phone.as_e164().to_owned()));
        }
        if provider.capabilities().checkout == CheckoutKind::Phone && details.phone.is_none() {
            return Err(BillingError::PhoneRequired);
        }
        Ok(details)
    }

    /// Who pays, for a call to the provider.
    pub(super) async fn payer_of(&self, stored: &StoredPayment) -> Result<Payer, StoreError> {
        let details = PayerDetails::open(self, stored)?;
        let profile = self.profile(stored.user).await?;
        let method = match details.method {
            Some(method) => self.method_of(stored.user, method).await?,
            None => None,
        };
        Ok(Payer {
            email: profile.as_ref().map(|profile| profile.email.clone()).unwrap_or_default(),
            phone: details.phone(),
            locale: profile.map_or("en", |profile| profile.locale.code()),
            method: method.and_then(|method| method.token()),
            remember: details.remember,
        })
    }
}
