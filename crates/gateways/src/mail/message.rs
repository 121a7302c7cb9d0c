//! A message as it travels.
//!
//! Whatever a person typed may be in a subject or address. The address is parsed as one address and nothing else, the subject is one
//! line without control characters, and the Message-ID is checked: nothing here can begin a header of its own (SEC-56).

use domain::time::Instant;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};

use super::{MailError, OutgoingMail};

/// Well within one line of RFC 5322 §2.1.1, in bytes.
const MAX_MESSAGE_ID: usize = 250;

pub(super) fn build(from: &Mailbox, mail: &OutgoingMail, wall: Instant) -> Result<Message, MailError> {
    let to: Address = mail
        .to
        .parse()
        .map_err(|_| MailError::Permanent("the recipient is not a mail address".to_owned()))?;
    if !is_message_id(&mail.message_id) {
        return Err(MailError::Permanent("the Message-ID is not of the form <unique@domain>".to_owned()));
    }
    let mut builder = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(one_line(&mail.subject))
        .message_id(Some(mail.message_id.clone()))
        .date(wall.into());
    if mail.auto_submitted {
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        builder = builder.raw_header(HeaderValue::new(name, "auto-generated".to_owned()));
    }
    builder
        .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
        .map_err(|_| MailError::Permanent("the message cannot be put together".to_owned()))
}

fn one_line(subject: &str) -> String {
    subject.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn is_message_id(text: &str) -> bool {
    let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    let atom = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._+=".contains(&byte))
    };
    text.len() <= MAX_MESSAGE_ID
        && inner
            .and_then(|inner| inner.split_once('@'))
            .is_some_and(|(left, right)| atom(left) && atom(right))
}
