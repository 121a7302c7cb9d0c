use domain::payment::{Claim, Statement};
use serde_json::json;

use super::*;
use crate::test_peer::{Log, Recorded, nobody};

const PAGE: &str = r#"{"token":"tok_1","url":"http://127.0.0.1:1/tok_1"}"#;
const NOT_FOUND: &str = r#"{"message":"canary: not found"}"#;

fn transaction(change: &Value) -> String {
    let mut whole = json!({
        "id": 123, "klass": "v1/transaction", "reference": "trx_1", "amount": 15000, "status": "pending",
        "merchant_reference": PAYMENT, "currency": {"iso": "XOF"}, "updated_at": "2026-11-23T10:29:59.000Z", "new": [1],
    });
    whole.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    json!({"v1/transaction": whole}).to_string()
}

fn known(change: &Value) -> Reply {
    Reply::json(200, &transaction(change))
}

fn line_of(request: &Recorded) -> String {
    format!("{} {}", request.method, request.target)
}

/// What FedaPay's own library was seen to send.
fn wire(index: usize) -> Value {
    let all: Vec<Value> = serde_json::from_str(include_str!("wire.json")).unwrap();
    all[index].clone()
}

#[tokio::test]
async fn a_transaction_is_looked_up_then_created_then_given_its_page() {
    let peer = Peer::start([
        Reply::json(404, NOT_FOUND),
        Reply::json(201, &transaction(&json!({}))),
        Reply::json(200, PAGE),
    ])
    .await;
    let checkout = fedapay(&peer.base).create_checkout(&order()).await.unwrap();
    let way = CheckoutWay::Page("http://127.0.0.1:1/tok_1".to_owned());
    assert_eq!(checkout, Checkout { reference: Some("123".to_owned()), way });

    let [found, created, page] = peer.requests().try_into().unwrap();
    assert_eq!(line_of(&found), format!("GET /v1/transactions/merchant/{PAYMENT}"));
    for (sent, recorded) in [(&created, wire(0)), (&page, wire(1))] {
        assert_eq!(sent.target, recorded["path"].as_str().unwrap());
        assert_eq!(sent.method, "POST");
        for name in ["Authorization", "Content-Type"] {
            assert_eq!(sent.header(&name.to_lowercase()), recorded["headers"][name].as_str(), "{name}");
        }
    }
    assert_eq!(page.body, wire(1)["body"].as_str().unwrap().as_bytes());
    // Every field that is sent is one that the library sends, in its place and of its kind.
    let mut body: Value = serde_json::from_str(wire(0)["body"].as_str().unwrap()).unwrap();
    body.as_object_mut().unwrap().remove("custom_metadata");
    let customer = body["customer"].as_object_mut().unwrap();
    for name in ["firstname", "lastname"] {
        customer.remove(name);
    }
    body["description"] = json!("Signaux · un mois");
    body["amount"] = json!(15_000);
    body["callback_url"] = json!("https://shop.example/back");
    body["merchant_reference"] = json!(PAYMENT);
    body["customer"]["email"] = json!("awa@example.com");
    assert_eq!(created.json(), body);
}

#[tokio::test]
async fn a_transaction_that_is_there_is_not_created_again() {
    let peer = Peer::start([known(&json!({})), Reply::json(200, PAGE)]).await;
    fedapay(&peer.base).create_checkout(&order()).await.unwrap();
    let lines: Vec<String> = peer.requests().iter().map(line_of).collect();
    let expected =
        [format!("GET /v1/transactions/merchant/{PAYMENT}"), "POST /v1/transactions/123/token".to_owned()];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_telephone_elsewhere_or_none_is_left_out() {
    for phone in [None, Some(PhoneNumber::parse("+33612345678").unwrap())] {
        let mut order = order();
        order.payer.phone = phone;
        let peer =
            Peer::start([Reply::json(404, NOT_FOUND), known(&json!({})), Reply::json(200, PAGE)]).await;
        fedapay(&peer.base).create_checkout(&order).await.unwrap();
        assert_eq!(peer.requests()[1].json()["customer"], json!({"email": "awa@example.com"}));
    }
}

#[tokio::test]
async fn every_refusal_says_whether_to_come_back() {
    let own = |status| Reply::json(status, r#"{"message":"canary","errors":{"amount":["canary"]}}"#);
    let cases = [
        (own(400), "refused", "status 400"),
        (own(422), "refused", "status 422"),
        (Reply::page(400), "unknown", "status 400"),
        (own(401), "unavailable", "status 401"),
        (own(403), "unavailable", "status 403"),
        (own(404), "unknown", "status 404"),
        (own(409), "unavailable", "status 409"),
        (own(429), "unavailable", "status 429"),
        (own(500), "unknown", "status 500"),
        (Reply::page(503).with("retry-after", "3"), "unavailable", "status 503"),
        (Reply::json(201, "{}"), "unknown", "cannot be read"),
        (Reply::json(201, &transaction(&json!({"merchant_reference": OTHER}))), "unknown", "another payment"),
        (Reply::Cut, "unknown", "unknown"),
    ];
    let (log, _guard) = Log::start();
    for (reply, expected, said) in cases {
        let peer = Peer::start([Reply::json(404, NOT_FOUND), reply]).await;
        let error = fedapay(&peer.base).create_checkout(&order()).await.unwrap_err();
        let shown = error.to_string();
        assert_eq!(kind(&error), expected, "{shown}");
        assert!(shown.contains(said) && !shown.contains("canary"), "{shown}");
    }
    let error = fedapay(&nobody().await).create_checkout(&order()).await.unwrap_err();
    assert_eq!(kind(&error), "unavailable", "{error:?}");
    let text = log.text();
    assert!(text.contains("ERROR") && text.contains("refuses our key"), "{text}");
    for secret in ["sk_sandbox", "canary", "awa@", "22997808080"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[tokio::test]
async fn a_transaction_whose_page_fails_is_not_refused() {
    let broken = [
        Reply::json(400, r#"{"message":"already approved"}"#),
        Reply::json(200, r#"{"token":"t","url":"javascript:alert(1)"}"#),
        Reply::page(200),
    ];
    for reply in broken {
        let peer = Peer::start([known(&json!({})), reply]).await;
        let error = fedapay(&peer.base).create_checkout(&order()).await.unwrap_err();
        assert_eq!(kind(&error), "unknown", "{error:?}");
    }
}

#[tokio::test]
async fn it_is_asked_by_its_number_or_by_ours() {
    let by_ours = format!("GET /v1/transactions/merchant/{PAYMENT}");
    let cases = [
        (Some("123"), wire_line(2)),
        (None, by_ours.clone()),
        (Some("../customers"), by_ours.clone()),
        (Some("1?a"), by_ours),
    ];
    for (reference, line) in cases {
        let peer = Peer::start([Reply::json(404, NOT_FOUND)]).await;
        assert_eq!(fedapay(&peer.base).fetch(&inquiry(reference)).await.unwrap(), View::NeverOpened);
        assert_eq!(line_of(&peer.request()), line);
    }
    for reply in [Reply::page(404), Reply::json(404, "{}"), known(&json!({"merchant_reference": OTHER}))] {
        let peer = Peer::start([reply]).await;
        let error = fedapay(&peer.base).fetch(&inquiry(Some("123"))).await.unwrap_err();
        assert_eq!(kind(&error), "unknown", "{error:?}");
    }
}

fn wire_line(index: usize) -> String {
    let recorded = wire(index);
    format!("{} {}", recorded["method"].as_str().unwrap(), recorded["path"].as_str().unwrap())
}

#[tokio::test]
async fn each_status_becomes_what_it_claims() {
    let updated = datetime!(2026-11-23 10:29:59 UTC);
    let approved = datetime!(2026-11-23 10:29:58.969 UTC);
    let francs = |minor| Some(Money::new(minor, Currency::Xof));
    let stated = |at, claim, amount| {
        Statement::new(at, claim).of(amount).named(Some("123".to_owned())).moved_by(Some("trx_1".to_owned()))
    };
    let paid = |at| stated(at, Claim::Succeeded, francs(15_000));
    let failed = |reason: &str| stated(updated, Claim::Failed { reason: reason.to_owned() }, None);
    let cases = [
        (json!({}), vec![]),
        (json!({"status": "a_new_word"}), vec![]),
        (json!({"status": "approved", "approved_at": "2026-11-23T10:29:58.969Z"}), vec![paid(approved)]),
        (json!({"status": "transferred"}), vec![paid(updated)]),
        (json!({"status": "approved", "updated_at": null}), vec![paid(WALL)]),
        (json!({"status": "approved", "amount": 1}), vec![stated(updated, Claim::Succeeded, francs(1))]),
        (
            json!({"status": "approved", "currency": {"iso": "ZZZ"}}),
            vec![stated(updated, Claim::Succeeded, None)],
        ),
        (json!({"status": "declined"}), vec![failed("declined")]),
        (json!({"status": "canceled"}), vec![failed("canceled")]),
        (json!({"status": "expired"}), vec![stated(updated, Claim::Expired, None)]),
        (
            json!({"status": "refunded"}),
            vec![paid(updated), stated(updated, Claim::Refunded, francs(15_000))],
        ),
        (json!({"status": "approved_partially_refunded"}), vec![paid(updated)]),
        (json!({"status": "transferred_partially_refunded"}), vec![paid(updated)]),
    ];
    for (change, statements) in cases {
        let peer = Peer::start([known(&change)]).await;
        let view = fedapay(&peer.base).fetch(&inquiry(Some("123"))).await.unwrap();
        assert_eq!(view, View::known(Some("123".to_owned()), statements), "{change}");
    }
}

#[tokio::test]
async fn a_currency_that_is_only_a_number_is_asked_for_once() {
    let paid = || known(&json!({"status": "approved", "currency": null, "currency_id": 1}));
    let franc = Reply::json(200, r#"{"v1/currency":{"id":1,"iso":"XOF","code":952}}"#);
    let peer = Peer::start([paid(), franc, paid()]).await;
    let fedapay = fedapay(&peer.base);
    for _ in 0..2 {
        let View::Known { statements, .. } = fedapay.fetch(&inquiry(Some("123"))).await.unwrap() else {
            panic!("it is known")
        };
        assert_eq!(statements[0].amount, Some(Money::new(15_000, Currency::Xof)));
    }
    let lines: Vec<String> = peer.requests().iter().map(line_of).collect();
    assert_eq!(lines, ["GET /v1/transactions/123", "GET /v1/currencies/1", "GET /v1/transactions/123"]);
}
