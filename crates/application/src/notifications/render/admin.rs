//! Mails to admins about changes of what matters: what exactly changes, from what to what.

use time::OffsetDateTime;

use super::{Letter, Voice, one_line};
use crate::approvals::{Change, Summary};
use crate::text::text_or;

/// A request for a second confirmation, or its end.
pub(super) struct Approval<'a> {
    pub(super) done: bool,
    pub(super) kind: &'a str,
    pub(super) summary: &'a Summary,
    pub(super) by: Option<&'a str>,
    pub(super) reason: &'a str,
    pub(super) expires_at: OffsetDateTime,
}

impl Voice<'_> {
    pub(super) fn approval(self, told: &Approval<'_>, link: &str) -> Letter {
        let title = self.kind(told.kind);
        let by = told.by.map_or_else(|| self.t("mail-approval-nobody"), one_line);
        let mut facts = vec![
            (self.t("mail-approval-what"), title.clone()),
            (self.t("mail-approval-subject"), one_line(&told.summary.subject)),
        ];
        facts.extend(told.summary.changes.iter().map(|change| self.change(change)));
        facts.push((self.t("mail-approval-by"), by));
        facts.push((self.t("mail-approval-reason"), one_line(told.reason)));
        let (subject, paragraph) = if told.done {
            ("mail-approval-done-subject", self.t("mail-approval-done-text"))
        } else {
            facts.push((self.t("mail-approval-until"), self.locale.instant(told.expires_at)));
            ("mail-approval-asked-subject", self.t("mail-approval-asked-text"))
        };
        Letter {
            subject: self.t_with(subject, "title", &title),
            heading: title,
            paragraphs: vec![paragraph],
            facts,
            after: vec![self.t("mail-approval-not-you")],
            why: self.t("mail-approval-why"),
            ..self.letter("mail-approval-what", "mail-approval-what", "mail-approval-button", link)
        }
    }

    fn kind(self, kind: &str) -> String {
        text_or(self.locale, &format!("approval-{kind}"), "approval-other", &[])
    }

    pub(super) fn change(self, change: &Change) -> (String, String) {
        let shown = |value: &Option<String>| {
            value.as_deref().map_or_else(|| self.t("mail-approval-nothing"), one_line)
        };
        (one_line(&change.field), format!("{} → {}", shown(&change.before), shown(&change.after)))
    }
}
