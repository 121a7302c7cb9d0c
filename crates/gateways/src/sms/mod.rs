//! Codes by SMS through Twilio, in one of two ways.
//!
//! With [`Messages`] the code is ours: we make it, keep its hash and have a text sent, whose way to the phone Twilio reports by signed
//! callbacks. With [`Verify`] Twilio makes the code, keeps it and checks it. Each message costs money, Twilio knows no idempotency key,
//! and whoever can make us send can spend our money: so nothing here repeats a call, and every error says whether a message may be on its
//! way all the same ([`SmsError::may_be_sent`]). Phone numbers, codes and texts appear in no log, error or `Debug`.

mod account;
mod callback;
mod error;
mod messages;

mod settings;
mod sid;
mod verify;

pub use self::callback::{CallbackError, MessageStatus, SIGNATURE_HEADER, StatusCallback};
pub use self::error::SmsError;
pub use self::messages::{MAX_TEXT, Messages, SentMessage};
pub use self::settings::{ApiKey, Sender, Sending, SettingsError, TwilioSettings};
pub use self::sid::{MessageSid, SidError, VerificationSid, is_sid};
pub use self::verify::{Checked, Verify};
pub use crate::phone::{CallingPrefix, PhoneNumber, PhoneNumberError};

use self::account::Account;
use self::settings::Way;
use crate::http::HttpClient;

/// A Twilio account, set up for one way of sending. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Twilio {
    /// We make the code, Twilio carries it.
    Messages(Messages),
    /// Twilio makes, carries and checks the code.
    Verify(Verify),
}

impl Twilio {
    /// The account that `settings` describes. Nothing is called yet.
    pub fn new(settings: TwilioSettings, http: HttpClient) -> Result<Self, SettingsError> {
        let checked = settings.check()?;
        Ok(match checked.way {
            Way::Messages(way) => {
                let account = Account::new(way.base, checked.credentials, http);
                Self::Messages(Messages::new(account, &checked.account_sid, way.sender, way.callbacks))
            }
            Way::Verify { base, service_sid } => {
                Self::Verify(Verify::new(Account::new(base, checked.credentials, http), &service_sid))
            }
        })
    }
}

#[cfg(test)]
mod tests;
