//! The bot against a recording peer, and Telegram's own words against ours.

mod calls;
mod errors;
mod updates;

use super::*;
use crate::http::HttpClient;

const TOKEN: &str = "42:canary-TOKEN_1";
const CHANNEL: i64 = -1_001;
const PERSON: i64 = 4_503_599_627_370_495;

fn bot(base: &str) -> BotClient {
    BotClient::new(base, SecretString::from(TOKEN), HttpClient::new().unwrap()).unwrap()
}

#[test]
fn a_webhook_secret_matches_itself_alone_and_an_empty_one_matches_nothing() {
    let secret = SecretString::from("s3cret_Token");
    assert!(webhook_secret_matches(&secret, Some("s3cret_Token")));
    for wrong in [None, Some(""), Some("s3cret_token"), Some("s3cret_Toke"), Some("s3cret_Token ")] {
        assert!(!webhook_secret_matches(&secret, wrong), "{wrong:?}");
    }
    for presented in [None, Some(""), Some("x")] {
        assert!(!webhook_secret_matches(&SecretString::from(""), presented));
    }
}
