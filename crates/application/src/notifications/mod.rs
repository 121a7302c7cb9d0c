//! Messages owed to people: mails, and what the bot says.
//!
//! A message is owed in the transaction of what it tells, under a key that is unique in the database, so it is owed
//! once whatever races. It is sent after the commit with a Message-ID made from its row, so a repetition after a
//! crash is the same mail.

pub mod render;
mod send;
mod store;

use crypto::envelope::Label;
use domain::ids::{NotificationId, PaymentId, UserId};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::send::NotificationWork;
use crate::app::App;
use crate::text::Locale;
use crate::tx::{StoreError, Tx};

const SECRET: Label = Label::new("notifications", "secret_encrypted");

/// What a message tells; its words are chosen when it is sent. Instants are microseconds since 1970.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// Confirms the address of a registration; the token is the message's secret.
    Verification,
    /// Somebody registered an address that has an account.
    AlreadyRegistered,
    /// A payment settled.
    PaymentConfirmed {
        /// Which.
        payment: PaymentId,
        /// When access now ends.
        ends_at_us: i64,
    },
    /// Access ends within two days.
    Reminder {
        /// When.
        ends_at_us: i64,
    },
    /// Access has ended.
    SubscriptionEnded {
        /// When.
        ended_at_us: i64,
    },
    /// An inconsistency, for the company.
    Alert {
        /// What kind.
        #[serde(rename = "alert")]
        kind: String,
        /// Which condition.
        condition: String,
        /// What is known.
        details: Value,
    },
    /// The bot: linked, and here is the way in.
    BotLinkedWithInvite {
        /// The invite link.
        link: String,
    },
    /// The bot: linked, but nothing is paid for.
    BotLinkedWithoutAccess,
    /// The bot: that link was used or is too old.
    BotLinkInvalid,
    /// The bot: what it is for.
    BotHelp,
    /// The bot: access has ended.
    BotRemoved,
    /// The bot: access was opened.
    BotOpened {
        /// Until when.
        ends_at_us: i64,
        /// The invite link.
        link: String,
    },
}

impl Content {
    /// The word in the database.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::AlreadyRegistered => "already_registered",
            Self::PaymentConfirmed { .. } => "payment_confirmed",
            Self::Reminder { .. } => "reminder",
            Self::SubscriptionEnded { .. } => "subscription_ended",
            Self::Alert { .. } => "alert",
            Self::BotLinkedWithInvite { .. } => "bot_linked_with_invite",
            Self::BotLinkedWithoutAccess => "bot_linked_without_access",
            Self::BotLinkInvalid => "bot_link_invalid",
            Self::BotHelp => "bot_help",
            Self::BotRemoved => "bot_removed",
            Self::BotOpened { .. } => "bot_opened",
        }
    }
}

/// Who a message is for.
#[derive(Clone, Debug)]
pub enum Recipient {
    /// A user, at the address and in the language that they have when it is sent.
    User(UserId),
    /// An address that is not a user's yet.
    Address {
        /// Where.
        address: String,
        /// In which language.
        locale: Locale,
    },
    /// The company's address.
    Company,
    /// A Telegram account, through the bot.
    Telegram {
        /// Which.
        account: i64,
        /// Whose it is, if bound.
        user: Option<UserId>,
        /// In which language, if it is nobody's.
        locale: Locale,
    },
}

/// Owes a message, once per `dedupe_key`. Says whether it was not owed before.
pub async fn owe(
    tx: &mut Tx,
    id: NotificationId,
    dedupe_key: &str,
    recipient: Recipient,
    content: Content,
    secret: Option<Vec<u8>>,
) -> Result<bool, StoreError> {
    let owed = store::insert(tx, id, dedupe_key, &recipient, &content, secret).await?;
    if owed {
        tx.owe_work();
    }
    Ok(owed)
}

/// Encrypts what a message must say and nobody may read in the database.
pub fn seal_secret(app: &App, id: NotificationId, secret: &SecretString) -> Result<Vec<u8>, StoreError> {
    app.keys().seal(&**app.random(), &SECRET, id.uuid(), secret.expose_secret().as_bytes())
}
