//! Programmable Messaging: a text of ours to a number, and Twilio's reports about it.

use serde::Deserialize;

use super::account::{self, Account};
use super::callback::{CallbackError, Callbacks, MessageStatus, StatusCallback};
use super::error::SmsError;
use super::settings::Sender;
use super::sid::MessageSid;
use crate::phone::PhoneNumber;

/// The longest text that Twilio takes, in characters; past 160 (70 outside of GSM-7) it is charged as several.
pub const MAX_TEXT: usize = 1600;

const SHOWN_PATH: &str = "/2010-04-01/Accounts/{AccountSid}/Messages.json";

/// The account, for texts of ours. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Messages {
    account: Account,
    path: String,
    sender: Sender,
    callbacks: Callbacks,
}

/// A message as Twilio accepted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMessage {
    /// Its name in callbacks.
    pub sid: MessageSid,
    /// How far it was when the answer left: as a rule queued or accepted.
    pub status: MessageStatus,
}

#[derive(Debug, Deserialize)]
struct Created {
    sid: String,
    status: String,
}

impl Messages {
    pub(super) fn new(account: Account, account_sid: &str, sender: Sender, callbacks: Callbacks) -> Self {
        let path = format!("2010-04-01/Accounts/{account_sid}/Messages.json");
        Self { account, path, sender, callbacks }
    }

    /// Sends one text. Twilio knows no idempotency key: asked twice, it sends twice.
    pub async fn send(&self, to: &PhoneNumber, text: &str) -> Result<SentMessage, SmsError> {
        let length = text.chars().count();
        if length == 0 || length > MAX_TEXT {
            return Err(SmsError::Refused(format!("a text has 1 to {MAX_TEXT} characters")));
        }
        let from = match &self.sender {
            Sender::From(from) => ("From", from.as_str()),
            Sender::Service(sid) => ("MessagingServiceSid", sid.as_str()),
        };
        let form = [("To", to.as_e164()), from, ("Body", text), ("StatusCallback", self.callbacks.url())];
        let answer = self.account.post(&self.path, SHOWN_PATH, &form).await?;
        let created: Created = account::read(&answer)?;
        let sid = MessageSid::parse(&created.sid)
            .map_err(|_| SmsError::Unknown("accepted, but the message has no usable name".to_owned()))?;
        Ok(SentMessage { sid, status: MessageStatus::read(&created.status) })
    }

    /// Reads a status callback: verifies the raw form first, then reads it. `signature` is the header [`super::SIGNATURE_HEADER`].
    pub fn read_callback(
        &self,
        signature: Option<&str>,
        body: &[u8],
    ) -> Result<StatusCallback, CallbackError> {
        self.callbacks.read(signature, body)
    }
}
