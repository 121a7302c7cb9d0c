//! Twilio's names of things: two letters for the kind and 32 hex digits.

use std::fmt;

use thiserror::Error;

const HEX_DIGITS: usize = 32;

/// Whether a text is a SID of this kind: `AC` for accounts, `MG` for messaging services, `VA` for Verify services, `SK` for API keys.
pub fn is_sid(text: &str, kind: &str) -> bool {
    let rest = text.strip_prefix(kind);
    rest.is_some_and(|rest| rest.len() == HEX_DIGITS && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A text that is no SID of the kind that is expected.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a SID of Twilio")]
pub struct SidError;

/// One message: `SM…` or `MM…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageSid(String);

/// One verification, which is one code: `VE…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VerificationSid(String);

impl MessageSid {
    /// Reads one as stored or sent.
    pub fn parse(text: &str) -> Result<Self, SidError> {
        if is_sid(text, "SM") || is_sid(text, "MM") { Ok(Self(text.to_owned())) } else { Err(SidError) }
    }

    /// As Twilio writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl VerificationSid {
    /// Reads one as stored or sent.
    pub fn parse(text: &str) -> Result<Self, SidError> {
        if is_sid(text, "VE") { Ok(Self(text.to_owned())) } else { Err(SidError) }
    }

    /// As Twilio writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageSid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for VerificationSid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
