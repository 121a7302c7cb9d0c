use serde_json::{Value, json};

use super::*;

fn person() -> Value {
    json!({"id": PERSON, "is_bot": false, "first_name": "Ada", "last_name": "L", "language_code": "fr", "is_premium": true})
}

fn channel() -> Value {
    json!({"id": CHANNEL, "title": "Signaux", "type": "channel"})
}

fn message(chat: &Value, text: &str) -> Value {
    json!({"message_id": 3, "from": person(), "chat": chat, "date": 1_795_429_800, "text": text, "entities": []})
}

fn parse(kind: &str, value: Value) -> Content {
    let mut update = json!({"update_id": 9_000_000_000_i64});
    update[kind] = value;
    let parsed = parse_update(update.to_string().as_bytes()).unwrap();
    assert_eq!(parsed.update_id, 9_000_000_000);
    parsed.content
}

#[test]
fn a_start_message_yields_the_payload_of_its_link() {
    let private = json!({"id": PERSON, "first_name": "Ada", "type": "private"});
    let payload = |chat: &Value, text: &str| {
        let Content::Message(message) = parse("message", message(chat, text)) else {
            panic!("it is a message")
        };
        assert_eq!(message.from.as_ref().map(|user| user.id), Some(PERSON));
        message.start_payload().map(str::to_owned)
    };
    assert_eq!(payload(&private, "/start abc_DEF-123").as_deref(), Some("abc_DEF-123"));
    for text in ["/start", "/start ", "/start a b", "/start é", "/started abc", "abc"] {
        assert_eq!(payload(&private, text), None, "{text}");
    }
    assert_eq!(payload(&private, &format!("/start {}", "a".repeat(65))), None);
    assert_eq!(payload(&channel(), "/start abc"), None, "links are opened in private");
}

#[test]
fn a_join_request_says_who_where_and_by_which_link() {
    let request = json!({
        "chat": channel(), "from": person(), "user_chat_id": PERSON, "date": 1_795_429_800, "query_id": "q",
        "invite_link": {
            "invite_link": "https://t.me/+abc…", "creator": person(), "name": "u-1", "creates_join_request": true,
            "is_primary": false, "is_revoked": false,
        },
    });
    let Content::ChatJoinRequest(request) = parse("chat_join_request", request) else { panic!("it is one") };
    assert_eq!((request.chat.id, request.from.id, request.user_chat_id), (CHANNEL, PERSON, PERSON));
    let link = request.invite_link.unwrap();
    assert_eq!((link.name.as_deref(), link.creates_join_request), (Some("u-1"), true));
}

#[test]
fn a_change_of_membership_says_what_it_was_and_is() {
    let change = json!({
        "chat": channel(), "from": person(), "date": 1,
        "old_chat_member": {"status": "left", "user": person()},
        "new_chat_member": {"status": "administrator", "user": person(), "can_invite_users": true, "custom_title": "x"},
    });
    for kind in ["chat_member", "my_chat_member"] {
        let (Content::ChatMember(changed) | Content::MyChatMember(changed)) = parse(kind, change.clone())
        else {
            panic!("{kind} is a change of membership")
        };
        assert_eq!(changed.old_chat_member.is_in(), Some(false));
        assert_eq!(changed.new_chat_member.is_in(), Some(true));
        assert!(changed.new_chat_member.is_untouchable());
        assert!(changed.new_chat_member.can_invite_users && !changed.new_chat_member.can_restrict_members);
    }
}

#[test]
fn every_word_for_a_member_tells_whether_they_are_in() {
    let is_in = |status: &str, is_member: bool| {
        let member = json!({"status": status, "user": person(), "is_member": is_member});
        serde_json::from_value::<ChatMember>(member).unwrap().is_in()
    };
    for status in ["creator", "administrator", "member"] {
        assert_eq!(is_in(status, false), Some(true), "{status}");
    }
    for status in ["left", "kicked"] {
        assert_eq!(is_in(status, true), Some(false), "{status}");
    }
    assert_eq!((is_in("restricted", true), is_in("restricted", false)), (Some(true), Some(false)));
    assert_eq!(is_in("hologram", true), None);
}

#[test]
fn an_unknown_kind_or_shape_is_still_acknowledged_by_its_number() {
    let ignored = |kind: &str| Content::Ignored { kind: kind.to_owned() };
    assert_eq!(parse("callback_query", json!({"id": "1"})), ignored("callback_query"));
    assert_eq!(parse("message", json!({"message_id": "three"})), ignored("message"));
    assert_eq!(parse("chat_member", json!(null)), ignored("chat_member"));
    assert_eq!(parse("Two\nLines", json!({})), ignored("unreadable"));
    let bare = parse_update(br#"{"update_id":1}"#).unwrap();
    assert_eq!(bare.content, ignored(""));
}

#[test]
fn what_is_no_update_is_an_error_and_no_panic() {
    for body in ["", "null", "[]", "\"x\"", "{", "\u{0}", &"[".repeat(10_000)] {
        assert_eq!(parse_update(body.as_bytes()), Err(UpdateError::NotJson), "{body}");
    }
    assert_eq!(parse_update(&[0xff, 0xfe]), Err(UpdateError::NotJson));
    for body in
        ["{}", r#"{"update_id":"1"}"#, r#"{"update_id":1.5}"#, r#"{"update_id":99999999999999999999}"#]
    {
        assert_eq!(parse_update(body.as_bytes()), Err(UpdateError::NoId), "{body}");
    }
}
