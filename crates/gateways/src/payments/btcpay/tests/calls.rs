use domain::payment::{Claim, Statement};
use serde_json::{Value, json};

use super::*;
use crate::test_peer::{Log, Peer, Reply, nobody};

const LINK: &str = "https://btcpay.example/i/INV1";

fn invoice(changed: &Value) -> Value {
    let mut whole = json!({
        "id": "INV1", "storeId": "S1", "amount": "59.90", "paidAmount": "0", "currency": "EUR", "type": "Standard",
        "checkoutLink": LINK, "createdTime": 1_795_429_200, "expirationTime": 1_795_429_500,
        "monitoringExpiration": 1_795_519_200, "status": "New", "additionalStatus": "None",
        "availableStatusesForManualMarking": ["Settled", "Invalid"], "archived": false,
        "metadata": {"orderId": PAYMENT}, "new_field": [1],
    });
    whole.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
    whole
}

fn one(status: u16, body: &Value) -> Reply {
    Reply::json(status, &body.to_string())
}

/// The answer to a search.
fn found(invoices: &[Value]) -> Reply {
    one(200, &json!(invoices))
}

#[tokio::test]
async fn opening_looks_for_the_order_first_and_then_makes_the_invoice() {
    let peer = Peer::start([found(&[]), one(200, &invoice(&json!({})))]).await;
    let checkout = btcpay(&format!("{}/pay", peer.base)).create_checkout(&order()).await.unwrap();
    assert_eq!(checkout.reference.as_deref(), Some("INV1"));
    assert_eq!(checkout.way, CheckoutWay::Page(LINK.to_owned()));

    let [search, create] = <[_; 2]>::try_from(peer.requests()).unwrap();
    let line = format!("GET /pay/api/v1/stores/S1/invoices?orderId={PAYMENT}");
    assert_eq!(format!("{} {}", search.method, search.target), line);
    assert_eq!((create.method.as_str(), create.target.as_str()), ("POST", "/pay/api/v1/stores/S1/invoices"));
    for request in [&search, &create] {
        assert_eq!(request.header("authorization"), Some("token canary-api-key"));
        assert!(request.header("x-signature").unwrap().starts_with("t=1795429800,v"));
    }
    assert_eq!(create.header("content-type"), Some("application/json"));
    let expected = json!({
        "amount": "59.90",
        "currency": "EUR",
        "metadata": {"orderId": PAYMENT, "itemDesc": "Signaux · un mois", "buyerEmail": "awa@example.com"},
        "checkout": {
            "speedPolicy": "LowMediumSpeed",
            "expirationMinutes": 50,
            "monitoringMinutes": 1440,
            "paymentTolerance": 0,
            "redirectURL": "https://shop.example/back?a=1",
            "redirectAutomatically": true,
            "defaultLanguage": "fr-FR",
        },
    });
    assert_eq!(create.json(), expected);
}

#[tokio::test]
async fn an_invoice_stays_open_for_what_is_left_of_the_quote_and_for_five_minutes_at_least() {
    let ahead = Duration::days(40);
    for (created_at, expires_at, minutes) in [
        (WALL, WALL + Duration::minutes(60), 60),
        (WALL - Duration::minutes(58), WALL + Duration::minutes(2), 5),
        (WALL - Duration::minutes(90), WALL - Duration::minutes(30), 5),
        (WALL + ahead, WALL + ahead + Duration::minutes(30), 30),
    ] {
        let peer = Peer::start([found(&[]), one(200, &invoice(&json!({})))]).await;
        let order = Order { created_at, expires_at, ..order() };
        btcpay(&peer.base).create_checkout(&order).await.unwrap();
        let sent = peer.requests()[1].json();
        assert_eq!(sent["checkout"]["expirationMinutes"], minutes);
    }
}

#[tokio::test]
async fn opening_again_takes_the_invoice_that_is_there_and_makes_no_second_one() {
    let others = invoice(&json!({"id": "OTHER", "metadata": {"orderId": "pos-app_1"}}));
    let peer = Peer::start([found(&[others, json!({}), invoice(&json!({}))])]).await;
    let checkout = btcpay(&peer.base).create_checkout(&order()).await.unwrap();
    assert_eq!(checkout.reference.as_deref(), Some("INV1"));
    assert_eq!(peer.request().method, "GET");
}

async fn fetched(invoices: &[Value]) -> Result<View, ProviderError> {
    let peer = Peer::start([found(invoices)]).await;
    btcpay(&peer.base).fetch(&inquiry(Some("INV1"))).await
}

fn stated(at: Instant, claim: Claim) -> Statement {
    Statement::new(at, claim).named(Some("INV1".to_owned()))
}

fn succeeded(at: Instant, minor: i64) -> Statement {
    let amount = Some(Money::new(minor, Currency::Eur));
    stated(at, Claim::Succeeded).of(amount).moved_by(Some("INV1".to_owned()))
}

#[tokio::test]
async fn each_standing_of_an_invoice_claims_what_it_proves_and_no_more() {
    let expiration = datetime!(2026-11-23 10:25 UTC);
    let failed = |reason: &str| stated(WALL, Claim::Failed { reason: reason.to_owned() });
    let cases = [
        ("New", "None", vec![]),
        ("New", "PaidPartial", vec![]),
        ("Processing", "None", vec![]),
        ("Processing", "PaidOver", vec![]),
        // It came in time, so it is not dated after the end.
        ("Settled", "None", vec![succeeded(expiration, 5_990)]),
        ("Settled", "PaidOver", vec![succeeded(expiration, 6_000)]),
        ("Settled", "PaidLate", vec![succeeded(WALL, 5_990)]),
        ("Settled", "Marked", vec![succeeded(WALL, 5_990)]),
        ("Expired", "None", vec![stated(expiration, Claim::Expired)]),
        ("Expired", "PaidPartial", vec![succeeded(expiration, 6_000)]),
        ("Expired", "PaidLate", vec![]),
        ("Invalid", "None", vec![failed("invalid")]),
        ("Invalid", "Marked", vec![failed("marked_invalid")]),
        ("ANewWord", "None", vec![]),
    ];
    for (status, additional, statements) in cases {
        // Only where more or less came than was asked for does it matter how much.
        let mut answer = invoice(&json!({"status": status, "additionalStatus": additional}));
        if additional != "PaidLate" {
            answer["paidAmount"] = json!("60.00");
        }
        let view = fetched(&[answer]).await.unwrap();
        assert_eq!(view, View::known(Some("INV1".to_owned()), statements), "{status} {additional}");
    }
}

#[tokio::test]
async fn what_came_is_told_in_whole_cents_and_never_guessed() {
    let came = async |additional: &str, paid: &Value| {
        let status = if additional == "PaidPartial" { "Expired" } else { "Settled" };
        let answer = invoice(&json!({"status": status, "additionalStatus": additional, "paidAmount": paid}));
        let View::Known { statements, .. } = fetched(&[answer]).await.unwrap() else { panic!("known") };
        statements[0].amount.map(|amount| amount.minor)
    };
    for (additional, paid, minor) in [
        ("PaidPartial", json!("20"), Some(2_000)),
        ("PaidPartial", json!("20.00999999"), Some(2_000)),
        ("PaidPartial", json!(null), None),
        ("PaidPartial", json!("2e1"), None),
        ("PaidPartial", json!("-20.00"), None),
        ("PaidPartial", json!("20.0x"), None),
        ("PaidPartial", json!("20.é"), None),
        ("PaidOver", json!("59.90000001"), Some(5_990)),
        ("PaidOver", json!("70.10"), Some(7_010)),
        ("PaidOver", json!(null), None),
        ("PaidLate", json!("59.90"), Some(5_990)),
        ("PaidLate", json!("61.00"), Some(6_100)),
        ("Marked", json!("1.00"), Some(5_990)),
    ] {
        assert_eq!(came(additional, &paid).await, minor, "{additional} {paid}");
    }
}

#[tokio::test]
async fn a_success_carries_the_invoices_own_amount_or_none_if_it_cannot_be_read() {
    let settled = |changed: Value| {
        let mut whole = invoice(&json!({"status": "Settled"}));
        whole.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        whole
    };
    for (changed, amount) in [
        (json!({"amount": "0.01"}), Some(Money::new(1, Currency::Eur))),
        (json!({"amount": "59.9", "currency": "USD"}), Some(Money::new(5_990, Currency::Usd))),
        (json!({"amount": "59.901"}), None),
        (json!({"amount": null}), None),
        (json!({"currency": "ZZZ"}), None),
    ] {
        let View::Known { statements, .. } = fetched(&[settled(changed)]).await.unwrap() else {
            panic!("known")
        };
        assert_eq!(statements[0].amount, amount);
    }
}

#[tokio::test]
async fn where_two_calls_raced_one_end_means_nothing_while_the_other_can_be_paid() {
    let expired = || invoice(&json!({"status": "Expired"}));
    let second = |status: &str| invoice(&json!({"id": "INV2", "status": status}));
    let claims = async |second: Value| {
        let View::Known { statements, reference, .. } = fetched(&[second, expired()]).await.unwrap() else {
            panic!("known")
        };
        assert_eq!(reference.as_deref(), Some("INV1"));
        statements
            .into_iter()
            .map(|statement| (statement.reference.unwrap(), statement.claim))
            .collect::<Vec<_>>()
    };
    assert_eq!(claims(second("New")).await, []);
    // Under its own name: what the payment's row makes of it is decided there.
    assert_eq!(claims(second("Settled")).await, [("INV2".to_owned(), Claim::Succeeded)]);
    assert_eq!(claims(second("Expired")).await, [("INV2".to_owned(), Claim::Expired)]);
}

#[tokio::test]
async fn an_archived_invoice_is_asked_for_by_its_name() {
    let peer =
        Peer::start([found(&[]), one(200, &invoice(&json!({"status": "Settled", "archived": true})))]).await;
    let view = btcpay(&peer.base).fetch(&inquiry(Some("INV1"))).await.unwrap();
    assert!(matches!(view, View::Known { statements, .. } if statements.len() == 1));
    assert_eq!(peer.requests()[1].target, "/api/v1/invoices/INV1");
}

#[tokio::test]
async fn only_the_server_itself_may_say_that_it_never_heard_of_a_payment() {
    assert_eq!(asked([found(&[])], None).await.unwrap(), View::NeverOpened);
    let gone = json!({"code": "invoice-not-found", "message": "canary-message"});
    assert_eq!(asked([found(&[]), one(404, &gone)], Some("INV1")).await.unwrap(), View::NeverOpened);
    for reply in
        [Reply::page(404), one(404, &json!([])), one(404, &json!({})), one(200, &json!({"id": "INV1"}))]
    {
        let error = asked([found(&[]), reply], Some("INV1")).await.unwrap_err();
        assert!(matches!(error, ProviderError::Unknown(_)), "{error:?}");
    }
}

async fn asked<const N: usize>(replies: [Reply; N], reference: Option<&str>) -> Result<View, ProviderError> {
    let peer = Peer::start(replies).await;
    btcpay(&peer.base).fetch(&inquiry(reference)).await
}

async fn closed(replies: Vec<Reply>) -> (Result<Cancelled, ProviderError>, Vec<crate::test_peer::Recorded>) {
    let peer = Peer::start(replies).await;
    let outcome = btcpay(&peer.base).cancel(&inquiry(Some("INV1"))).await;
    (outcome, peer.requests())
}

#[tokio::test]
async fn an_open_invoice_is_marked_invalid_and_then_closed() {
    let marked = invoice(&json!({"status": "Invalid", "additionalStatus": "Marked"}));
    let (outcome, requests) = closed(vec![found(&[invoice(&json!({}))]), one(200, &marked)]).await;
    assert_eq!(outcome.unwrap(), Cancelled::Closed);
    assert_eq!(
        (requests[1].method.as_str(), requests[1].target.as_str()),
        ("POST", "/api/v1/invoices/INV1/status")
    );
    assert_eq!(requests[1].json(), json!({"status": "Invalid"}));
}

#[tokio::test]
async fn what_may_have_been_paid_is_left_alone() {
    for (status, additional) in [
        ("New", "PaidPartial"),
        ("Processing", "None"),
        ("Settled", "None"),
        ("Expired", "None"),
        ("Expired", "PaidPartial"),
    ] {
        let answer = invoice(&json!({"status": status, "additionalStatus": additional}));
        let (outcome, requests) = closed(vec![found(&[answer])]).await;
        assert_eq!(outcome.unwrap(), Cancelled::StillPayable, "{status} {additional}");
        assert_eq!(requests.len(), 1);
    }
    let no = json!([{"path": "status", "message": "canary-message"}]);
    let (outcome, _) = closed(vec![found(&[invoice(&json!({}))]), one(400, &no)]).await;
    assert_eq!(outcome.unwrap(), Cancelled::StillPayable);
}

#[tokio::test]
async fn a_refund_is_made_by_hand() {
    let refund = Refund { id: PAYMENT.parse().unwrap(), amount: order().amount, reference: None, again: false };
    let error = btcpay(&nobody().await).refund(&inquiry(None), &refund).await.unwrap_err();
    assert!(matches!(error, ProviderError::Refused(why) if why == "by_hand"));
}

async fn opened(second: Reply) -> ProviderError {
    let peer = Peer::start([found(&[]), second]).await;
    btcpay(&peer.base).create_checkout(&order()).await.unwrap_err()
}

#[tokio::test]
async fn a_refusal_names_the_servers_own_word_and_nothing_of_its_texts() {
    let fields = json!([{"path": "checkout.expirationMinutes", "message": "canary-message"}]);
    for status in [400, 422] {
        let error = opened(one(status, &fields)).await;
        assert!(
            matches!(&error, ProviderError::Refused(why) if why == "checkout.expirationMinutes"),
            "{error:?}"
        );
    }
    let problem = json!({"code": "generic-error", "message": "canary-message"});
    let error = opened(one(400, &problem)).await;
    assert!(matches!(&error, ProviderError::Refused(why) if why == "generic-error"), "{error:?}");
}

#[tokio::test]
async fn what_proves_nothing_is_unknown_and_what_can_be_repeated_unavailable() {
    let other = invoice(&json!({"metadata": {"orderId": "019400c5-9c00-7000-8000-000000000002"}}));
    let linkless = invoice(&json!({"checkoutLink": null}));
    let script = invoice(&json!({"checkoutLink": "javascript:alert(1)"}));
    for reply in [
        Reply::page(400),
        Reply::page(404),
        Reply::page(500),
        Reply::Cut,
        one(200, &json!({})),
        one(200, &other),
        one(200, &linkless),
        one(200, &script),
    ] {
        let error = opened(reply).await;
        assert!(matches!(error, ProviderError::Unknown(_)), "{error:?}");
    }
    for status in [401, 403, 409, 429] {
        let error = opened(Reply::page(status)).await;
        assert!(matches!(error, ProviderError::Unavailable(_)), "{status}: {error:?}");
    }
    let error = btcpay(&nobody().await).create_checkout(&order()).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn the_operator_reads_of_wrong_keys_and_partly_paid_invoices_and_nobody_of_secrets() {
    let (log, _guard) = Log::start();
    let partly = invoice(&json!({"status": "Expired", "additionalStatus": "PaidPartial"}));
    let peer = Peer::start([Reply::page(401), found(&[partly])]).await;
    let btcpay = btcpay(&peer.base);
    assert!(btcpay.fetch(&inquiry(None)).await.is_err());
    assert!(btcpay.fetch(&inquiry(None)).await.is_ok());
    let text = log.text();
    assert!(text.contains("refuses our key") && text.contains("partly paid"), "{text}");
    assert!(!text.contains("canary") && !text.contains("awa@example.com"), "{text}");
}
