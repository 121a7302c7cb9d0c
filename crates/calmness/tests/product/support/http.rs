//! Requests and answers.

use std::fmt::Write as _;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::World;
use super::people::Customer;

/// A client that follows no redirect and keeps no cookie.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own client, which shares nothing with the product's"
)]
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20))
        .no_proxy()
        .build()
        .unwrap()
}

/// A request on its way.
pub(crate) struct Call<'a> {
    world: Option<&'a World>,
    request: RequestBuilder,
}

impl<'a> Call<'a> {
    pub(crate) fn new(world: &'a World, method: Method, path: &str) -> Self {
        Self { world: Some(world), request: world.http.request(method, format!("{}{path}", world.base)) }
    }

    /// To somebody other than the product.
    pub(crate) fn elsewhere(request: RequestBuilder) -> Self {
        Self { world: None, request }
    }

    pub(crate) fn by(self, customer: &Customer) -> Self {
        self.bearer(&customer.access_token)
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.request = self.request.json(body);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<reqwest::Body>) -> Self {
        self.request = self.request.body(body);
        self
    }

    /// Sends it where no answer may come.
    pub(crate) async fn send_unanswered(self) -> Result<(), reqwest::Error> {
        self.request.send().await.map(drop)
    }

    /// What a request that must succeed answers, byte for byte.
    pub(crate) async fn send_for_bytes(self) -> Vec<u8> {
        let answer = self.request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{:?}", answer.headers());
        answer.bytes().await.unwrap().to_vec()
    }

    pub(crate) async fn send(self) -> Answer {
        let answer = self.request.send().await.unwrap();
        let (status, headers, url) =
            (answer.status().as_u16(), answer.headers().clone(), answer.url().clone());
        let text = answer.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or_default();
        let answer = Answer { status, headers, text, body };
        if let Some(world) = self.world.filter(|_| status >= 500) {
            world.note_server_error(format!("{} {}: {}", status, url.path(), answer.text));
        }
        answer
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// Null where it is no JSON.
    pub(crate) body: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Status and the problem's code, which clients switch on.
    pub(crate) fn problem(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or("no code"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// A member of the body that is text.
    #[track_caller]
    pub(crate) fn text_of(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_else(|| panic!("no {member} in {}", self.text))
    }

    /// Status and body for a snapshot: what differs from run to run is masked.
    pub(crate) fn shown(&self) -> String {
        match &self.body {
            Value::Null if self.text.is_empty() => self.status.to_string(),
            Value::Null => format!("{}\n{}", self.status, self.text),
            body => format!("{}\n{}", self.status, masked(body)),
        }
    }
}

/// JSON with sorted members, without ids, instants, tokens and ports.
pub(crate) fn masked(value: &Value) -> String {
    let mut text = String::new();
    write_masked(&mut text, value, 0);
    text
}

fn write_masked(text: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth + 1);
    match value {
        Value::Object(members) if !members.is_empty() => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            text.push_str("{\n");
            for name in names {
                write!(text, "{indent}{name}: ").unwrap();
                write_masked(text, &members[name], depth + 1);
                text.push('\n');
            }
            write!(text, "{}}}", "  ".repeat(depth)).unwrap();
        }
        Value::Array(items) if !items.is_empty() => {
            text.push_str("[\n");
            for item in items {
                text.push_str(&indent);
                write_masked(text, item, depth + 1);
                text.push('\n');
            }
            write!(text, "{}]", "  ".repeat(depth)).unwrap();
        }
        Value::String(word) => text.push_str(&mask(word)),
        other => write!(text, "{other}").unwrap(),
    }
}

fn mask(word: &str) -> String {
    let random =
        word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if Uuid::parse_str(word).is_ok() && word.len() == 36 {
        "[id]".to_owned()
    } else if OffsetDateTime::parse(word, &Rfc3339).is_ok() {
        "[instant]".to_owned()
    } else if word.starts_with("http://127.0.0.1:") || word.starts_with("https://t.me/") {
        "[address]".to_owned()
    } else if random {
        "[random]".to_owned()
    } else {
        format!("{word:?}")
    }
}
