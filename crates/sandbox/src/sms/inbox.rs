//! The phones' inbox and the verifications under way, oldest first. Old ones give way.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::faults::Kind;

/// How many texts and verifications are kept.
const KEPT: usize = 5000;

/// What Verify allows: ten minutes, five sends, five checks.
const LIFE: Duration = Duration::minutes(10);
const SENDS: usize = 5;
const CHECKS: u32 = 5;

/// The shortest and longest stretch of digits in a text that is taken for a code.
const CODE: std::ops::RangeInclusive<usize> = 4..=10;

/// Which of the two APIs sent a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    Messages,
    Verify,
}

/// How far a text is, in Twilio's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Accepted,
    Queued,
    Sent,
    Delivered,
    Undelivered,
}

impl Status {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
        }
    }

    /// What comes next when nothing goes wrong.
    pub(crate) fn next(self) -> Option<Self> {
        match self {
            Self::Accepted => Some(Self::Queued),
            Self::Queued => Some(Self::Sent),
            Self::Sent => Some(Self::Delivered),
            Self::Delivered | Self::Undelivered => None,
        }
    }
}

/// One callback, or the fault that took its place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Told {
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    pub(crate) message_status: Status,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<String>,
    pub(crate) fault: Option<Kind>,
}

/// One text on somebody's phone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Text {
    pub(crate) id: u64,
    /// `SM…` of a message, `VE…` of a verification.
    pub(crate) sid: String,
    pub(crate) way: Way,
    pub(crate) from: String,
    pub(crate) messaging_service_sid: Option<String>,
    pub(crate) to: String,
    pub(crate) body: String,
    pub(crate) status: Status,
    pub(crate) error_code: Option<u32>,
    pub(crate) status_callback: Option<String>,
    pub(crate) callbacks: Vec<Told>,
    /// Business time.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) received_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) received_at_wall: OffsetDateTime,
}

impl Text {
    /// The first stretch of digits that can be a code.
    pub(crate) fn code(&self) -> Option<&str> {
        self.body.split(|letter: char| !letter.is_ascii_digit()).find(|digits| CODE.contains(&digits.len()))
    }
}

/// When something happens, on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) business: OffsetDateTime,
    pub(crate) wall: OffsetDateTime,
}

/// What has become of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    Pending,
    Approved,
    Canceled,
}

/// One code of Verify's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Verification {
    pub(crate) sid: String,
    pub(crate) to: String,
    pub(crate) code: String,
    pub(crate) stage: Stage,
    pub(crate) checks: u32,
    /// When the code was sent, wall time, with a name for each.
    pub(crate) sends: Vec<(String, String)>,
    /// Business time.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at_wall: OffsetDateTime,
}

impl Verification {
    fn lives(&self, now: OffsetDateTime) -> bool {
        self.stage == Stage::Pending && now - self.created_at < LIFE
    }

    pub(crate) fn may_be_sent(&self) -> bool {
        self.sends.len() < SENDS
    }

    pub(crate) fn may_be_checked(&self) -> bool {
        self.checks < CHECKS
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Inbox {
    texts: VecDeque<Text>,
    last_id: u64,
    verifications: VecDeque<Verification>,
}

impl Inbox {
    /// Keeps a text; its `id` is given here.
    pub(crate) fn receive(&mut self, text: Text) -> u64 {
        self.last_id += 1;
        if self.texts.len() >= KEPT {
            self.texts.pop_front();
        }
        self.texts.push_back(Text { id: self.last_id, ..text });
        self.last_id
    }

    /// Texts to a number, or all. A `+` that became a space on its way counts as one.
    pub(crate) fn list(&self, to: Option<&str>) -> impl DoubleEndedIterator<Item = &Text> {
        let digits = to.map(|to| to.trim().trim_start_matches('+').to_owned());
        self.texts.iter().filter(move |text| {
            digits.as_ref().is_none_or(|digits| text.to.trim_start_matches('+') == digits.as_str())
        })
    }

    pub(crate) fn text(&self, id: u64) -> Option<&Text> {
        self.texts.iter().rev().find(|text| text.id == id)
    }

    pub(crate) fn text_mut(&mut self, id: u64) -> Option<&mut Text> {
        self.texts.iter_mut().rev().find(|text| text.id == id)
    }

    /// Throws all texts away; numbers go on, and verifications too.
    pub(crate) fn empty(&mut self) -> usize {
        std::mem::take(&mut self.texts).len()
    }

    pub(crate) fn start(&mut self, verification: Verification) {
        if self.verifications.len() >= KEPT {
            self.verifications.pop_front();
        }
        self.verifications.push_back(verification);
    }

    /// The verification that lives and has this name, or this number.
    pub(crate) fn living(
        &mut self,
        now: OffsetDateTime,
        fits: impl Fn(&Verification) -> bool,
    ) -> Option<&mut Verification> {
        self.verifications.iter_mut().rev().find(|one| one.lives(now) && fits(one))
    }
}
