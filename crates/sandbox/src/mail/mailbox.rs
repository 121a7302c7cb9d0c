//! The mails that arrived, newest last. Old ones give way.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::mime;

/// How many mails, and how many bytes of them, are kept.
const MAILS: usize = 5000;
const BYTES: usize = 64 * 1024 * 1024;

/// One mail as it arrived, with what could be read of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Letter {
    pub(crate) id: u64,
    /// The envelope's sender.
    pub(crate) from: String,
    /// The envelope's recipients.
    pub(crate) to: Vec<String>,
    pub(crate) subject: String,
    pub(crate) message_id: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
    pub(crate) links: Vec<String>,
    /// Business time, if the clock answered.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) received_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) received_at_wall: OffsetDateTime,
    size: usize,
}

/// When a mail came, on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) business: Option<OffsetDateTime>,
    pub(crate) wall: OffsetDateTime,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Mailbox {
    letters: VecDeque<Letter>,
    last_id: u64,
    bytes: usize,
}

impl Mailbox {
    /// Keeps a mail.
    pub(crate) fn receive(&mut self, from: String, to: Vec<String>, raw: &[u8], arrival: Arrival) -> &Letter {
        let mail = mime::read(raw);
        self.last_id += 1;
        self.bytes += raw.len();
        let letter = Letter {
            id: self.last_id,
            from,
            to,
            subject: mail.header("subject").unwrap_or_default().to_owned(),
            message_id: mail.header("message-id").map(str::to_owned),
            date: mail.header("date").map(str::to_owned),
            links: mime::links(mail.text.as_deref().unwrap_or_default()),
            headers: mail.headers,
            text: mail.text,
            html: mail.html,
            received_at: arrival.business,
            received_at_wall: arrival.wall,
            size: raw.len(),
        };
        while self.letters.len() >= MAILS || (self.bytes > BYTES && !self.letters.is_empty()) {
            let gone = self.letters.pop_front().map_or(0, |letter| letter.size);
            self.bytes = self.bytes.saturating_sub(gone);
        }
        self.letters.push_back(letter);
        &self.letters[self.letters.len() - 1]
    }

    /// Mails to an address, or all.
    pub(crate) fn list(&self, to: Option<&str>) -> impl DoubleEndedIterator<Item = &Letter> {
        self.letters.iter().filter(move |letter| {
            to.is_none_or(|to| letter.to.iter().any(|recipient| recipient.eq_ignore_ascii_case(to.trim())))
        })
    }

    pub(crate) fn find(&self, id: u64) -> Option<&Letter> {
        self.letters.iter().find(|letter| letter.id == id)
    }

    /// Throws everything away; numbers go on.
    pub(crate) fn empty(&mut self) -> usize {
        self.bytes = 0;
        std::mem::take(&mut self.letters).len()
    }
}
