//! What holds on every page: it fits a phone, speaks both languages, and gives the browser nothing to complain about.

use std::collections::BTreeSet;

use serde_json::json;

use crate::demo::Demo;
use crate::person::Person;
use crate::pictures::{PHONE, Pictures};

/// No page is wider than a phone.
pub(crate) async fn fits_a_phone(person: &Person, demo: &Demo, paths: &[&str]) {
    let measure = "return [document.documentElement.scrollWidth,
        [...document.querySelectorAll('main *, header *, footer *')]
            .filter((part) => part.checkVisibility() && part.getBoundingClientRect().right > arguments[0] + 1
                && !part.closest('svg'))
            .map((part) => part.outerHTML.slice(0, 80))]";
    person.looks_through(PHONE, true).await;
    for path in paths {
        person.opens(&demo.product(path)).await;
        person.is_at(path).await;
        let measured = person.browser.execute(measure, vec![json!(PHONE)]).await.unwrap();
        assert_eq!(measured, json!([PHONE, []]), "{path} must be scrolled sideways on a phone");
    }
    person.looks_at_the_desk_again().await;
}

/// One press changes the language, which stays.
pub(crate) async fn speaks_french_too(person: &Person, demo: &Demo, pictures: &Pictures) {
    person.opens(&demo.product("/dashboard")).await;
    person.reads("Access active").await;
    person.presses("Lire cette page en français").await;
    person.reads("Accès actif").await;
    assert_eq!(person.attribute_at("html", "lang").await, "fr");
    pictures.take_on_a_phone(person, "phone").await;
    person.opens(&demo.product("/dashboard")).await;
    person.reads("Se termine le").await;
    person.presses("Read this page in English").await;
    person.reads("Ends on").await;
}

/// The browser found nothing wrong with any page: no error of a script, nothing that the security policy forbids.
pub(crate) async fn nothing_was_complained_about(person: &Person) {
    let said: BTreeSet<String> =
        person.complaints().await.iter().map(|entry| entry["message"].to_string()).collect();
    assert!(said.is_empty(), "the browser complained: {said:#?}");
}

/// A style that a page tried to bring along would have been told, so the silence before means something.
pub(crate) async fn complaints_would_be_heard(person: &Person, demo: &Demo) {
    person.opens(&demo.product("/")).await;
    let forbidden = "document.body.setAttribute('style', 'color: red')";
    person.browser.execute(forbidden, Vec::new()).await.unwrap();
    person
        .until("a complaint of the browser", async || {
            let said = person.complaints().await;
            let told = |word: &str| said.iter().any(|entry| entry["message"].to_string().contains(word));
            Ok(told("Content Security Policy").then_some(()))
        })
        .await;
}
