//! The access token, and what answers that are no success come to.

use super::*;
use crate::test_peer::{Log, nobody};

fn targets(peer: &Peer) -> Vec<String> {
    peer.requests().into_iter().map(|request| request.target).collect()
}

fn read() -> Reply {
    Reply::json(200, &answer("CREATED", &json!(null)).to_string())
}

const TOKEN: &str = "/v1/oauth2/token";
const READ: &str = "/v2/checkout/orders/5O190127TN364715T";

#[tokio::test]
async fn the_token_is_asked_for_as_paypals_own_library_does() {
    let peer = answering(read()).await;
    paypal(&peer.base).fetch(&inquiry()).await.unwrap();
    let requests = peer.requests();
    let theirs = recorded(TOKEN);
    assert_eq!(requests[0].target, TOKEN);
    assert_like(&requests[0], &theirs, &[]);
    assert_eq!(requests[0].body, theirs["body"].as_str().unwrap().as_bytes());
    assert_eq!(requests[1].header("authorization"), Some("Bearer A21"));
}

#[tokio::test]
async fn a_burst_of_calls_fetches_one_token() {
    let peer = Peer::start([token(), read(), read(), read(), read()]).await;
    let (paypal, inquiry) = (paypal(&peer.base), inquiry());
    let ask = || paypal.fetch(&inquiry);
    let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
    for view in [a, b, c, d] {
        view.unwrap();
    }
    assert_eq!(targets(&peer), [TOKEN, READ, READ, READ, READ]);
}

#[tokio::test]
async fn a_token_is_renewed_shortly_before_its_end() {
    let peer = Peer::start([token(), read(), read(), token(), read()]).await;
    let clock = Arc::new(Mutex::new(WALL));
    let paypal = Paypal::new(settings(&peer.base), line_at(clock.clone())).unwrap();
    paypal.fetch(&inquiry()).await.unwrap();
    *clock.lock().unwrap() += Duration::seconds(32_400 - 61);
    paypal.fetch(&inquiry()).await.unwrap();
    *clock.lock().unwrap() += Duration::seconds(1);
    paypal.fetch(&inquiry()).await.unwrap();
    assert_eq!(targets(&peer), [TOKEN, READ, READ, TOKEN, READ]);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let expired = || Reply::json(401, r#"{"error":"invalid_token","error_description":"canary"}"#);
    let peer = Peer::start([token(), expired(), token(), read()]).await;
    paypal(&peer.base).fetch(&inquiry()).await.unwrap();
    assert_eq!(targets(&peer), [TOKEN, READ, TOKEN, READ]);

    let peer = Peer::start([token(), expired(), token(), expired()]).await;
    let error = paypal(&peer.base).fetch(&inquiry()).await.unwrap_err();
    assert_eq!(kind(&error), "unavailable", "{error:?}");
    assert_eq!(peer.requests().len(), 4, "no third time");
}

#[tokio::test]
async fn without_a_token_nothing_was_sent() {
    for reply in [
        Reply::json(401, r#"{"error":"invalid_client","error_description":"canary"}"#),
        Reply::page(502),
        Reply::json(200, "{}"),
        Reply::Cut,
    ] {
        let peer = Peer::start([reply]).await;
        let error = paypal(&peer.base).create_checkout(&order()).await.unwrap_err();
        assert_eq!(kind(&error), "unavailable", "{error:?}");
        assert!(!error.to_string().contains("canary"), "{error}");
        assert_eq!(targets(&peer), [TOKEN]);
    }
    let error = paypal(&nobody().await).create_checkout(&order()).await.unwrap_err();
    assert_eq!(kind(&error), "unavailable", "{error:?}");
}

#[tokio::test]
async fn only_paypals_own_no_is_a_refusal() {
    let cases = [
        (problem(400, "INVALID_REQUEST", "INVALID_PARAMETER_VALUE"), "refused", "INVALID_PARAMETER_VALUE"),
        (problem(422, "UNPROCESSABLE_ENTITY", "INVALID_CURRENCY_CODE"), "refused", "INVALID_CURRENCY_CODE"),
        (problem(422, "UNPROCESSABLE_ENTITY", "two words\n"), "refused", "UNPROCESSABLE_ENTITY"),
        (problem(422, "UNPROCESSABLE_ENTITY", "ORDER_COMPLETION_IN_PROGRESS"), "unavailable", "IN_PROGRESS"),
        (problem(403, "NOT_AUTHORIZED", "PERMISSION_DENIED"), "unavailable", "PERMISSION_DENIED"),
        (problem(409, "RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS"), "unavailable", "IN_PROGRESS"),
        (problem(429, "RATE_LIMIT_REACHED", "TOO_MANY_REQUESTS"), "unavailable", "TOO_MANY_REQUESTS"),
        (problem(500, "INTERNAL_SERVER_ERROR", "BROKEN"), "unknown", "BROKEN"),
        (Reply::page(503), "unknown", "status 503"),
        (Reply::page(404), "unknown", "status 404"),
        (Reply::page(302), "unknown", "status 302"),
        (Reply::json(201, "{}"), "unknown", "cannot be read"),
        (Reply::Cut, "unknown", "unknown"),
    ];
    for (reply, expected, said) in cases {
        let peer = answering(reply).await;
        let error = paypal(&peer.base).create_checkout(&order()).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{error:?}");
        let shown = error.to_string();
        assert!(shown.contains(said) && !shown.contains("canary"), "{shown}");
        assert_eq!(peer.requests().len(), 2, "repeating is the caller's decision");
    }
}

#[tokio::test]
async fn wrong_credentials_are_told_to_the_operator_and_no_log_holds_a_secret() {
    let (log, _guard) = Log::start();
    let peer = Peer::start([
        Reply::json(401, r#"{"error":"invalid_client"}"#),
        token(),
        problem(403, "NOT_AUTHORIZED", "PERMISSION_DENIED"),
    ])
    .await;
    let paypal = paypal(&peer.base);
    paypal.fetch(&inquiry()).await.unwrap_err();
    paypal.fetch(&inquiry()).await.unwrap_err();
    let text = log.text();
    assert!(text.contains("ERROR") && text.contains("refuses our credentials"), "{text}");
    assert!(text.contains("does not let our application do this"), "{text}");
    for secret in ["A21", "SEC", "Q0lEOlNFQw==", "canary", "v1="] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}
