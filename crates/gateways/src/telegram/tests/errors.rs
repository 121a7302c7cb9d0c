use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::telegram::error::Failure;

fn meaning(code: u16, description: &str) -> TelegramError {
    with_parameters(code, description, &json!({}))
}

fn with_parameters(code: u16, description: &str, parameters: &Value) -> TelegramError {
    let answer =
        json!({"ok": false, "error_code": code, "description": description, "parameters": parameters});
    serde_json::from_value::<Failure>(answer).unwrap().into_error()
}

#[test]
fn every_known_text_has_its_meaning_whatever_the_code() {
    let cases = [
        ("Forbidden: bot was blocked by the user", "Unreachable"),
        ("Forbidden: user is deactivated", "Unreachable"),
        ("Bad Request: INPUT_USER_DEACTIVATED", "Unreachable"),
        ("Forbidden: bot can't initiate conversation with a user", "Unreachable"),
        ("Forbidden: bot can't send messages to bots", "Unreachable"),
        ("Bad Request: USER_ALREADY_PARTICIPANT", "AlreadyDone"),
        ("Bad Request: HIDE_REQUESTER_MISSING", "AlreadyDone"),
        ("Bad Request: USER_NOT_PARTICIPANT", "AlreadyDone"),
        ("Bad Request: INVITE_HASH_EXPIRED", "AlreadyDone"),
        ("Bad Request: USER_CHANNELS_TOO_MUCH", "TooManyChats"),
        ("Bad Request: CHANNELS_TOO_MUCH", "TooManyChats"),
        ("Bad Request: user is an administrator of the chat", "Untouchable"),
        ("Bad Request: can't remove chat owner", "Untouchable"),
        ("Bad Request: PARTICIPANT_ID_INVALID", "UnknownUser"),
        ("Bad Request: USER_ID_INVALID", "UnknownUser"),
        ("Bad Request: user not found", "UnknownUser"),
        ("Bad Request: CHAT_ADMIN_REQUIRED", "MissingRights"),
        ("Bad Request: not enough rights to manage chat invite link", "MissingRights"),
        ("Bad Request: not enough rights to restrict/unrestrict chat member", "MissingRights"),
        ("Bad Request: need administrator rights in the channel chat", "MissingRights"),
        ("Bad Request: have no rights to send a message", "MissingRights"),
        ("Bad Request: member list is inaccessible", "MissingRights"),
        ("Forbidden: bot was kicked from the channel chat", "ChatGone"),
        ("Forbidden: bot is not a member of the channel chat", "ChatGone"),
        ("Bad Request: chat not found", "ChatGone"),
        ("Forbidden: the group chat was deleted", "ChatGone"),
        ("Bad Request: CHANNEL_PRIVATE", "ChatGone"),
        ("Bad Request: CHANNEL_INVALID", "ChatGone"),
        ("Bad Request: group chat was deactivated", "ChatGone"),
        ("Forbidden: bot can't send messages to the user", "Unreachable"),
        ("Forbidden: USER_IS_BLOCKED", "Unreachable"),
        ("Bad Request: USER_ADMIN_INVALID", "Untouchable"),
        ("Bad Request: member not found", "UnknownUser"),
        ("Bad Request: bot administrator rights required", "MissingRights"),
        ("Bad Request: RIGHT_FORBIDDEN", "MissingRights"),
    ];
    for (text, expected) in cases {
        for code in [400, 403] {
            // The variant's name, and the whole text where the variant carries one.
            let error = format!("{:?}", meaning(code, text));
            let expected = [expected.to_owned(), format!("{expected}({text:?})")];
            assert!(expected.contains(&error), "{code} {text}: {error}");
        }
    }
}

#[test]
fn a_bad_token_is_told_apart_from_a_thing_that_is_not_found() {
    assert_eq!(meaning(401, "Unauthorized"), TelegramError::BadToken);
    assert_eq!(meaning(404, "Not Found"), TelegramError::BadToken);
    let other = "Not Found: method not found";
    assert_eq!(meaning(404, other), TelegramError::Refused(other.to_owned()));
}

#[test]
fn too_many_requests_says_how_long_to_stay_away() {
    let text = "Too Many Requests: retry after 14";
    let after = |seconds| TelegramError::RetryAfter { after: Duration::from_secs(seconds) };
    assert_eq!(with_parameters(429, text, &json!({"retry_after": 15})), after(15));
    assert_eq!(meaning(429, text), after(14));
    assert_eq!(meaning(429, "Too Many Requests"), after(5));
    assert_eq!(with_parameters(429, text, &json!({"retry_after": 0})), after(1));
    assert_eq!(with_parameters(429, text, &json!({"retry_after": u64::MAX})), after(24 * 60 * 60));
    assert_eq!(after(15).retry_after(), Some(Duration::from_secs(15)));
}

#[test]
fn a_group_that_moved_says_where_to() {
    let text = "Bad Request: group chat was upgraded to a supergroup chat";
    let moved = with_parameters(400, text, &json!({"migrate_to_chat_id": -1_002}));
    assert_eq!(moved, TelegramError::Migrated { to: -1_002 });
}

#[test]
fn what_the_code_alone_tells() {
    let conflict = "Conflict: can't use getUpdates method while webhook is active";
    assert_eq!(meaning(409, conflict), TelegramError::Conflict(conflict.to_owned()));
    let down = "Internal Server Error";
    assert_eq!(meaning(500, down), TelegramError::Unknown(down.to_owned()));
    let empty = "Bad Request: message text is empty";
    assert_eq!(meaning(400, empty), TelegramError::Refused(empty.to_owned()));
}

#[test]
fn a_description_is_repeated_in_one_bounded_line() {
    let TelegramError::Refused(said) = meaning(400, &format!("a\r\n\u{1b}[31m{}", "é".repeat(500))) else {
        panic!("it is a refusal")
    };
    assert_eq!(said.chars().count(), 200);
    assert!(!said.chars().any(char::is_control));
}

#[test]
fn only_what_mends_itself_is_temporary() {
    let after = Duration::from_secs(1);
    let text = String::new;
    for temporary in [
        TelegramError::RetryAfter { after },
        TelegramError::Unavailable(text()),
        TelegramError::Unknown(text()),
        TelegramError::UnknownUser(text()),
        TelegramError::Conflict(text()),
    ] {
        assert!(temporary.is_temporary(), "{temporary:?}");
    }
    for lasting in [
        TelegramError::Unreachable,
        TelegramError::MissingRights(text()),
        TelegramError::ChatGone(text()),
        TelegramError::AlreadyDone(text()),
        TelegramError::Untouchable,
        TelegramError::TooManyChats,
        TelegramError::BadToken,
        TelegramError::Migrated { to: 1 },
        TelegramError::Refused(text()),
    ] {
        assert!(!lasting.is_temporary(), "{lasting:?}");
    }
}
