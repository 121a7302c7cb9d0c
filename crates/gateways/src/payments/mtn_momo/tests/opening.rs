use serde_json::json;

use super::*;
use crate::test_peer::{Log, nobody};

#[tokio::test]
async fn the_payer_is_asked_as_the_clients_by_others_ask_them() {
    let peer = Peer::start([token("eyJ"), Reply::json(202, "")]).await;
    let checkout = momo(&peer.base).create_checkout(&order()).await.unwrap();
    let prompt = Instructions::PhonePrompt { phone: "+237 •• •• •• 00".to_owned() };
    let expected =
        Checkout { reference: Some(PAYMENT_KEY.to_owned()), way: CheckoutWay::Instructions(prompt) };
    assert_eq!(checkout, expected);

    let [asked_token, asked] = peer.requests().try_into().unwrap();
    assert_eq!((asked_token.method.as_str(), asked_token.target.as_str()), ("POST", "/collection/token/"));
    assert_headers(&asked_token, &wire(0), &["Authorization", "Ocp-Apim-Subscription-Key", "Content-Length"]);
    assert!(asked_token.body.is_empty());

    let recorded = wire(1);
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", recorded["path"].as_str().unwrap()));
    let same = [
        "Authorization",
        "Ocp-Apim-Subscription-Key",
        "X-Target-Environment",
        "X-Callback-Url",
        "Content-Type",
    ];
    assert_headers(&asked, &recorded, &same);
    assert_eq!(asked.header("x-reference-id"), Some(PAYMENT_KEY));
    assert!(asked.header("x-signature").is_some());
    let mut body: Value = serde_json::from_str(recorded["body"].as_str().unwrap()).unwrap();
    body["amount"] = json!("100.00");
    body["externalId"] = json!(PAYMENT);
    body["payerMessage"] = json!("Signaux · un mois");
    body["payeeNote"] = json!(PAYMENT);
    assert_eq!(asked.json(), body);
}

#[tokio::test]
async fn without_callbacks_mtn_is_told_no_address() {
    let peer = Peer::start([token("eyJ"), Reply::json(202, "")]).await;
    let quiet = Settings { callbacks: false, ..settings(&peer.base) };
    MtnMomo::new(quiet, line()).unwrap().create_checkout(&order()).await.unwrap();
    assert_eq!(peer.requests()[1].header("x-callback-url"), None);
}

#[tokio::test]
async fn without_a_telephone_nobody_is_asked() {
    let mut order = order();
    order.payer.phone = None;
    let peer = Peer::start([]).await;
    let error = momo(&peer.base).create_checkout(&order).await.unwrap_err();
    assert!(matches!(&error, ProviderError::Refused(why) if why == "phone_missing"), "{error:?}");
    assert!(peer.requests().is_empty());
}

#[tokio::test]
async fn a_request_that_mtn_has_already_is_the_same_success() {
    let exists = || Reply::problem(409, "RESOURCE_ALREADY_EXIST");
    let peer = Peer::start([token("eyJ"), Reply::json(202, ""), exists()]).await;
    let momo = momo(&peer.base);
    let first = momo.create_checkout(&order()).await.unwrap();
    assert_eq!(momo.create_checkout(&order()).await.unwrap(), first);
    let requests = peer.requests();
    assert_eq!(requests.len(), 3, "one token serves both");
    assert_eq!(requests[1].header("x-reference-id"), requests[2].header("x-reference-id"));
}

#[tokio::test]
async fn a_token_that_is_no_longer_taken_is_fetched_again_once() {
    let refused = || Reply::json(401, r#"{"statusCode":401,"message":"canary"}"#);
    let peer = Peer::start([token("old"), refused(), token("new"), Reply::json(202, "")]).await;
    momo(&peer.base).create_checkout(&order()).await.unwrap();
    let requests = peer.requests();
    assert_eq!(requests[1].header("authorization"), Some("Bearer old"));
    assert_eq!(requests[3].header("authorization"), Some("Bearer new"));
    assert_eq!(requests[1].body, requests[3].body);

    let (log, _guard) = Log::start();
    let peer = Peer::start([token("old"), refused(), token("new"), refused()]).await;
    let error = momo(&peer.base).create_checkout(&order()).await.unwrap_err();
    assert_eq!((kind(&error), peer.requests().len()), ("unavailable", 4), "{error:?}");
    let text = log.text();
    assert!(text.contains("ERROR") && text.contains("refuses our credentials"), "{text}");
    for secret in ["APIKEY", "SUBKEY", "Bearer", "canary", "237670000000"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[tokio::test]
async fn a_token_is_fetched_anew_before_it_ends() {
    let minute = Arc::new(std::sync::atomic::AtomicI64::new(0));
    let clock = minute.clone();
    let wall: crate::WallClock =
        Arc::new(move || WALL + Duration::minutes(clock.load(std::sync::atomic::Ordering::SeqCst)));
    let accepted = || Reply::json(202, "");
    let peer = Peer::start([token("first"), accepted(), accepted(), token("second"), accepted()]).await;
    let momo = MtnMomo::new(settings(&peer.base), Line { wall, ..line() }).unwrap();
    for at in [0, 58, 59] {
        minute.store(at, std::sync::atomic::Ordering::SeqCst);
        momo.create_checkout(&order()).await.unwrap();
    }
    let bearers: Vec<String> = [1, 2, 4]
        .map(|index: usize| peer.requests()[index].header("authorization").unwrap().to_owned())
        .to_vec();
    assert_eq!(bearers, ["Bearer first", "Bearer first", "Bearer second"]);
}

#[tokio::test]
async fn without_a_token_the_call_can_be_repeated() {
    for reply in [Reply::Cut, Reply::page(502), Reply::json(200, "{}"), Reply::json(401, "{}")] {
        let peer = Peer::start([reply]).await;
        let error = momo(&peer.base).create_checkout(&order()).await.unwrap_err();
        assert_eq!(kind(&error), "unavailable", "{error:?}");
        assert_eq!(peer.requests().len(), 1);
    }
    let error = momo(&nobody().await).create_checkout(&order()).await.unwrap_err();
    assert_eq!(kind(&error), "unavailable", "{error:?}");
}

#[tokio::test]
async fn mtns_own_reasons_count_even_where_they_come_as_a_broken_server() {
    let cases = [
        (Reply::problem(500, "PAYER_NOT_FOUND"), "refused", "PAYER_NOT_FOUND"),
        (Reply::problem(500, "NOT_ALLOWED"), "refused", "NOT_ALLOWED"),
        (Reply::problem(500, "NOT_ALLOWED_TARGET_ENVIRONMENT"), "refused", "NOT_ALLOWED_TARGET_ENVIRONMENT"),
        (Reply::problem(500, "INVALID_CALLBACK_URL_HOST"), "refused", "INVALID_CALLBACK_URL_HOST"),
        (Reply::problem(500, "INVALID_CURRENCY"), "refused", "INVALID_CURRENCY"),
        (Reply::problem(404, "PAYER_NOT_FOUND"), "refused", "PAYER_NOT_FOUND"),
        (Reply::problem(400, "BAD_REQUEST"), "refused", "BAD_REQUEST"),
        (Reply::json(400, r#"{"message":"canary"}"#), "unknown", "status 400"),
        (Reply::problem(500, "INTERNAL_PROCESSING_ERROR"), "unknown", "INTERNAL_PROCESSING_ERROR"),
        (Reply::problem(503, "SERVICE_UNAVAILABLE"), "unknown", "SERVICE_UNAVAILABLE"),
        (Reply::problem(503, "SERVICE_UNAVAILABLE").with("retry-after", "9"), "unavailable", "SERVICE"),
        (Reply::problem(409, "OTHER"), "unavailable", "OTHER"),
        (Reply::problem(429, "TOO_MANY"), "unavailable", "TOO_MANY"),
        (Reply::page(403), "unavailable", "status 403"),
        (Reply::page(404), "unknown", "status 404"),
        (Reply::page(500), "unknown", "status 500"),
        (Reply::json(200, "{}"), "unknown", "status 200"),
        (Reply::Cut, "unknown", "unknown"),
    ];
    for (reply, expected, said) in cases {
        let peer = Peer::start([token("eyJ"), reply]).await;
        let error = momo(&peer.base).create_checkout(&order()).await.unwrap_err();
        let shown = error.to_string();
        assert_eq!(kind(&error), expected, "{said}: {shown}");
        assert!(shown.contains(said) && !shown.contains("canary"), "{shown}");
    }
}
