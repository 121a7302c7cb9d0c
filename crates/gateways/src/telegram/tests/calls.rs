use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::test_peer::{Log, Peer, Recorded, Reply, nobody};

/// Requests as other clients of the Bot API really send them, recorded on loopback.
const RECORDED_ELSEWHERE: &str = include_str!("../../../contracts/telegram.json");

fn yes() -> Reply {
    Reply::json(200, r#"{"ok":true,"result":true}"#)
}

fn result(result: &Value) -> Reply {
    Reply::json(200, &json!({"ok": true, "result": result}).to_string())
}

fn refusal(code: u16, description: &str) -> Reply {
    Reply::json(code, &json!({"ok": false, "error_code": code, "description": description}).to_string())
}

fn sent(peer: &Peer, method: &str) -> Value {
    let request = peer.request();
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("POST", format!("/bot{TOKEN}/{method}").as_str())
    );
    assert_eq!(request.header("content-type"), Some("application/json"));
    request.json()
}

#[tokio::test]
async fn a_message_is_plain_text_without_a_preview() {
    let peer = Peer::start([result(&json!({"message_id": 1}))]).await;
    bot(&peer.base).send_message(PERSON, "Bonjour <b>é</b>").await.unwrap();
    let expected =
        json!({"chat_id": PERSON, "text": "Bonjour <b>é</b>", "link_preview_options": {"is_disabled": true}});
    assert_eq!(sent(&peer, "sendMessage"), expected);
}

#[tokio::test]
async fn an_invite_link_is_named_and_asks_before_it_lets_in() {
    let link = json!({"invite_link": "https://t.me/+abc", "name": "u-1", "creates_join_request": true});
    let peer = Peer::start([result(&link)]).await;
    let made = bot(&peer.base).create_chat_invite_link(CHANNEL, "u-1", true).await.unwrap();
    assert_eq!(made.invite_link, "https://t.me/+abc");
    let expected = json!({"chat_id": CHANNEL, "name": "u-1", "creates_join_request": true});
    assert_eq!(sent(&peer, "createChatInviteLink"), expected);

    let long = bot(&peer.base).create_chat_invite_link(CHANNEL, &"é".repeat(33), true).await;
    assert!(matches!(long, Err(TelegramError::Refused(_))));
    assert_eq!(peer.requests().len(), 1, "a name that is too long never leaves");
}

#[tokio::test]
async fn removing_somebody_never_bans_them() {
    let peer = Peer::start([yes()]).await;
    bot(&peer.base).unban_chat_member(CHANNEL, PERSON).await.unwrap();
    // Without `only_if_banned` it removes; with it, it would do nothing to a member.
    assert_eq!(sent(&peer, "unbanChatMember"), json!({"chat_id": CHANNEL, "user_id": PERSON}));
}

#[tokio::test]
async fn the_other_calls_send_their_fields_and_read_their_results() {
    let expected = json!({"chat_id": CHANNEL, "user_id": PERSON});
    let peer = Peer::start([yes()]).await;
    bot(&peer.base).approve_chat_join_request(CHANNEL, PERSON).await.unwrap();
    assert_eq!(sent(&peer, "approveChatJoinRequest"), expected);
    let peer = Peer::start([yes()]).await;
    bot(&peer.base).decline_chat_join_request(CHANNEL, PERSON).await.unwrap();
    assert_eq!(sent(&peer, "declineChatJoinRequest"), expected);

    let user = json!({"id": PERSON, "is_bot": true, "first_name": "Ada"});
    let peer = Peer::start([result(&json!({"status": "member", "user": user}))]).await;
    let member = bot(&peer.base).get_chat_member(CHANNEL, PERSON).await.unwrap();
    assert_eq!((member.user.id, member.status), (PERSON, MemberStatus::Member));
    assert_eq!(sent(&peer, "getChatMember"), expected);

    let peer = Peer::start([result(&json!(1234))]).await;
    assert_eq!(bot(&peer.base).get_chat_member_count(CHANNEL).await, Ok(1234));
    assert_eq!(sent(&peer, "getChatMemberCount"), json!({"chat_id": CHANNEL}));

    let link = json!({"invite_link": "https://t.me/+abc", "is_revoked": true});
    let peer = Peer::start([result(&link)]).await;
    bot(&peer.base).revoke_chat_invite_link(CHANNEL, "https://t.me/+abc").await.unwrap();
    assert_eq!(
        sent(&peer, "revokeChatInviteLink"),
        json!({"chat_id": CHANNEL, "invite_link": "https://t.me/+abc"})
    );

    let peer = Peer::start([result(&user)]).await;
    assert_eq!(bot(&peer.base).get_me().await.unwrap().id, PERSON);
    assert_eq!(sent(&peer, "getMe"), json!({}));

    let peer = Peer::start([yes()]).await;
    bot(&peer.base).delete_webhook().await.unwrap();
    assert_eq!(sent(&peer, "deleteWebhook"), json!({"drop_pending_updates": false}));
}

#[tokio::test]
async fn a_webhook_is_set_with_its_secret_and_every_kind_that_we_want() {
    let peer = Peer::start([yes()]).await;
    let secret = SecretString::from("hook_secret");
    bot(&peer.base).set_webhook("https://shop.example/api/webhooks/telegram", &secret).await.unwrap();
    let expected = json!({
        "url": "https://shop.example/api/webhooks/telegram",
        "secret_token": "hook_secret",
        "allowed_updates": ["message", "my_chat_member", "chat_member", "chat_join_request"],
        "max_connections": 10,
    });
    assert_eq!(sent(&peer, "setWebhook"), expected);
}

#[tokio::test]
async fn polling_acknowledges_by_offset_and_skips_what_it_cannot_read() {
    let updates = json!([
        {"update_id": 7, "message": {"message_id": 1, "chat": {"id": 1, "type": "private"}, "date": 1, "text": "x"}},
        {"update_id": 8, "poll": {"anything": [1, 2]}},
        "not an update",
    ]);
    let peer = Peer::start([result(&updates)]).await;
    let fetched = bot(&peer.base).get_updates(Some(7), Duration::from_secs(25)).await.unwrap();
    assert_eq!(fetched.iter().map(|update| update.update_id).collect::<Vec<_>>(), [7, 8]);
    assert_eq!(fetched[1].content, Content::Ignored { kind: "poll".to_owned() });
    let expected = json!({"offset": 7, "limit": 25, "timeout": 25, "allowed_updates": ALLOWED_UPDATES});
    assert_eq!(sent(&peer, "getUpdates"), expected);
}

#[tokio::test]
async fn a_full_page_of_long_updates_is_read() {
    let text = "é".repeat(30_000);
    let one = |id: u32| json!({"update_id": id, "message": {"message_id": 1, "chat": {"id": 1, "type": "private"}, "date": 1, "text": text}});
    let updates: Vec<Value> = (1..=25).map(one).collect();
    let peer = Peer::start([result(&json!(updates))]).await;
    assert_eq!(bot(&peer.base).get_updates(None, Duration::ZERO).await.unwrap().len(), 25);
    assert_eq!(sent(&peer, "getUpdates").get("offset"), None);
}

#[tokio::test]
async fn a_person_who_never_started_the_bot_is_unreachable_and_a_channel_is_gone() {
    let peer = Peer::start([
        refusal(400, "Bad Request: chat not found"),
        refusal(400, "Bad Request: chat not found"),
    ])
    .await;
    let bot = bot(&peer.base);
    assert_eq!(bot.send_message(PERSON, "x").await, Err(TelegramError::Unreachable));
    let gone = bot.send_message(CHANNEL, "x").await;
    assert!(matches!(gone, Err(TelegramError::ChatGone(_))), "{gone:?}");
}

#[tokio::test]
async fn after_a_429_no_clone_of_the_bot_calls_before_its_time() {
    let limited = json!({
        "ok": false, "error_code": 429, "description": "Too Many Requests: retry after 30",
        "parameters": {"retry_after": 30},
    });
    let peer = Peer::start([Reply::json(429, &limited.to_string()), yes()]).await;
    let bot = bot(&peer.base);
    let after = Duration::from_secs(30);
    assert_eq!(bot.get_me().await, Err(TelegramError::RetryAfter { after }));
    let held = bot.clone().unban_chat_member(CHANNEL, PERSON).await;
    assert!(matches!(held, Err(TelegramError::RetryAfter { after: left }) if left <= after), "{held:?}");
    assert_eq!(peer.requests().len(), 1, "the second call never left");
}

#[tokio::test]
async fn an_answer_that_is_not_telegrams_leaves_the_call_unknown() {
    let foreign = [
        Reply::page(502),
        Reply::page(200),
        Reply::json(200, "{}"),
        Reply::json(200, r#"{"ok":"yes"}"#),
        Reply::json(200, r#"{"ok":true,"result":"a word"}"#),
        Reply::json(400, r#"{"ok":false}"#),
        Reply::json(500, r#"{"ok":false,"error_code":500,"description":"Internal Server Error"}"#),
        Reply::Cut,
    ];
    for reply in foreign {
        let peer = Peer::start([reply]).await;
        let error = bot(&peer.base).approve_chat_join_request(CHANNEL, PERSON).await.unwrap_err();
        assert!(matches!(error, TelegramError::Unknown(_)), "{error:?}");
    }
    let error = bot(&nobody().await).get_me().await.unwrap_err();
    assert!(matches!(error, TelegramError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn the_token_is_in_no_log_no_error_and_no_debug() {
    let (log, _guard) = Log::start();
    let peer = Peer::start([yes(), refusal(401, "Unauthorized"), Reply::page(502), Reply::Cut]).await;
    let bot = bot(&peer.base);
    let mut shown = format!("{bot:?}");
    for _ in 0..4 {
        let counted = bot.get_chat_member_count(CHANNEL).await;
        write!(shown, "{counted:?}").unwrap();
    }
    let unreached = self::bot(&nobody().await).get_me().await;
    let secret = SecretString::from("canary-hook");
    let cut = bot.set_webhook("https://shop.example/", &secret).await;
    write!(shown, "{unreached:?} {cut:?} {}", log.text()).unwrap();
    assert!(!shown.contains("canary"), "{shown}");
    assert!(shown.contains("http.path=\"getChatMemberCount\""), "{shown}");
    assert!(shown.contains("refuses the bot's token"), "{shown}");
}

#[test]
fn a_token_or_address_of_another_form_is_refused_without_repeating_it() {
    let new = |api: &str, token: &str| {
        let token = SecretString::from(token.to_owned());
        BotClient::new(api, token, HttpClient::new().unwrap()).map(drop).unwrap_err()
    };
    for token in
        ["", "canary", "42:", ":canary", "x:canary", "42:canary/../getMe", "42:ca nary", "42:canary?"]
    {
        let error = new("https://api.telegram.org", token);
        assert_eq!(error, BotSetupError::Token, "{token}");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
    assert_eq!(new("api.telegram.org", TOKEN), BotSetupError::ApiUrl);
}

/// The names of a form-encoded body's fields.
fn form_fields(body: &str) -> BTreeSet<String> {
    body.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, _)| name.to_owned()).collect()
}

#[tokio::test]
async fn our_fields_are_those_that_other_clients_send() {
    let recorded: Vec<Value> = serde_json::from_str(RECORDED_ELSEWHERE).unwrap();
    let elsewhere: BTreeMap<String, BTreeSet<String>> = recorded
        .iter()
        .map(|call| {
            let method = call["path"].as_str().unwrap().rsplit_once('/').unwrap().1;
            (method.to_owned(), form_fields(call["body"].as_str().unwrap()))
        })
        .collect();
    let link = json!({"invite_link": "https://t.me/+abc"});
    let peer = Peer::start([yes(), yes(), yes(), yes(), result(&link)]).await;
    let bot = bot(&peer.base);
    bot.approve_chat_join_request(CHANNEL, PERSON).await.unwrap();
    bot.decline_chat_join_request(CHANNEL, PERSON).await.unwrap();
    bot.unban_chat_member(CHANNEL, PERSON).await.unwrap();
    bot.set_webhook("https://shop.example/", &SecretString::from("s")).await.unwrap();
    bot.create_chat_invite_link(CHANNEL, "o1", true).await.unwrap();
    // What they can send and we leave out on purpose: we remove members, and our links do not expire.
    let left_out =
        BTreeMap::from([("unbanChatMember", "only_if_banned"), ("createChatInviteLink", "expire_date")]);
    for request in peer.requests() {
        let (method, ours) = (method_of(&request), request.json());
        let ours: BTreeSet<String> = ours.as_object().unwrap().keys().cloned().collect();
        let mut theirs = elsewhere[&method].clone();
        if let Some(field) = left_out.get(method.as_str()) {
            assert!(theirs.remove(*field));
        }
        assert_eq!(ours, theirs, "{method}");
    }
}

fn method_of(request: &Recorded) -> String {
    request.target.rsplit_once('/').unwrap().1.to_owned()
}
