use crypto::signature::hex_hmac_sha256;
use domain::payment::{Claim, Statement};
use futures_util::FutureExt;
use serde_json::json;

use super::*;
use crate::payments::Subject;

const BODY: &str = r#"{"name":"transaction.approved","object":"transaction","entity":{"id":123,"klass":"v1/transaction","reference":"trx_FvM_1","merchant_reference":"019400c5-9c00-7000-8000-000000000001","amount":15000,"currency":{"iso":"XOF"},"status":"approved","approved_at":"2026-11-23T10:29:58.969Z","updated_at":"2026-11-23T10:29:59.000Z"}}"#;

/// Made by FedaPay's own library (fedapay 1.2.5, npm: `Webhook.generateTestHeaderString`) with each of the two secrets.
const SIGNED: [&str; 2] = [
    "t=1795429800,s=3307c7f666111fccfe9df34d6c07d730e8bf9b9474b09407b0378bb3dfd990c8",
    "t=1795429800,s=ea19be9d3559d9b8f28abb7f48a37fdeb65b91d1e07e98a79cf39aadea1d1e97",
];

fn verify(header: Option<&str>, body: &str, wall_unix: i64) -> Result<Authenticity, NotificationError> {
    let fedapay = fedapay("https://fedapay.example");
    let lookup = |name: &str| if name == "x-fedapay-signature" { header.map(str::to_owned) } else { None };
    let callback = Callback { header: &lookup, body: body.as_bytes() };
    let wall = Instant::from_unix_timestamp(wall_unix).unwrap();
    // Nothing is awaited to compare a signature.
    fedapay.verify_notification(&callback, wall).now_or_never().unwrap()
}

fn read(body: &str) -> Result<Notification, NotificationError> {
    fedapay("https://fedapay.example").parse_notification(body.as_bytes())
}

fn event(name: &str, change: &Value) -> String {
    let mut body: Value = serde_json::from_str(BODY).unwrap();
    body["name"] = json!(name);
    body["entity"].as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    body.to_string()
}

#[test]
fn what_fedapays_library_signed_is_believed_within_three_hundred_seconds_either_way() {
    for header in SIGNED {
        for skew in [-300, 0, 300] {
            assert_eq!(verify(Some(header), BODY, WALL_UNIX + skew).unwrap(), Authenticity::Verified);
        }
        for skew in [-301, 301] {
            let error = verify(Some(header), BODY, WALL_UNIX + skew).unwrap_err();
            assert!(matches!(error, NotificationError::Unverified(_)), "{skew}: {error:?}");
        }
    }
}

#[test]
fn while_a_secret_rotates_one_of_several_signatures_is_enough() {
    let (_, signature) = SIGNED[1].split_once(",s=").unwrap();
    let several = format!("t={WALL_UNIX},s={},s={signature},v0=x", "0".repeat(64));
    assert!(verify(Some(&several), BODY, WALL_UNIX).is_ok());
}

#[test]
fn anything_else_is_not_believed() {
    let (time, signature) = SIGNED[0].split_once(",s=").unwrap();
    let headers = [
        String::new(),
        time.to_owned(),
        format!("s={signature}"),
        format!("{time},v1={signature}"),
        format!("{time},s={}", signature.to_uppercase()),
        format!("{time},s="),
        format!("{time},{time},s={signature}"),
        format!("t=+{WALL_UNIX},s={signature}"),
        format!("t={},s={signature}", WALL_UNIX + 1),
        format!("t=99999999999999999999,s={signature}"),
        format!("{time},s={signature},x={}", "x".repeat(1024)),
    ];
    for header in headers {
        let error = verify(Some(&header), BODY, WALL_UNIX).unwrap_err();
        assert!(matches!(error, NotificationError::Unverified(_)), "{header}: {error:?}");
    }
    assert!(verify(None, BODY, WALL_UNIX).is_err());
    assert!(verify(Some(SIGNED[0]), &BODY.replace("15000", "1"), WALL_UNIX).is_err());
    let foreign = SigningSecret::parse(&"another-secret-0123456789".into()).unwrap();
    let forged = hex_hmac_sha256(&foreign, format!("{WALL_UNIX}.{BODY}").as_bytes());
    assert!(verify(Some(&format!("{time},s={forged}")), BODY, WALL_UNIX).is_err());
}

#[test]
fn an_event_that_says_everything_is_a_statement() {
    let approved = datetime!(2026-11-23 10:29:58.969 UTC);
    let updated = datetime!(2026-11-23 10:29:59 UTC);
    let failed = |reason: &str| Claim::Failed { reason: reason.to_owned() };
    let paid = Some(Money::new(15_000, Currency::Xof));
    let cases = [
        ("transaction.approved", "approved", approved, Claim::Succeeded, paid),
        ("transaction.transferred", "transferred", approved, Claim::Succeeded, paid),
        ("transaction.declined", "declined", updated, failed("declined"), None),
        ("transaction.canceled", "canceled", updated, failed("canceled"), None),
        ("transaction.expired", "expired", updated, Claim::Expired, None),
    ];
    for (name, status, at, claim, amount) in cases {
        let Notification::Statement { event, subject, statement } =
            read(&event(name, &json!({"status": status}))).unwrap()
        else {
            panic!("{name} is a statement")
        };
        assert_eq!(event.kind, name);
        assert_eq!(subject, Subject::Payment(payment()));
        let expected = Statement::new(at, claim).of(amount).named(Some("123".to_owned()));
        assert_eq!(statement, expected.moved_by(Some("trx_FvM_1".to_owned())));
    }
}

#[test]
fn an_event_that_lacks_something_makes_us_ask() {
    let bodies = [
        event("transaction.approved", &json!({"currency": null, "currency_id": 1})),
        event("transaction.approved", &json!({"amount": 15000.5})),
        event("transaction.approved", &json!({"approved_at": null, "updated_at": null})),
        event("transaction.approved", &json!({"status": "refunded"})),
        event("transaction.approved", &json!({"id": "123"})),
        event("transaction.created", &json!({"status": "pending"})),
        event("transaction.updated", &json!({})),
        event("transaction.refunded", &json!({"status": "refunded"})),
    ];
    for body in bodies {
        let read = read(&body).unwrap();
        let Notification::Hint { event: Some(_), subject } = read else { panic!("{body}: {read:?}") };
        assert_eq!(subject, Subject::Payment(payment()));
    }
}

#[test]
fn fedapays_number_stands_in_for_ours_and_another_form_is_somebody_elses() {
    let body = event("transaction.approved", &json!({"merchant_reference": null}));
    let Notification::Statement { subject, .. } = read(&body).unwrap() else { panic!("it is a statement") };
    assert_eq!(subject, Subject::Reference("123".to_owned()));
    let bodies = [
        event("transaction.approved", &json!({"merchant_reference": "order-7"})),
        event("transaction.approved", &json!({"merchant_reference": 7})),
        event("transaction.approved", &json!({"merchant_reference": null, "id": null})),
        event("payout.sent", &json!({})),
        json!({"name": "customer.created"}).to_string(),
        json!({"name": "transaction.approved", "entity": [1]}).to_string(),
    ];
    for body in bodies {
        let read = read(&body).unwrap();
        assert!(matches!(read, Notification::NotOurs { suspicious: None, .. }), "{body}: {read:?}");
    }
}

#[test]
fn an_event_is_named_by_its_id_or_by_its_bytes() {
    let name = |body: &str| match read(body).unwrap() {
        Notification::Statement { event, .. } => event.id,
        other => panic!("{other:?}"),
    };
    // `sha256sum` of the body.
    assert_eq!(name(BODY), "sha256:a915570cfeb335e5e0f25afc15396cb880c0f415dac6a382d49bd6958ae7904f");
    let with = |id: Value| {
        let mut body: Value = serde_json::from_str(BODY).unwrap();
        body["id"] = id;
        body.to_string()
    };
    assert_eq!(name(&with(json!(77))), "77");
    assert_eq!(name(&with(json!("evt_77"))), "evt_77");
    assert!(name(&with(json!("two\nlines"))).starts_with("sha256:"));
}

#[test]
fn what_is_no_event_is_malformed() {
    for body in ["", "not json", "[]", "{}", r#"{"name":7}"#, r#"{"name":"two words"}"#] {
        let error = read(body).unwrap_err();
        assert!(matches!(error, NotificationError::Malformed(_)), "{body}: {error:?}");
    }
}
