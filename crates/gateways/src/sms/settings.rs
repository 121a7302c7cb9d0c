//! What an operator sets for Twilio, checked once at the start.

use crypto::signature::WeakSigningSecret;
use crypto::signature::twilio::AuthToken;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use super::account::Credentials;
use super::callback::Callbacks;
use super::sid::is_sid;
use crate::address;
use crate::phone::PhoneNumber;

/// The longest sender that is a name (GSM 03.40), and the lengths of short codes.
const MAX_NAME: usize = 11;
const SHORT_CODE: std::ops::RangeInclusive<usize> = 3..=8;

/// An account of Twilio as configured.
#[derive(Clone, Debug)]
pub struct TwilioSettings {
    /// `AC…`
    pub account_sid: String,
    /// The account's auth tokens, newest first: the first makes our calls, all of them verify callbacks while one rotates.
    pub auth_tokens: Vec<SecretString>,
    /// Makes our calls in place of the auth token. Callbacks are signed with the auth token all the same.
    pub api_key: Option<ApiKey>,
    /// How codes are sent.
    pub sending: Sending,
}

/// An API key of the account, which can be revoked by itself.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// `SK…`
    pub sid: String,
    /// Its secret.
    pub secret: SecretString,
}

/// How codes are sent.
#[derive(Clone, Debug)]
pub enum Sending {
    /// As texts of ours.
    Messages {
        /// Where the API is: `https://api.twilio.com`, or a stand-in.
        api_url: String,
        /// Who they are from.
        sender: Sender,
        /// Our public address for callbacks, exactly as Twilio shall call it.
        status_callback_url: String,
    },
    /// By Verify.
    Verify {
        /// Where the API is: `https://verify.twilio.com`, or a stand-in.
        verify_url: String,
        /// `VA…`
        service_sid: String,
    },
}

/// Who messages are from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A number of the account, a short code, or a name of up to 11 characters where the country allows one.
    From(String),
    /// A messaging service, which chooses: `MG…`
    Service(String),
}

/// Why the settings cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SettingsError {
    /// Not an http or https address, or one with a user, a query or a fragment.
    #[error("{0} must be an http or https address without user, query and fragment")]
    Address(&'static str),
    /// Not a SID of the right kind.
    #[error("{0} must be a SID as Twilio's console shows it: two letters and 32 hex digits")]
    Sid(&'static str),
    /// Neither a number nor a short code nor a name.
    #[error(
        "from must be a phone number like +15005550006, a short code, or a name of up to 11 letters and digits"
    )]
    From,
    /// No token, or one that is too easily guessed.
    #[error("{which}: {why}")]
    Secret {
        /// Which setting.
        which: &'static str,
        /// What is wrong with it.
        why: WeakSigningSecret,
    },
}

pub(super) struct Checked {
    pub(super) account_sid: String,
    pub(super) credentials: Credentials,
    pub(super) way: Way,
}

pub(super) enum Way {
    Messages(MessagesWay),
    Verify { base: Url, service_sid: String },
}

pub(super) struct MessagesWay {
    pub(super) base: Url,
    pub(super) sender: Sender,
    pub(super) callbacks: Callbacks,
}

impl TwilioSettings {
    pub(super) fn check(self) -> Result<Checked, SettingsError> {
        let account_sid = sid("account_sid", &self.account_sid, "AC")?;
        let weak = |why| SettingsError::Secret { which: "auth_tokens", why };
        let tokens: Vec<AuthToken> =
            self.auth_tokens.iter().map(AuthToken::parse).collect::<Result<_, _>>().map_err(weak)?;
        let newest = self.auth_tokens.first().ok_or_else(|| weak(WeakSigningSecret::Empty))?;
        let credentials = match self.api_key {
            None => Credentials { user: account_sid.clone(), password: newest.clone() },
            Some(key) if key.secret.expose_secret().trim().is_empty() => {
                let why = WeakSigningSecret::Empty;
                return Err(SettingsError::Secret { which: "api_key_secret", why });
            }
            Some(key) => Credentials { user: sid("api_key_sid", &key.sid, "SK")?, password: key.secret },
        };
        let way = match self.sending {
            Sending::Messages { api_url, sender, status_callback_url } => Way::Messages(MessagesWay {
                base: address::base(&api_url).ok_or(SettingsError::Address("api_url"))?,
                sender: sender.check()?,
                callbacks: Callbacks::new(status_callback_url, tokens, account_sid.clone())?,
            }),
            Sending::Verify { verify_url, service_sid } => Way::Verify {
                base: address::base(&verify_url).ok_or(SettingsError::Address("verify_url"))?,
                service_sid: sid("verify_service_sid", &service_sid, "VA")?,
            },
        };
        Ok(Checked { account_sid, credentials, way })
    }
}

impl Sender {
    /// Takes a number, a short code or a name.
    pub fn from(text: &str) -> Result<Self, SettingsError> {
        Self::From(text.trim().to_owned()).check()
    }

    fn check(self) -> Result<Self, SettingsError> {
        match &self {
            Self::From(text) if is_from(text) => Ok(self),
            Self::From(_) => Err(SettingsError::From),
            Self::Service(text) => sid("messaging_service_sid", text, "MG").map(Self::Service),
        }
    }
}

fn is_from(text: &str) -> bool {
    let is_short_code = SHORT_CODE.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = (1..=MAX_NAME).contains(&text.len())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" +-_&".contains(&byte));
    PhoneNumber::parse(text).is_ok() || is_short_code || is_name
}

fn sid(which: &'static str, text: &str, kind: &str) -> Result<String, SettingsError> {
    let text = text.trim();
    if is_sid(text, kind) { Ok(text.to_owned()) } else { Err(SettingsError::Sid(which)) }
}
