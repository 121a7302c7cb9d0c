use super::*;
use crate::test_peer::{Log, Peer, Reply, nobody};

fn request(base: &str) -> Outgoing<'static> {
    Outgoing {
        peer: "test",
        method: Method::POST,
        url: Url::parse(&format!("{base}/canary-path?token=canary-query")).unwrap(),
        shown_path: "/shown",
        headers: HeaderMap::new(),
        body: Some(br#"{"secret":"canary-body"}"#.to_vec()),
        timeout: TOTAL_TIMEOUT,
        max_answer: MAX_ANSWER,
    }
}

#[tokio::test]
async fn a_request_leaves_as_json_with_our_name_and_comes_back_whole() {
    let peer = Peer::start([Reply::json(201, r#"{"a":1}"#).with("retry-after", "7")]).await;
    let answer = HttpClient::new().unwrap().send(request(&peer.base)).await.unwrap();
    assert_eq!((answer.status, answer.retry_after), (201, Some(Duration::from_secs(7))));
    assert_eq!(answer.body, br#"{"a":1}"#);
    let seen = peer.request();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/canary-path?token=canary-query"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("user-agent"), Some(concat!("calmness/", env!("CARGO_PKG_VERSION"))));
}

#[tokio::test]
async fn only_a_connection_that_was_never_made_counts_as_not_sent() {
    let http = HttpClient::new().unwrap();
    let refused = http.send(request(&nobody().await)).await.unwrap_err();
    assert!(matches!(refused, CallError::NotSent(_)), "{refused:?}");

    let peer = Peer::start([Reply::Cut]).await;
    let cut = http.send(request(&peer.base)).await.unwrap_err();
    assert!(matches!(cut, CallError::Unknown(_)), "{cut:?}");

    let peer = Peer::start([Reply::Silence]).await;
    let short = Outgoing { timeout: Duration::from_millis(300), ..request(&peer.base) };
    let silent = http.send(short).await.unwrap_err();
    assert!(matches!(&silent, CallError::Unknown(why) if why.starts_with("timed out")), "{silent:?}");
}

#[tokio::test]
async fn a_request_is_never_sent_twice_by_itself() {
    let peer = Peer::start([Reply::Cut, Reply::json(200, "{}")]).await;
    HttpClient::new().unwrap().send(request(&peer.base)).await.unwrap_err();
    assert_eq!(peer.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_read_to_its_end() {
    let long = Reply::Answer { status: 200, headers: Vec::new(), body: vec![b'a'; MAX_ANSWER + 1] };
    let peer = Peer::start([long]).await;
    let error = HttpClient::new().unwrap().send(request(&peer.base)).await.unwrap_err();
    assert_eq!(error, CallError::Unknown("the answer (200) is longer than 65536 bytes".to_owned()));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let peer = Peer::start([Reply::page(307).with("location", "/elsewhere"), Reply::page(200)]).await;
    let answer = HttpClient::new().unwrap().send(request(&peer.base)).await.unwrap();
    assert_eq!(answer.status, 307);
    assert_eq!(peer.requests().len(), 1);
}

#[tokio::test]
async fn a_retry_after_that_is_a_date_still_sends_us_away() {
    let reply = Reply::page(503).with("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT");
    let peer = Peer::start([reply]).await;
    let answer = HttpClient::new().unwrap().send(request(&peer.base)).await.unwrap();
    assert_eq!(answer.retry_after, Some(UNREAD_RETRY_AFTER));
}

#[tokio::test]
async fn neither_logs_nor_errors_show_the_address_or_the_body() {
    let (log, _guard) = Log::start();
    let http = HttpClient::new().unwrap();
    let peer = Peer::start([Reply::page(200), Reply::Cut]).await;
    http.send(request(&peer.base)).await.unwrap();
    let cut = http.send(request(&peer.base)).await.unwrap_err();
    let refused = http.send(request(&nobody().await)).await.unwrap_err();
    let unresolved = http.send(request("http://peer.invalid")).await.unwrap_err();
    let shown = format!("{} {cut} {cut:?} {refused} {refused:?} {unresolved:?}", log.text());
    assert!(!shown.contains("canary"), "{shown}");
    for field in [
        "peer.name=\"test\"",
        "http.method=POST",
        "http.path=\"/shown\"",
        "http.status=200",
        "http.duration_ms=",
    ] {
        assert!(shown.contains(field), "{field} is missing: {shown}");
    }
}
