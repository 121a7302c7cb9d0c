//! Each kind of mail in both languages, and what hostile words may not do in them.

use super::*;
use domain::money::Currency;
use time::macros::datetime;

fn letterhead() -> Letterhead {
    Letterhead { company: "Calmness".to_owned(), contact: "bonjour@calmness.test".to_owned() }
}

fn every_kind() -> Vec<MailContent> {
    let link = "https://calmness.test/somewhere?token=abc".to_owned();
    let instant = datetime!(2026-11-23 14:05 UTC);
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
            link,
        },
    ]
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
