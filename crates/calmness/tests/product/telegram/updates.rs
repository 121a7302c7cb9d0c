//! `/api/webhooks/telegram`: only Telegram's own word, and each update as often as it comes.

use serde_json::{Value, json};

use crate::support::{Answer, CHAT, TELEGRAM_SECRET, World};

async fn tell(world: &World, update: &Value) -> Answer {
    let call = world.call("POST", "/api/webhooks/telegram").json(update);
    call.header("X-Telegram-Bot-Api-Secret-Token", TELEGRAM_SECRET).send().await
}

fn join_request(update_id: i64, account: i64) -> Value {
    json!({
        "update_id": update_id,
        "chat_join_request": {
            "chat": { "id": CHAT, "type": "channel", "title": "Signaux" },
            "from": { "id": account, "is_bot": false, "first_name": "Awa" },
            "user_chat_id": account,
            "date": 1_790_000_000,
        },
    })
}

#[tokio::test]
async fn without_the_secret_nothing_is_believed() {
    let world = World::new().await;
    let update = join_request(1, 7_001);
    for secret in [None, Some(""), Some("wrong"), Some(&*TELEGRAM_SECRET.to_uppercase())] {
        let call = world.call("POST", "/api/webhooks/telegram").json(&update);
        let call = match secret {
            Some(secret) => call.header("X-Telegram-Bot-Api-Secret-Token", secret),
            None => call,
        };
        assert_eq!(call.send().await.problem(), (401, "signature_invalid"), "{secret:?}");
    }
    assert_eq!(world.count("SELECT count(*) FROM memberships").await, 0);
    world.finish().await;
}

#[tokio::test]
async fn what_is_no_update_is_malformed_and_unknown_kinds_are_taken() {
    let world = World::new().await;
    for body in [json!([]), json!("x"), json!({}), json!({ "update_id": "x" })] {
        tell(&world, &body).await.expect(400);
    }
    let strange = [
        json!({ "update_id": 1 }),
        json!({ "update_id": 2, "poll_answer": { "poll_id": "x" } }),
        json!({ "update_id": 3, "message": { "message_id": 1, "date": 1, "chat": { "id": 7, "type": "private" } } }),
        json!({ "update_id": 4, "chat_join_request": { "chat": { "id": -5, "type": "channel" }, "from": { "id": 7, "is_bot": false, "first_name": "x" }, "date": 1 } }),
    ];
    for update in strange {
        tell(&world, &update).await.expect(200);
    }
    assert_eq!(world.count("SELECT count(*) FROM memberships").await, 0);
    world.finish().await;
}

#[tokio::test]
async fn duplicates_of_one_update_do_no_harm() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-monthly").await;
    let link = world.deep_link(&customer).await;
    let token = link.split_once("?start=").unwrap().1;
    world.account(7_001).await;
    world.sandbox_post("/telegram/users/7001/start", &json!({ "payload": "" })).await.expect(204);
    world.drain().await;
    let start = json!({
        "update_id": 900_001,
        "message": {
            "message_id": 5, "date": 1_790_000_000, "text": format!("/start {token}"),
            "chat": { "id": 7_001, "type": "private" }, "from": { "id": 7_001, "is_bot": false, "first_name": "Awa" },
        },
    });
    for _ in 0..3 {
        tell(&world, &start).await.expect(200);
    }
    assert_eq!(world.count("SELECT count(*) FROM bindings WHERE ended_at IS NULL").await, 1);
    assert_eq!(world.count("SELECT count(*) FROM audit_logs WHERE action = 'telegram.bound'").await, 1);
    world.drain().await;
    let invite = world.invite_link(&customer).await;
    world.ask_to_join(7_001, &invite).await;
    world.drain().await;
    assert!(world.is_inside(7_001).await);
    // The same request once more, after it was answered.
    for _ in 0..3 {
        tell(&world, &join_request(900_002, 7_001)).await.expect(200);
    }
    world.drain().await;
    assert!(world.is_inside(7_001).await);
    assert_eq!(world.calls_of("approveChatJoinRequest").await.len(), 1);
    assert_eq!(world.calls_of("declineChatJoinRequest").await.len(), 0);
    world.finish().await;
}

#[tokio::test]
async fn somebody_who_just_writes_is_told_what_the_bot_is_for_once_a_minute() {
    let world = World::new().await;
    world.account(7_001).await;
    world.sandbox_post("/telegram/users/7001/start", &json!({ "payload": "" })).await.expect(204);
    for text in ["hello", "/help", "<b>&\u{0} DROP TABLE", "💥"] {
        world.sandbox_post("/telegram/users/7001/messages", &json!({ "text": text })).await.expect(204);
    }
    world.until_peers_are_quiet().await;
    let owed = world.count("SELECT count(*) FROM notifications WHERE kind = 'bot_help'").await;
    // Two where the minute ended in between.
    assert!((1..=2).contains(&owed), "{owed}");
    world.finish_with_work_left().await;
}

#[tokio::test]
async fn older_news_do_not_overwrite_newer_ones() {
    let world = World::new().await;
    let customer = world.member("awa", 7_001).await;
    let member = |status: &str| json!({ "status": status, "user": { "id": 7_001, "is_bot": false, "first_name": "Awa" } });
    let stale = json!({
        "update_id": 900_003,
        "chat_member": {
            "chat": { "id": CHAT, "type": "channel", "title": "Signaux" },
            "from": { "id": 7_001, "is_bot": false, "first_name": "Awa" },
            "date": world.wall().unix_timestamp() - 3_600,
            "old_chat_member": member("member"), "new_chat_member": member("left"),
        },
    });
    tell(&world, &stale).await.expect(200);
    let access = world.get_by(&customer, "/api/telegram/access").await;
    assert_eq!(access.body["items"][0]["membership"], "member");
    world.finish().await;
}

#[tokio::test]
async fn a_flood_of_forged_updates_is_limited_and_told_once() {
    use web::LimitSettings;
    use web::middleware::limits::Limit;
    let few = Limit { burst: 3, per_minute: 1 };
    let limits = LimitSettings { unverified_webhooks: few, ..LimitSettings::default() };
    let mut world = World::setup().with_limits(limits).with_worker().start().await;
    for _ in 0..4 {
        world.post("/api/webhooks/telegram", &json!({})).await.expect(401);
    }
    assert_eq!(world.post("/api/webhooks/telegram", &json!({})).await.problem(), (429, "rate_limited"));
    tell(&world, &json!({ "update_id": 1 })).await.expect(200);
    world.stop_worker().await;
    let told = world
        .rows(
            "SELECT subject_id, details -> 'count' AS count FROM audit_logs WHERE action = 'webhook.refused'",
        )
        .await;
    assert!(told.iter().all(|entry| entry["subject_id"] == "telegram"), "{told:?}");
    assert_eq!(told.iter().map(|entry| entry["count"].as_i64().unwrap()).sum::<i64>(), 5);
    world.finish().await;
}
