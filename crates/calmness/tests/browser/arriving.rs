//! Coming to the product: the home page, signing up, the mail, logging in.

use fantoccini::Locator;
use fantoccini::key::Key;

use crate::demo::Demo;
use crate::person::Person;
use crate::pictures::Pictures;
use crate::{MARIAM, PASSWORD};

/// The home page says what is sold, in both languages.
pub(crate) async fn looks_at_the_home_page(person: &Person, demo: &Demo, pictures: &Pictures) {
    person.opens(&demo.product("/")).await;
    person.reads("Signals, for exactly as long as you choose").await;
    person.presses("Lire cette page en français").await;
    person.reads("Les signaux, pour le temps que vous choisissez").await;
    person.presses("Read this page in English").await;
    person.reads("Choose how long").await;
    person.reads("€59.99").await;
    pictures.take(person, "home").await;
}

/// An address and a password are all that is asked.
pub(crate) async fn signs_up(person: &Person, demo: &Demo) {
    person.opens(&demo.product("/")).await;
    person.presses("Create account").await;
    person.types("email", MARIAM).await;
    person.types("password", PASSWORD).await;
    person.presses("Create my account").await;
    person.reads("Check your mail").await;
    person.reads(MARIAM).await;
}

/// The link of the mail leads to a page with one button.
pub(crate) async fn confirms_the_address_by_mail(person: &Person, demo: &Demo) {
    person.opens(&demo.sandbox("/mailbox")).await;
    person.reads("Confirm your e-mail address").await;
    person.presses_at(".mails a").await;
    person.presses_the_mails_button().await;
    person.goes_to_the_new_tab().await;
    person.is_at("/verify?token=").await;
    person.types("password", PASSWORD).await;
    person.presses("Confirm my address").await;
    person.reads("Your address is confirmed. You can log in now.").await;
}

/// Whoever has no mouse sees where the focus is, and gets in.
pub(crate) async fn logs_in_with_the_keyboard_alone(person: &Person) {
    person.is_at("/login").await;
    person.tabs_to("email").await;
    person.types_blindly(MARIAM).await;
    person.tabs_to("password").await;
    person.types_blindly(PASSWORD).await;
    person.tabs_to("submit").await;
    person.strikes(Key::Enter).await;
    person.reads("No access yet").await;
}

/// The demo's own customer, by mouse.
pub(crate) async fn logs_in(person: &Person, demo: &Demo) {
    let account = demo.customer();
    person.opens(&demo.product("/dashboard")).await;
    person.types("email", &account.email).await;
    person.types("password", &account.password).await;
    person.presses("Se connecter").await;
    person.reads("Pas encore d’accès").await;
}

impl Person {
    /// Presses the button inside the mail that is shown.
    pub(crate) async fn presses_the_mails_button(&self) {
        self.sees_the_whole_page().await;
        let frame = self
            .until("the mail's frame", async || self.browser.find(Locator::Css("iframe")).await.map(Some))
            .await;
        frame.enter_frame().await.unwrap();
        self.presses_inside("a").await;
        self.browser.clone().enter_parent_frame().await.unwrap();
    }

    /// Strikes Tab until the focus is on the field of that name or the button of that type, and sees it there.
    async fn tabs_to(&self, wanted: &str) {
        let focus = "const at = document.activeElement;
            return [at.name || at.type || '', getComputedStyle(at).outlineStyle, getComputedStyle(at).outlineWidth]";
        let mut passed = Vec::new();
        for _ in 0..20 {
            self.strikes(Key::Tab).await;
            let seen = self.browser.execute(focus, Vec::new()).await.unwrap();
            let [name, style, width]: [String; 3] = serde_json::from_value(seen).unwrap();
            assert!(style != "none" && width != "0px", "the focus on “{name}” can’t be seen");
            if name == wanted {
                return;
            }
            passed.push(name);
        }
        panic!("Tab does not lead to {wanted}, only to {passed:?}");
    }
}
