use domain::payment::{Claim, DisputeState, Statement};
use serde_json::json;

use super::*;
use crate::payments::CheckoutWay;
use crate::test_peer::{Log, Peer, Recorded, Reply, nobody};

const REFUND: &str = "019400c5-9c00-7000-8000-00000000000f";

fn refund(amount: Money) -> Refund {
    Refund { id: REFUND.parse().unwrap(), amount, reference: None, again: false }
}

const OPENED: &str =
    r#"{"reference":"pay_1","checkout_url":"http://127.0.0.1:1/checkout/1","status":"pending","new":true}"#;

/// `t=…,vN=…,vN=…` with one signature for each request secret over `"<t>.<signed>"`.
fn expected_signature(version: &str, signed: &str) -> String {
    let [new, old] = REQUEST_SECRETS.map(|secret| mac(secret, &format!("{WALL_UNIX}.{signed}")));
    format!("t={WALL_UNIX},{version}={new},{version}={old}")
}

fn body_text(request: &Recorded) -> &str {
    std::str::from_utf8(&request.body).unwrap()
}

#[tokio::test]
async fn opening_sends_the_signed_order_under_the_payments_own_key() {
    let peer = Peer::start([Reply::json(201, OPENED)]).await;
    let psp = psp(&format!("{}/psp/", peer.base), OpeningMode::Api);
    let checkout = psp.create_checkout(&order()).await.unwrap();
    assert_eq!(checkout.reference.as_deref(), Some("pay_1"));
    assert_eq!(checkout.way, CheckoutWay::Page("http://127.0.0.1:1/checkout/1".to_owned()));

    let request = peer.request();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/psp/payments"));
    assert_eq!(request.header("idempotency-key"), Some(PAYMENT));
    let expected = json!({
        "payment_id": PAYMENT,
        "amount": 5999,
        "currency": "EUR",
        "description": "Signaux · un mois",
        "return_url": "https://shop.example/back?a=1&b=c dé",
        "webhook_url": "https://shop.example/api/webhooks/hmac_psp",
        "expires_at": "2026-11-23T10:30:00Z",
    });
    assert_eq!(request.json(), expected);
    let signature = expected_signature("v1", body_text(&request));
    assert_eq!(request.header("x-signature"), Some(signature.as_str()));
}

#[tokio::test]
async fn asking_signs_the_request_line_because_there_is_no_body() {
    let peer = Peer::start([Reply::problem(404, "not_found")]).await;
    let psp = psp(&format!("{}/psp", peer.base), OpeningMode::Link);
    assert_eq!(psp.fetch(&inquiry()).await.unwrap(), View::NeverOpened);
    let request = peer.request();
    let line = format!("GET /psp/payments/{PAYMENT}");
    assert_eq!(format!("{} {}", request.method, request.target), line);
    let signature = expected_signature("v2", &line);
    assert_eq!(request.header("x-signature"), Some(signature.as_str()));
    // Made by another program (Python's hmac).
    assert!(signature.contains("v2=0ae0a63d5f52d0bd04312355fe16080c2abbbf6c6337a9f2c427d31c3b94faf1,"));
    assert_eq!(request.header("idempotency-key"), None);
}

#[tokio::test]
async fn a_page_that_is_not_the_services_own_does_not_prove_that_a_payment_was_never_opened() {
    let foreign = [Reply::page(404), Reply::json(404, "{}"), Reply::json(404, r#"["not_found"]"#)];
    for reply in foreign {
        let peer = Peer::start([reply]).await;
        let error = psp(&peer.base, OpeningMode::Link).fetch(&inquiry()).await.unwrap_err();
        assert!(matches!(error, ProviderError::Unknown(_)), "{error:?}");
    }
}

fn stated(at: Instant, claim: Claim, amount: Option<Money>) -> Statement {
    Statement::new(at, claim).of(amount).named(Some("pay_1".to_owned()))
}

async fn fetched(answer: serde_json::Value) -> Result<View, ProviderError> {
    let mut whole = json!({
        "payment_id": PAYMENT, "reference": "pay_1", "status": "pending", "amount": 5999, "currency": "EUR",
        "paid_amount": 0, "refunded_amount": 0, "dispute": null, "new_field": [1],
    });
    whole.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
    let peer = Peer::start([Reply::json(200, &whole.to_string())]).await;
    psp(&peer.base, OpeningMode::Link).fetch(&inquiry()).await
}

#[tokio::test]
async fn the_services_view_becomes_everything_that_it_claims() {
    let eur = |minor| Some(Money::new(minor, Currency::Eur));
    let paid_at = datetime!(2026-11-01 00:00 UTC);
    let updated_at = datetime!(2026-11-02 00:00 UTC);
    let cases = [
        (json!({}), vec![]),
        (json!({"status": "a_new_word", "paid_amount": 5999}), vec![]),
        (
            json!({"status": "succeeded", "paid_amount": 5999}),
            vec![stated(WALL, Claim::Succeeded, eur(5_999))],
        ),
        // What was really paid, not what was asked: the quote decides.
        (json!({"status": "succeeded", "paid_amount": 1}), vec![stated(WALL, Claim::Succeeded, eur(1))]),
        (json!({"status": "succeeded", "paid_amount": null}), vec![stated(WALL, Claim::Succeeded, None)]),
        (
            json!({"status": "succeeded", "paid_amount": 5999, "currency": "ZZZ"}),
            vec![stated(WALL, Claim::Succeeded, None)],
        ),
        (
            json!({"status": "failed", "outcome": "card_declined"}),
            vec![stated(WALL, Claim::Failed { reason: "card_declined".to_owned() }, None)],
        ),
        (
            json!({"status": "failed", "outcome": "\u{1b}[31mred"}),
            vec![stated(WALL, Claim::Failed { reason: "failed".to_owned() }, None)],
        ),
        (
            json!({"status": "expired", "updated_at": 1_793_577_600}),
            vec![stated(updated_at, Claim::Expired, None)],
        ),
        (
            json!({
                "status": "disputed", "paid_amount": 5999, "refunded_amount": 1000, "dispute": "open",
                "paid_at": 1_793_491_200, "updated_at": 1_793_577_600,
            }),
            vec![
                stated(paid_at, Claim::Succeeded, eur(5_999)),
                stated(updated_at, Claim::Refunded, eur(1_000)),
                stated(updated_at, Claim::Dispute(DisputeState::Open), None),
            ],
        ),
        (
            json!({"status": "succeeded", "paid_amount": 5999, "dispute": "lost"}),
            vec![
                stated(WALL, Claim::Succeeded, eur(5_999)),
                stated(WALL, Claim::Dispute(DisputeState::Lost), None),
            ],
        ),
    ];
    for (answer, statements) in cases {
        let expected = View::known(Some("pay_1".to_owned()), statements);
        assert_eq!(fetched(answer.clone()).await.unwrap(), expected, "{answer}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_believed_leaves_the_payment_unknown() {
    let broken = [
        json!({"payment_id": "019400c5-9c00-7000-8000-000000000002"}),
        json!({"reference": "two\nlines"}),
        json!({"reference": "x".repeat(256)}),
        json!({"status": 7}),
        json!({"paid_amount": 59.99}),
    ];
    for answer in broken {
        let error = fetched(answer.clone()).await.unwrap_err();
        assert!(matches!(error, ProviderError::Unknown(_)), "{answer}: {error:?}");
    }
}

fn kind(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::Refused(_) => "refused",
        ProviderError::Unknown(_) => "unknown",
        ProviderError::Unavailable(_) => "unavailable",
    }
}

#[tokio::test]
async fn every_refusal_says_whether_the_same_key_may_be_sent_again() {
    let cases = [
        (Reply::problem(409, "key_at_work"), "unavailable", "key_at_work"),
        (Reply::problem(422, "currency_not_taken"), "refused", "currency_not_taken"),
        (Reply::problem(400, "two words\\nand a line"), "refused", "status 400"),
        (Reply::problem(403, "forbidden"), "refused", "forbidden"),
        (Reply::problem(401, "bad_signature"), "unavailable", "bad_signature"),
        (Reply::problem(429, "slow_down").with("retry-after", "3"), "unavailable", "slow_down"),
        (Reply::problem(503, "full").with("retry-after", "3"), "unavailable", "full, back in 3 s"),
        (Reply::problem(503, "full"), "unknown", "full"),
        (Reply::problem(500, "broken"), "unknown", "broken"),
        (Reply::page(502), "unknown", "status 502"),
        (Reply::page(404), "unknown", "status 404"),
        (Reply::page(302), "unknown", "status 302"),
        (Reply::Cut, "unknown", "the provider's answer is unknown"),
    ];
    for (reply, expected, said) in cases {
        let peer = Peer::start([reply]).await;
        let error = psp(&peer.base, OpeningMode::Api).create_checkout(&order()).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{error:?}");
        let shown = error.to_string();
        assert!(shown.contains(said), "{shown}");
        assert!(!shown.contains("canary"), "only the code is repeated: {shown}");
        assert_eq!(peer.requests().len(), 1, "repeating is the caller's decision");
    }
    let error = psp(&nobody().await, OpeningMode::Api).create_checkout(&order()).await.unwrap_err();
    assert_eq!(kind(&error), "unavailable", "{error:?}");
}

#[tokio::test]
async fn an_opened_checkout_without_a_usable_address_is_unknown_not_refused() {
    let long = format!("https://pay.example/{}", "a".repeat(4096));
    for url in ["", "/checkout", "javascript:alert(1)", "ftp://pay.example/", long.as_str()] {
        let answer = json!({"reference": "pay_1", "checkout_url": url, "status": "pending"});
        let peer = Peer::start([Reply::json(201, &answer.to_string())]).await;
        let error = psp(&peer.base, OpeningMode::Api).create_checkout(&order()).await.unwrap_err();
        assert_eq!(kind(&error), "unknown", "{url}: {error:?}");
    }
}

#[tokio::test]
async fn a_refund_goes_out_under_its_own_key_and_answers_the_total() {
    let answer = r#"{"refund_id":"r-1","amount":1000,"refunded_amount":1500,"status":"succeeded"}"#;
    let peer = Peer::start([Reply::json(201, answer)]).await;
    let psp = psp(&peer.base, OpeningMode::Link);
    let refunded = psp.refund(&inquiry(), &refund(Money::new(1_000, Currency::Eur))).await.unwrap();
    assert_eq!(refunded.total, Some(Money::new(1_500, Currency::Eur)));
    let request = peer.request();
    assert_eq!(request.target, format!("/payments/{PAYMENT}/refunds"));
    assert_eq!(request.header("idempotency-key"), Some(REFUND));
    assert_eq!(request.json(), json!({"refund_id": REFUND, "amount": 1000}));
    let signature = expected_signature("v1", body_text(&request));
    assert_eq!(request.header("x-signature"), Some(signature.as_str()));
}

#[tokio::test]
async fn a_refund_answered_without_a_total_asks_for_it() {
    let accepted = || Reply::json(201, r#"{"refund_id":"r-1","amount":1000,"status":"succeeded"}"#);
    let view = |refunded: &str, currency: &str| {
        let answer = format!(
            r#"{{"payment_id":"{PAYMENT}","status":"succeeded","currency":"{currency}","refunded_amount":{refunded}}}"#
        );
        Reply::json(200, &answer)
    };
    let amount = Money::new(1_000, Currency::Eur);

    let peer = Peer::start([accepted(), view("1500", "EUR")]).await;
    let refunded = psp(&peer.base, OpeningMode::Link).refund(&inquiry(), &refund(amount)).await.unwrap();
    assert_eq!(refunded.total, Some(Money::new(1_500, Currency::Eur)));

    for useless in
        [view("null", "EUR"), view("0", "EUR"), view("1500", "USD"), Reply::problem(404, "not_found")]
    {
        let peer = Peer::start([accepted(), useless]).await;
        let refunded = psp(&peer.base, OpeningMode::Link).refund(&inquiry(), &refund(amount)).await.unwrap();
        assert_eq!((refunded.total, refunded.state), (None, RefundState::Succeeded));
    }
}

#[tokio::test]
async fn nothing_secret_is_logged_and_a_refused_signature_is_told_to_the_operator() {
    let (log, _guard) = Log::start();
    let peer = Peer::start([Reply::problem(401, "bad_signature"), Reply::json(201, OPENED)]).await;
    let psp = psp(&peer.base, OpeningMode::Api);
    psp.create_checkout(&order()).await.unwrap_err();
    psp.create_checkout(&order()).await.unwrap();
    let text = log.text();
    assert!(text.contains("ERROR") && text.contains("refuses our signature"), "{text}");
    assert!(text.contains("http.path=\"/payments\""), "{text}");
    for secret in ["secret-", "canary", "v1=", "checkout/1", "shop.example"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}
