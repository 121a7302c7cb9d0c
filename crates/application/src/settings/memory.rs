//! Settings in memory, on every instance.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crypto::envelope::Label;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgExecutor, PgPool};

use super::Key;
use crate::keys::Keys;
use crate::tx::StoreError;

pub(super) const VALUE: Label = Label::new("admin_config", "value_encrypted");

/// What the configuration gives: it wins over a setting.
pub type FixedSettings = HashMap<Key, SecretString>;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The environment or a configuration file.
    Environment,
    /// An admin's setting.
    Setting,
    /// Nobody has given it: the product's own, or none.
    Default,
}

impl Source {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Setting => "setting",
            Self::Default => "default",
        }
    }
}

/// Settings in memory.
#[derive(Default)]
pub struct Settings {
    fixed: FixedSettings,
    stored: RwLock<Arc<HashMap<Key, SecretString>>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads and decrypts all of them, beside what the configuration gives.
    pub async fn load(db: &PgPool, keys: &Keys, fixed: FixedSettings) -> Result<Self, StoreError> {
        let settings = Self { fixed, stored: RwLock::default() };
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
        *self.stored.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(values);
        Ok(())
    }

    /// What is in force.
    pub(crate) fn value(&self, key: Key) -> Option<SecretString> {
        if let Some(given) = self.fixed.get(&key) {
            return Some(given.clone());
        }
        let stored = self.stored.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        stored.or_else(|| key.default_value().map(SecretString::from))
    }

    /// Where what is in force comes from.
    pub fn source(&self, key: Key) -> Source {
        if self.fixed.contains_key(&key) {
            return Source::Environment;
        }
        let stored = self.stored.read().unwrap_or_else(PoisonError::into_inner).contains_key(&key);
        if stored { Source::Setting } else { Source::Default }
    }

    fn text(&self, key: Key) -> Option<String> {
        self.value(key).map(|value| value.expose_secret().to_owned())
    }

    /// The chat of the default channel.
    pub fn telegram_channel_id(&self) -> Option<i64> {
        self.value(Key::TelegramChannelId)?.expose_secret().parse().ok()
    }

    /// Where alerts are mailed.
    pub fn company_email(&self) -> Option<String> {
        self.text(Key::CompanyEmail)
    }

    /// The company's name, if it was set.
    pub(super) fn company_name(&self) -> Option<String> {
        self.text(Key::CompanyName)
    }

    /// Who mail is from.
    pub(super) fn mail_from(&self) -> Option<String> {
        self.text(Key::MailFrom)
    }

    /// How long a confirmed receiving address waits, in hours.
    pub(super) fn cooling_hours(&self) -> i64 {
        let set = self.value(Key::ReceivingCoolingHours);
        let hours = set.and_then(|value| value.expose_secret().parse().ok());
        hours.unwrap_or(24)
    }

    /// The document of a payment provider.
    pub(crate) fn provider(&self, code: &str) -> Option<SecretString> {
        let key = Key::ALL.into_iter().find(|key| key.provider() == Some(code))?;
        self.value(key)
    }

    /// Whether a key has exactly this value.
    pub fn holds(&self, key: Key, value: &str) -> bool {
        self.value(key).is_some_and(|known| known.expose_secret() == value)
    }

    /// Whether somebody has given a key a value.
    pub fn is_set(&self, key: Key) -> bool {
        self.source(key) != Source::Default
    }
}
