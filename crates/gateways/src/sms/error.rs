//! What went wrong, in the two words that matter: may a message be on its way, and may the same be asked again.
//!
//! Twilio's numbers decide (twilio.com/docs/api/errors); its sentences repeat the phone number and are never shown.

use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use crate::http::{Answer, CallError};

/// How long to stay away when a 429 does not say.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(5);

/// The longest time that a 429 can send us away.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// How long Verify refuses a number whose sends or checks are used up: the life of a verification.
pub(super) const VERIFICATION_LIFE: Duration = Duration::from_mins(10);

/// Why a call did not do what it was asked to.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SmsError {
    /// Twilio asks to come back later: nothing was sent.
    #[error("too many calls, again in {} s", after.as_secs())]
    RetryAfter {
        /// How long to stay away.
        after: Duration,
    },
    /// The call never left: safe to repeat.
    #[error("Twilio cannot be reached: {0}")]
    Unavailable(String),
    /// Nobody knows whether a message was sent: repeating may send a second one.
    #[error("Twilio's answer is unknown: {0}")]
    Unknown(String),
    /// Verify sends no more codes to this number, or checks no more, until the present code has ended.
    #[error("the codes for this number are used up for ten minutes (error {code})")]
    UsedUp {
        /// Twilio's number for it.
        code: u32,
    },
    /// There is no such number, or it takes no SMS: the person has to give another one.
    #[error("the phone number cannot be written to (error {code})")]
    BadNumber {
        /// Twilio's number for it.
        code: u32,
    },
    /// The owner of the number answered STOP: only they can mend it.
    #[error("the phone number has unsubscribed")]
    Unsubscribed,
    /// The account may not write to the number's country, or Twilio's guard against fraud has closed it.
    #[error("the phone number's country or prefix is blocked (error {code})")]
    BlockedRegion {
        /// Twilio's number for it.
        code: u32,
    },
    /// The account's SID, token or key was refused: an operator has to look.
    #[error("Twilio refuses our credentials")]
    BadCredentials,
    /// Any other refusal: nothing was sent, and repeating changes nothing until an operator has looked.
    #[error("Twilio refused: {0}")]
    Refused(String),
}

impl SmsError {
    /// Whether a message may be on its way all the same, and has to be counted as spent.
    pub fn may_be_sent(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Whether the same call may succeed later without anybody doing anything. Where [`Self::may_be_sent`] holds too, the price of
    /// trying is perhaps a second message.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::RetryAfter { .. } | Self::Unavailable(_) | Self::Unknown(_) | Self::UsedUp { .. }
        )
    }

    /// Whether the number is at fault, which the person who gave it should be told.
    pub fn is_about_the_number(&self) -> bool {
        matches!(self, Self::BadNumber { .. } | Self::Unsubscribed | Self::BlockedRegion { .. })
    }

    /// How long to stay away, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RetryAfter { after } => Some(*after),
            Self::UsedUp { .. } => Some(VERIFICATION_LIFE),
            _ => None,
        }
    }
}

impl From<CallError> for SmsError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NotSent(reason) => Self::Unavailable(reason),
            CallError::Unknown(reason) => Self::Unknown(reason),
        }
    }
}

/// `{"code":21211,"message":…,"more_info":…,"status":400}`
#[derive(Debug, Deserialize)]
struct Refusal {
    code: u32,
}

/// Twilio's number for the refusal, if the answer is Twilio's own: the page of a proxy in between has none.
pub(super) fn error_code(answer: &Answer) -> Option<u32> {
    serde_json::from_slice::<Refusal>(&answer.body).ok().map(|refusal| refusal.code)
}

/// What an answer other than the awaited one says.
pub(super) fn refusal(answer: &Answer) -> SmsError {
    let status = answer.status;
    let Some(code) = error_code(answer).filter(|_| (400..500).contains(&status)) else {
        return match status {
            // Whoever says this, Twilio or what stands before it, did not let the call through.
            429 => SmsError::RetryAfter { after: retry_after(answer) },
            _ => SmsError::Unknown(format!("status {status}")),
        };
    };
    match (status, code) {
        (401, _) | (_, 20003) => SmsError::BadCredentials,
        // Invalid, not routable, a landline; 60200 is Verify's word for a parameter that it can't read.
        (_, 21211 | 21401 | 21421 | 21612 | 21614 | 60200 | 60205) => SmsError::BadNumber { code },
        (_, 21610) => SmsError::Unsubscribed,
        (_, 21408 | 60238 | 60410 | 60605) => SmsError::BlockedRegion { code },
        (_, 60202 | 60203) => SmsError::UsedUp { code },
        (429, _) => SmsError::RetryAfter { after: retry_after(answer) },
        _ => SmsError::Refused(format!("status {status}, error {code}")),
    }
}

fn retry_after(answer: &Answer) -> Duration {
    answer.retry_after.unwrap_or(DEFAULT_RETRY_AFTER).clamp(Duration::from_secs(1), MAX_RETRY_AFTER)
}
