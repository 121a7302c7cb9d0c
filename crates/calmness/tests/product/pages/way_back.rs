//! Links that lead back from elsewhere: each counts once, and whoever else has one learns nothing (Q3).

use serde_json::Value;
use time::Duration;

use super::browser::Browser;
use crate::support::{PASSWORD, World};

/// How often the provider is to be asked at once about a payment that is still open.
async fn asked(world: &World) -> i64 {
    let now = world.now().await;
    world.count(&format!("SELECT count(*) FROM payments WHERE check_due_at <= '{now}'")).await
}

fn id(payment: &Value) -> &str {
    payment["id"].as_str().unwrap()
}

#[tokio::test]
async fn q3_a_return_link_asks_the_provider_once_and_again_has_no_effect() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k", "signaux-weekly").await;
    let back = world.way_back(&payment).await;
    let mut browser = Browser::of(&world, &customer.email).await;
    assert_eq!(asked(&world).await, 0);
    let first = browser.open(&back).await;
    assert!(first.text.contains("data-poll"), "the outcome is open");
    assert_eq!(asked(&world).await, 1);
    world.sql("UPDATE payments SET check_due_at = check_due_at + interval '1 hour'").await;
    for _ in 0..3 {
        let again = browser.open(&back).await;
        assert!(again.text.contains("data-poll"), "the page that was reloaded is the same");
    }
    assert_eq!(asked(&world).await, 0);
    world.finish().await;
}

#[tokio::test]
async fn q3_a_forged_or_foreign_or_expired_return_link_leads_to_the_ordinary_page_without_effect() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let (one, other) = (
        world.open(&customer, "k1", "signaux-weekly").await,
        world.open(&customer, "k2", "signaux-monthly").await,
    );
    let back = world.way_back(&one).await;
    let nonce = back.split_once("nonce=").unwrap().1.to_owned();
    let mut browser = Browser::of(&world, &customer.email).await;
    let page = |payment: &Value| format!("/payments/{}", id(payment));
    let mut forged = nonce.clone().into_bytes();
    forged[20] = if forged[20] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    for query in [
        String::new(),
        "?nonce=".to_owned(),
        format!("?nonce={forged}"),
        format!("?nonce={}", "A".repeat(5_000)),
        "?nonce=%00%ff%f0".to_owned(),
        format!("?nonce={nonce}&nonce={nonce}"),
    ] {
        let path = format!("{}/return{query}", page(&one));
        let answer = browser.get(&path).await.expect(303);
        assert_eq!(answer.header("location"), Some(&*page(&one)), "{path}");
    }
    let swapped = browser.get(&format!("{}/return?nonce={nonce}", page(&other))).await.expect(303);
    assert_eq!(swapped.header("location"), Some(&*page(&other)), "made for another payment");
    world.move_clock(Duration::days(1) + Duration::minutes(31)).await;
    let late = browser.get(&back).await.expect(303);
    assert_eq!(late.header("location"), Some(&*page(&one)), "after its end");
    assert_eq!(world.count("SELECT count(*) FROM payment_returns").await, 0);
    world.finish().await;
}

#[tokio::test]
async fn q3_a_return_link_tells_nothing_to_strangers_and_stays_good_for_the_payer() {
    let world = World::new().await;
    let (awa, _) = (world.made_customer("awa").await, world.made_customer("moussa").await);
    let payment = world.open(&awa, "k", "signaux-weekly").await;
    let back = world.way_back(&payment).await;
    let mut moussa = Browser::of(&world, "moussa@example.com").await;
    let refused = moussa.get(&back).await.expect(404);
    let nowhere = "/payments/00000000-0000-7000-8000-000000000000/return?nonce=x";
    let nothing = moussa.get(nowhere).await.expect(404);
    let words = |page: &str| page.lines().filter(|line| line.contains("<h1")).collect::<String>();
    assert_eq!(words(&refused.text), words(&nothing.text));
    let mut stranger = Browser::new(&world);
    let sent_away = stranger.get(&back).await.expect(303);
    let login = sent_away.header("location").unwrap().to_owned();
    assert!(login.starts_with("/login?next=%2Fpayments%2F"), "{login}");
    assert_eq!((asked(&world).await, world.count("SELECT count(*) FROM payment_returns").await), (0, 0));
    // Logged in, the payer is where the link leads, for the first time.
    let form = stranger.open(&login).await;
    let typed = [("email", awa.email.as_str()), ("password", PASSWORD)];
    let entered = stranger.submit(&form, "/login", &typed).await.expect(303);
    assert_eq!(entered.header("location"), Some(&*back));
    stranger.open(&back).await;
    assert_eq!(asked(&world).await, 1);
    world.finish().await;
}

#[tokio::test]
async fn q3_a_mailed_link_that_was_used_says_so_in_both_languages() {
    let world = World::new().await;
    world.register("awa@example.com", PASSWORD).await;
    world.drain().await;
    let token = world.mailed_token("awa@example.com").await;
    let path = format!("/verify?token={token}");
    let mut browser = Browser::new(&world);
    let press = async |browser: &mut Browser<'_>| {
        let page = browser.open(&path).await;
        browser.submit(&page, "/verify", &[("password", PASSWORD)]).await
    };
    press(&mut browser).await.expect(303);
    let again = press(&mut browser).await.expect(422);
    assert!(again.text.contains("le lien a déjà servi ou expiré"), "{}", again.text);
    browser.get("/language/en").await.expect(303);
    let again = press(&mut browser).await.expect(422);
    assert!(again.text.contains("the link has been used or has expired"), "{}", again.text);
    world.finish().await;
}

#[tokio::test]
async fn q3_a_deep_link_that_was_used_or_is_too_old_binds_nobody_and_says_so() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let link = world.deep_link(&customer).await;
    world.press_start(7_001, &link).await;
    world.press_start(7_002, &link).await;
    world.drain().await;
    let late = world.deep_link(&customer).await;
    world.sql("UPDATE telegram_link_tokens SET expires_at = now() WHERE used_at IS NULL").await;
    world.press_start(7_003, &late).await;
    world.drain().await;
    assert_eq!(
        world.rows("SELECT telegram_user_id AS account FROM bindings").await,
        [serde_json::json!({ "account": 7_001 })]
    );
    let (replayed, expired) = (world.bot_said(7_002).await, world.bot_said(7_003).await);
    assert_eq!((replayed.len(), expired.len()), (1, 1));
    assert_eq!(replayed, expired, "one answer, whatever is wrong with the link");
    assert_ne!(replayed, world.bot_said(7_001).await);
    world.finish().await;
}
