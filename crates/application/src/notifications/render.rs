//! What is written in a mail or said by the bot, from plain facts: pure, no clock, no database.
//!
//! Every mail is a [`Letter`]: a heading, some paragraphs, perhaps a table of facts and one button. So there
//! is one HTML and one text template, and a new kind of mail is only a new list of sentences.

mod admin;

use askama::Template;
use domain::money::Money;
use domain::plan::PlanCode;
use time::{Duration, OffsetDateTime};

use super::{SecurityEvent, SettingEvent};
use crate::approvals::Summary;
use crate::incident::Act;
use crate::text::{Locale, plan_name, text, text_or};

/// Who writes: shown at the top and the foot of every mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letterhead {
    /// The name of the company that sells.
    pub company: String,
    /// The address that people may write to.
    pub contact: String,
}

/// A mail's facts, one variant for each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailContent {
    /// Confirms the address of a registration.
    Verification {
        /// The page with the button, token included.
        link: String,
    },
    /// Somebody registered an address that has an account.
    AlreadyRegistered {
        /// The log-in page.
        link: String,
    },
    /// Chooses a new password.
    PasswordReset {
        /// The page with the form, token included.
        link: String,
    },
    /// Something about how an account is guarded has changed.
    Security {
        /// What.
        event: SecurityEvent,
        /// What the browser or program says it is; may be empty, and is what strangers sent.
        user_agent: String,
        /// The network; may be empty.
        network: String,
        /// When.
        at: OffsetDateTime,
        /// The page about the account's security.
        link: String,
    },
    /// A machine's key ends soon.
    ApiKeyEnding {
        /// What its owner calls it.
        name: String,
        /// When.
        ends_at: OffsetDateTime,
        /// The page with the keys.
        link: String,
    },
    /// The account was erased.
    Erased {
        /// The home page.
        link: String,
    },
    /// A payment settled and its time was added.
    PaymentConfirmed {
        /// What was bought.
        plan: PlanCode,
        /// Its length, for plans without a name of their own.
        days: u16,
        /// What was paid.
        amount: Money,
        /// When the access now ends.
        ends_at: OffsetDateTime,
        /// The payment, as people may quote it.
        reference: String,
        /// Whether a Telegram account is bound, so that there is nothing left to do.
        telegram_linked: bool,
        /// The dashboard.
        link: String,
    },
    /// The last period ends in less than two days.
    Reminder {
        /// When the access ends.
        ends_at: OffsetDateTime,
        /// How long that is from the instant of writing.
        left: Duration,
        /// Where to renew.
        link: String,
    },
    /// The access has ended.
    SubscriptionEnded {
        /// When it ended.
        ended_at: OffsetDateTime,
        /// Where to choose a plan again.
        link: String,
    },
    /// The operator's people acted in an emergency.
    Incident {
        /// What they did.
        act: Act,
        /// Which admin; none where it was done on the machine.
        by: Option<String>,
        /// Why, in their words.
        reason: String,
        /// When.
        at: OffsetDateTime,
        /// The page to go to.
        link: String,
    },
    /// An admin has given time.
    TimeGranted {
        /// How much.
        days: u16,
        /// When the access now ends; unknown while the account is frozen.
        ends_at: Option<OffsetDateTime>,
        /// The dashboard.
        link: String,
    },
    /// An admin has taken time.
    TimeRevoked {
        /// When the access now ends; none if it has ended.
        ends_at: Option<OffsetDateTime>,
        /// The dashboard.
        link: String,
    },
    /// A sensitive change that waits for a second confirmation, or that was done after it; for admins.
    Approval {
        /// Whether it is done.
        done: bool,
        /// What kind; chooses the title.
        kind: String,
        /// What exactly.
        summary: Summary,
        /// Who asked; nobody: the product or the operator.
        by: Option<String>,
        /// Why.
        reason: String,
        /// Until when it can be confirmed.
        expires_at: OffsetDateTime,
        /// Where to read more.
        link: String,
    },
    /// Where money, mail or members go has changed or will; for admins.
    Setting {
        /// What happened.
        event: SettingEvent,
        /// From what to what.
        summary: Summary,
        /// When it becomes valid, if that is later.
        active_from: Option<OffsetDateTime>,
        /// Where to read more.
        link: String,
    },
    /// Something that the company should look at.
    CompanyAlert {
        /// The condition, such as `webhook_quarantined`; chooses the title and the advice.
        condition: String,
        /// What is known: a name and a value each, which may be what strangers sent.
        details: Vec<(String, String)>,
        /// When it was seen.
        seen_at: OffsetDateTime,
        /// Where to read more.
        link: String,
    },
}

/// A mail ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedMail {
    /// One line without control characters.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

impl MailContent {
    /// Writes the mail in that language.
    ///
    /// # Errors
    /// Only if a template can't be written to memory.
    pub fn render(&self, locale: Locale, letterhead: &Letterhead) -> Result<RenderedMail, askama::Error> {
        let letter = self.letter(Voice { locale, company: &letterhead.company });
        let footer = [
            letter.why.clone(),
            text(locale, "mail-footer-contact", &[("contact", (&letterhead.contact).into())]),
        ];
        let subject = one_line(&letter.subject);
        let html = HtmlLetter { locale, letterhead, letter: &letter, footer: &footer }.render()?;
        let text = TextLetter { locale, letterhead, letter: &letter, footer: &footer }.render()?;
        Ok(RenderedMail { subject, text, html })
    }

    fn letter(&self, say: Voice<'_>) -> Letter {
        match self {
            Self::Verification { link } => Letter {
                paragraphs: vec![say.t("mail-verification-text"), say.t("mail-verification-valid")],
                after: vec![say.t("mail-verification-ignore")],
                why: say.t("mail-verification-why"),
                ..say.letter(
                    "mail-verification-subject",
                    "mail-verification-heading",
                    "mail-verification-button",
                    link,
                )
            },
            Self::AlreadyRegistered { link } => Letter {
                paragraphs: vec![say.t("mail-already-text")],
                after: vec![say.t("mail-already-ignore")],
                ..say.letter("mail-already-subject", "mail-already-heading", "mail-already-button", link)
            },
            Self::PasswordReset { link } => Letter {
                paragraphs: vec![say.t("mail-reset-text"), say.t("mail-reset-valid")],
                after: vec![say.t("mail-reset-ignore")],
                ..say.letter("mail-reset-subject", "mail-reset-heading", "mail-reset-button", link)
            },
            Self::Security { event, user_agent, network, at, link } => {
                say.security(*event, user_agent, network, *at, link)
            }
            Self::ApiKeyEnding { name, ends_at, link } => say.key_ending(name, *ends_at, link),
            Self::Erased { link } => Letter {
                paragraphs: vec![say.t("mail-erased-text")],
                why: say.t("mail-erased-why"),
                ..say.letter("mail-erased-subject", "mail-erased-subject", "mail-erased-button", link)
            },
            Self::PaymentConfirmed { plan, days, amount, ends_at, reference, telegram_linked, link } => {
                let end = say.locale.instant(*ends_at);
                let date = say.locale.date(*ends_at);
                let mut letter = Letter {
                    paragraphs: vec![say.t("mail-paid-text")],
                    facts: vec![
                        (say.t("mail-paid-plan"), plan_name(say.locale, plan, *days)),
                        (say.t("mail-paid-amount"), say.locale.money(*amount)),
                        (say.t("mail-paid-end"), end),
                        (say.t("mail-paid-reference"), reference.clone()),
                    ],
                    subject: say.t_with("mail-paid-subject", "date", &date),
                    ..say.letter("mail-paid-heading", "mail-paid-heading", "mail-paid-button", link)
                };
                if *telegram_linked {
                    letter.after.push(say.t("mail-paid-linked"));
                } else {
                    letter.steps_title = say.t("mail-paid-telegram-title");
                    letter.steps = vec![
                        say.t("mail-paid-telegram-1"),
                        say.t("mail-paid-telegram-2"),
                        say.t("mail-paid-telegram-3"),
                    ];
                }
                letter
            }
            Self::Reminder { ends_at, left, link } => say.reminder(*ends_at, *left, link),
            Self::SubscriptionEnded { ended_at, link } => say.ended(*ended_at, link),
            Self::Incident { act, by, reason, at, link } => {
                say.incident(*act, by.as_deref(), reason, *at, link)
            }
            Self::TimeGranted { days, ends_at, link } => say.time_granted(*days, *ends_at, link),
            Self::TimeRevoked { ends_at, link } => say.time_revoked(*ends_at, link),
            Self::Approval { done, kind, summary, by, reason, expires_at, link } => {
                let (done, expires_at, by) = (*done, *expires_at, by.as_deref());
                say.approval(&admin::Approval { done, kind, summary, by, reason, expires_at }, link)
            }
            Self::Setting { event, summary, active_from, link } => {
                say.setting(*event, summary, *active_from, link)
            }
            Self::CompanyAlert { condition, details, seen_at, link } => {
                say.alert(condition, details, *seen_at, link)
            }
        }
    }
}

/// The parts of any mail, in the order in which they are read.
struct Letter {
    subject: String,
    heading: String,
    hello: String,
    paragraphs: Vec<String>,
    facts: Vec<(String, String)>,
    button: String,
    link: String,
    steps_title: String,
    steps: Vec<String>,
    after: Vec<String>,
    why: String,
}

/// Says sentences that may speak of the company.
#[derive(Clone, Copy)]
struct Voice<'a> {
    locale: Locale,
    company: &'a str,
}

impl Voice<'_> {
    fn t(self, key: &str) -> String {
        text(self.locale, key, &[("company", self.company.into())])
    }

    fn t_with(self, key: &str, name: &str, value: &str) -> String {
        text(self.locale, key, &[("company", self.company.into()), (name, value.into())])
    }

    /// A letter that has its button, and no paragraph yet.
    fn letter(self, subject: &str, heading: &str, button: &str, link: &str) -> Letter {
        Letter {
            subject: self.t(subject),
            heading: self.t(heading),
            hello: self.t("mail-hello"),
            paragraphs: Vec::new(),
            facts: Vec::new(),
            button: self.t(button),
            link: link.to_owned(),
            steps_title: String::new(),
            steps: Vec::new(),
            after: Vec::new(),
            why: self.t("mail-footer-why"),
        }
    }

    fn reminder(self, ends_at: OffsetDateTime, left: Duration, link: &str) -> Letter {
        let (end, date) = (self.locale.instant(ends_at), self.locale.date(ends_at));
        let left = self.locale.about(left);
        let args = [("left", (&left).into()), ("end", (&end).into())];
        Letter {
            subject: self.t_with("mail-reminder-subject", "date", &date),
            paragraphs: vec![text(self.locale, "mail-reminder-text", &args), self.t("mail-reminder-renew")],
            after: vec![self.t("mail-reminder-nothing")],
            ..self.letter("mail-reminder-heading", "mail-reminder-heading", "mail-reminder-button", link)
        }
    }

    fn ended(self, ended_at: OffsetDateTime, link: &str) -> Letter {
        Letter {
            paragraphs: vec![
                self.t_with("mail-ended-text", "end", &self.locale.instant(ended_at)),
                self.t("mail-ended-return"),
            ],
            ..self.letter("mail-ended-subject", "mail-ended-heading", "mail-ended-button", link)
        }
    }

    fn time_granted(self, days: u16, ends_at: Option<OffsetDateTime>, link: &str) -> Letter {
        let days = [("company", self.company.into()), ("days", days.into())];
        let end = ends_at.map(|end| (self.t("mail-paid-end"), self.locale.instant(end)));
        Letter {
            paragraphs: vec![text(self.locale, "mail-granted-text", &days)],
            facts: end.into_iter().collect(),
            ..self.letter("mail-granted-subject", "mail-granted-subject", "mail-paid-button", link)
        }
    }

    fn time_revoked(self, ends_at: Option<OffsetDateTime>, link: &str) -> Letter {
        let end = ends_at.map(|end| (self.t("mail-paid-end"), self.locale.instant(end)));
        Letter {
            paragraphs: vec![self.t("mail-revoked-text")],
            facts: end.into_iter().collect(),
            after: vec![self.t("mail-revoked-question")],
            ..self.letter("mail-revoked-subject", "mail-revoked-subject", "mail-paid-button", link)
        }
    }

    fn key_ending(self, name: &str, ends_at: OffsetDateTime, link: &str) -> Letter {
        Letter {
            paragraphs: vec![self.t("mail-key-ending-text")],
            facts: vec![
                (self.t("mail-key-ending-name"), one_line(name)),
                (self.t("mail-key-ending-end"), self.locale.instant(ends_at)),
            ],
            ..self.letter("mail-key-ending-subject", "mail-key-ending-subject", "mail-security-button", link)
        }
    }

    fn security(
        self,
        event: SecurityEvent,
        user_agent: &str,
        network: &str,
        at: OffsetDateTime,
        link: &str,
    ) -> Letter {
        let subject = format!("mail-security-{}-subject", event.as_str());
        let mut facts = vec![(self.t("mail-security-at"), self.locale.instant(at))];
        let (device, network) = (without_links(user_agent), one_line(network));
        // A freeze comes from us: where an administrator was is nothing to tell.
        if !is_ours(event) {
            let known = [("mail-security-device", device), ("mail-security-network", network)];
            let known = known.into_iter().filter(|(_, words)| !words.trim().is_empty());
            facts.extend(known.map(|(key, words)| (self.t(key), words)));
        }
        let after = if is_the_owners(event) { vec![self.t("mail-security-not-you")] } else { Vec::new() };
        Letter {
            paragraphs: vec![self.t(&format!("mail-security-{}-text", event.as_str()))],
            facts,
            after,
            ..self.letter(&subject, &subject, "mail-security-button", link)
        }
    }

    fn incident(self, act: Act, by: Option<&str>, reason: &str, at: OffsetDateTime, link: &str) -> Letter {
        let subject = format!("mail-incident-{}-subject", act.as_str());
        let by = by.map_or_else(|| self.t("mail-incident-by-operator"), ToOwned::to_owned);
        Letter {
            paragraphs: vec![self.t(&format!("mail-incident-{}-text", act.as_str()))],
            facts: vec![
                (self.t("mail-incident-at"), self.locale.instant(at)),
                (self.t("mail-incident-by"), by),
                (self.t("mail-incident-reason"), one_line(reason)),
            ],
            after: vec![self.t("mail-incident-not-planned")],
            why: self.t("mail-incident-why"),
            ..self.letter(&subject, &subject, "mail-incident-button", link)
        }
    }

    fn alert(
        self,
        condition: &str,
        details: &[(String, String)],
        seen_at: OffsetDateTime,
        link: &str,
    ) -> Letter {
        let of = |part: &str| {
            let key = format!("alert-{condition}-{part}");
            text_or(self.locale, &key, &format!("alert-other-{part}"), &[])
        };
        let title = of("title");
        let mut facts = vec![
            (self.t("mail-alert-condition"), one_line(condition)),
            (self.t("mail-alert-since"), self.locale.instant(seen_at)),
        ];
        facts.extend(details.iter().map(|(name, value)| (one_line(name), one_line(value))));
        Letter {
            subject: self.t_with("mail-alert-subject", "title", &title),
            heading: title,
            paragraphs: vec![self.t_with("mail-alert-action", "action", &of("action"))],
            facts,
            why: self.t("mail-alert-why"),
            ..self.letter("mail-alert-condition", "mail-alert-condition", "mail-alert-button", link)
        }
    }
}

#[derive(Template)]
#[template(path = "letter.html")]
struct HtmlLetter<'a> {
    locale: Locale,
    letterhead: &'a Letterhead,
    letter: &'a Letter,
    footer: &'a [String],
}

impl HtmlLetter<'_> {
    fn t(&self, key: &str) -> String {
        text(self.locale, key, &[])
    }
}

#[derive(Template)]
#[template(path = "letter.txt", escape = "none")]
struct TextLetter<'a> {
    locale: Locale,
    letterhead: &'a Letterhead,
    letter: &'a Letter,
    footer: &'a [String],
}

impl TextLetter<'_> {
    /// French sets a no-break space before the colon after a label.
    fn colon(&self) -> &'static str {
        match self.locale {
            Locale::Fr => "\u{a0}:",
            Locale::En => ":",
        }
    }
}

/// Without control characters: nothing that strangers sent may start a header or a line of its own, or turn the words
/// around it.
fn one_line(words: &str) -> String {
    let unruly = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    words.chars().map(|c| if unruly(c) { ' ' } else { c }).collect()
}

/// What a browser says it is, with nothing that a mail program would make a link of. Whoever tries passwords writes
/// these words, and the owner trusts the mail that they stand in.
fn without_links(user_agent: &str) -> String {
    let characters: Vec<char> = one_line(user_agent).chars().collect();
    let digit = |place: Option<usize>| {
        place.and_then(|place| characters.get(place)).is_some_and(char::is_ascii_digit)
    };
    let harmless = |(place, c): (usize, &char)| match c {
        '.' if digit(place.checked_sub(1)) && digit(place.checked_add(1)) => '.',
        c if c.is_ascii_alphanumeric() || " /;,()_-+".contains(*c) => *c,
        _ => ' ',
    };
    characters.iter().enumerate().map(harmless).collect()
}

/// Whether the owner may have done it, so that a mail must say what to do if it was somebody else.
const fn is_the_owners(event: SecurityEvent) -> bool {
    !is_ours(event) && !matches!(event, SecurityEvent::SessionStolen | SecurityEvent::UnderAttack)
}

/// Whether we did it.
const fn is_ours(event: SecurityEvent) -> bool {
    matches!(event, SecurityEvent::AccountFrozen | SecurityEvent::AccountUnfrozen)
}

/// What the bot says, as plain text without any markup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BotMessage {
    /// The account is bound and its owner may enter through this personal invite link.
    LinkedWithInvite {
        /// The invite link.
        link: String,
    },
    /// The account is bound, but nothing is paid for.
    LinkedWithoutAccess {
        /// The dashboard.
        link: String,
    },
    /// The link was used before or is too old.
    LinkInvalid {
        /// The dashboard.
        link: String,
    },
    /// The answer to anything that the bot doesn't understand.
    Help {
        /// The dashboard.
        link: String,
    },
    /// The access has ended and the account was removed.
    Removed {
        /// The dashboard.
        link: String,
    },
    /// Access was opened for an account that is bound.
    Opened {
        /// Until when.
        ends_at: OffsetDateTime,
        /// The invite link.
        link: String,
    },
}

impl BotMessage {
    /// The words in that language.
    pub fn say(&self, locale: Locale) -> String {
        match self {
            Self::LinkedWithInvite { link } => text(locale, "bot-linked-invite", &[("link", link.into())]),
            Self::LinkedWithoutAccess { link } => {
                text(locale, "bot-linked-no-access", &[("link", link.into())])
            }
            Self::LinkInvalid { link } => text(locale, "bot-link-invalid", &[("link", link.into())]),
            Self::Help { link } => text(locale, "bot-help", &[("link", link.into())]),
            Self::Removed { link } => text(locale, "bot-removed", &[("link", link.into())]),
            Self::Opened { ends_at, link } => {
                let end = locale.instant(*ends_at);
                text(locale, "bot-opened", &[("end", end.into()), ("link", link.into())])
            }
        }
    }
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
