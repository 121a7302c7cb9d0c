//! Join requests: the bound account of a user with running time is let in, everybody else is turned away.

use serde_json::json;
use time::Duration;

use crate::support::World;

#[tokio::test]
async fn a_customer_with_time_gets_a_link_and_is_let_in() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-monthly").await;
    world.link_telegram(&customer, 7_001).await;
    let said = world.bot_said(7_001).await;
    let link = world.invite_link(&customer).await;
    assert!(said.len() == 1 && said[0].contains(&link), "{said:?}");
    world.ask_to_join(7_001, &link).await;
    let waiting = world.get_by(&customer, "/api/telegram/access").await;
    assert_eq!(waiting.body["items"][0]["membership"], "requested");
    world.drain().await;
    assert!(world.is_inside(7_001).await);
    insta::assert_snapshot!(world.get_by(&customer, "/api/telegram/access").await.shown(), @r#"
    200
    {
      items: [
        {
          channel: "signaux"
          invite_link: [address]
          membership: "member"
        }
      ]
    }
    "#);
    world.finish().await;
}

#[tokio::test]
async fn time_that_is_bought_after_the_linking_brings_the_link() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.link_telegram(&customer, 7_001).await;
    world.buy(&customer, "k1", "signaux-monthly").await;
    assert_eq!(world.bot_said(7_001).await.len(), 2);
    world.join(&customer, 7_001).await;
    assert!(world.is_inside(7_001).await);
    world.finish().await;
}

#[tokio::test]
async fn a_stranger_with_somebody_elses_link_is_turned_away() {
    let world = World::new().await;
    let customer = world.member("awa", 7_001).await;
    let link = world.invite_link(&customer).await;
    world.account(666).await;
    world.ask_to_join(666, &link).await;
    world.drain().await;
    assert!(!world.is_inside(666).await && !world.is_waiting(666).await && !world.is_banned(666).await);
    assert!(world.is_inside(7_001).await);
    assert_eq!(world.calls_of("declineChatJoinRequest").await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_bound_account_without_time_is_turned_away() {
    let world = World::new().await;
    let (awa, moussa) = (world.member("awa", 7_001).await, world.made_customer("moussa").await);
    world.link_telegram(&moussa, 7_002).await;
    let link = world.invite_link(&awa).await;
    world.ask_to_join(7_002, &link).await;
    world.drain().await;
    assert!(!world.is_inside(7_002).await && !world.is_waiting(7_002).await);
    world.finish().await;
}

#[tokio::test]
async fn one_link_is_made_for_each_account_and_kept() {
    let world = World::new().await;
    let customer = world.member("awa", 7_001).await;
    let first = world.invite_link(&customer).await;
    world.buy(&customer, "k2", "signaux-weekly").await;
    world.advance(Duration::days(2)).await;
    assert_eq!(world.invite_link(&customer).await, first);
    let made = world.calls_of("createChatInviteLink").await;
    assert_eq!((made.len(), &made[0]["creates_join_request"]), (1, &json!("true")));
    world.finish().await;
}

#[tokio::test]
async fn somebody_who_left_can_come_back_while_the_time_runs() {
    let world = World::new().await;
    let customer = world.member("awa", 7_001).await;
    let leave = json!({ "chat_id": crate::support::CHAT });
    world.sandbox_post("/telegram/users/7001/leave", &leave).await.expect(204);
    world.drain().await;
    assert!(!world.is_inside(7_001).await);
    world.join(&customer, 7_001).await;
    assert!(world.is_inside(7_001).await);
    world.finish().await;
}

#[tokio::test]
async fn a_request_that_waits_while_the_payment_settles_is_let_in() {
    let world = World::new().await;
    let (awa, moussa) = (world.member("awa", 7_001).await, world.made_customer("moussa").await);
    world.link_telegram(&moussa, 7_002).await;
    let link = world.invite_link(&awa).await;
    let payment = world.open(&moussa, "k1", "signaux-weekly").await;
    world.ask_to_join(7_002, &link).await;
    world.pay(&payment).await;
    world.drain().await;
    assert!(world.is_inside(7_002).await, "the wanted state is read right before the act");
    world.finish().await;
}
