//! The operator's encrypted settings, `admin_config` (M1, M2).
//!
//! A typed catalogue: each key knows what it may hold. Values are kept encrypted, each bound to its row, and in
//! memory on every instance; a change is noticed by all within [`crate::work::REFRESH`].

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use crypto::envelope::Label;
use gateways::payments::registry::ConnectError;
use scoped_futures::ScopedFutureExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sqlx::{PgExecutor, PgPool};
use thiserror::Error;
use uuid::Uuid;

use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::billing::connectors::DocumentError;
use crate::keys::Keys;
use crate::tx::{StoreError, tx_error};

const VALUE: Label = Label::new("admin_config", "value_encrypted");

/// What can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The chat of the default channel.
    TelegramChannelId,
    /// Where alerts are mailed.
    CompanyEmail,
    /// Stripe's settings.
    Stripe,
    /// PayPal's settings.
    Paypal,
    /// MTN MoMo's settings.
    MtnMomo,
    /// FedaPay's settings.
    Fedapay,
    /// BTCPay's settings.
    Btcpay,
    /// The bank account that transfers go to.
    BankTransfer,
    /// The addresses that crypto goes to.
    CryptoAddress,
}

impl Key {
    /// Every key, for lists.
    pub const ALL: [Self; 9] = [
        Self::TelegramChannelId,
        Self::CompanyEmail,
        Self::Stripe,
        Self::Paypal,
        Self::MtnMomo,
        Self::Fedapay,
        Self::Btcpay,
        Self::BankTransfer,
        Self::CryptoAddress,
    ];

    /// The word in the database, the command line and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TelegramChannelId => "telegram_channel_id",
            Self::CompanyEmail => "company_email",
            Self::Stripe => "provider_stripe",
            Self::Paypal => "provider_paypal",
            Self::MtnMomo => "provider_mtn_momo",
            Self::Fedapay => "provider_fedapay",
            Self::Btcpay => "provider_btcpay",
            Self::BankTransfer => "provider_bank_transfer",
            Self::CryptoAddress => "provider_crypto_address",
        }
    }

    /// The payment provider that it sets up.
    pub fn provider(self) -> Option<&'static str> {
        self.as_str().strip_prefix("provider_")
    }

    /// What it is for, and what it may hold.
    pub const fn description(self) -> &'static str {
        match self {
            Self::TelegramChannelId => "chat id of the Telegram channel that is sold, such as -1001234567890",
            Self::CompanyEmail => "address that alerts are mailed to",
            Self::Stripe => "a JSON document as docs/providers/stripe.md tells",
            Self::Paypal => "a JSON document as docs/providers/paypal.md tells",
            Self::MtnMomo => "a JSON document as docs/providers/mtn_momo.md tells",
            Self::Fedapay => "a JSON document as docs/providers/fedapay.md tells",
            Self::Btcpay => "a JSON document as docs/providers/btcpay.md tells",
            Self::BankTransfer => "a JSON document as docs/providers/bank_transfer.md tells",
            Self::CryptoAddress => "a JSON document as docs/providers/crypto_address.md tells",
        }
    }

    fn check(self, app: &App, value: &SecretString) -> Result<(), SettingError> {
        if let Some(code) = self.provider() {
            return match app.connect_provider(code, value) {
                Ok(_) => Ok(()),
                Err(DocumentError::Store(error)) => Err(error.into()),
                Err(DocumentError::Connect(error)) => Err(SettingError::Provider { key: self, why: error }),
            };
        }
        let value = value.expose_secret();
        let fits = match self {
            // Channels and supergroups have negative ids (Bot API, Chat.id: at most 52 significant bits).
            Self::TelegramChannelId => value.parse::<i64>().is_ok_and(|id| id < 0 && id > -(1 << 52)),
            Self::CompanyEmail => crate::identity::Email::parse(value).is_ok(),
            _ => true,
        };
        if fits { Ok(()) } else { Err(SettingError::Invalid(self)) }
    }
}

impl FromStr for Key {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        Self::ALL.into_iter().find(|key| key.as_str() == text).ok_or(SettingError::UnknownKey)
    }
}

/// Why a setting was not changed.
#[derive(Debug, Error)]
pub enum SettingError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such key.
    #[error("unknown setting; `calmness settings list` tells which there are")]
    UnknownKey,
    /// The value does not fit the key.
    #[error("{} must be: {}", .0.as_str(), .0.description())]
    Invalid(Key),
    /// The document cannot be used.
    #[error("{}: {why}", .key.as_str())]
    Provider {
        /// Which.
        key: Key,
        /// Why not.
        why: ConnectError,
    },
}
tx_error!(SettingError);

/// Settings in memory.
#[derive(Default)]
pub struct Settings(RwLock<Arc<HashMap<Key, SecretString>>>);

impl Settings {
    /// Reads and decrypts all of them.
    pub async fn load(db: &PgPool, keys: &Keys) -> Result<Self, StoreError> {
        let settings = Self::default();
        settings.reload(db, keys).await?;
        Ok(settings)
    }

    /// Reads them again.
    pub async fn reload(&self, db: impl PgExecutor<'_>, keys: &Keys) -> Result<(), StoreError> {
        let rows =
            sqlx::query!("SELECT key, row_id, value_encrypted FROM admin_config").fetch_all(db).await?;
        let mut values = HashMap::with_capacity(rows.len());
        for row in rows {
            // A key of a later version is not ours to read.
            let Ok(key) = row.key.parse::<Key>() else { continue };
            values.insert(key, keys.open_text(&VALUE, row.row_id, &row.value_encrypted)?);
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(values);
        Ok(())
    }

    fn get(&self, key: Key) -> Option<SecretString> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    /// The chat of the default channel.
    pub fn telegram_channel_id(&self) -> Option<i64> {
        self.get(Key::TelegramChannelId)?.expose_secret().parse().ok()
    }

    /// Where alerts are mailed.
    pub fn company_email(&self) -> Option<String> {
        self.get(Key::CompanyEmail).map(|value| value.expose_secret().to_owned())
    }

    /// The document of a payment provider.
    pub(crate) fn provider(&self, code: &str) -> Option<SecretString> {
        let key = Key::ALL.into_iter().find(|key| key.provider() == Some(code))?;
        self.get(key)
    }

    /// Whether a key has exactly this value.
    pub fn holds(&self, key: Key, value: &str) -> bool {
        self.get(key).is_some_and(|known| known.expose_secret() == value)
    }

    /// Whether a key is set.
    pub fn is_set(&self, key: Key) -> bool {
        self.get(key).is_some()
    }
}

impl App {
    /// Sets a value. The audit log tells that it changed, never what it is.
    pub async fn set_setting(&self, context: &Context, key: Key, value: &str) -> Result<(), SettingError> {
        let value = SecretString::from(value);
        key.check(self, &value)?;
        let row = uuid::Builder::from_random_bytes(crypto::random::bytes(&**self.random())).into_uuid();
        self.tx("set_setting", context, |tx| {
            let value = &value;
            async move {
                // The row keeps its id for life: the ciphertext is bound to it.
                let known = sqlx::query_scalar!(
                    "SELECT row_id FROM admin_config WHERE key = $1 FOR UPDATE",
                    key.as_str()
                )
                .fetch_optional(tx.db())
                .await?;
                let row: Uuid = known.unwrap_or(row);
                let sealed =
                    self.keys().seal(&**self.random(), &VALUE, row, value.expose_secret().as_bytes())?;
                let now = tx.wall();
                let version = sqlx::query_scalar!(
                    "INSERT INTO admin_config AS old (key, row_id, value_encrypted, updated_at)
                     VALUES ($1, $2, $3, $4)
                     ON CONFLICT (key)
                     DO UPDATE SET value_encrypted = EXCLUDED.value_encrypted,
                                   version = old.version + 1,
                                   updated_at = EXCLUDED.updated_at
                     RETURNING version",
                    key.as_str(),
                    row,
                    sealed,
                    now
                )
                .fetch_one(tx.db())
                .await?;
                let entry = audit::Entry {
                    action: "setting.changed",
                    subject_kind: "setting",
                    subject_id: key.as_str().to_owned(),
                    user: None,
                    details: json!({ "version": version }),
                };
                Ok::<_, SettingError>(audit::record(tx, entry).await?)
            }
            .scope_boxed()
        })
        .await?;
        self.settings().reload(self.db(), self.keys()).await?;
        self.reconnect_providers();
        Ok(())
    }
}
