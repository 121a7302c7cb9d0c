//! What a person does: sign up, buy, come back, link Telegram, leave.

use serde_json::json;

use super::browser::{Browser, links_of};
use crate::support::{PASSWORD, World};

#[tokio::test]
async fn from_the_sign_up_to_the_logout_in_a_browser() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    browser.open("/").await;
    let signup = browser.open("/signup").await;
    let typed = [("email", "awa@example.com"), ("password", PASSWORD)];
    browser.submit(&signup, "/signup", &typed).await.expect(200);
    world.drain().await;
    let token = world.mailed_token("awa@example.com").await;
    let verify = browser.open(&format!("/verify?token={token}")).await;
    let verified = browser.submit(&verify, "/verify", &[("password", PASSWORD)]).await;
    assert_eq!((verified.status, verified.header("location")), (303, Some("/login?notice=verified")));
    let login = browser.open("/login?notice=verified").await;
    browser.submit(&login, "/login", &typed).await.expect(303);
    let dashboard = browser.open("/dashboard").await;
    let opened = browser
        .submit(&dashboard, "/dashboard/payments", &[("plan_code", "signaux-monthly")])
        .await
        .expect(303);
    let checkout = opened.header("location").unwrap().to_owned();
    assert!(checkout.ends_with("/checkout"), "{checkout}");
    let leaving = browser.open(&checkout).await;
    let link = links_of(&leaving).into_iter().find(|link| link.contains("/psp/checkout/")).unwrap();
    world.http.get(&link).send().await.unwrap().error_for_status().unwrap();
    let id = checkout.split('/').nth(2).unwrap();
    let payment = json!({ "id": id, "checkout_url": link });
    world.pay(&payment).await;
    world.drain().await;
    let back = browser.open(&world.way_back(&payment).await).await;
    assert!(!back.text.contains("data-poll"), "the outcome is known");
    let dashboard = browser.open("/dashboard").await;
    assert!(
        dashboard.text.contains("data-ends-at=\"2") && dashboard.text.contains("data-part=\"seconds\""),
        "a live countdown"
    );
    assert!(dashboard.text.contains(&format!("/payments/{id}")));
    let out = browser.submit(&dashboard, "/logout", &[]).await.expect(303);
    assert!(out.header("location").unwrap().starts_with("/?notice="));
    let refused = browser.get("/dashboard").await.expect(303);
    assert!(refused.header("location").unwrap().starts_with("/login?next=%2Fdashboard"));
    world.finish().await;
}

#[tokio::test]
async fn the_page_makes_a_deep_link_and_shows_the_account() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-weekly").await;
    let mut browser = Browser::of(&world, &customer.email).await;
    let dashboard = browser.open("/dashboard").await;
    browser.submit(&dashboard, "/telegram/link", &[]).await.expect(303);
    let dashboard = browser.open("/dashboard").await;
    let link = links_of(&dashboard).into_iter().find(|link| link.contains("?start=")).unwrap();
    let link = link.replace(&format!("{}/t.me", world.sandbox), "https://t.me");
    world.press_start(7_001, &link).await;
    world.drain().await;
    let dashboard = browser.open("/dashboard").await;
    assert!(
        links_of(&dashboard).iter().any(|link| link.contains("/+") || link.contains("joinchat")),
        "the way in"
    );
    world.join(&customer, 7_001).await;
    let dashboard = browser.open("/dashboard").await;
    browser.submit(&dashboard, "/telegram/unlink", &[]).await.expect(303);
    world.drain().await;
    assert!(!world.is_inside(7_001).await);
    world.finish().await;
}

#[tokio::test]
async fn a_form_that_is_sent_twice_opens_one_payment() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let mut browser = Browser::of(&world, &customer.email).await;
    let dashboard = browser.open("/dashboard").await;
    let first = browser.submit(&dashboard, "/dashboard/payments", &[]).await.expect(303);
    let second = browser.submit(&dashboard, "/dashboard/payments", &[]).await.expect(303);
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(world.count("SELECT count(*) FROM payments").await, 1);
    world.finish().await;
}

#[tokio::test]
async fn wrong_unknown_and_unverified_see_the_same_page() {
    let world = World::new().await;
    world.made_customer("awa").await;
    world.register("unverified@example.com", PASSWORD).await;
    let mut pages = Vec::new();
    for (email, password) in [
        ("awa@example.com", "not the right password"),
        ("unknown@example.com", PASSWORD),
        ("unverified@example.com", PASSWORD),
        ("no address", PASSWORD),
    ] {
        let mut browser = Browser::new(&world);
        let login = browser.open("/login").await;
        let refused = browser.submit(&login, "/login", &[("email", email), ("password", password)]).await;
        let token = login.text.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        pages.push((refused.status, refused.text.replace(email, "[email]").replace(token, "[csrf]")));
        assert!(!browser.cookies.contains_key("calmness_session"));
    }
    assert!(pages.iter().all(|page| *page == pages[0]), "{pages:#?}");
    world.finish().await;
}

#[tokio::test]
async fn after_the_logout_the_old_cookie_opens_nothing() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let mut browser = Browser::of(&world, &customer.email).await;
    let kept = browser.cookies.clone();
    let dashboard = browser.open("/dashboard").await;
    browser.submit(&dashboard, "/logout", &[]).await.expect(303);
    assert!(!browser.cookies.contains_key("calmness_session"));
    browser.cookies = kept;
    browser.get("/dashboard").await.expect(303);
    world.finish().await;
}

#[tokio::test]
async fn somebody_elses_payment_is_not_there() {
    let world = World::new().await;
    let (awa, moussa) = (world.made_customer("awa").await, world.made_customer("moussa").await);
    let payment = world.open(&awa, "k1", "signaux-weekly").await;
    let id = payment["id"].as_str().unwrap();
    let mut browser = Browser::of(&world, &moussa.email).await;
    for page in ["", "/checkout", "/return", "/progress"] {
        browser.get(&format!("/payments/{id}{page}")).await.expect(404);
    }
    let mut stranger = Browser::new(&world);
    for page in ["", "/checkout", "/return"] {
        let sent_away = stranger.get(&format!("/payments/{id}{page}")).await.expect(303);
        assert!(sent_away.header("location").unwrap().starts_with("/login?next="));
    }
    world.finish().await;
}

#[tokio::test]
async fn a_login_leads_back_to_a_page_of_ours_and_nowhere_else() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    for (next, location) in [
        ("/payments/1?a=b", "/payments/1?a=b"),
        ("", "/dashboard"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
    ] {
        let mut browser = Browser::new(&world);
        let login = browser.open("/login").await;
        let typed = [("email", customer.email.as_str()), ("password", PASSWORD), ("next", next)];
        let gone = browser.submit(&login, "/login", &typed).await.expect(303);
        assert_eq!(gone.header("location"), Some(location), "{next}");
    }
    world.finish().await;
}

#[tokio::test]
async fn pages_speak_both_languages() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let french = browser.open("/").await;
    assert!(french.text.contains("<html lang=\"fr\">"));
    let chosen = browser.get("/language/en?next=%2Flogin").await.expect(303);
    assert_eq!(chosen.header("location"), Some("/login"));
    assert!(browser.open("/login").await.text.contains("<html lang=\"en\">"));
    let elsewhere = browser.get("/language/fr?next=https%3A%2F%2Fevil.example").await.expect(303);
    assert_eq!(elsewhere.header("location"), Some("/"));
    world.finish().await;
}
