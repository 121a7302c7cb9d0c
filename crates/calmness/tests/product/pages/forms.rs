//! Only our own pages can post (A5): no form does anything for another site.

use super::browser::{Browser, fields_of};
use crate::support::{PASSWORD, World};

const UNTOUCHED: &str = "SELECT (SELECT count(*) FROM payments) + (SELECT count(*) FROM telegram_link_tokens)
    + (SELECT count(*) FROM registrations) + (SELECT count(*) FROM sessions WHERE revoked_at IS NOT NULL)";

fn pairs(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn no_form_takes_a_post_without_its_token() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let paths = web::pages::form_paths();
    assert!(paths.len() >= 8, "{paths:?}");
    for path in paths {
        for logged_in in [false, true] {
            let mut browser =
                if logged_in { Browser::of(&world, &customer.email).await } else { Browser::new(&world) };
            let stranger = Browser::new(&world).open("/login").await;
            let others_token = fields_of(&stranger, "/login").remove(0).1;
            let base = [
                ("email", "new@example.com"),
                ("password", PASSWORD),
                ("plan_code", "signaux-weekly"),
                ("offer", "hmac_psp:EUR"),
            ];
            for token in [None, Some(""), Some("00"), Some(others_token.as_str())] {
                let mut fields = pairs(&base);
                fields.extend(token.map(|token| ("csrf".to_owned(), token.to_owned())));
                let refused = browser.post(path, &fields, &[("Sec-Fetch-Site", "same-origin")]).await;
                // Who isn't logged in is first sent to do so.
                let sent_away = refused.status == 303
                    && refused.header("location").is_some_and(|to| to.starts_with("/login?next="));
                assert!(
                    refused.status == 403 || (sent_away && !logged_in),
                    "{path} {token:?}: {}",
                    refused.status
                );
            }
        }
    }
    assert_eq!(world.count(UNTOUCHED).await, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_right_token_from_another_site_is_refused_by_what_the_browser_says() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let mut browser = Browser::of(&world, &customer.email).await;
    let dashboard = browser.open("/dashboard").await;
    let fields = fields_of(&dashboard, "/dashboard/payments");
    let own = world.base.clone();
    for headers in [
        vec![("Sec-Fetch-Site", "cross-site")],
        vec![("Sec-Fetch-Site", "same-site")],
        vec![("Origin", "https://evil.example")],
        vec![("Origin", "null")],
        vec![("Sec-Fetch-Site", "cross-site"), ("Origin", own.as_str())],
    ] {
        let refused = browser.post("/dashboard/payments", &fields, &headers).await;
        assert_eq!(refused.status, 403, "{headers:?}");
    }
    assert_eq!(world.count(UNTOUCHED).await, 0);
    browser.post("/dashboard/payments", &fields, &[("Sec-Fetch-Site", "same-origin")]).await.expect(303);
    assert_eq!(world.count("SELECT count(*) FROM payments").await, 1);
    world.finish().await;
}

#[tokio::test]
async fn the_token_of_one_session_is_worth_nothing_in_another() {
    let world = World::new().await;
    let (awa, moussa) = (world.made_customer("awa").await, world.made_customer("moussa").await);
    let mut attacker = Browser::of(&world, &moussa.email).await;
    let page = attacker.open("/dashboard").await;
    let fields = fields_of(&page, "/dashboard/payments");
    let mut victim = Browser::of(&world, &awa.email).await;
    victim.post("/dashboard/payments", &fields, &[("Sec-Fetch-Site", "same-origin")]).await.expect(403);
    assert_eq!(world.count(UNTOUCHED).await, 0);
    world.finish().await;
}

#[tokio::test]
async fn the_api_knows_no_cookies() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let browser = Browser::of(&world, &customer.email).await;
    let cookies: Vec<String> =
        browser.cookies.iter().map(|(name, (value, _))| format!("{name}={value}")).collect();
    let answer = world.call("GET", "/api/me").header("Cookie", &cookies.join("; ")).send().await;
    assert_eq!(answer.problem(), (401, "unauthorized"));
    world.finish().await;
}

#[tokio::test]
async fn what_people_type_comes_back_as_text() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let signup = browser.open("/signup").await;
    let nasty = "\"><script>alert(1)</script>";
    let shown =
        browser.submit(&signup, "/signup", &[("email", nasty), ("password", PASSWORD)]).await.expect(422);
    assert!(
        !shown.text.contains("<script>alert") && shown.text.contains("&#60;script&#62;"),
        "{}",
        shown.text
    );
    for path in
        ["/verify?token=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "/login?next=%22%3E%3Cscript%3Ealert(1)"]
    {
        assert!(!browser.open(path).await.text.contains("<script>alert"), "{path}");
    }
    world.finish().await;
}
