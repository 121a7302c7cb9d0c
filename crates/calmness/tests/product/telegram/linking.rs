//! `/api/telegram/link`: whose account is whose.

use serde_json::json;
use time::Duration;

use crate::support::World;

/// Whose each live binding is, by account.
async fn bindings(world: &World) -> Vec<(i64, String)> {
    let query = "SELECT telegram_user_id AS account, email FROM bindings JOIN users ON users.id = user_id
                 WHERE ended_at IS NULL ORDER BY telegram_user_id";
    let rows = world.rows(query).await;
    rows.iter()
        .map(|row| (row["account"].as_i64().unwrap(), row["email"].as_str().unwrap().to_owned()))
        .collect()
}

#[tokio::test]
async fn a_deep_link_binds_the_account_that_presses_start() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    assert_eq!(world.get_by(&customer, "/api/telegram/link").await.problem(), (404, "not_found"));
    let link = world.call("POST", "/api/telegram/link").by(&customer).send().await;
    insta::assert_snapshot!(link.shown(), @r"
    201
    {
      expires_at: [instant]
      url: [address]
    }
    ");
    let (bot, token) = link.text_of("url").split_once("?start=").unwrap();
    assert_eq!((bot, token.len()), ("https://t.me/signaux_test_bot", 43));
    assert_eq!(world.count("SELECT count(*) FROM telegram_link_tokens").await, 1);
    assert!(!format!("{:?}", world.rows("SELECT * FROM telegram_link_tokens").await).contains(token));
    world.press_start(7_001, link.text_of("url")).await;
    world.drain().await;
    insta::assert_snapshot!(world.get_by(&customer, "/api/telegram/link").await.shown(), @r#"
    200
    {
      bound_at: [instant]
      display_name: "Awa"
      telegram_user_id: 7001
    }
    "#);
    let said = world.bot_said(7_001).await;
    assert_eq!(said.len(), 1, "that nothing is paid for yet: {said:?}");
    world.finish().await;
}

#[tokio::test]
async fn a_link_works_once() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let link = world.deep_link(&customer).await;
    world.press_start(7_001, &link).await;
    world.press_start(7_002, &link).await;
    world.drain().await;
    assert_eq!(bindings(&world).await, [(7_001, "awa@example.com".to_owned())]);
    let (first, second) = (world.bot_said(7_001).await, world.bot_said(7_002).await);
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_ne!(first, second, "the second is told that the link is not valid");
    world.finish().await;
}

#[tokio::test]
async fn a_newer_link_replaces_an_older_one() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let older = world.deep_link(&customer).await;
    let newer = world.deep_link(&customer).await;
    world.press_start(7_001, &older).await;
    assert_eq!(bindings(&world).await, []);
    world.press_start(7_001, &newer).await;
    assert_eq!(bindings(&world).await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_link_lives_for_fifteen_minutes_of_wall_time() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let link = world.deep_link(&customer).await;
    let left = "SELECT (extract(epoch FROM expires_at - created_at))::bigint FROM telegram_link_tokens";
    assert_eq!(world.count(left).await, 15 * 60);
    // Business time has no say in it.
    world.advance(Duration::days(1)).await;
    world.sql("UPDATE telegram_link_tokens SET expires_at = expires_at - interval '15 minutes'").await;
    world.press_start(7_001, &link).await;
    assert_eq!(bindings(&world).await, []);
    let link = world.deep_link(&customer).await;
    world.press_start(7_001, &link).await;
    assert_eq!(bindings(&world).await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn start_without_a_token_or_with_nonsense_binds_nobody() {
    let world = World::new().await;
    world.account(7_001).await;
    for payload in ["", "x", &"A".repeat(43), &"A".repeat(64)] {
        let start = json!({ "payload": payload });
        world.sandbox_post("/telegram/users/7001/start", &start).await.expect(204);
    }
    world.until_peers_are_quiet().await;
    assert_eq!(bindings(&world).await, []);
    let told = world.count("SELECT count(*) FROM notifications WHERE kind = 'bot_link_invalid'").await;
    // Once a minute: two where the minute ended in between.
    assert!((1..=2).contains(&told), "{told}");
    world.finish_with_work_left().await;
}

#[tokio::test]
async fn an_account_of_another_user_moves_to_the_one_who_links_it() {
    let world = World::new().await;
    let (awa, moussa) = (world.made_customer("awa").await, world.made_customer("moussa").await);
    world.link_telegram(&awa, 7_001).await;
    let link = world.deep_link(&moussa).await;
    world.press_start(7_001, &link).await;
    assert_eq!(bindings(&world).await, [(7_001, "moussa@example.com".to_owned())]);
    world.get_by(&awa, "/api/telegram/link").await.expect(404);
    assert_eq!(world.count("SELECT count(*) FROM bindings").await, 2, "history is kept");
    world.finish().await;
}

#[tokio::test]
async fn linking_the_same_account_again_changes_nothing() {
    let world = World::new().await;
    let customer = world.member("awa", 7_001).await;
    let link = world.deep_link(&customer).await;
    world.press_start(7_001, &link).await;
    world.drain().await;
    assert!(world.is_inside(7_001).await);
    assert_eq!(world.calls_of("unbanChatMember").await.len(), 0);
    assert_eq!(bindings(&world).await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn unlinking_lets_the_account_go() {
    let world = World::new().await;
    let customer = world.member("awa", 7_001).await;
    world.call("DELETE", "/api/telegram/link").by(&customer).send().await.expect(204);
    world.call("DELETE", "/api/telegram/link").by(&customer).send().await.expect(404);
    world.drain().await;
    assert!(!world.is_inside(7_001).await);
    assert_eq!(bindings(&world).await, []);
    let access = world.get_by(&customer, "/api/telegram/access").await;
    assert_eq!(access.body["items"][0]["membership"], "outside");
    assert_eq!(world.subscription(&customer).await["status"], "active", "the time is still the user's");
    world.finish().await;
}
