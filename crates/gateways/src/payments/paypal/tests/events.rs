//! What a believed callback says.

use domain::payment::{Claim, DisputeState, Statement};

use super::*;
use crate::payments::{EventName, Subject};

fn event(kind: &str, resource: &Value) -> Value {
    json!({
        "id": "WH-58D329510W468432D-8HN650336L201105X", "event_version": "1.0", "create_time": "2026-11-23T09:06:00.000Z",
        "resource_type": "capture", "event_type": kind, "summary": "canary", "resource": resource,
    })
}

fn read(kind: &str, resource: &Value) -> Notification {
    paypal("https://api.example").parse_notification(event(kind, resource).to_string().as_bytes()).unwrap()
}

fn stated(kind: &str, resource: &Value) -> (Subject, Statement) {
    match read(kind, resource) {
        Notification::Statement { event, subject, statement } => {
            assert_eq!(
                event,
                EventName { id: "WH-58D329510W468432D-8HN650336L201105X".to_owned(), kind: kind.to_owned() }
            );
            (subject, statement)
        }
        other => panic!("{kind}: {other:?}"),
    }
}

const TOLD: Instant = datetime!(2026-11-23 09:06 UTC);

#[test]
fn a_completed_capture_is_a_whole_statement() {
    let mut resource = capture("COMPLETED");
    resource["supplementary_data"] = json!({"related_ids": {"order_id": ORDER}});
    let expected = Statement::new(datetime!(2026-11-23 09:00 UTC), Claim::Succeeded)
        .of(Some(eur(5_999)))
        .named(Some(ORDER.to_owned()))
        .moved_by(Some(CAPTURE.to_owned()));
    assert_eq!(stated("PAYMENT.CAPTURE.COMPLETED", &resource), (Subject::Payment(payment()), expected));
}

#[test]
fn a_denied_capture_has_failed_and_a_reversed_one_is_charged_back() {
    let failed = |reason: &str| Statement::new(TOLD, Claim::Failed { reason: reason.to_owned() });
    let of_ours = |statement| (Subject::Payment(payment()), statement);
    assert_eq!(stated("PAYMENT.CAPTURE.DENIED", &capture("DECLINED")), of_ours(failed("DECLINED")));
    assert_eq!(stated("PAYMENT.CAPTURE.DECLINED", &capture("DECLINED")), of_ours(failed("DECLINED")));
    let lost = Statement::new(TOLD, Claim::Dispute(DisputeState::Lost));
    assert_eq!(stated("PAYMENT.CAPTURE.REVERSED", &json!({"id": "R", "custom_id": PAYMENT})), of_ours(lost));
}

#[test]
fn a_dispute_is_known_by_the_capture_that_it_is_about() {
    let resource = |outcome: Value| {
        json!({
            "dispute_id": "PP-D-1", "disputed_transactions": [{"seller_transaction_id": CAPTURE}],
            "dispute_outcome": outcome,
        })
    };
    let subject = Subject::Transaction(CAPTURE.to_owned());
    let dispute = |state| (subject.clone(), Statement::new(TOLD, Claim::Dispute(state)));
    assert_eq!(stated("CUSTOMER.DISPUTE.CREATED", &resource(json!(null))), dispute(DisputeState::Open));
    for (code, state) in [
        ("RESOLVED_BUYER_FAVOUR", DisputeState::Lost),
        ("ACCEPTED", DisputeState::Lost),
        ("RESOLVED_SELLER_FAVOUR", DisputeState::Won),
        ("RESOLVED_WITH_PAYOUT", DisputeState::Won),
        ("CANCELED_BY_BUYER", DisputeState::Won),
        ("DENIED", DisputeState::Won),
    ] {
        let outcome = json!({"outcome_code": code});
        assert_eq!(stated("CUSTOMER.DISPUTE.RESOLVED", &resource(outcome)), dispute(state), "{code}");
    }
    match read("CUSTOMER.DISPUTE.RESOLVED", &resource(json!({"outcome_code": "NONE"}))) {
        Notification::NotOurs { suspicious: Some(why), .. } => assert!(why.contains(CAPTURE), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_the_whole_story_only_makes_us_ask() {
    let up = |capture: &str| {
        let href = format!("https://api.paypal.com/v2/payments/captures/{capture}");
        json!({"id": "1JU", "links": [{"href": "https://x", "rel": "self"}, {"href": href, "rel": "up"}]})
    };
    let ours = || Subject::Payment(payment());
    let of_order = || Subject::Reference(ORDER.to_owned());
    for (kind, resource, expected) in [
        ("PAYMENT.CAPTURE.PENDING", capture("PENDING"), ours()),
        ("PAYMENT.CAPTURE.REFUNDED", json!({"id": "1JU", "custom_id": PAYMENT}), ours()),
        ("PAYMENT.CAPTURE.REFUNDED", up(CAPTURE), Subject::Transaction(CAPTURE.to_owned())),
        ("CHECKOUT.ORDER.APPROVED", answer("APPROVED", &json!(null)), ours()),
        ("CHECKOUT.ORDER.APPROVED", json!({"id": ORDER, "purchase_units": [{}]}), of_order()),
        ("CHECKOUT.PAYMENT-APPROVAL.REVERSED", json!({"order_id": ORDER, "purchase_units": []}), of_order()),
    ] {
        match read(kind, &resource) {
            Notification::Hint { event: Some(_), subject } => assert_eq!(subject, expected, "{kind}"),
            other => panic!("{kind}: {other:?}"),
        }
    }
}

#[test]
fn what_is_not_ours_is_let_be_and_what_names_us_wrongly_is_looked_at() {
    for (kind, resource) in [
        ("PAYMENT.CAPTURE.COMPLETED", json!({"id": CAPTURE, "custom_id": "shop-17"})),
        (
            "PAYMENT.CAPTURE.REFUNDED",
            json!({"links": [{"href": "https://x/v2/payments/captures/a?b", "rel": "up"}]}),
        ),
        ("VAULT.PAYMENT-TOKEN.CREATED", json!({"custom_id": PAYMENT})),
        ("CUSTOMER.DISPUTE.CREATED", json!({"disputed_transactions": "x"})),
        ("PAYMENT.CAPTURE.COMPLETED", json!(7)),
    ] {
        let notification = read(kind, &resource);
        assert!(matches!(notification, Notification::NotOurs { suspicious: None, .. }), "{notification:?}");
    }
    for amount in [
        json!(null),
        json!({"currency_code": "ZZZ", "value": "1"}),
        json!({"currency_code": "EUR", "value": 59.99}),
    ] {
        let mut resource = capture("COMPLETED");
        resource["amount"] = amount;
        let notification = read("PAYMENT.CAPTURE.COMPLETED", &resource);
        assert!(
            matches!(notification, Notification::NotOurs { suspicious: Some(_), .. }),
            "{notification:?}"
        );
    }
}

#[test]
fn a_body_that_is_no_event_is_malformed() {
    let paypal = paypal("https://api.example");
    let mut long = event("PAYMENT.CAPTURE.COMPLETED", &json!({}));
    long["id"] = json!("x".repeat(256));
    let mut wordless = event("PAYMENT.CAPTURE.COMPLETED", &json!({}));
    wordless["event_type"] = json!("a\nb");
    for body in ["", "[]", "{}", r#"{"id":"","event_type":"A"}"#, &long.to_string(), &wordless.to_string()] {
        let error = paypal.parse_notification(body.as_bytes()).unwrap_err();
        assert!(matches!(error, NotificationError::Malformed(_)), "{body}: {error:?}");
    }
}
