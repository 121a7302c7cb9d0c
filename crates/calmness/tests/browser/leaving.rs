//! The end of paid time: the reminder, the renewal, and being taken out of the channel.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::MARIAM;
use crate::demo::Demo;
use crate::person::Person;
use crate::pictures::Pictures;

const REMINDER: &str = "Your access ends on";
const ENDED: &str = "Your access has ended";

/// As long as time is plenty nobody is written to.
pub(crate) async fn is_left_in_peace_half_way(person: &Person, demo: &Demo, pictures: &Pictures) {
    moves_the_clock(person, demo, "+ 7 days", "7 days ahead").await;
    moves_the_clock(person, demo, "+ 7 days", "14 days ahead").await;
    assert_eq!(mails(person, demo, REMINDER).await, 0);
    person.opens(&demo.product("/dashboard")).await;
    person.reads("You are in the channel.").await;
    assert_eq!(person.text_at(".clock [data-part=days]").await, "15");
    pictures.take(person, "dashboard").await;
}

/// Two days before the end one mail goes out, and the dashboard says the same. Answers when the access ends.
pub(crate) async fn is_reminded_once(person: &Person, demo: &Demo, pictures: &Pictures) -> OffsetDateTime {
    moves_the_clock(person, demo, "+ 7 days", "21 days ahead").await;
    moves_the_clock(person, demo, "+ 7 days", "28 days ahead").await;
    person.opens(&demo.product("/dashboard")).await;
    person.reads("Two days left.").await;
    pictures.take(person, "closing").await;
    moves_the_clock(person, demo, "+ 1 hour", "28 days, 1 hour ahead").await;
    assert_eq!(mails(person, demo, REMINDER).await, 1);
    let reminder = format!("//a[contains(., '{REMINDER}')]");
    person.presses_on(&reminder).await;
    person.reads("You have 2\u{a0}days left").await;
    pictures.take(person, "reminder-mail").await;
    person.presses_the_mails_button().await;
    person.goes_to_the_new_tab().await;
    person.reads("Less than two days left.").await;
    person.reads("nothing is lost").await;
    shown_end(person).await
}

/// The new month begins where the old one ends.
pub(crate) async fn renews_without_losing_a_second(person: &Person, end: &OffsetDateTime) {
    person.presses("Renew").await;
    person.presses("Pay for 1 month").await;
    person.is_at("/psp/checkout").await;
    person.presses("Pay €59.99").await;
    person.reads("Thank you, it is paid").await;
    person.presses("Go to my access").await;
    person.reads("Access active").await;
    assert_eq!(shown_end(person).await - *end, time::Duration::days(30));
    assert_eq!(person.texts_at(".closing-text").await, [""; 0]);
}

/// Past the end the door is shut: out of the channel, told by mail and by the bot, and on the dashboard.
pub(crate) async fn is_taken_out_at_the_end(person: &Person, demo: &Demo, pictures: &Pictures) {
    moves_the_clock(person, demo, "+ 28 days", "56 days, 1 hour ahead").await;
    moves_the_clock(person, demo, "+ 7 days", "63 days, 1 hour ahead").await;
    person.opens(&demo.sandbox("/mailbox")).await;
    person.reads(ENDED).await;
    pictures.take(person, "mailbox").await;
    assert_eq!(mails(person, demo, ENDED).await, 1);
    person.opens(&demo.sandbox("/telegram")).await;
    person.presses_at(".faces a").await;
    person.reads("Your access has ended and I took you out of the channel.").await;
    let members = person.texts_at(".members li").await;
    assert!(
        !members.iter().any(|member| member.contains("Mariam")),
        "neither inside nor banned: {members:?}"
    );
    person.opens(&demo.product("/dashboard")).await;
    person.reads("Access ended").await;
    person.reads("Your access ended on").await;
    person.reads("The channel opens as soon as you have running access.").await;
    pictures.take(person, "ended").await;
}

async fn moves_the_clock(person: &Person, demo: &Demo, button: &str, told: &str) {
    person.opens(&demo.sandbox("/clock")).await;
    person.presses(button).await;
    person.reads(told).await;
}

/// How many mails to Mariam have these words in their subject.
async fn mails(person: &Person, demo: &Demo, subject: &str) -> usize {
    person.opens(&demo.sandbox("/mailbox")).await;
    person.types("to", MARIAM).await;
    person.presses("Filter").await;
    person.is_at("to=mariam").await;
    let subjects = person.texts_at(".mails b").await;
    subjects.iter().filter(|found| found.contains(subject)).count()
}

async fn shown_end(person: &Person) -> OffsetDateTime {
    let end = person.attribute_at(".access", "data-ends-at").await;
    OffsetDateTime::parse(&end, &Rfc3339).unwrap()
}
