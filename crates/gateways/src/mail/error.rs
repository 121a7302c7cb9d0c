//! What the mail server's answers mean: for this mail, or for every mail.

use std::error::Error as _;

use lettre::transport::smtp::Error as SmtpError;
use thiserror::Error;
use tracing::error;

/// Why a message was not handed over. The server's own text is never repeated: it often quotes the address.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MailError {
    /// Try again later, with the same Message-ID: it may even have arrived.
    #[error("not handed over yet: {0}")]
    Temporary(String),
    /// This message to this address will never be taken.
    #[error("refused for good: {0}")]
    Permanent(String),
}

/// Final only where the server speaks of this address or this message (RFC 5321 §4.2.3, RFC 7504).
pub(super) fn classify(error: &SmtpError) -> MailError {
    match error.status().map(u16::from) {
        Some(code @ (521 | 550..=556)) if !is_about_us(error) => MailError::Permanent(answered(code)),
        _ => for_everybody(error),
    }
}

/// A failure that the next mail would meet as well. What only an operator can mend is told at once.
pub(super) fn for_everybody(error: &SmtpError) -> MailError {
    let (mendable, what) = match error.status().map(u16::from) {
        Some(code) => (code >= 500, answered(code)),
        None if error.is_timeout() => (false, "the server did not answer in time".to_owned()),
        None if error.is_tls() => {
            (true, "the server's encryption or certificate cannot be trusted".to_owned())
        }
        None if error.is_client() => {
            (true, "the server offers neither the encryption nor the login we need".to_owned())
        }
        None => (false, "the connection failed or broke".to_owned()),
    };
    if mendable {
        error!(error = what, "the mail server refuses us: check its address, user, password and the sender");
    }
    MailError::Temporary(what)
}

fn answered(code: u16) -> String {
    format!("the server answered {code}")
}

/// Whether the enhanced status (RFC 3463) blames the sender's address or a policy instead of the recipient.
fn is_about_us(error: &SmtpError) -> bool {
    let text = error.source().map(ToString::to_string).unwrap_or_default();
    ["5.1.7", "5.1.8", "5.7."].iter().any(|status| text.trim_start().starts_with(status))
}
