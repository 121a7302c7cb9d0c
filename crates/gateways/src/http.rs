//! The one place where HTTP clients are built, and the one way a request leaves.
//!
//! Every request has time-outs, follows no redirect, reads a bounded answer and leaves one log line: method, path, status, duration.
//! A failure says which of two very different things happened: the request never left ([`CallError::NotSent`], safe to repeat), or
//! nobody knows what the peer did with it ([`CallError::Unknown`]). Addresses may hold secrets (Telegram's token is in the path), so no
//! error and no log line carries one; the caller says which path may be shown.

use std::error::Error as _;
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Url};
use thiserror::Error;
use tracing::{info, warn};

/// How long a connection may take to be made.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a whole exchange may take, unless the request says otherwise.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(15);

/// The longest answer that is read, unless the request says otherwise, in bytes.
pub const MAX_ANSWER: usize = 64 * 1024;

/// What a `Retry-After` that is a date counts as: our own schedules are coarser than the difference.
const UNREAD_RETRY_AFTER: Duration = Duration::from_mins(1);

const MAX_IDLE_PER_HOST: usize = 16;
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
const USER_AGENT: &str = concat!("calmness/", env!("CARGO_PKG_VERSION"));

/// The client that every peer shares. Cheap to clone: clones share one pool.
#[derive(Clone, Debug)]
pub struct HttpClient {
    inner: reqwest::Client,
}

/// The client could not be set up on this machine.
#[derive(Debug, Error)]
#[error("the HTTP client could not be set up: {0}")]
pub struct SetupError(String);

/// What is known after a call that brought no answer.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CallError {
    /// The request never left: safe to repeat.
    #[error("not reached: {0}")]
    NotSent(String),
    /// The request left and its answer did not come: nobody knows what the peer did.
    #[error("no usable answer: {0}")]
    Unknown(String),
}

/// A request that is about to leave.
#[derive(Debug)]
pub struct Outgoing<'a> {
    /// Who is asked, for the log.
    pub peer: &'static str,
    /// The method.
    pub method: Method,
    /// The whole address; it is never shown.
    pub url: Url,
    /// The part of the path that may be shown.
    pub shown_path: &'a str,
    /// Headers; a body whose content type is not among them is JSON.
    pub headers: HeaderMap,
    /// A body, byte for byte as signed.
    pub body: Option<Vec<u8>>,
    /// How long the whole exchange may take.
    pub timeout: Duration,
    /// The longest answer that is read, in bytes.
    pub max_answer: usize,
}

/// What a peer answered, whatever the status.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// How long the peer asks us to stay away, where it says so.
    pub retry_after: Option<Duration>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl HttpClient {
    /// Sets the client up with the machine's own CA certificates.
    pub fn new() -> Result<Self, SetupError> {
        let inner = match builder().build() {
            Ok(client) => client,
            // A machine without CA certificates can still reach peers on loopback; every https peer is refused.
            Err(error) => {
                warn!(
                    error = describe(&error),
                    "no CA certificates could be loaded: https peers will be refused"
                );
                builder().tls_certs_only(Vec::new()).build().map_err(|error| SetupError(describe(&error)))?
            }
        };
        Ok(Self { inner })
    }

    /// Sends a request and reads its whole answer; each call leaves one log line.
    pub async fn send(&self, outgoing: Outgoing<'_>) -> Result<Answer, CallError> {
        let (peer, method, shown_path) = (outgoing.peer, outgoing.method.clone(), outgoing.shown_path);
        let begun = Instant::now();
        let answer = self.exchange(outgoing).await;
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &answer {
            Ok(answer) => info!(
                peer.name = peer,
                http.method = %method,
                http.path = shown_path,
                http.status = answer.status,
                http.duration_ms = duration_ms,
                "asked a peer"
            ),
            Err(error) => info!(
                peer.name = peer,
                http.method = %method,
                http.path = shown_path,
                http.duration_ms = duration_ms,
                error = %error,
                "a peer gave no answer"
            ),
        }
        answer
    }

    async fn exchange(&self, outgoing: Outgoing<'_>) -> Result<Answer, CallError> {
        let mut headers = outgoing.headers;
        if outgoing.body.is_some() {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        }
        let mut request =
            self.inner.request(outgoing.method, outgoing.url).headers(headers).timeout(outgoing.timeout);
        if let Some(body) = outgoing.body {
            request = request.body(body);
        }
        let mut response = request.send().await.map_err(classify)?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(classify)? {
            if body.len() + chunk.len() > outgoing.max_answer {
                return Err(CallError::Unknown(format!(
                    "the answer ({status}) is longer than {} bytes",
                    outgoing.max_answer
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, retry_after, body })
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place where HTTP clients are built")]
fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .referer(false)
}

/// Only a connection that was never made proves that the peer did nothing.
fn classify(error: reqwest::Error) -> CallError {
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        CallError::NotSent(describe(&error))
    } else {
        CallError::Unknown(describe(&error))
    }
}

/// The error and its causes in one line, without the address.
fn describe(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "timed out: ".to_owned() } else { String::new() };
    text.push_str(&error.to_string());
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?;
    let seconds = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    Some(seconds.map_or(UNREAD_RETRY_AFTER, Duration::from_secs))
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
