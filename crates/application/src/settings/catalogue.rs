//! What can be set.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::SettingError;

/// What can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
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
    /// The sender's name in mails and on pages.
    CompanyName,
    /// The sender's address of mails.
    MailFrom,
    /// The server that mail is handed to.
    SmtpUrl,
    /// The bot's token.
    TelegramBotToken,
    /// How long a confirmed receiving address waits.
    ReceivingCoolingHours,
}

impl Key {
    /// Every key, for lists.
    pub const ALL: [Self; 14] = [
        Self::TelegramChannelId,
        Self::CompanyEmail,
        Self::Stripe,
        Self::Paypal,
        Self::MtnMomo,
        Self::Fedapay,
        Self::Btcpay,
        Self::BankTransfer,
        Self::CryptoAddress,
        Self::CompanyName,
        Self::MailFrom,
        Self::SmtpUrl,
        Self::TelegramBotToken,
        Self::ReceivingCoolingHours,
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
            Self::CompanyName => "company_name",
            Self::MailFrom => "mail_from",
            Self::SmtpUrl => "smtp_url",
            Self::TelegramBotToken => "telegram_bot_token",
            Self::ReceivingCoolingHours => "receiving_cooling_hours",
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
            Self::CompanyName => "the company's name in mails and on pages, of 1 to 100 characters",
            Self::MailFrom => "the sender of mails, such as Calmness <no-reply@mail.example>",
            Self::SmtpUrl => {
                "the mail server, smtps://user:password@host:465 or smtp://user:password@host:587"
            }
            Self::TelegramBotToken => "the bot's token as BotFather gives it, such as 123456:ABC…",
            Self::ReceivingCoolingHours => {
                "hours that a confirmed receiving address waits before it is used, 1 to 720"
            }
        }
    }

    /// What it is where nobody has set it.
    pub const fn default_value(self) -> Option<&'static str> {
        match self {
            Self::ReceivingCoolingHours => Some("24"),
            _ => None,
        }
    }

    /// Whether it is written and never read: people see a fingerprint.
    pub const fn is_secret(self) -> bool {
        matches!(
            self,
            Self::Stripe
                | Self::Paypal
                | Self::MtnMomo
                | Self::Fedapay
                | Self::Btcpay
                | Self::SmtpUrl
                | Self::TelegramBotToken
        )
    }

    /// Whether payers send money to what stands in it.
    pub const fn is_receiving(self) -> bool {
        matches!(self, Self::BankTransfer | Self::CryptoAddress)
    }

    /// Whether a new value needs a second confirmation. The first one redirects nothing; the cooling time alone is in
    /// force before anybody has set it.
    pub const fn needs_approval(self, set_before: bool) -> bool {
        match self {
            Self::CompanyName => false,
            Self::ReceivingCoolingHours => true,
            _ => set_before,
        }
    }
}

impl FromStr for Key {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        Self::ALL.into_iter().find(|key| key.as_str() == text).ok_or(SettingError::UnknownKey)
    }
}

impl TryFrom<String> for Key {
    type Error = SettingError;

    fn try_from(text: String) -> Result<Self, SettingError> {
        text.parse()
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.as_str().to_owned()
    }
}
