//! The Bot API's methods: what works, and the texts of what doesn't.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{BOT, CHANNEL, OWNER, Stage, TOKEN, send};

const AWA: i64 = 7001;

fn about(user_id: i64) -> Value {
    json!({ "chat_id": CHANNEL, "user_id": user_id })
}

async fn status_of(stage: &Stage, user_id: i64) -> Value {
    stage.bot_ok("getChatMember", about(user_id)).await["status"].clone()
}

#[tokio::test]
async fn parameters_come_as_json_form_or_query() {
    let stage = Stage::new().await;
    let me = stage.bot_ok("getMe", json!({})).await;
    assert_eq!(
        (&me["id"], &me["username"], &me["is_bot"]),
        (&json!(BOT), &json!("calmness_bot"), &json!(true))
    );
    let path = format!("/bot{}/GETCHATMEMBERCOUNT", TOKEN.replace(':', "%3A"));
    let query = stage.request(Method::GET, &format!("{path}?chat_id={CHANNEL}"));
    assert_eq!(send(query).await.1, json!({ "ok": true, "result": 2 }));
    let form = stage.request(Method::POST, &path).header("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(send(form.body(format!("chat_id={CHANNEL}"))).await.1["result"], 2);
}

#[tokio::test]
async fn bad_tokens_methods_and_bodies_are_refused_as_telegram_does() {
    let stage = Stage::new().await;
    let wrong = send(stage.request(Method::POST, "/bot42:wrong/getMe")).await;
    assert_eq!(wrong, (401, json!({ "ok": false, "error_code": 401, "description": "Unauthorized" })));
    assert_eq!(stage.bot_err("stealChat", json!({})).await, (404, "Not Found".to_owned()));
    assert_eq!(stage.bot_err("getChat", json!({})).await, (400, "Bad Request: chat_id is empty".to_owned()));
    assert_eq!(
        stage.bot_err("getChat", json!({ "chat_id": -5 })).await,
        (400, "Bad Request: chat not found".to_owned())
    );
    assert_eq!(stage.bot_err("getMe", json!([1])).await.0, 400);
}

#[tokio::test]
async fn the_owner_and_the_bot_are_inside_from_the_start() {
    let stage = Stage::new().await;
    assert_eq!(status_of(&stage, OWNER).await, "creator");
    let bot = stage.bot_ok("getChatMember", about(BOT)).await;
    assert_eq!((&bot["status"], &bot["can_invite_users"]), (&json!("administrator"), &json!(true)));
    let administrators = stage.bot_ok("getChatAdministrators", json!({ "chat_id": CHANNEL })).await;
    assert_eq!(administrators.as_array().unwrap().len(), 2);
    let chat = stage.bot_ok("getChat", json!({ "chat_id": CHANNEL })).await;
    assert_eq!((&chat["type"], &chat["title"]), (&json!("channel"), &json!("Signaux")));
}

#[tokio::test]
async fn a_join_request_is_approved_once() {
    let stage = Stage::new().await;
    stage.person(AWA).await;
    let link = stage.invite().await;
    assert_eq!(stage.join(AWA, &link).await, (200, json!({ "state": "requested", "chat_id": CHANNEL })));
    assert_eq!(status_of(&stage, AWA).await, "left");
    let members = stage.get(&format!("/telegram/chats/{CHANNEL}/members")).await.1;
    assert_eq!(members["requests"][0]["user_id"], AWA);
    stage.bot_ok("approveChatJoinRequest", about(AWA)).await;
    assert_eq!(status_of(&stage, AWA).await, "member");
    let again = stage.bot_err("approveChatJoinRequest", about(AWA)).await;
    assert_eq!(again, (400, "Bad Request: USER_ALREADY_PARTICIPANT".to_owned()));
    assert_eq!(stage.join(AWA, &link).await.0, 409);
    let members = stage.get(&format!("/telegram/chats/{CHANNEL}/members")).await.1;
    let inside: Vec<_> =
        members["items"].as_array().unwrap().iter().map(|member| &member["user_id"]).collect();
    assert_eq!(json!(inside), json!([BOT, AWA, OWNER]));
}

#[tokio::test]
async fn a_declined_request_is_gone_and_can_be_made_again() {
    let stage = Stage::new().await;
    stage.person(AWA).await;
    let link = stage.invite().await;
    stage.join(AWA, &link).await;
    stage.bot_ok("declineChatJoinRequest", about(AWA)).await;
    let again = stage.bot_err("declineChatJoinRequest", about(AWA)).await;
    assert_eq!(again, (400, "Bad Request: HIDE_REQUESTER_MISSING".to_owned()));
    assert_eq!(stage.bot_err("approveChatJoinRequest", about(999)).await.1, "Bad Request: USER_ID_INVALID");
    assert_eq!(stage.join(AWA, &link).await.1["state"], "requested");
}

#[tokio::test]
async fn invite_links_keep_their_rules() {
    let stage = Stage::new().await;
    let create = |more: Value| {
        let mut parameters = json!({ "chat_id": CHANNEL });
        parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        stage.bot("createChatInviteLink", parameters)
    };
    for (bad, part) in [
        (json!({ "name": "x".repeat(33) }), "too long"),
        (json!({ "creates_join_request": true, "member_limit": 1 }), "member limit can't be specified"),
        (json!({ "expire_date": 5 }), "EXPIRE_DATE_INVALID"),
        (json!({ "member_limit": 100_000 }), "USAGE_LIMIT_INVALID"),
    ] {
        let (status, answer) = create(bad).await;
        assert!(status == 400 && answer["description"].as_str().unwrap().contains(part), "{answer}");
    }
    let plain = create(json!({ "name": "n", "member_limit": 1 })).await.1["result"]["invite_link"].clone();
    stage.person(AWA).await;
    stage.person(AWA + 1).await;
    assert_eq!(stage.join(AWA, plain.as_str().unwrap()).await.1["state"], "joined");
    assert_eq!(stage.join(AWA + 1, plain.as_str().unwrap()).await.0, 410, "the link is used up");
    let link = stage.invite().await;
    let revoked =
        stage.bot_ok("revokeChatInviteLink", json!({ "chat_id": CHANNEL, "invite_link": link })).await;
    assert_eq!(revoked["is_revoked"], true);
    assert_eq!(stage.join(AWA + 1, &link).await.0, 410);
    assert_eq!(stage.join(AWA + 1, "https://t.me/+nothing").await.0, 404);
    let unknown =
        stage.bot_err("revokeChatInviteLink", json!({ "chat_id": CHANNEL, "invite_link": "x" })).await;
    assert_eq!(unknown.1, "Bad Request: INVITE_HASH_EXPIRED");
}

#[tokio::test]
async fn unban_alone_kicks_without_banning() {
    let stage = Stage::new().await;
    stage.person(AWA).await;
    let link = stage.invite().await;
    stage.join(AWA, &link).await;
    stage.bot_ok("approveChatJoinRequest", about(AWA)).await;
    stage
        .bot_ok("unbanChatMember", json!({ "chat_id": CHANNEL, "user_id": AWA, "only_if_banned": true }))
        .await;
    assert_eq!(status_of(&stage, AWA).await, "member");
    stage.bot_ok("unbanChatMember", about(AWA)).await;
    assert_eq!(status_of(&stage, AWA).await, "left");
    let members = stage.get(&format!("/telegram/chats/{CHANNEL}/members")).await.1;
    assert_eq!(members["banned"], json!([]));
    assert_eq!(stage.join(AWA, &link).await.0, 200, "may come back");
}

#[tokio::test]
async fn a_banned_person_stays_out_until_unbanned() {
    let stage = Stage::new().await;
    stage.person(AWA).await;
    let link = stage.invite().await;
    stage.join(AWA, &link).await;
    stage.bot_ok("banChatMember", about(AWA)).await;
    assert_eq!(status_of(&stage, AWA).await, "kicked");
    assert_eq!(stage.join(AWA, &link).await.0, 403);
    stage
        .bot_ok("unbanChatMember", json!({ "chat_id": CHANNEL, "user_id": AWA, "only_if_banned": true }))
        .await;
    assert_eq!(stage.join(AWA, &link).await.0, 200);
}

#[tokio::test]
async fn owners_and_administrators_are_never_removed() {
    let stage = Stage::new().await;
    for method in ["banChatMember", "unbanChatMember"] {
        assert_eq!(stage.bot_err(method, about(OWNER)).await.1, "Bad Request: can't remove chat owner");
        assert_eq!(stage.bot_err(method, about(BOT)).await.1, "Bad Request: can't restrict self");
        assert_eq!(stage.bot_err(method, about(5)).await.1, "Bad Request: PARTICIPANT_ID_INVALID");
    }
    assert_eq!(stage.bot_err("getChatMember", about(5)).await.1, "Bad Request: user not found");
    let nobody = stage.bot_err("getChatMember", json!({ "chat_id": CHANNEL, "user_id": "x" })).await;
    assert_eq!(nobody.1, "Bad Request: invalid user_id specified");
}

#[tokio::test]
async fn rights_can_be_taken_away() {
    let stage = Stage::new().await;
    stage.person(AWA).await;
    let link = stage.invite().await;
    stage.join(AWA, &link).await;
    let rights = format!("/telegram/chats/{CHANNEL}/rights");
    let set = async |new: Value| assert_eq!(stage.post(&rights, new).await.0, 200);
    set(json!({ "can_invite_users": false, "can_restrict_members": false, "can_post_messages": false }))
        .await;
    for (method, part) in [
        ("createChatInviteLink", "not enough rights to manage chat invite link"),
        ("approveChatJoinRequest", "not enough rights to manage chat join requests"),
        ("banChatMember", "not enough rights to restrict/unrestrict chat member"),
    ] {
        assert_eq!(stage.bot_err(method, about(AWA)).await, (400, format!("Bad Request: {part}")));
    }
    let post = json!({ "chat_id": CHANNEL, "text": "hello" });
    assert_eq!(stage.bot_err("sendMessage", post).await.0, 400);
    set(json!({ "status": "member" })).await;
    assert_eq!(
        stage.bot_err("approveChatJoinRequest", about(AWA)).await.1,
        "Bad Request: CHAT_ADMIN_REQUIRED"
    );
    set(json!({ "status": "left" })).await;
    assert_eq!(
        stage.bot_err("approveChatJoinRequest", about(AWA)).await,
        (403, "Forbidden: bot is not a member of the channel chat".to_owned())
    );
    set(json!({ "status": "kicked" })).await;
    assert_eq!(
        stage.bot_err("getChatMember", about(AWA)).await,
        (403, "Forbidden: bot was kicked from the channel chat".to_owned())
    );
    assert_eq!(stage.post(&rights, json!({ "status": "creator" })).await.0, 422);
}

#[tokio::test]
async fn the_bot_writes_only_to_people_who_let_it() {
    let stage = Stage::new().await;
    let write = |text: &str| json!({ "chat_id": AWA, "text": text });
    assert_eq!(
        stage.bot_err("sendMessage", write("x")).await,
        (400, "Bad Request: chat not found".to_owned())
    );
    stage.person(AWA).await;
    assert_eq!(stage.bot_err("sendMessage", write("x")).await.1, "Bad Request: chat not found");
    let plain = stage.bot_ok("createChatInviteLink", json!({ "chat_id": CHANNEL })).await;
    stage.join(AWA, plain["invite_link"].as_str().unwrap()).await;
    assert_eq!(
        stage.bot_err("sendMessage", write("x")).await,
        (403, "Forbidden: bot can't initiate conversation with a user".to_owned())
    );
    assert_eq!(stage.post(&format!("/telegram/users/{AWA}/start"), json!({})).await.0, 204);
    let message = stage.bot_ok("sendMessage", write("Bonjour")).await;
    assert_eq!((&message["text"], &message["chat"]["id"]), (&json!("Bonjour"), &json!(AWA)));
    stage.post(&format!("/telegram/users/{AWA}/block"), json!({})).await;
    assert_eq!(
        stage.bot_err("sendMessage", write("x")).await,
        (403, "Forbidden: bot was blocked by the user".to_owned())
    );
    stage.post(&format!("/telegram/users/{AWA}/start"), json!({ "payload": "" })).await;
    stage.bot_ok("sendMessage", write("back")).await;
    stage.post(&format!("/telegram/users/{AWA}/deactivate"), json!({})).await;
    assert_eq!(
        stage.bot_err("sendMessage", write("x")).await,
        (403, "Forbidden: user is deactivated".to_owned())
    );
    let said = stage.get(&format!("/telegram/users/{AWA}/messages")).await.1;
    let texts: Vec<_> = said["items"].as_array().unwrap().iter().map(|said| &said["text"]).collect();
    assert_eq!(json!(texts), json!(["Bonjour", "back"]));
}

#[tokio::test]
async fn somebody_who_asks_to_join_can_be_written_to() {
    let stage = Stage::new().await;
    stage.person(AWA).await;
    let link = stage.invite().await;
    stage.join(AWA, &link).await;
    stage.bot_ok("sendMessage", json!({ "chat_id": AWA, "text": "one moment" })).await;
}

#[tokio::test]
async fn messages_keep_telegrams_limits_and_markup() {
    let stage = Stage::new().await;
    stage.person(AWA).await;
    stage.post(&format!("/telegram/users/{AWA}/start"), json!({ "payload": "abc" })).await;
    let write = |more: Value| {
        let mut parameters = json!({ "chat_id": AWA });
        parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        stage.bot("sendMessage", parameters)
    };
    for (bad, part) in [
        (json!({}), "message text is empty"),
        (json!({ "text": "x".repeat(4097) }), "message is too long"),
        (json!({ "text": "<p>x", "parse_mode": "HTML" }), "can't parse entities"),
        (
            json!({ "text": "x", "reply_markup": { "inline_keyboard": [[{ "text": "no act" }]] } }),
            "inline keyboard button",
        ),
        (json!({ "text": "x", "reply_markup": "{" }), "can't parse reply keyboard markup"),
    ] {
        let (status, answer) = write(bad).await;
        assert!(status == 400 && answer["description"].as_str().unwrap().contains(part), "{answer}");
    }
    let markup = json!({ "inline_keyboard": [[{ "text": "Join", "url": "https://t.me/+x" }]] });
    let (status, answer) =
        write(json!({ "text": "<b>Hi</b> &amp; bye", "parse_mode": "HTML", "reply_markup": markup })).await;
    assert_eq!((status, &answer["result"]["text"]), (200, &json!("Hi & bye")));
    let said = stage.get(&format!("/telegram/users/{AWA}/messages?all=true")).await.1;
    assert_eq!(said["items"][0]["text"], "/start abc");
    assert_eq!(said["items"][1]["buttons"][0][0], json!({ "text": "Join", "url": "https://t.me/+x" }));
}

#[tokio::test]
async fn every_call_is_logged_without_the_token() {
    let stage = Stage::new().await;
    stage.bot("setWebhook", json!({ "url": "http://localhost:1/x", "secret_token": "hush" })).await;
    stage.bot("banChatMember", about(OWNER)).await;
    let calls = stage.get("/telegram/calls").await.1;
    let (first, second) = (&calls["items"][0], &calls["items"][1]);
    assert_eq!((&first["method"], &first["status"]), (&json!("setWebhook"), &json!(200)));
    assert_eq!(
        (&second["status"], &second["description"]),
        (&json!(400), &json!("Bad Request: can't remove chat owner"))
    );
    assert_eq!(second["parameters"]["user_id"], OWNER.to_string());
    for shown in [calls, stage.get("/log").await.1] {
        let text = shown.to_string();
        assert!(!text.contains("hush") && !text.contains("test-token"), "{text}");
    }
    let later = stage.get("/telegram/calls?after=1&method=banChatMember").await.1;
    assert_eq!(later["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn people_are_made_changed_and_leave() {
    let stage = Stage::new().await;
    let (status, made) =
        stage.post("/telegram/users", json!({ "username": "@awa", "language_code": "fr" })).await;
    assert_eq!((status, &made["username"], &made["started"]), (201, &json!("awa"), &json!(false)));
    let id = made["id"].as_i64().unwrap();
    assert_eq!(stage.post("/telegram/users", json!({ "id": id, "first_name": "Awa" })).await.0, 200);
    for bad in [
        json!({ "id": 0 }),
        json!({ "id": BOT }),
        json!({ "first_name": "x".repeat(65) }),
        json!({ "age": 3 }),
    ] {
        assert_eq!(stage.post("/telegram/users", bad).await.0, 422);
    }
    let leave = format!("/telegram/users/{id}/leave");
    assert_eq!(stage.post(&leave, json!({ "chat_id": CHANNEL })).await.0, 409, "not inside");
    let link = stage.invite().await;
    stage.join(id, &link).await;
    stage.bot_ok("approveChatJoinRequest", about(id)).await;
    assert_eq!(stage.post(&leave, json!({ "chat_id": CHANNEL })).await.0, 204);
    assert_eq!(status_of(&stage, id).await, "left");
    assert_eq!(stage.post("/telegram/users/1/start", json!({})).await.0, 404);
    assert_eq!(stage.post(&format!("/telegram/users/{id}/start"), json!({ "payload": "a b" })).await.0, 422);
}
