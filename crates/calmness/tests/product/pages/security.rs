//! The second step of a login, a forgotten password, and what guards an account, in a browser.

use crypto::totp::{self, TotpSecret};

use super::browser::Browser;
use crate::support::{Answer, PASSWORD, World};

const NEW_PASSWORD: &str = "three calm rivers in november";

/// What an authenticator app makes of the secret that the page shows to be typed.
struct Authenticator(TotpSecret);

impl Authenticator {
    fn of(page: &Answer) -> Self {
        let shown = between(&page.text, "<code id=\"secret\">", "</code>");
        let (mut held, mut bits, mut bytes) = (0_u32, 0, Vec::new());
        for letter in shown.chars().filter(|letter| *letter != ' ') {
            let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).unwrap();
            held = (held << 5) | u32::try_from(value).unwrap();
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                bytes.push(u8::try_from((held >> bits) & 0xff).unwrap());
            }
        }
        Self(TotpSecret::from_bytes(&bytes).unwrap())
    }

    fn code(&self, world: &World) -> String {
        self.0.code_at(totp::step(world.wall().unix_timestamp()))
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = text.split_once(start).unwrap_or_else(|| panic!("no {start} in {text}")).1;
    rest.split_once(end).unwrap().0
}

/// Sets an app up, and says which codes come along.
async fn set_up(world: &World, browser: &mut Browser<'_>) -> (Authenticator, Vec<String>) {
    let start = browser.open("/security/app").await;
    let scan = browser.submit(&start, "/security/app", &[("password", PASSWORD)]).await.expect(200);
    assert!(scan.text.contains("<svg xmlns") && scan.text.contains("otpauth://totp/"), "{}", scan.text);
    let app = Authenticator::of(&scan);
    let wrong = browser.submit(&scan, "/security/app/confirm", &[("code", "000000")]).await.expect(422);
    let code = app.code(world);
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let done = browser.submit(&wrong, "/security/app/confirm", &[("code", &spaced)]).await.expect(200);
    let codes = done.text.split("<li><code>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned());
    let codes: Vec<String> = codes.collect();
    assert_eq!(codes.len(), 10);
    forget_the_last_code(world).await;
    (app, codes)
}

/// A code works once, so whoever comes next would have to wait for the next one.
async fn forget_the_last_code(world: &World) {
    assert_eq!(world.sql("UPDATE totp_factors SET last_step = 0").await, 1);
}

/// The first step of a login, up to the page that asks for the code.
async fn asked_for_a_code(browser: &mut Browser<'_>, email: &str) -> Answer {
    let login = browser.open("/login?next=/security").await;
    let on = browser.submit(&login, "/login", &[("email", email), ("password", PASSWORD)]).await.expect(303);
    assert_eq!(on.header("location"), Some("/login/code?next=%2Fsecurity"));
    assert!(!browser.cookies.contains_key("calmness_session"), "nobody is logged in between the steps");
    browser.open("/login/code?next=%2Fsecurity").await
}

#[tokio::test]
async fn sec_8_an_app_that_was_set_up_in_a_browser_is_asked_for_at_the_next_login() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let mut first = Browser::of(&world, &customer.email).await;
    let (app, codes) = set_up(&world, &mut first).await;
    assert!(!first.open("/security/recovery-codes").await.text.contains(&codes[0]), "shown once");

    let mut second = Browser::new(&world);
    let page = asked_for_a_code(&mut second, &customer.email).await;
    assert!(
        page.text.contains("autocomplete=\"one-time-code\"") && page.text.contains("inputmode=\"numeric\"")
    );
    let wrong = second.submit(&page, "/login/code", &[("code", "000000")]).await.expect(422);
    let refused = second.get("/dashboard").await.expect(303);
    assert!(refused.header("location").unwrap().starts_with("/login"));
    let code = app.code(&world);
    let inside = second.submit(&wrong, "/login/code", &[("code", &code)]).await.expect(303);
    assert_eq!(inside.header("location"), Some("/security"));
    assert!(second.cookies.contains_key("calmness_device"), "a known device from now on");
    assert!(!second.cookies.contains_key("calmness_challenge"));
    second.open("/security").await;

    let mut third = Browser::new(&world);
    asked_for_a_code(&mut third, &customer.email).await;
    let recovery = third.open("/login/code?next=%2Fsecurity&method=recovery_code").await;
    assert!(!recovery.text.contains("inputmode=\"numeric\""), "letters too");
    let typed = codes[0].to_uppercase();
    third.submit(&recovery, "/login/code", &[("code", &typed)]).await.expect(303);
    let overview = third.open("/security").await;
    assert!(overview.text.contains('9'), "{}", overview.text);

    let mut fourth = Browser::new(&world);
    asked_for_a_code(&mut fourth, &customer.email).await;
    let again = fourth.open("/login/code?next=%2Fsecurity&method=recovery_code").await;
    fourth.submit(&again, "/login/code", &[("code", &codes[0])]).await.expect(422);
    world.finish().await;
}

#[tokio::test]
async fn sec_7_what_guards_an_account_changes_only_for_the_password_and_a_code() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let mut browser = Browser::of(&world, &customer.email).await;
    let (app, codes) = set_up(&world, &mut browser).await;
    for path in
        ["/security/password", "/security/keys/new", "/security/recovery-codes", "/security/app/remove"]
    {
        let page = browser.open(path).await;
        let key = [("name", "Suivi"), ("days", "30"), ("scope:profile:read", "on")];
        let new = [("new_password", "calm sea")];
        let extra = match path {
            "/security/keys/new" => key.as_slice(),
            "/security/password" => new.as_slice(),
            _ => &[],
        };
        let with = |code: &'static str| [&[("password", PASSWORD), ("code", code)], extra].concat();
        let missing = browser.submit(&page, path, &with("")).await.expect(422);
        assert!(missing.text.contains("Un code est nécessaire aussi."), "{path}: {}", missing.text);
        let wrong = browser.submit(&page, path, &with("000000")).await.expect(422);
        assert!(wrong.text.contains("Ce code n’est pas le bon"), "{path}: {}", wrong.text);
        world.sql("DELETE FROM guess_counters").await;
    }
    let form = browser.open("/security/recovery-codes?method=recovery_code").await;
    let typed = [("password", PASSWORD), ("code", codes[1].as_str())];
    let fresh = browser.submit(&form, "/security/recovery-codes", &typed).await.expect(200);
    assert!(!fresh.text.contains(&codes[0]), "ten others");
    let key = browser.open("/security/keys/new").await;
    let code = app.code(&world);
    let typed = [
        ("name", "Suivi"),
        ("days", "30"),
        ("scope:profile:read", "on"),
        ("password", PASSWORD),
        ("code", code.as_str()),
    ];
    let made = browser.submit(&key, "/security/keys/new", &typed).await.expect(200);
    assert!(made.text.contains("cfi_"));
    forget_the_last_code(&world).await;
    let password = browser.open("/security/password").await;
    let code = app.code(&world);
    let typed = [("password", PASSWORD), ("code", code.as_str()), ("new_password", "fjord7Quokka")];
    browser.submit(&password, "/security/password", &typed).await.expect(303);
    forget_the_last_code(&world).await;
    let remove = browser.open("/security/app/remove").await;
    let code = app.code(&world);
    let typed = [("password", "fjord7Quokka"), ("code", code.as_str())];
    let refused = browser.submit(&remove, "/security/app/remove", &typed).await.expect(422);
    assert!(refused.text.contains("ce mot de passe serait trop court"), "{}", refused.text);
    let password = browser.open("/security/password").await;
    let longer = [typed[0], typed[1], ("new_password", PASSWORD)];
    browser.submit(&password, "/security/password", &longer).await.expect(303);
    forget_the_last_code(&world).await;
    let remove = browser.open("/security/app/remove").await;
    let code = app.code(&world);
    let typed = [("password", PASSWORD), ("code", code.as_str())];
    let gone = browser.submit(&remove, "/security/app/remove", &typed).await.expect(303);
    assert_eq!(gone.header("location"), Some("/security?notice=app-removed"));
    assert_eq!(world.count("SELECT count(*) FROM totp_factors").await, 0);
    world.finish().await;
}

#[tokio::test]
async fn sec_11_too_many_wrong_codes_lead_back_to_the_start() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let mut owner = Browser::of(&world, &customer.email).await;
    let (app, _) = set_up(&world, &mut owner).await;
    let mut guesser = Browser::new(&world);
    let page = asked_for_a_code(&mut guesser, &customer.email).await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        // As if all waits were over: what ends here is the challenge.
        world.sql("DELETE FROM guess_counters").await;
        statuses.push(guesser.submit(&page, "/login/code", &[("code", "000000")]).await);
    }
    let over = statuses.last().unwrap();
    assert_eq!(over.status, 303, "{}", over.text);
    assert!(over.header("location").unwrap().ends_with("notice=code-ended"));
    assert!(!guesser.cookies.contains_key("calmness_challenge"));
    let late = guesser.submit(&page, "/login/code", &[("code", &app.code(&world))]).await;
    assert_eq!((late.status, late.header("location").map(|to| to.starts_with("/login?"))), (303, Some(true)));
    assert!(!guesser.cookies.contains_key("calmness_session"));
    world.finish().await;
}

#[tokio::test]
async fn sec_48_a_form_tells_in_words_how_long_to_wait() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let mut browser = Browser::of(&world, &customer.email).await;
    let page = browser.open("/security/app").await;
    let mut last =
        browser.submit(&page, "/security/app", &[("password", "not the one at all")]).await.expect(422);
    for _ in 0..5 {
        last = browser.submit(&page, "/security/app", &[("password", "not the one at all")]).await;
    }
    assert_eq!(last.status, 429, "{}", last.text);
    assert!(last.header("retry-after").is_some() && last.text.contains("Trop d’essais"), "{}", last.text);
    world.finish().await;
}

#[tokio::test]
async fn sec_7_a_new_password_ends_every_other_session_and_keeps_this_one() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let (mut here, mut there) =
        (Browser::of(&world, &customer.email).await, Browser::of(&world, &customer.email).await);
    let page = here.open("/security/password").await;
    for (password, new, said) in [
        ("not the one at all", NEW_PASSWORD, "Ce n’est pas votre mot de passe actuel."),
        (PASSWORD, "short", "Le mot de passe est trop court."),
        (PASSWORD, "aaaaaaaaaaaaaaaaaaaa", "trop répandu"),
    ] {
        let typed = [("password", password), ("new_password", new)];
        let refused = here.submit(&page, "/security/password", &typed).await.expect(422);
        assert!(refused.text.contains(said), "{new}: {}", refused.text);
        assert!(!refused.text.contains(password) && !refused.text.contains(&format!("\"{new}\"")));
    }
    let typed = [("password", PASSWORD), ("new_password", NEW_PASSWORD)];
    let changed = here.submit(&page, "/security/password", &typed).await.expect(303);
    assert_eq!(changed.header("location"), Some("/security?notice=password-changed"));
    here.open("/security?notice=password-changed").await;
    there.get("/security").await.expect(303);
    world.finish().await;
}

#[tokio::test]
async fn sec_6_a_forgotten_password_gets_one_answer_whoever_asks() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/password/forgot").await;
    let mut answers = Vec::new();
    for email in [customer.email.as_str(), "nobody@example.com"] {
        let sent = browser.submit(&page, "/password/forgot", &[("email", email)]).await.expect(200);
        answers.push(sent.text.replace(email, "…"));
    }
    assert_eq!(answers[0], answers[1]);
    let page = browser.open(&format!("/password/reset?token={}", "A".repeat(43))).await;
    let ended = browser.submit(&page, "/password/reset", &[("password", NEW_PASSWORD)]).await.expect(422);
    assert!(ended.text.contains("href=\"/password/forgot\""), "{}", ended.text);
    world.finish().await;
}

#[tokio::test]
async fn sec_6_a_mailed_link_sets_a_password_once_and_logs_nobody_in() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let mut old = Browser::of(&world, &customer.email).await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/password/forgot").await;
    browser.submit(&page, "/password/forgot", &[("email", &customer.email)]).await.expect(200);
    world.drain().await;
    let mails = world.mails_to(&customer.email).await;
    let links = mails.iter().flat_map(|mail| mail["links"].as_array().unwrap());
    let mut paths = links.filter_map(|link| link.as_str()?.split_once("/password/reset?token="));
    let path = format!("/password/reset?token={}", paths.next().unwrap().1);
    // Mail programs look first: reading consumes nothing.
    browser.open(&path).await;
    let page = browser.open(&path).await;
    let refused = browser.submit(&page, "/password/reset", &[("password", "short")]).await.expect(422);
    let reset = browser.submit(&refused, "/password/reset", &[("password", NEW_PASSWORD)]).await.expect(303);
    assert_eq!(reset.header("location"), Some("/login?notice=password-reset"));
    assert!(!browser.cookies.contains_key("calmness_session"));
    old.get("/dashboard").await.expect(303);
    browser.submit(&page, "/password/reset", &[("password", PASSWORD)]).await.expect(422);
    let login = browser.open("/login?notice=password-reset").await;
    let typed = [("email", customer.email.as_str()), ("password", NEW_PASSWORD)];
    browser.submit(&login, "/login", &typed).await.expect(303);
    world.finish().await;
}

#[tokio::test]
async fn a_device_in_the_list_is_ended_from_another_one() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let (mut here, mut there) =
        (Browser::of(&world, &customer.email).await, Browser::of(&world, &customer.email).await);
    let list = here.open("/security/devices").await;
    assert_eq!(list.text.matches("name=\"session\"").count(), 3, "two browsers and the program");
    assert_eq!(list.text.matches("Cet appareil").count(), 1);
    let ids: Vec<&str> =
        list.text.split("name=\"session\" value=\"").skip(1).map(|rest| &rest[..36]).collect();
    here.submit(&list, "/security/devices/end", &[("session", ids[1])]).await.expect(303);
    there.get("/dashboard").await.expect(303);
    here.submit(&list, "/security/devices/end-others", &[]).await.expect(303);
    let alone = here.open("/security/devices").await;
    assert_eq!(alone.text.matches("name=\"session\"").count(), 1);
    let all = here.submit(&alone, "/security/devices/end-all", &[]).await.expect(303);
    assert_eq!(all.header("location"), Some("/login?notice=all-ended"));
    here.get("/security").await.expect(303);
    world.finish().await;
}

#[tokio::test]
async fn nobody_ends_the_session_or_the_key_of_somebody_else() {
    let world = World::new().await;
    let (awa, moussa) = (world.made_customer("awa").await, world.made_customer("moussa").await);
    let mut victim = Browser::of(&world, &awa.email).await;
    let list = victim.open("/security/devices").await;
    let session = between(&list.text, "name=\"session\" value=\"", "\"").to_owned();
    let mut other = Browser::of(&world, &moussa.email).await;
    let page = other.open("/security/devices").await;
    other.submit(&page, "/security/devices/end", &[("session", &session)]).await.expect(303);
    victim.open("/dashboard").await;
    let strange = other.submit(&page, "/security/devices/end", &[("session", "1")]).await;
    assert_eq!(strange.status, 404);
    world.finish().await;
}

#[tokio::test]
async fn a_key_is_shown_once_and_listed_by_how_it_starts() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let mut browser = Browser::of(&world, &customer.email).await;
    let form = browser.open("/security/keys/new").await;
    assert!(!form.text.contains("scope:security") && !form.text.contains("scope:users"), "not for a key");
    let typed = [("name", "Suivi"), ("days", "90"), ("password", PASSWORD)];
    let refused = browser.submit(&form, "/security/keys/new", &typed).await.expect(422);
    assert!(refused.text.contains("value=\"Suivi\""), "what was typed is kept");
    let mut forged = typed.to_vec();
    forged.push(("scope:users:write", "on"));
    browser.submit(&form, "/security/keys/new", &forged).await.expect(422);
    let mut right = typed.to_vec();
    right.push(("scope:profile:read", "on"));
    let made = browser.submit(&form, "/security/keys/new", &right).await.expect(200);
    let key = between(&made.text, "<code id=\"key\">", "</code>").to_owned();
    assert!(key.starts_with("cfi_"), "{key}");
    let list = browser.open("/security/keys").await;
    assert!(list.text.contains(&key[..10]) && !list.text.contains(&key));
    browser.submit(&list, "/security/keys/end", &[]).await.expect(303);
    assert!(!browser.open("/security/keys").await.text.contains(&key[..10]));
    world.finish().await;
}

#[tokio::test]
async fn sec_59_ones_data_is_taken_along_and_the_account_is_left_or_kept() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let mut browser = Browser::of(&world, &customer.email).await;
    let file = browser.open("/security/data/export").await;
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"calmness-account.json\""));
    assert!(file.text.contains(&customer.email) && !file.text.contains("argon2"), "{}", file.text);
    let page = browser.open("/security/data/erase").await;
    browser.submit(&page, "/security/data/erase", &[("password", "not the one at all")]).await.expect(422);
    browser.submit(&page, "/security/data/erase", &[("password", PASSWORD)]).await.expect(303);
    let leaving = browser.open("/security/data").await;
    assert!(leaving.text.contains("sera effacé le"), "{}", leaving.text);
    browser.submit(&leaving, "/security/data/keep", &[]).await.expect(303);
    assert_eq!(world.count("SELECT count(*) FROM users WHERE erasure_requested_at IS NOT NULL").await, 0);
    world.finish().await;
}
