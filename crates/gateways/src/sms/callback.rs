//! Twilio's reports on a message: who signed them, and what they say.
//!
//! They are forms, signed over the address that Twilio called (`crypto::signature::twilio`). What Twilio posts as JSON is signed over an
//! address with a `bodySHA256` in its query instead; nothing of ours asks for that, so it does not verify.

use std::fmt;

use crypto::signature::SignatureError;
use crypto::signature::twilio::{self, AuthToken};
use reqwest::Url;
use thiserror::Error;

use super::settings::SettingsError;
use super::sid::MessageSid;
use crate::phone::PhoneNumber;

/// The header that carries the signature, in lower case.
pub const SIGNATURE_HEADER: &str = "x-twilio-signature";

/// The most parameters that a form is read for; Twilio sends about a dozen. A longer form does not verify.
const MAX_PARAMETERS: usize = 100;

/// The longest status that is kept, in bytes.
const MAX_STATUS: usize = 32;

/// How far a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageStatus {
    /// Taken by a messaging service, which has not chosen a sender yet.
    Accepted,
    /// To be sent later.
    Scheduled,
    /// Waiting to leave.
    Queued,
    /// On its way to the carrier.
    Sending,
    /// The carrier has it.
    Sent,
    /// The carrier says that the phone has it.
    Delivered,
    /// The carrier says that the phone does not have it.
    Undelivered,
    /// It never left.
    Failed,
    /// Called back before it left.
    Canceled,
    /// The person opened it, where the channel tells.
    Read,
    /// A status that nobody here knows.
    Unknown(String),
}

impl MessageStatus {
    /// Reads Twilio's word.
    pub fn read(word: &str) -> Self {
        match word {
            "accepted" => Self::Accepted,
            "scheduled" => Self::Scheduled,
            "queued" => Self::Queued,
            "sending" => Self::Sending,
            "sent" => Self::Sent,
            "delivered" => Self::Delivered,
            "undelivered" => Self::Undelivered,
            "failed" => Self::Failed,
            "canceled" => Self::Canceled,
            "read" => Self::Read,
            other => Self::Unknown(
                other
                    .chars()
                    .filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'))
                    .take(MAX_STATUS)
                    .collect(),
            ),
        }
    }

    /// Twilio's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Accepted => "accepted",
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Read => "read",
            Self::Unknown(word) => word,
        }
    }

    /// Whether the person will not get the message.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Undelivered | Self::Failed | Self::Canceled)
    }

    /// Whether this comes after `earlier` in a message's life. Callbacks overtake each other and can be replayed, so only what comes
    /// after is applied; an unknown status comes after nothing.
    pub fn follows(&self, earlier: &Self) -> bool {
        self.stage() > earlier.stage()
    }

    fn stage(&self) -> u8 {
        match self {
            Self::Unknown(_) => 0,
            Self::Accepted | Self::Scheduled => 1,
            Self::Queued => 2,
            Self::Sending => 3,
            Self::Sent => 4,
            Self::Delivered | Self::Undelivered | Self::Failed | Self::Canceled => 5,
            Self::Read => 6,
        }
    }
}

/// A verified report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusCallback {
    /// Which message.
    pub message_sid: MessageSid,
    /// How far it is.
    pub status: MessageStatus,
    /// Twilio's number for what went wrong, where something did.
    pub error_code: Option<u32>,
    /// Who it was sent to.
    pub to: Option<PhoneNumber>,
}

/// Why a callback was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CallbackError {
    /// A missing or wrong signature; nothing of it is kept but a count.
    #[error("the signature was refused: {0}")]
    Unverified(SignatureError),
    /// Signed by Twilio, and yet no report on a message of this account.
    #[error("the signed form could not be read: {0}")]
    Malformed(&'static str),
}

/// What callbacks are verified with.
#[derive(Clone)]
pub(super) struct Callbacks {
    url: String,
    tokens: Vec<AuthToken>,
    account_sid: String,
}

impl Callbacks {
    /// `url` is signed byte for byte, so it is kept as it was written; a fragment would never be sent.
    pub(super) fn new(
        url: String,
        tokens: Vec<AuthToken>,
        account_sid: String,
    ) -> Result<Self, SettingsError> {
        let parsed = Url::parse(&url).ok();
        let usable = parsed.is_some_and(|parsed| {
            matches!(parsed.scheme(), "http" | "https")
                && parsed.username().is_empty()
                && parsed.password().is_none()
                && parsed.query().is_none()
                && parsed.fragment().is_none()
        });
        if !usable {
            return Err(SettingsError::Address("status_callback_url"));
        }
        Ok(Self { url, tokens, account_sid })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn read(&self, signature: Option<&str>, body: &[u8]) -> Result<StatusCallback, CallbackError> {
        let form: Vec<(String, String)> =
            form_urlencoded::parse(body).into_owned().take(MAX_PARAMETERS).collect();
        twilio::verify(&self.tokens, signature, &self.url, &form).map_err(CallbackError::Unverified)?;
        let account = single(&form, "AccountSid")?;
        if account.is_some_and(|account| account != self.account_sid) {
            return Err(CallbackError::Malformed("it is another account's"));
        }
        let sid = single(&form, "MessageSid")?.ok_or(CallbackError::Malformed("it names no message"))?;
        let status = single(&form, "MessageStatus")?.ok_or(CallbackError::Malformed("it has no status"))?;
        Ok(StatusCallback {
            message_sid: MessageSid::parse(sid)
                .map_err(|_| CallbackError::Malformed("the message's name is none"))?,
            status: MessageStatus::read(status),
            error_code: single(&form, "ErrorCode")?.and_then(|code| code.parse().ok()),
            to: single(&form, "To")?.and_then(|to| PhoneNumber::parse(to).ok()),
        })
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The value of a parameter that must not contradict itself.
fn single<'a>(form: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, CallbackError> {
    let mut values = form.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
    let value = values.next();
    if values.any(|other| Some(other) != value) {
        return Err(CallbackError::Malformed("a parameter has two values"));
    }
    Ok(value)
}
