//! Telegram answering 429, 500 or nothing; rights that were lost; people who blocked the bot.

use serde_json::json;
use time::Duration;

use crate::support::{CHAT, COMPANY, World};

#[tokio::test]
async fn a_429_is_honoured_and_the_work_is_done_later() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-monthly").await;
    world.link_telegram(&customer, 7_001).await;
    let link = world.invite_link(&customer).await;
    let fault = json!({ "peer": "telegram", "fault": "error_429", "retry_after": 1, "times": 1, "method": "approveChatJoinRequest" });
    world.fault(fault).await;
    world.ask_to_join(7_001, &link).await;
    world.drain().await;
    assert!(world.is_waiting(7_001).await && !world.is_inside(7_001).await);
    let began = std::time::Instant::now();
    world.advance(Duration::seconds(2)).await;
    assert!(world.is_inside(7_001).await);
    assert!(began.elapsed() > std::time::Duration::from_millis(500), "no call before its time");
    world.finish().await;
}

#[tokio::test]
async fn whatever_goes_wrong_with_a_call_the_work_is_done_later() {
    let faults = [
        json!({ "fault": "error_500", "times": 3 }),
        json!({ "fault": "bad_gateway_html", "times": 3 }),
        json!({ "fault": "reset", "times": 3 }),
        // The work is done and its answer lost: doing it again does no harm.
        json!({ "fault": "time_out", "ms": 20, "times": 1 }),
    ];
    let world = World::new().await;
    for (account, mut fault) in (7_001..).zip(faults) {
        let customer = world.made_customer(&format!("awa{account}")).await;
        world.buy(&customer, "k1", "signaux-monthly").await;
        world.link_telegram(&customer, account).await;
        let link = world.invite_link(&customer).await;
        fault["peer"] = json!("telegram");
        fault["method"] = json!("approveChatJoinRequest");
        world.fault(fault.clone()).await;
        world.ask_to_join(account, &link).await;
        world.drain().await;
        for _ in 0..3 {
            world.advance(Duration::seconds(31)).await;
        }
        assert!(world.is_inside(account).await, "{fault}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_removal_that_fails_is_repeated_until_it_is_done() {
    let world = World::new().await;
    world.member("awa", 7_001).await;
    world
        .fault(json!({ "peer": "telegram", "fault": "error_500", "times": 4, "method": "unbanChatMember" }))
        .await;
    world.advance(Duration::days(30)).await;
    assert!(world.is_inside(7_001).await);
    for _ in 0..4 {
        world.advance(Duration::seconds(31)).await;
    }
    assert!(!world.is_inside(7_001).await);
    assert_eq!(world.calls_of("unbanChatMember").await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn lost_rights_are_one_alert_and_the_work_is_done_when_they_are_back() {
    let world = World::new().await;
    world.member("awa", 7_001).await;
    let rights = format!("/telegram/chats/{CHAT}/rights");
    world.sandbox_post(&rights, &json!({ "can_restrict_members": false })).await.expect(200);
    world.drain().await;
    assert_eq!(world.mails_to(COMPANY).await.len(), 1, "the company hears of it before anybody must go");
    world.advance(Duration::days(30)).await;
    for _ in 0..5 {
        world.advance(Duration::minutes(5)).await;
    }
    assert!(world.is_inside(7_001).await);
    assert_eq!(
        world.rows("SELECT kind, condition FROM alerts").await,
        [json!({ "kind": "telegram_rights", "condition": "telegram_rights" })]
    );
    assert_eq!(world.mails_to(COMPANY).await.len(), 1);
    let broken = world.broken_invariants().await;
    assert_eq!(broken[0].0, "nobody_inside_without_access", "and doctor names it: {broken:?}");
    world.sandbox_post(&rights, &json!({ "can_restrict_members": true })).await.expect(200);
    world.advance(Duration::minutes(6)).await;
    assert!(!world.is_inside(7_001).await);
    world.finish().await;
}

#[tokio::test]
async fn somebody_who_blocked_the_bot_is_removed_all_the_same() {
    let world = World::new().await;
    world.member("awa", 7_001).await;
    world.sandbox_post("/telegram/users/7001/block", &json!({})).await.expect(204);
    world.advance(Duration::days(30)).await;
    assert!(!world.is_inside(7_001).await);
    let given_up =
        "SELECT count(*) FROM notifications WHERE kind = 'bot_removed' AND given_up_at IS NOT NULL";
    assert_eq!(world.count(given_up).await, 1);
    world.finish().await;
}

#[tokio::test]
async fn updates_that_were_held_back_are_taken_in_order_later() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-monthly").await;
    world.link_telegram(&customer, 7_001).await;
    let link = world.invite_link(&customer).await;
    world.fault(json!({ "peer": "telegram", "fault": "hold_updates" })).await;
    let join = json!({ "invite_link": link });
    world.sandbox_post("/telegram/users/7001/join", &join).await.expect(200);
    world.drain_once().await;
    assert!(!world.is_inside(7_001).await, "nobody has told us");
    world.clear_faults().await;
    world.drain().await;
    assert!(world.is_inside(7_001).await);
    world.finish().await;
}

#[tokio::test]
async fn a_worker_that_was_thought_dead_overwrites_nothing() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-monthly").await;
    world.link_telegram(&customer, 7_001).await;
    let link = world.invite_link(&customer).await;
    world.ask_to_join(7_001, &link).await;
    world
        .fault(json!({ "peer": "telegram", "fault": "hold", "times": 1, "method": "approveChatJoinRequest" }))
        .await;
    let paused = tokio::spawn({
        let app = world.app.clone();
        async move { app.drain_work().await }
    });
    let held = async || world.sandbox_get("/faults?format=json").await["items"][0]["used"] == 1;
    world.until("the first worker waits for Telegram", held).await;
    assert_eq!(world.drain_once().await, 0, "it holds the row");
    world
        .sql("UPDATE memberships SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL")
        .await;
    world.drain_once().await;
    assert!(world.is_inside(7_001).await, "the second worker has done it");
    world.clear_faults().await;
    paused.await.unwrap().unwrap();
    world.drain().await;
    assert!(world.is_inside(7_001).await);
    assert_eq!(world.count("SELECT count(*) FROM audit_logs WHERE action = 'membership.approved'").await, 1);
    let access = world.get_by(&customer, "/api/telegram/access").await;
    assert_eq!(access.body["items"][0]["membership"], "member");
    world.finish().await;
}
