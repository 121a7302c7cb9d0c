//! Who must go, goes: once, without a ban. Who was never ours, stays.

use serde_json::json;
use time::Duration;

use crate::support::{CHAT, World};

/// The owner of every simulated chat.
const OWNER: i64 = 600_000_001;

#[tokio::test]
async fn at_the_end_the_member_is_removed_once_told_so_and_not_banned() {
    let world = World::new().await;
    let customer = world.member("awa", 7_001).await;
    world.advance(Duration::days(30)).await;
    assert!(!world.is_inside(7_001).await && !world.is_banned(7_001).await);
    assert_eq!(world.calls_of("unbanChatMember").await.len(), 1);
    assert_eq!(world.calls_of("banChatMember").await.len(), 0);
    assert_eq!(world.bot_said(7_001).await.len(), 2, "the way in, and the end");
    world.advance(Duration::days(3)).await;
    assert_eq!(world.calls_of("unbanChatMember").await.len(), 1);
    // A removal is no ban: new time opens the same door.
    world.buy(&customer, "second", "signaux-weekly").await;
    world.join(&customer, 7_001).await;
    assert!(world.is_inside(7_001).await);
    world.finish().await;
}

#[tokio::test]
async fn a_switch_of_account_removes_the_old_one_before_the_new_one_comes_in() {
    let world = World::new().await;
    let customer = world.member("awa", 7_001).await;
    world.link_telegram(&customer, 7_002).await;
    // The new account waits for the removal of the old one, two seconds at a time.
    world.advance(Duration::seconds(3)).await;
    assert!(!world.is_inside(7_001).await);
    world.join(&customer, 7_002).await;
    assert!(world.is_inside(7_002).await);
    let calls = world.sandbox_get("/telegram/calls").await;
    let acts: Vec<(&str, &str)> = calls["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|call| call["status"] == 200)
        .filter_map(|call| Some((call["method"].as_str()?, call["parameters"]["user_id"].as_str()?)))
        .filter(|(method, _)| ["unbanChatMember", "approveChatJoinRequest"].contains(method))
        .collect();
    let expected =
        [("approveChatJoinRequest", "7001"), ("unbanChatMember", "7001"), ("approveChatJoinRequest", "7002")];
    assert_eq!(acts, expected);
    world.finish().await;
}

#[tokio::test]
async fn an_account_that_moves_to_a_user_without_time_is_removed() {
    let world = World::new().await;
    let (_, moussa) = (world.member("awa", 7_001).await, world.made_customer("moussa").await);
    world.link_telegram(&moussa, 7_001).await;
    assert!(!world.is_inside(7_001).await);
    world.finish().await;
}

#[tokio::test]
async fn administrators_are_never_removed() {
    let world = World::new().await;
    let customer = world.made_customer("owner").await;
    world.buy(&customer, "k1", "signaux-weekly").await;
    world.link_telegram(&customer, OWNER).await;
    assert!(world.is_inside(OWNER).await);
    world.advance(Duration::days(8)).await;
    assert!(world.is_inside(OWNER).await);
    assert_eq!(world.calls_of("unbanChatMember").await.len(), 0);
    assert_eq!(world.rows("SELECT observed FROM memberships").await, [json!({ "observed": "untouchable" })]);
    assert_eq!(world.count("SELECT count(*) FROM alerts").await, 0);
    world.finish().await;
}

#[tokio::test]
async fn people_whom_somebody_else_let_in_are_left_alone() {
    let world = World::new().await;
    world.member("awa", 7_001).await;
    // The owner gives a friend a link of the ordinary kind.
    let made = world.bot("createChatInviteLink", &json!({ "chat_id": CHAT })).await;
    world.account(8_001).await;
    let join = json!({ "invite_link": made["invite_link"] });
    let joined = world.sandbox_post("/telegram/users/8001/join", &join).await.expect(200);
    assert_eq!(joined.body["state"], "joined");
    world.drain().await;
    assert_eq!(
        world
            .count("SELECT count(*) FROM memberships WHERE telegram_user_id = 8001 AND observed = 'member'")
            .await,
        1
    );
    world.advance(Duration::days(31)).await;
    assert!(world.is_inside(8_001).await && !world.is_inside(7_001).await);
    world.finish().await;
}

#[tokio::test]
async fn a_lost_report_of_an_entry_does_not_keep_anybody_inside() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-weekly").await;
    world.link_telegram(&customer, 7_001).await;
    world.join(&customer, 7_001).await;
    // As if neither our own approval nor Telegram's report had been kept.
    world.sql("UPDATE memberships SET observed = 'outside', observed_at = NULL, invited_at = now()").await;
    assert!(world.is_inside(7_001).await);
    world.advance(Duration::days(8)).await;
    assert!(!world.is_inside(7_001).await, "it is looked for once before it counts as outside");
    world.finish().await;
}

#[tokio::test]
async fn a_membership_that_nobody_owes_is_found_and_mended() {
    let mut world = World::setup().with_worker().start().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-weekly").await;
    world.pay(&payment).await;
    let link = world.deep_link(&customer).await;
    world.press_start(7_001, &link).await;
    let invited =
        async || world.count("SELECT count(*) FROM memberships WHERE invited_at IS NOT NULL").await == 1;
    world.until("the invitation is made", invited).await;
    let invite = world.invite_link(&customer).await;
    world.ask_to_join(7_001, &invite).await;
    world.until("the customer is inside", async || world.is_inside(7_001).await).await;
    world.until("nothing is owed", async || world.due().await.is_empty()).await;
    // As if the end had been swept and the work that it owed been lost.
    world.sql("UPDATE subscriptions SET end_due_at = NULL, remind_at = NULL").await;
    world.move_clock(Duration::days(8)).await;
    world.until("the customer is outside", async || !world.is_inside(7_001).await).await;
    world.stop_worker().await;
    world.finish().await;
}
