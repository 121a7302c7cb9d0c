//! Telegram: linking the account, asking to join, and a stranger before the door.

use crate::person::Person;
use crate::pictures::Pictures;

/// One press on the dashboard, one in Telegram.
pub(crate) async fn links_telegram(person: &Person, pictures: &Pictures) {
    person.presses("Link Telegram").await;
    person.presses("Open Telegram").await;
    person.goes_to_the_new_tab().await;
    person.reads("@signaux_demo_bot").await;
    person.types("first_name", "Mariam").await;
    pictures.take(person, "telegram-start").await;
    person.presses("Start").await;
    person.reads("Done: your account is linked.").await;
    person.reads("Your personal invitation").await;
    person.closes_the_tab().await;
    // Nobody reloads the dashboard: it notices by itself.
    person.reads("Linked as Mariam").await;
}

/// The personal invitation opens the channel; answers that invitation.
pub(crate) async fn joins_the_channel(person: &Person, pictures: &Pictures) -> String {
    person.reads("Your personal invitation is ready").await;
    let invite_link = person.attribute_at("#telegram a.button", "href").await;
    person.presses("Join the channel").await;
    person.goes_to_the_new_tab().await;
    person.presses("Ask to join").await;
    person.reads("Mariam is now in Signaux").await;
    pictures.take(person, "telegram").await;
    person.closes_the_tab().await;
    person.reads("You are in the channel.").await;
    invite_link
}

/// The link was made for one account alone.
pub(crate) async fn a_stranger_with_the_same_link_is_declined(person: &Person, invite_link: &str) {
    person.opens(invite_link).await;
    person.presses("Somebody else").await;
    person.types_at("details input[name=first_name]", "Moussa").await;
    person.presses_at("details .quiet").await;
    person.reads("Moussa was not let into Signaux").await;
    let members = person.texts_at(".members b").await;
    assert!(members.contains(&"Mariam".to_owned()), "{members:?}");
    assert!(!members.contains(&"Moussa".to_owned()), "{members:?}");
}
