//! Each kind of mail in both languages, and what hostile words may not do in them.

use std::collections::BTreeSet;

use super::*;
use domain::money::Currency;
use time::macros::datetime;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

fn letterhead() -> Letterhead {
    Letterhead { company: "Calmness".to_owned(), contact: "bonjour@calmness.test".to_owned() }
}

fn every_kind() -> Vec<MailContent> {
    let link = "https://calmness.test/somewhere?token=abc".to_owned();
    let instant = datetime!(2026-11-23 14:05 UTC);
    let mut kinds: Vec<_> = SecurityEvent::ALL.into_iter().map(|event| security(event, FIREFOX)).collect();
    kinds.splice(
        ..0,
        vec![
            MailContent::Verification { link: link.clone() },
            MailContent::AlreadyRegistered { link: link.clone() },
            MailContent::PaymentConfirmed {
                plan: "signaux-monthly".parse().unwrap(),
                days: 30,
                amount: Money::new(5_999, Currency::Eur),
                ends_at: instant,
                reference: "0199f3a2".to_owned(),
                telegram_linked: false,
                link: link.clone(),
            },
            MailContent::Reminder { ends_at: instant, left: Duration::hours(48), link: link.clone() },
            MailContent::SubscriptionEnded { ended_at: instant, link: link.clone() },
            MailContent::CompanyAlert {
                condition: "webhook_quarantined".to_owned(),
                details: vec![("payment".to_owned(), "0199f3a2".to_owned())],
                seen_at: instant,
                link: link.clone(),
            },
            MailContent::PasswordReset { link: link.clone() },
            MailContent::ApiKeyEnding {
                name: "nightly export".to_owned(),
                ends_at: instant,
                link: link.clone(),
            },
            MailContent::TimeGranted { days: 7, ends_at: Some(instant), link: link.clone() },
            MailContent::TimeRevoked { ends_at: None, link: link.clone() },
            MailContent::Erased { link: link.clone() },
        ],
    );
    kinds.extend(Act::ALL.into_iter().map(|act| MailContent::Incident {
        act,
        by: None,
        reason: "a stolen laptop".to_owned(),
        at: instant,
        link: link.clone(),
    }));
    kinds
}

fn security(event: SecurityEvent, user_agent: &str) -> MailContent {
    MailContent::Security {
        event,
        user_agent: user_agent.to_owned(),
        network: "203.0.113.0/24".to_owned(),
        at: datetime!(2026-11-23 14:05 UTC),
        link: "https://calmness.test/somewhere?token=abc".to_owned(),
    }
}

#[test]
fn every_mail_has_its_link_in_both_parts_and_the_contact_at_its_foot() {
    for content in every_kind() {
        for locale in Locale::ALL {
            let mail = content.render(locale, &letterhead()).unwrap();
            assert!(!mail.subject.is_empty() && !mail.subject.contains("mail-"), "{}", mail.subject);
            for part in [&mail.text, &mail.html] {
                assert!(part.contains("https://calmness.test/somewhere?token=abc"), "{part}");
                assert!(part.contains("bonjour@calmness.test"), "{part}");
                assert!(!part.contains("mail-"), "a sentence is missing in {part}");
            }
            assert!(mail.html.contains(&format!("<html lang=\"{locale}\">")));
        }
    }
}

#[test]
fn the_confirmation_says_plan_amount_and_end_in_the_language_of_the_user() {
    let content = &every_kind()[2];
    let french = content.render(Locale::Fr, &letterhead()).unwrap();
    for words in ["1 mois", "59,99\u{a0}€", "23 novembre 2026 à 14:05 UTC", "Relier Telegram"] {
        assert!(french.text.contains(words), "{words} is missing in {}", french.text);
    }
    let english = content.render(Locale::En, &letterhead()).unwrap();
    for words in ["1 month", "€59.99", "23 November 2026, 14:05 UTC", "Link Telegram"] {
        assert!(english.text.contains(words), "{words} is missing in {}", english.text);
    }
}

#[test]
fn a_reminder_that_leaves_a_moment_late_still_says_two_days() {
    let reminder = |left| MailContent::Reminder {
        ends_at: datetime!(2026-11-23 14:05 UTC),
        left,
        link: "https://calmness.test/dashboard".to_owned(),
    };
    let said = |left| reminder(left).render(Locale::En, &letterhead()).unwrap().text.replace('\u{a0}', " ");
    for (left, words) in [
        (Duration::seconds(48 * 3_600 - 59), "You have 2 days left"),
        (Duration::minutes(47 * 60 + 29), "You have 1 day 23 h left"),
        (Duration::minutes(23 * 60 + 59), "You have 23 h 59 min left"),
    ] {
        assert!(said(left).contains(words), "{}", said(left));
    }
}

#[test]
fn a_linked_account_is_not_told_to_link_again() {
    let mut content = every_kind().swap_remove(2);
    if let MailContent::PaymentConfirmed { telegram_linked, .. } = &mut content {
        *telegram_linked = true;
    }
    let mail = content.render(Locale::En, &letterhead()).unwrap();
    assert!(!mail.text.contains("Link Telegram"));
    assert!(mail.text.contains("linked already"));
}

#[test]
fn words_of_strangers_neither_become_markup_nor_lines_nor_headers() {
    let hostile = "<script>x</script>\"'\r\nBcc: all@calmness.test";
    let content = MailContent::CompanyAlert {
        condition: hostile.to_owned(),
        details: vec![(hostile.to_owned(), hostile.to_owned())],
        seen_at: datetime!(2026-11-23 14:05 UTC),
        link: format!("https://calmness.test/?{hostile}"),
    };
    let head = Letterhead { company: hostile.to_owned(), contact: hostile.to_owned() };
    for locale in Locale::ALL {
        let alert = content.render(locale, &head).unwrap();
        assert!(!alert.html.contains("<script"), "{}", alert.html);
        assert!(!alert.subject.chars().any(char::is_control));
        let known = text(locale, "alert-other-title", &[]);
        assert!(alert.subject.contains(&known), "{}", alert.subject);
        let plain = MailContent::CompanyAlert {
            condition: hostile.to_owned(),
            details: vec![(hostile.to_owned(), hostile.to_owned())],
            seen_at: datetime!(2026-11-23 14:05 UTC),
            link: "https://calmness.test/".to_owned(),
        };
        let text = plain.render(locale, &letterhead()).unwrap().text;
        assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
    }
}

#[test]
fn sec_7_each_change_of_what_guards_an_account_is_told_in_words_of_its_own() {
    for locale in Locale::ALL {
        let mut subjects = BTreeSet::new();
        for event in SecurityEvent::ALL {
            let mail = security(event, FIREFOX).render(locale, &letterhead()).unwrap();
            for part in ["subject", "text"] {
                let key = format!("mail-security-{}-{part}", event.as_str());
                let said = text(locale, &key, &[("company", "Calmness".into())]);
                assert!(said != key && mail.text.contains(&said), "{key} is missing in {}", mail.text);
            }
            assert!(mail.text.contains(&locale.instant(datetime!(2026-11-23 14:05 UTC))), "{}", mail.text);
            assert!(subjects.insert(mail.subject.clone()), "{} stands for two events", mail.subject);
        }
    }
}

#[test]
fn what_the_owner_may_have_done_says_what_to_do_if_it_was_somebody_else() {
    let said = |event| security(event, FIREFOX).render(Locale::En, &letterhead()).unwrap().text;
    let (not_you, network) = (text(Locale::En, "mail-security-not-you", &[]), "203.0.113.0/24");
    let password = said(SecurityEvent::PasswordChanged);
    assert!(password.contains(&not_you) && password.contains(network), "{password}");
    assert!(password.contains("Firefox/128.0"), "{password}");
    let stolen = said(SecurityEvent::SessionStolen);
    assert!(!stolen.contains(&not_you) && stolen.contains(network), "{stolen}");
    for event in [SecurityEvent::AccountFrozen, SecurityEvent::AccountUnfrozen] {
        let ours = said(event);
        assert!(!ours.contains(&not_you), "nobody can do this to themselves: {ours}");
        assert!(!ours.contains(network), "an administrator's network is told: {ours}");
    }
}

#[test]
fn sec_56_a_hostile_browser_or_key_name_starts_no_line_no_header_and_no_link() {
    let hostile = "X\r\nBcc: all@evil.test\u{85}\u{1b}[31m\0\u{2028}\u{202e}<b>\
                   https://evil.test/unlock www.evil.test call 1.2";
    let link = "https://calmness.test/security".to_owned();
    let at = datetime!(2026-11-23 14:05 UTC);
    let mut mails: Vec<_> = SecurityEvent::ALL.into_iter().map(|event| security(event, hostile)).collect();
    mails.push(MailContent::ApiKeyEnding { name: hostile.to_owned(), ends_at: at, link });
    for (content, locale) in mails.iter().flat_map(|content| Locale::ALL.map(|locale| (content, locale))) {
        let mail = content.render(locale, &letterhead()).unwrap();
        assert!(!mail.subject.chars().any(char::is_control), "{}", mail.subject);
        assert!(!mail.html.contains("<b>"), "{}", mail.html);
        for part in [&mail.text, &mail.html] {
            let wild = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{2028}' | '\u{202e}');
            assert!(!part.contains(wild), "{part:?}");
            assert!(!part.lines().any(|line| line.trim_start().starts_with("Bcc")), "{part}");
            if matches!(content, MailContent::Security { .. }) {
                assert!(!part.contains("evil.test") && !part.contains("all@"), "{part}");
            }
        }
    }
    let shown = security(SecurityEvent::NewDevice, hostile).render(Locale::En, &letterhead()).unwrap();
    assert!(shown.text.contains("https //evil test/unlock www evil test call 1.2"), "{}", shown.text);
}

#[test]
fn whoever_was_erased_is_not_told_that_they_have_an_account() {
    let link = "https://calmness.test".to_owned();
    for locale in Locale::ALL {
        let mail = MailContent::Erased { link: link.clone() }.render(locale, &letterhead()).unwrap();
        let why = text(locale, "mail-footer-why", &[("company", "Calmness".into())]);
        assert!(!mail.text.contains(&why), "{}", mail.text);
    }
}

/// The basic table of GSM 03.38: a text in it travels in seven bits a character.
const GSM_7: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                     ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

#[test]
fn sec_12_the_message_with_a_code_fits_one_segment_and_starts_with_the_code() {
    let company = "Calmness Signals Ltd";
    assert_eq!(company.chars().count(), 20);
    for locale in Locale::ALL {
        let said = text(locale, "sms-code", &[("code", "004217".into()), ("company", company.into())]);
        assert!(said.starts_with("004217 ") && said.contains(company), "{said}");
        assert!(said.chars().count() <= 140, "{} characters: {said}", said.chars().count());
        let strange: String = said.chars().filter(|c| !GSM_7.contains(*c)).collect();
        assert!(strange.is_empty(), "{strange:?} needs sixteen bits: {said}");
    }
}

#[test]
fn the_bot_says_each_message_with_its_link() {
    let link = "https://t.me/+abc".to_owned();
    let messages = [
        BotMessage::LinkedWithInvite { link: link.clone() },
        BotMessage::LinkedWithoutAccess { link: link.clone() },
        BotMessage::LinkInvalid { link: link.clone() },
        BotMessage::Help { link: link.clone() },
        BotMessage::Removed { link: link.clone() },
        BotMessage::Opened { ends_at: datetime!(2026-11-23 14:05 UTC), link: link.clone() },
    ];
    for message in messages {
        let [french, english] = Locale::ALL.map(|locale| message.say(locale));
        assert!(french.contains(&link) && english.contains(&link));
        assert!(!french.starts_with("bot-") && french != english, "{french}");
    }
}
