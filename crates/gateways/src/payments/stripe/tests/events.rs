use domain::payment::DisputeState;
use futures_util::FutureExt;

use super::*;
use crate::payments::Subject;

fn receive(header: Option<&str>, body: &[u8], wall_unix: i64) -> Result<Notification, NotificationError> {
    let stripe = stripe("https://api.stripe.com");
    let lookup = |name: &str| if name == "stripe-signature" { header.map(str::to_owned) } else { None };
    let callback = Callback { header: &lookup, body };
    let wall = Instant::from_unix_timestamp(wall_unix).unwrap();
    let verified = stripe.verify_notification(&callback, wall).now_or_never().unwrap()?;
    assert_eq!(verified, Authenticity::Verified);
    stripe.parse_notification(body)
}

fn read(body: &str) -> Result<Notification, NotificationError> {
    stripe("https://api.stripe.com").parse_notification(body.as_bytes())
}

fn event(kind: &str, object: &Value) -> String {
    json!({
        "id": "evt_1", "object": "event", "api_version": API_VERSION, "created": WALL_UNIX, "livemode": false, "type": kind,
        "pending_webhooks": 1, "data": {"object": object},
    })
    .to_string()
}

const BODY: &str = r#"{"id":"evt_1","object":"event","type":"ping","note":"déjà vu"}"#;

/// Made with Stripe's own library (PyPI 16.1.0), `WebhookSignature.generate_signature_header`, for each of the secrets.
const SIGNATURES: [&str; 2] = [
    "53226d961152714972e6e756d104c2848c1c1e33fe0751a5063e622061080078",
    "469ca67f4e051cfdd7fbec04071a03341c07537647c07156e46bb86f87c59b26",
];

#[test]
fn a_signature_of_stripes_own_library_is_believed_within_three_hundred_seconds_either_way() {
    for signature in SIGNATURES {
        let header = format!(
            "t={WALL_UNIX},v1={signature},v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39"
        );
        for skew in [-300, 0, 300] {
            assert!(receive(Some(&header), BODY.as_bytes(), WALL_UNIX + skew).is_ok(), "{skew}");
        }
        for skew in [-301, 301] {
            let error = receive(Some(&header), BODY.as_bytes(), WALL_UNIX + skew).unwrap_err();
            assert!(matches!(error, NotificationError::Unverified(_)), "{skew}: {error:?}");
        }
    }
}

#[test]
fn without_a_right_signature_not_even_the_body_is_read() {
    let [new, old] = SIGNATURES;
    for header in [
        None,
        Some(String::new()),
        Some(format!("t={WALL_UNIX},v1=")),
        Some(format!("v1={new}")),
        Some(format!("t={WALL_UNIX},v0={new}")),
        Some(format!("t={},v1={old}", WALL_UNIX + 1)),
    ] {
        for body in [BODY.as_bytes(), b"not json", b""] {
            let error = receive(header.as_deref(), body, WALL_UNIX).unwrap_err();
            assert!(matches!(error, NotificationError::Unverified(_)), "{header:?}: {error:?}");
        }
    }
    let forged = BODY.replace("ping", "pong");
    let error = receive(Some(&format!("t={WALL_UNIX},v1={new}")), forged.as_bytes(), WALL_UNIX).unwrap_err();
    assert!(matches!(error, NotificationError::Unverified(_)), "{error:?}");
}

fn base(claim: Claim) -> Statement {
    Statement::new(WALL, claim).in_mode(Some(Mode::Test))
}

#[test]
fn each_kind_of_event_becomes_its_statement() {
    let paid = session(&json!({"status": "complete", "payment_status": "paid", "payment_intent": "pi_1"}));
    let free =
        session(&json!({"status": "complete", "payment_status": "no_payment_required", "amount_total": 0}));
    let unpaid = session(&json!({"status": "complete", "payment_intent": "pi_1"}));
    let expired = session(&json!({"status": "expired"}));
    let named = |claim| base(claim).named(Some(SESSION.to_owned()));
    let moved = |claim| named(claim).moved_by(Some("pi_1".to_owned()));
    let charge = json!({"id": "ch_1", "currency": "eur", "amount_refunded": 900, "payment_intent": "pi_1", "metadata": {"payment_id": PAYMENT}});
    let foreign_charge =
        json!({"currency": "eur", "amount_refunded": 900, "payment_intent": "pi_1", "metadata": {}});
    let dispute = |status: &str| json!({"id": "du_1", "amount": 100, "status": status, "payment_intent": "pi_1", "metadata": {}});
    let (ours, theirs) = (Subject::Payment(payment()), Subject::Transaction("pi_1".to_owned()));
    let closed = "charge.dispute.closed";
    let cases = [
        ("checkout.session.completed", paid.clone(), &ours, moved(Claim::Succeeded).of(Some(eur(5_999)))),
        ("checkout.session.completed", free, &ours, named(Claim::Succeeded).of(Some(eur(0)))),
        (
            "checkout.session.async_payment_succeeded",
            paid,
            &ours,
            moved(Claim::Succeeded).of(Some(eur(5_999))),
        ),
        (
            "checkout.session.async_payment_failed",
            unpaid,
            &ours,
            moved(Claim::Failed { reason: "payment_failed".to_owned() }),
        ),
        ("checkout.session.expired", expired, &ours, named(Claim::Expired)),
        ("charge.refunded", charge, &ours, base(Claim::Refunded).of(Some(eur(900)))),
        ("charge.refunded", foreign_charge, &theirs, base(Claim::Refunded).of(Some(eur(900)))),
        (
            "charge.dispute.created",
            dispute("needs_response"),
            &theirs,
            base(Claim::Dispute(DisputeState::Open)),
        ),
        (closed, dispute("won"), &theirs, base(Claim::Dispute(DisputeState::Won))),
        (closed, dispute("warning_closed"), &theirs, base(Claim::Dispute(DisputeState::Won))),
        (closed, dispute("prevented"), &theirs, base(Claim::Dispute(DisputeState::Won))),
        (closed, dispute("lost"), &theirs, base(Claim::Dispute(DisputeState::Lost))),
    ];
    for (kind, object, expected_subject, expected) in cases {
        let Notification::Statement { event, subject, statement } = read(&event(kind, &object)).unwrap()
        else {
            panic!("{kind} {object} is a statement")
        };
        assert_eq!((event.id.as_str(), event.kind.as_str()), ("evt_1", kind));
        assert_eq!((&subject, statement), (expected_subject, expected), "{object}");
    }
}

#[test]
fn what_is_not_complete_makes_us_ask() {
    let delayed = session(&json!({"status": "complete", "payment_status": "unpaid"}));
    let refund = json!({"id": "re_1", "payment_intent": "pi_1", "metadata": {"payment_id": PAYMENT}, "status": "failed"});
    let by_hand = json!({"id": "re_1", "payment_intent": "pi_1", "metadata": {}, "status": "succeeded"});
    let ours = Subject::Payment(payment());
    for (kind, object, expected) in [
        ("checkout.session.completed", &delayed, &ours),
        ("refund.created", &refund, &ours),
        ("refund.failed", &refund, &ours),
        ("refund.updated", &by_hand, &Subject::Transaction("pi_1".to_owned())),
    ] {
        let Notification::Hint { event: Some(event), subject } = read(&event(kind, object)).unwrap() else {
            panic!("{kind} {object} is a hint")
        };
        assert_eq!((event.kind.as_str(), &subject), (kind, expected));
    }
}

#[test]
fn what_is_not_about_a_payment_of_ours_is_kept_without_suspicion() {
    let other = session(&json!({"client_reference_id": "order-7", "metadata": {"order": "7"}, "id": 7}));
    let long = "v2.core.account[configuration.customer].capability_status_updated_and_more";
    let bodies = [
        event("checkout.session.completed", &other),
        event("checkout.session.completed", &json!(null)),
        event("customer.created", &session(&json!({}))),
        event("charge.refunded", &json!({"currency": "eur", "amount_refunded": 900, "payment_intent": null})),
        event("charge.refunded", &json!({"currency": 1})),
        event("charge.refunded", &json!({"currency": "zzz", "amount_refunded": 900, "payment_intent": "pi_1"})),
        event("charge.dispute.created", &json!({"payment_intent": "../x"})),
        json!({"id": "evt_1", "object": "v2.core.event", "type": long, "created": "2026-11-23T10:30:00Z"}).to_string(),
        json!({"id": "evt_1", "object": "v2.core.event", "type": "charge.refunded", "data": {"object": session(&json!({}))}}).to_string(),
    ];
    for body in bodies {
        let read = read(&body).unwrap();
        let Notification::NotOurs { event, suspicious: None } = read else { panic!("{body}: {read:?}") };
        assert!(words_are_kept(&event.kind), "{}", event.kind);
    }
}

fn words_are_kept(kind: &str) -> bool {
    kind == "unnamed" || crate::payments::words::is_word(kind)
}

#[test]
fn what_names_a_payment_of_ours_and_cannot_be_understood_is_suspicious() {
    let paid = |changes: Value| {
        let mut whole = session(&json!({"status": "complete", "payment_status": "paid"}));
        whole.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        event("checkout.session.completed", &whole)
    };
    let mut undated: Value = serde_json::from_str(&paid(json!({}))).unwrap();
    undated["created"] = json!("now");
    let mut never: Value = undated.clone();
    never["created"] = json!(i64::MAX);
    let metadata = json!({"payment_id": PAYMENT});
    let bodies = [
        paid(json!({"amount_total": 59.99})),
        paid(json!({"amount_total": null})),
        paid(json!({"currency": "zzz"})),
        paid(json!({"id": "two words"})),
        undated.to_string(),
        never.to_string(),
        event("charge.refunded", &json!({"metadata": metadata, "currency": "eur"})),
        event("charge.refunded", &json!({"metadata": metadata, "currency": "eur", "amount_refunded": "9"})),
        event("charge.dispute.closed", &json!({"payment_intent": "pi_1", "status": "appeal_open"})),
    ];
    for body in bodies {
        let read = read(&body).unwrap();
        assert!(matches!(&read, Notification::NotOurs { suspicious: Some(_), .. }), "{body}: {read:?}");
    }
}

#[test]
fn a_body_without_a_bounded_name_and_a_kind_is_malformed() {
    for body in [
        String::new(),
        "not json".to_owned(),
        "[]".to_owned(),
        json!({"type": "ping"}).to_string(),
        json!({"id": "evt_1"}).to_string(),
        json!({"id": "", "type": "ping"}).to_string(),
        json!({"id": "e".repeat(256), "type": "ping"}).to_string(),
        json!({"id": "evt\u{0}1", "type": "ping"}).to_string(),
        "[".repeat(10_000),
    ] {
        let error = read(&body).unwrap_err();
        assert!(matches!(error, NotificationError::Malformed(_)), "{body}: {error:?}");
    }
}
