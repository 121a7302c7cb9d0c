use domain::payment::{Claim, DisputeState, Statement};
use futures_util::FutureExt;
use serde_json::{Value, json};

use super::*;
use crate::payments::Subject;

const BODY: &str = r#"{"id":"evt_1","type":"payment.succeeded","created":1795429800,"data":{"payment_id":"019400c5-9c00-7000-8000-000000000001","provider_reference":"pay_1","amount":5999,"currency":"EUR"}}"#;

/// Made by another program (Python's hmac) over `"1795429800." + BODY`.
const BODY_SIGNATURE: &str = "1ae1c9ddbc8ac8000508f66f757c946eb5ddb97e8434dfe40a5182c08d4ebc2a";

fn receive(header: Option<&str>, body: &[u8], wall_unix: i64) -> Result<Notification, NotificationError> {
    let psp = psp("https://pay.example", OpeningMode::Link);
    let lookup = |name: &str| if name == "x-signature" { header.map(str::to_owned) } else { None };
    let callback = Callback { header: &lookup, body };
    let wall = Instant::from_unix_timestamp(wall_unix).unwrap();
    // Nothing is awaited to compare a signature.
    psp.verify_notification(&callback, wall).now_or_never().unwrap()?;
    psp.parse_notification(body)
}

/// The same, correctly signed.
fn read(body: &str) -> Result<Notification, NotificationError> {
    let signature = mac(WEBHOOK_SECRETS[0], &format!("{WALL_UNIX}.{body}"));
    receive(Some(&format!("t={WALL_UNIX},v1={signature}")), body.as_bytes(), WALL_UNIX)
}

fn event(kind: &str, data: &Value) -> String {
    let mut whole =
        json!({"payment_id": PAYMENT, "provider_reference": "pay_1", "amount": 5999, "currency": "EUR"});
    whole.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
    json!({"id": "evt_1", "type": kind, "created": WALL_UNIX, "data": whole, "api_version": 9}).to_string()
}

#[test]
fn a_signature_made_elsewhere_is_believed_within_three_hundred_seconds_either_way() {
    let header = format!("t={WALL_UNIX},v1={BODY_SIGNATURE}");
    for skew in [-300, 0, 300] {
        let read = receive(Some(&header), BODY.as_bytes(), WALL_UNIX + skew).unwrap();
        assert!(matches!(read, Notification::Statement { .. }), "{skew}: {read:?}");
    }
    for skew in [-301, 301, 86_400] {
        let error = receive(Some(&header), BODY.as_bytes(), WALL_UNIX + skew).unwrap_err();
        assert!(matches!(error, NotificationError::Unverified(_)), "{skew}: {error:?}");
    }
}

#[test]
fn the_older_secret_still_counts_while_one_rotates() {
    let old = mac(WEBHOOK_SECRETS[1], &format!("{WALL_UNIX}.{BODY}"));
    assert!(receive(Some(&format!("t={WALL_UNIX},v1={old}")), BODY.as_bytes(), WALL_UNIX).is_ok());
    let foreign = "0".repeat(64);
    let several = format!("t={WALL_UNIX},v1={foreign},v1={old}");
    assert!(receive(Some(&several), BODY.as_bytes(), WALL_UNIX).is_ok());
}

#[test]
fn without_a_right_signature_not_even_the_body_is_read() {
    let line = format!("{WALL_UNIX}.POST /api/webhooks/hmac_psp");
    let headers = [
        None,
        Some(String::new()),
        Some(format!("t={WALL_UNIX}")),
        Some(format!("t={WALL_UNIX},v1=")),
        Some(format!("v1={BODY_SIGNATURE}")),
        Some(format!("t={},v1={BODY_SIGNATURE}", WALL_UNIX + 1)),
        Some(format!("t={WALL_UNIX},v1={}", mac(REQUEST_SECRETS[0], &format!("{WALL_UNIX}.{BODY}")))),
        Some(format!("t={WALL_UNIX},v2={}", mac(WEBHOOK_SECRETS[0], &line))),
    ];
    for header in headers {
        for body in [BODY.as_bytes(), b"not json", b""] {
            let error = receive(header.as_deref(), body, WALL_UNIX).unwrap_err();
            assert!(matches!(error, NotificationError::Unverified(_)), "{header:?}: {error:?}");
        }
    }
    let header = format!("t={WALL_UNIX},v1={BODY_SIGNATURE}");
    let forged = BODY.replace("5999", "1");
    let error = receive(Some(&header), forged.as_bytes(), WALL_UNIX).unwrap_err();
    assert!(matches!(error, NotificationError::Unverified(_)), "{error:?}");
}

#[test]
fn each_kind_of_event_becomes_its_statement() {
    let failed = |reason: &str| Claim::Failed { reason: reason.to_owned() };
    let cases = [
        ("payment.succeeded", json!({}), Claim::Succeeded),
        ("payment.failed", json!({}), failed("failed")),
        ("payment.failed", json!({"outcome": "card_declined"}), failed("card_declined")),
        ("payment.failed", json!({"outcome": "a\r\nb"}), failed("failed")),
        ("payment.expired", json!({}), Claim::Expired),
        ("payment.refunded", json!({}), Claim::Refunded),
        ("dispute.opened", json!({}), Claim::Dispute(DisputeState::Open)),
        ("dispute.closed", json!({"outcome": "won"}), Claim::Dispute(DisputeState::Won)),
        ("dispute.closed", json!({"outcome": "lost"}), Claim::Dispute(DisputeState::Lost)),
    ];
    for (name, data, claim) in cases {
        let Notification::Statement { event, subject, statement } = read(&event(name, &data)).unwrap() else {
            panic!("{name} {data} is a statement")
        };
        assert_eq!((event.id.as_str(), event.kind.as_str()), ("evt_1", name));
        assert_eq!(subject, Subject::Payment(payment()));
        let amount = Some(Money::new(5_999, Currency::Eur));
        assert_eq!(statement, Statement::new(WALL, claim).of(amount).named(Some("pay_1".to_owned())));
    }
}

#[test]
fn a_statement_may_lack_reference_and_amount_and_the_quote_judges_that() {
    let body =
        event("payment.succeeded", &json!({"provider_reference": null, "amount": null, "currency": null}));
    let Notification::Statement { statement, .. } = read(&body).unwrap() else { panic!("it is a statement") };
    assert_eq!((statement.reference, statement.amount), (None, None));
}

#[test]
fn what_is_not_about_a_payment_of_ours_is_kept_without_suspicion() {
    let ids =
        [json!(null), json!("order-7"), json!(7), json!("{019400c5-9c00-7000-8000-000000000001}"), json!("")];
    let mut bodies: Vec<String> =
        ids.iter().map(|id| event("payment.succeeded", &json!({"payment_id": id}))).collect();
    bodies.push(event("payout.created", &json!({})));
    bodies.push(json!({"id": "evt_1", "type": "ping"}).to_string());
    bodies.push(json!({"id": "evt_1", "type": "ping", "data": [1], "created": "now"}).to_string());
    for body in bodies {
        let read = read(&body).unwrap();
        let Notification::NotOurs { event, suspicious } = read else { panic!("{body}: {read:?}") };
        assert_eq!((event.id.as_str(), suspicious), ("evt_1", None), "{body}");
    }
}

#[test]
fn what_names_a_payment_of_ours_and_cannot_be_understood_is_suspicious() {
    let mut bodies = vec![
        event("payment.succeeded", &json!({"amount": 59.99})),
        event("payment.succeeded", &json!({"amount": "5999"})),
        event("payment.succeeded", &json!({"currency": "ZZZ"})),
        event("payment.succeeded", &json!({"currency": null})),
        event("payment.succeeded", &json!({"amount": null})),
        event("payment.succeeded", &json!({"provider_reference": 7})),
        event("payment.succeeded", &json!({"provider_reference": "two\nlines"})),
        event("payment.succeeded", &json!({"provider_reference": "x".repeat(256)})),
        event("dispute.closed", &json!({"outcome": "open"})),
        event("dispute.closed", &json!({"outcome": "withdrawn"})),
    ];
    for created in [json!(null), json!("now"), json!(i64::MAX), json!(1.5)] {
        let mut body: Value = serde_json::from_str(&event("payment.succeeded", &json!({}))).unwrap();
        body["created"] = created;
        bodies.push(body.to_string());
    }
    for body in bodies {
        let read = read(&body).unwrap();
        let Notification::NotOurs { suspicious: Some(why), .. } = read else { panic!("{body}: {read:?}") };
        assert!(why.starts_with(PAYMENT), "{why}");
    }
}

#[test]
fn a_dispute_that_closed_without_saying_how_makes_us_ask() {
    let read = read(&event("dispute.closed", &json!({}))).unwrap();
    assert!(
        matches!(&read, Notification::Hint { subject, .. } if *subject == Subject::Payment(payment())),
        "{read:?}"
    );
}

#[test]
fn a_signed_body_without_a_bounded_name_and_kind_is_malformed() {
    let long = "e".repeat(256);
    let bodies = [
        String::new(),
        "not json".to_owned(),
        "[]".to_owned(),
        "\u{feff}{}".to_owned(),
        json!({"type": "payment.succeeded"}).to_string(),
        json!({"id": "evt_1"}).to_string(),
        json!({"id": 7, "type": "payment.succeeded"}).to_string(),
        json!({"id": "", "type": "payment.succeeded"}).to_string(),
        json!({"id": long, "type": "payment.succeeded"}).to_string(),
        json!({"id": "evt\u{0}1", "type": "payment.succeeded"}).to_string(),
        json!({"id": "evt_1", "type": "a type\nof two lines"}).to_string(),
        json!({"id": "evt_1", "type": "t".repeat(65)}).to_string(),
        "[".repeat(10_000),
    ];
    for body in bodies {
        let error = read(&body).unwrap_err();
        assert!(matches!(error, NotificationError::Malformed(_)), "{body}: {error:?}");
        assert!(!error.to_string().contains("evt"), "the body is not repeated: {error}");
    }
}
