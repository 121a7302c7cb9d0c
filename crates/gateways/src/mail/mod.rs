//! Mail over SMTP: one message at a time, text and HTML, with a Message-ID that stays over retries.
//!
//! Encryption is not a choice: `smtps://` from the first byte, `smtp://` with STARTTLS required. Only a server on loopback is spoken
//! to in the clear.

mod error;
mod message;
mod setup;

use std::fmt;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::SecretString;
use tracing::info;

pub use self::error::MailError;
pub use self::setup::MailSetupError;
use crate::WallClock;

/// How long one message may take in all, connection included.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(45);

/// A message as it should arrive.
#[derive(Clone, Debug)]
pub struct OutgoingMail {
    /// `<unique@domain>`, the same at every attempt: a mail that arrives twice is shown once.
    pub message_id: String,
    /// The address alone, without a name.
    pub to: String,
    /// One line.
    pub subject: String,
    /// For readers without HTML.
    pub text: String,
    /// The same for the others.
    pub html: String,
    /// Whether a program wrote it by itself (RFC 3834), so that no absence note comes back.
    pub auto_submitted: bool,
}

/// The way out for mail. Cheap to clone: clones share the connections.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    server: String,
    wall: WallClock,
}

impl Mailer {
    /// Sends through the server of `smtp_url` (`smtps://user:password@mail.example:465`, `smtp://…:587`) as `from`
    /// (`Calmness <no-reply@mail.example>`). Nothing is connected yet. `wall` dates the messages.
    pub fn new(smtp_url: &SecretString, from: &str, wall: WallClock) -> Result<Self, MailSetupError> {
        let from: Mailbox = from.parse().map_err(|_| MailSetupError::From)?;
        let (transport, server) = setup::transport(smtp_url, from.email.domain())?;
        Ok(Self { transport, from, server, wall })
    }

    /// Hands one message over to the server.
    pub async fn send(&self, mail: &OutgoingMail) -> Result<(), MailError> {
        let message = message::build(&self.from, mail, (self.wall)())?;
        tokio::time::timeout(TOTAL_TIMEOUT, self.hand_over(message)).await.unwrap_or_else(|_| {
            Err(MailError::Temporary(format!("no answer within {} s", TOTAL_TIMEOUT.as_secs())))
        })?;
        info!(mail.message_id = mail.message_id, "a mail was handed over");
        Ok(())
    }

    async fn hand_over(&self, message: Message) -> Result<(), MailError> {
        let Err(error) = self.transport.send(message).await else { return Ok(()) };
        let classified = error::classify(&error);
        if matches!(classified, MailError::Permanent(_)) {
            // A server that turns everybody away at the door refuses this mail no more than any other.
            self.transport
                .test_connection()
                .await
                .map_err(|at_the_door| error::for_everybody(&at_the_door))?;
        }
        Err(classified)
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer")
            .field("server", &self.server)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
