//! Verify v2: Twilio makes a code, sends it and checks what the person types.
//!
//! A verification lives ten minutes. Asked again for the same number meanwhile, Verify sends the *same* code under the same name; so a
//! code belongs to the number, and only [`Verify::cancel`] makes the next one new. Five sends and five checks are allowed.

use serde::Deserialize;

use super::account::{self, Account};
use super::error::{SmsError, error_code};
use super::sid::VerificationSid;
use crate::phone::PhoneNumber;

/// What a code can look like to Verify, in characters.
const CODE: std::ops::RangeInclusive<usize> = 4..=10;

/// The longest language tag that is sent.
const MAX_LOCALE: usize = 10;

/// Twilio's number for "there is no such thing (any more)".
const NOT_FOUND: u32 = 20404;

/// A Verify service, for codes of Twilio's. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Verify {
    account: Account,
    service: String,
}

/// What became of a code that somebody typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is the right one. The verification has ended with that: the same question again is answered with [`Self::Ended`].
    Approved,
    /// It is not; there are tries left.
    Wrong,
    /// The five tries are used up: no code is right any more until the verification's ten minutes are over.
    UsedUp,
    /// The verification has ended: approved before, cancelled, or older than ten minutes.
    Ended,
}

#[derive(Debug, Deserialize)]
struct Verification {
    sid: String,
    to: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Check {
    sid: String,
    status: String,
    valid: Option<bool>,
}

impl Verify {
    pub(super) fn new(account: Account, service_sid: &str) -> Self {
        Self { account, service: format!("v2/Services/{service_sid}") }
    }

    /// Has a code sent. `locale` is the language of the text, like `fr`; without one the number's country decides.
    pub async fn start(&self, to: &PhoneNumber, locale: Option<&str>) -> Result<VerificationSid, SmsError> {
        let mut form = vec![("To", to.as_e164()), ("Channel", "sms")];
        form.extend(locale.filter(|locale| is_locale(locale)).map(|locale| ("Locale", locale)));
        let path = format!("{}/Verifications", self.service);
        let answer = self.account.post(&path, "/v2/Services/{ServiceSid}/Verifications", &form).await?;
        let started: Verification = account::read(&answer)?;
        if started.to.is_some_and(|other| other != to.as_e164()) {
            return Err(SmsError::Unknown("the answer is about another number".to_owned()));
        }
        sid_of(&started.sid)
    }

    /// Asks whether a code is right. Each question is one of the five tries, also one whose answer got lost.
    pub async fn check(&self, verification: &VerificationSid, code: &str) -> Result<Checked, SmsError> {
        // What can't be a code costs no try and no call.
        if !CODE.contains(&code.len()) || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(Checked::Wrong);
        }
        let form = [("VerificationSid", verification.as_str()), ("Code", code)];
        let path = format!("{}/VerificationCheck", self.service);
        let answer = self.account.post(&path, "/v2/Services/{ServiceSid}/VerificationCheck", &form).await?;
        match (answer.status, error_code(&answer)) {
            (404, Some(NOT_FOUND)) => return Ok(Checked::Ended),
            (429, Some(60202)) => return Ok(Checked::UsedUp),
            // "Invalid parameter": the name is Twilio's own, so it means the code.
            (400, Some(60200)) => return Ok(Checked::Wrong),
            _ => {}
        }
        let check: Check = account::read(&answer)?;
        if sid_of(&check.sid)? != *verification {
            return Err(SmsError::Unknown("the answer is about another verification".to_owned()));
        }
        Ok(match (check.status.as_str(), check.valid) {
            ("approved", Some(true) | None) => Checked::Approved,
            ("max_attempts_reached", _) => Checked::UsedUp,
            ("canceled" | "deleted" | "failed" | "expired", _) => Checked::Ended,
            // Pending; and a status that nobody here knows proves nothing.
            _ => Checked::Wrong,
        })
    }

    /// Ends a verification, so that its code is worth nothing and the next one is new. One that has ended already is a success.
    pub async fn cancel(&self, verification: &VerificationSid) -> Result<(), SmsError> {
        let path = format!("{}/Verifications/{verification}", self.service);
        let shown = "/v2/Services/{ServiceSid}/Verifications/{Sid}";
        let answer = self.account.post(&path, shown, &[("Status", "canceled")]).await?;
        if (answer.status, error_code(&answer)) == (404, Some(NOT_FOUND)) {
            return Ok(());
        }
        account::read::<Verification>(&answer).map(drop)
    }
}

fn sid_of(text: &str) -> Result<VerificationSid, SmsError> {
    VerificationSid::parse(text)
        .map_err(|_| SmsError::Unknown("the verification in the answer has no usable name".to_owned()))
}

fn is_locale(text: &str) -> bool {
    (2..=MAX_LOCALE).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
