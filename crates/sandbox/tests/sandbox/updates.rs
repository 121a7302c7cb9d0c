//! Updates through the webhook and through `getUpdates`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{BOT, CHANNEL, Stage};

const AWA: i64 = 7001;
const ALL: [&str; 4] = ["message", "my_chat_member", "chat_member", "chat_join_request"];

fn kinds(updates: &Value) -> Vec<String> {
    let kind =
        |update: &Value| update.as_object().unwrap().keys().find(|key| *key != "update_id").unwrap().clone();
    updates.as_array().unwrap().iter().map(kind).collect()
}

/// Awa presses start, asks to join, is let in, leaves.
async fn play(stage: &Stage) {
    stage.person(AWA).await;
    let link = stage.invite().await;
    let start = json!({ "link": "https://t.me/calmness_bot?start=tok_EN-1" });
    stage.post(&format!("/telegram/users/{AWA}/start"), start).await;
    stage.join(AWA, &link).await;
    stage.bot_ok("approveChatJoinRequest", json!({ "chat_id": CHANNEL, "user_id": AWA })).await;
    stage.post(&format!("/telegram/users/{AWA}/leave"), json!({ "chat_id": CHANNEL })).await;
}

#[tokio::test]
async fn the_webhook_gets_every_update_in_order_with_the_secret() {
    let stage = Stage::new().await;
    let url = format!("{}/tg", stage.product_url);
    stage.bot_ok("setWebhook", json!({ "url": url, "secret_token": "s3cret", "allowed_updates": ALL })).await;
    play(&stage).await;
    stage.until("all came", || stage.product.told().len() == 4).await;
    let told = stage.product.told();
    let bodies = told.iter().map(|told| told.body.clone()).collect::<Value>();
    assert_eq!(kinds(&bodies), ["message", "chat_join_request", "chat_member", "chat_member"]);
    assert!(told.iter().all(|told| told.headers["x-telegram-bot-api-secret-token"] == "s3cret"));
    let ids: Vec<_> = told.iter().map(|told| told.body["update_id"].as_i64().unwrap()).collect();
    assert!(ids.is_sorted());
    let message = &bodies[0]["message"];
    assert_eq!((&message["text"], &message["from"]["id"]), (&json!("/start tok_EN-1"), &json!(AWA)));
    let request = &bodies[1]["chat_join_request"];
    assert_eq!((&request["chat"]["id"], &request["user_chat_id"]), (&json!(CHANNEL), &json!(AWA)));
    assert_eq!(request["invite_link"]["creates_join_request"], true);
    let (joined, left) = (&bodies[2]["chat_member"], &bodies[3]["chat_member"]);
    assert_eq!(
        (&joined["old_chat_member"]["status"], &joined["new_chat_member"]["status"]),
        (&json!("left"), &json!("member"))
    );
    assert_eq!((&joined["from"]["id"], &joined["via_join_request"]), (&json!(BOT), &json!(true)));
    assert_eq!((&left["from"]["id"], &left["new_chat_member"]["status"]), (&json!(AWA), &json!("left")));
}

#[tokio::test]
async fn an_update_is_repeated_until_it_is_taken() {
    let stage = Stage::new().await;
    stage.product.answer_next(&[500]);
    stage.bot_ok("setWebhook", json!({ "url": format!("{}/tg", stage.product_url) })).await;
    stage.person(AWA).await;
    stage.post(&format!("/telegram/users/{AWA}/start"), json!({})).await;
    stage.until("the first attempt", || stage.product.told().len() == 1).await;
    let info = stage
        .until_json("/log?kind=telegram.update_attempt", |log| log["items"][0]["data"]["status"] == 500)
        .await;
    assert_eq!(info["items"].as_array().unwrap().len(), 1);
    let info = stage.bot_ok("getWebhookInfo", json!({})).await;
    assert_eq!(info["pending_update_count"], 1);
    assert_eq!(info["last_error_message"], "Wrong response from the webhook: 500");
    stage.until("the second attempt", || stage.product.told().len() == 2).await;
    let told = stage.product.told();
    assert_eq!(told[0].raw, told[1].raw);
}

#[tokio::test]
async fn a_method_in_the_webhooks_answer_is_called() {
    let stage = Stage::new().await;
    let reply = json!({ "method": "sendMessage", "chat_id": AWA, "text": "hello" });
    *stage.product.reply.lock().unwrap() = Some(reply);
    stage.bot_ok("setWebhook", json!({ "url": format!("{}/tg", stage.product_url) })).await;
    stage.person(AWA).await;
    stage.post(&format!("/telegram/users/{AWA}/start"), json!({})).await;
    let path = format!("/telegram/users/{AWA}/messages");
    stage.until_json(&path, |said| said["items"][0]["text"] == "hello").await;
}

#[tokio::test]
async fn only_allowed_kinds_are_told_and_chat_member_only_by_name() {
    let stage = Stage::new().await;
    play(&stage).await;
    assert_eq!(kinds(&stage.bot_ok("getUpdates", json!({})).await), ["message", "chat_join_request"]);
    stage.bot_ok("getUpdates", json!({ "offset": 100, "allowed_updates": ["chat_member"] })).await;
    stage.bot_ok("banChatMember", json!({ "chat_id": CHANNEL, "user_id": AWA })).await;
    stage.post(&format!("/telegram/users/{AWA}/start"), json!({})).await;
    assert_eq!(
        kinds(&stage.bot_ok("getUpdates", json!({})).await),
        ["chat_member"],
        "the choice is remembered"
    );
}

#[tokio::test]
async fn an_offset_confirms_what_lies_before() {
    let stage = Stage::new().await;
    stage.person(AWA).await;
    for _ in 0..3 {
        stage.post(&format!("/telegram/users/{AWA}/start"), json!({})).await;
    }
    let all = stage.bot_ok("getUpdates", json!({})).await;
    assert_eq!(all.as_array().unwrap().len(), 3);
    let second = all[1]["update_id"].clone();
    let rest = stage.bot_ok("getUpdates", json!({ "offset": second, "limit": 1 })).await;
    assert_eq!(rest[0]["update_id"], second);
    assert_eq!(stage.bot_ok("getUpdates", json!({ "offset": -1 })).await[0], all[2]);
    assert_eq!(stage.bot_ok("getWebhookInfo", json!({})).await["pending_update_count"], 1);
}

#[tokio::test]
async fn a_long_poll_ends_with_the_first_update() {
    let stage = Stage::new().await;
    stage.person(AWA).await;
    let poll = stage.bot_ok("getUpdates", json!({ "timeout": 50 }));
    let start = async {
        tokio::task::yield_now().await;
        stage.post(&format!("/telegram/users/{AWA}/start"), json!({})).await
    };
    let (updates, _) =
        tokio::time::timeout(Duration::from_secs(5), async { tokio::join!(poll, start) }).await.unwrap();
    assert_eq!(kinds(&updates), ["message"]);
    assert_eq!(stage.bot_ok("getUpdates", json!({ "offset": 100, "timeout": 0 })).await, json!([]));
}

#[tokio::test]
async fn polling_and_webhook_exclude_each_other() {
    let stage = Stage::new().await;
    stage.bot_ok("setWebhook", json!({ "url": "http://localhost:1/tg" })).await;
    let (status, text) = stage.bot_err("getUpdates", json!({})).await;
    assert!(
        status == 409 && text.starts_with("Conflict: can't use getUpdates method while webhook is active"),
        "{text}"
    );
    stage.bot_ok("deleteWebhook", json!({})).await;
    let first = stage.bot("getUpdates", json!({ "timeout": 3 }));
    let second = async {
        stage.until_json("/telegram/users", |users| users["items"].is_array()).await;
        stage.bot("getUpdates", json!({ "timeout": 1 })).await
    };
    let (first, second) = tokio::join!(first, second);
    let mut statuses = [first.0, second.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "the newer one wins");
}

#[tokio::test]
async fn webhooks_keep_their_rules() {
    let stage = Stage::new().await;
    for (bad, part) in [
        (json!({ "url": "ftp://x" }), "invalid URL"),
        (json!({ "url": "http://example.org/x" }), "HTTPS URL must be provided"),
        (
            json!({ "url": "https://example.org/x", "secret_token": "a b" }),
            "secret token contains unallowed characters",
        ),
        (
            json!({ "url": "https://example.org/x", "allowed_updates": "message" }),
            "can't parse allowed_updates",
        ),
    ] {
        let (status, text) = stage.bot_err("setWebhook", bad).await;
        assert!(status == 400 && text.contains(part), "{text}");
    }
    assert_eq!(stage.bot_ok("getWebhookInfo", json!({})).await["url"], "");
}

#[tokio::test]
async fn blocking_the_bot_and_changed_rights_are_told() {
    let stage = Stage::new().await;
    stage.person(AWA).await;
    stage.post(&format!("/telegram/users/{AWA}/start"), json!({})).await;
    stage.post(&format!("/telegram/users/{AWA}/block"), json!({})).await;
    stage.post(&format!("/telegram/chats/{CHANNEL}/rights"), json!({ "can_invite_users": false })).await;
    let link = {
        stage.post(&format!("/telegram/chats/{CHANNEL}/rights"), json!({ "can_invite_users": true })).await;
        stage.invite().await
    };
    stage.post(&format!("/telegram/chats/{CHANNEL}/rights"), json!({ "can_invite_users": false })).await;
    stage.join(AWA, &link).await;
    let updates = stage.bot_ok("getUpdates", json!({})).await;
    assert_eq!(
        kinds(&updates),
        ["message", "my_chat_member", "my_chat_member", "my_chat_member", "my_chat_member"]
    );
    assert_eq!(updates[1]["my_chat_member"]["new_chat_member"]["status"], "kicked");
    assert_eq!(updates[2]["my_chat_member"]["new_chat_member"]["can_invite_users"], false);
}

#[tokio::test]
async fn held_updates_come_when_the_hold_is_cleared() {
    let stage = Stage::new().await;
    stage.bot_ok("setWebhook", json!({ "url": format!("{}/tg", stage.product_url) })).await;
    stage.fault(json!({ "peer": "telegram", "fault": "hold_updates" })).await;
    stage.person(AWA).await;
    stage.post(&format!("/telegram/users/{AWA}/start"), json!({})).await;
    assert_eq!(stage.bot_ok("getWebhookInfo", json!({})).await["pending_update_count"], 1);
    assert_eq!(stage.product.told().len(), 0);
    stage.delete("/faults").await;
    stage.until("it came", || stage.product.told().len() == 1).await;
}
