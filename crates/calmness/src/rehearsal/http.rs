//! The one client of a rehearsal, and what asks with it are told.

use std::fmt::Debug;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use thiserror::Error;

/// How long one exchange may take. A move of the clock is the longest: it waits for what it makes due.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(40);
/// How long something that must come to pass may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// So much of an answer is shown where it was not the expected one, in characters.
const SHOWN_CHARS: usize = 300;

/// What was not as it should be, in a sentence for whoever reads the rehearsal.
#[derive(Debug, Error)]
#[error("{0}")]
pub(super) struct Failure(pub(super) String);

/// What a step comes to.
pub(super) type Played<T> = Result<T, Failure>;

impl Failure {
    /// An error with everything that led to it.
    pub(super) fn of(what: &str, error: &dyn std::error::Error) -> Self {
        let mut sentence = format!("{what}: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            sentence.push_str(": ");
            sentence.push_str(&error.to_string());
            cause = error.source();
        }
        Self(sentence)
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Self::of("no answer", &error.without_url())
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::of("the database", &error)
    }
}

impl From<crate::demo::DemoError> for Failure {
    fn from(error: crate::demo::DemoError) -> Self {
        Self::of("the product's process", &error)
    }
}

/// A client, calling from an address of this machine if one is given: loopback only, so no proxy and no certificates.
#[expect(
    clippy::disallowed_methods,
    reason = "a rehearsal reads headers and redirects that the product's client hides"
)]
pub(super) fn client_from(address: Option<IpAddr>) -> Result<Client, reqwest::Error> {
    Client::builder()
        .local_address(address)
        .timeout(EXCHANGE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tls_certs_only(Vec::new())
        .build()
}

/// What somebody was answered.
pub(super) struct Reply {
    pub(super) status: u16,
    headers: HeaderMap,
    /// Null where the answer is no JSON.
    pub(super) body: Value,
    pub(super) text: String,
}

impl Reply {
    /// A header that can be read.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The answer, if it has the expected status.
    pub(super) fn expect(self, status: u16) -> Played<Self> {
        if self.status == status {
            return Ok(self);
        }
        let shown: String = self.text.chars().take(SHOWN_CHARS).collect();
        Err(Failure(format!("answered {} instead of {status}: {shown}", self.status)))
    }
}

/// Sends a request and reads its answer.
pub(super) async fn send(request: RequestBuilder) -> Played<Reply> {
    let answer = request.send().await?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Ok(Reply { status, headers, body, text })
}

/// Where the product and the simulated world are, and the way there. Cheap to clone.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) client: Client,
    pub(super) product: String,
    pub(super) sandbox: String,
    pub(super) chat: i64,
}

impl Door {
    /// A request to the product.
    pub(super) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.product))
    }

    /// What the simulated world says.
    pub(super) async fn world(&self, path: &str) -> Played<Value> {
        let asked = self.client.get(format!("{}{path}", self.sandbox));
        Ok(send(asked.header("accept", "application/json")).await?.expect(200)?.body)
    }

    /// Has the simulated world do something.
    pub(super) async fn make_world(&self, path: &str, command: &Value) -> Played<Value> {
        let reply = send(self.client.post(format!("{}{path}", self.sandbox)).json(command)).await?;
        if (200..300).contains(&reply.status) {
            return Ok(reply.body);
        }
        let shown: String = reply.text.chars().take(SHOWN_CHARS).collect();
        Err(Failure(format!("the simulated world answered {} to {path}: {shown}", reply.status)))
    }
}

/// A member of a JSON answer that must be a text.
pub(super) fn text(value: &Value, pointer: &str) -> Played<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.map(ToOwned::to_owned).ok_or_else(|| Failure(format!("no text at {pointer} of {value}")))
}

/// A member of a JSON answer that must be a whole number.
pub(super) fn number(value: &Value, pointer: &str) -> Played<i64> {
    let found = value.pointer(pointer).and_then(Value::as_i64);
    found.ok_or_else(|| Failure(format!("no number at {pointer} of {value}")))
}

/// A member of a JSON answer that must be a list; empty where it isn't there.
pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Something must be so.
pub(super) fn demand(so: bool, otherwise: impl FnOnce() -> String) -> Played<()> {
    if so { Ok(()) } else { Err(Failure(otherwise())) }
}

/// Two things must be the same.
#[expect(clippy::needless_pass_by_value, reason = "both are mostly made where they are compared")]
pub(super) fn same<T: PartialEq + Debug>(what: &str, found: T, wanted: T) -> Played<()> {
    demand(found == wanted, || format!("{what}: {found:?} instead of {wanted:?}"))
}

/// Looks until something has come to pass, and no longer than [`PATIENCE`].
pub(super) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Played<Option<T>>) -> Played<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if begun.elapsed() > PATIENCE {
            return Err(Failure(format!("waited {} s in vain: {what}", PATIENCE.as_secs())));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// As [`until`], for what only has to be true.
pub(super) async fn until_so(what: &str, mut look: impl AsyncFnMut() -> Played<bool>) -> Played<()> {
    until(what, async || Ok(look().await?.then_some(()))).await
}
