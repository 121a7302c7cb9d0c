//! Messages owed to people: mails, and what the bot says.
//!
//! A message is owed in the transaction of what it tells, under a key that is unique in the database, so it is owed
//! once whatever races. It is sent after the commit with a Message-ID made from its row, so a repetition after a
//! crash is the same mail.

mod admin;
pub mod render;
mod send;
mod store;

use crypto::envelope::Label;
use domain::ids::{ApprovalId, NotificationId, PaymentId, UserId};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::send::NotificationWork;
use crate::app::App;
use crate::incident::Act;
use crate::text::Locale;
use crate::tx::{StoreError, Tx};

const SECRET: Label = Label::new("notifications", "secret_encrypted");

/// What a message tells; its words are chosen when it is sent. Instants are microseconds since 1970.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// Confirms the address of a registration; the token is the message's secret.
    Verification,
    /// Asks for new links, one for each registration of the address that waits. It is no mail itself.
    VerificationAgain,
    /// Somebody registered an address that has an account.
    AlreadyRegistered,
    /// Chooses a new password; the token is the message's secret. Whether anybody has the address is found out when it is
    /// sent.
    PasswordReset,
    /// Something about how an account is guarded has changed.
    Security {
        /// What.
        event: SecurityEvent,
        /// What the browser or program says it is; empty if unknown.
        user_agent: String,
        /// The network, short of the address; empty if unknown.
        network: String,
        /// When (wall time).
        at_us: i64,
    },
    /// A machine's key ends soon.
    ApiKeyEnding {
        /// What its owner calls it.
        name: String,
        /// When (wall time).
        ends_at_us: i64,
    },
    /// The account was erased.
    Erased,
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
    /// The operator's people acted in an emergency; every admin hears of it.
    Incident {
        /// What they did.
        act: Act,
        /// Which admin; none where it was done on the machine.
        by: Option<UserId>,
        /// Why, in their words.
        reason: String,
        /// When (wall time).
        at_us: i64,
    },
    /// An admin asks for a second confirmation, for all admins.
    ApprovalRequested {
        /// Of what.
        approval: ApprovalId,
    },
    /// A second confirmation was given and what it was for is done, for all admins.
    ApprovalDone {
        /// Which.
        approval: ApprovalId,
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

/// What may change about how an account is guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecurityEvent {
    /// The owner chose a new password.
    PasswordChanged,
    /// A new password was chosen by a mailed link.
    PasswordReset,
    /// An authenticator app was added.
    TotpEnabled,
    /// The authenticator app was removed.
    TotpDisabled,
    /// A telephone was added.
    SmsEnabled,
    /// The telephone was removed.
    SmsDisabled,
    /// There are new recovery codes.
    RecoveryCodesReplaced,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// Somebody logged in from a device that was not known.
    NewDevice,
    /// A session's token came back after it was exchanged.
    SessionStolen,
    /// Somebody keeps trying passwords.
    UnderAttack,
    /// Somebody knows the password and keeps trying codes.
    CodesTried,
    /// The account was frozen.
    AccountFrozen,
    /// The freeze was lifted.
    AccountUnfrozen,
    /// A machine's key was made.
    ApiKeyCreated,
    /// The account will be erased.
    ErasureRequested,
    /// The account will not be erased.
    ErasureCancelled,
}

impl SecurityEvent {
    /// Every event.
    pub const ALL: [Self; 17] = [
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::TotpEnabled,
        Self::TotpDisabled,
        Self::SmsEnabled,
        Self::SmsDisabled,
        Self::RecoveryCodesReplaced,
        Self::RecoveryCodeUsed,
        Self::NewDevice,
        Self::SessionStolen,
        Self::UnderAttack,
        Self::CodesTried,
        Self::AccountFrozen,
        Self::AccountUnfrozen,
        Self::ApiKeyCreated,
        Self::ErasureRequested,
        Self::ErasureCancelled,
    ];

    /// The word in the catalogues of texts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PasswordChanged => "password-changed",
            Self::PasswordReset => "password-reset",
            Self::TotpEnabled => "totp-enabled",
            Self::TotpDisabled => "totp-disabled",
            Self::SmsEnabled => "sms-enabled",
            Self::SmsDisabled => "sms-disabled",
            Self::RecoveryCodesReplaced => "recovery-codes-replaced",
            Self::RecoveryCodeUsed => "recovery-code-used",
            Self::NewDevice => "new-device",
            Self::SessionStolen => "session-stolen",
            Self::UnderAttack => "under-attack",
            Self::CodesTried => "codes-tried",
            Self::AccountFrozen => "account-frozen",
            Self::AccountUnfrozen => "account-unfrozen",
            Self::ApiKeyCreated => "api-key-created",
            Self::ErasureRequested => "erasure-requested",
            Self::ErasureCancelled => "erasure-cancelled",
        }
    }
}

impl Content {
    /// The word in the database.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::VerificationAgain => "verification_again",
            Self::AlreadyRegistered => "already_registered",
            Self::PasswordReset => "password_reset",
            Self::Security { .. } => "security",
            Self::ApiKeyEnding { .. } => "api_key_ending",
            Self::Erased => "erased",
            Self::PaymentConfirmed { .. } => "payment_confirmed",
            Self::Reminder { .. } => "reminder",
            Self::SubscriptionEnded { .. } => "subscription_ended",
            Self::Alert { .. } => "alert",
            Self::Incident { .. } => "incident",
            Self::ApprovalRequested { .. } => "approval_requested",
            Self::ApprovalDone { .. } => "approval_done",
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
