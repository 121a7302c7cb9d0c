//! What the books let happen, and what they remember.

use super::*;
use crate::psp::payment::{Quote, Way};

const NOW: OffsetDateTime = time::macros::datetime!(2030-01-01 00:00 UTC);

fn opening(payment_id: &str, on_pay: OnPay) -> Opening {
    let quote = Quote {
        payment_id: payment_id.to_owned(),
        amount: 5999,
        currency: "EUR".to_owned(),
        description: None,
        return_url: "http://localhost/back".to_owned(),
        webhook_url: None,
        expires_at: NOW + time::Duration::HOUR,
    };
    let reference = Some(format!("ref-{payment_id}"));
    Opening { provider: Provider::HmacPsp, quote, way: Way::Api, reference, on_pay, extra: Map::new() }
}

fn books(on_pay: OnPay) -> Ledger {
    let mut ledger = Ledger::default();
    assert!(ledger.open(opening("p1", on_pay), NOW).unwrap().new);
    ledger
}

fn kinds(ledger: &Ledger) -> Vec<&str> {
    ledger.events().iter().map(|event| event.kind.as_str()).collect()
}

fn refused(ledger: &mut Ledger, outcome: Outcome, amount: Option<i64>) -> &'static str {
    ledger.act("p1", outcome, amount, NOW).unwrap_err().code
}

#[test]
fn an_approved_payment_is_charged_once_at_capture() {
    let mut ledger = books(OnPay::Approve);
    assert_eq!(refused(&mut ledger, Outcome::Capture, None), "not_approved");
    ledger.act("p1", Outcome::Pay, None, NOW).unwrap();
    assert_eq!(ledger.payment("p1").unwrap().status(), "pending");
    assert_eq!(refused(&mut ledger, Outcome::Pay, None), "already_approved");
    assert_eq!(refused(&mut ledger, Outcome::Capture, Some(6000)), "capture_exceeds_approval");
    ledger.act("p1", Outcome::Capture, None, NOW).unwrap();
    assert_eq!(ledger.payment("p1").unwrap().paid_amount(), 5999);
    assert_eq!(refused(&mut ledger, Outcome::Capture, None), "already_paid");
    assert_eq!(kinds(&ledger), ["payment.approved", "payment.succeeded"]);
}

#[test]
fn a_capture_takes_the_amount_and_currency_that_the_payer_agreed_to() {
    let mut ledger = books(OnPay::Approve);
    ledger.act("p1", Outcome::WrongCurrency, Some(70), NOW).unwrap();
    ledger.act("p1", Outcome::Capture, None, NOW).unwrap();
    let payment = ledger.payment("p1").unwrap();
    assert_eq!((payment.paid_amount(), payment.currency()), (70, "USD"));
}

#[test]
fn an_approval_ends_with_its_checkout_unless_it_came_late() {
    let mut ledger = books(OnPay::Approve);
    ledger.act("p1", Outcome::Pay, None, NOW).unwrap();
    assert_eq!(ledger.expire_until(NOW + time::Duration::HOUR).len(), 1);
    assert_eq!(refused(&mut ledger, Outcome::Capture, None), "closed");
    ledger.act("p1", Outcome::PayLate, None, NOW).unwrap();
    assert_eq!(refused(&mut ledger, Outcome::PayLate, None), "already_approved");
    ledger.act("p1", Outcome::Capture, None, NOW).unwrap();
    assert!(ledger.payment("p1").unwrap().charges[0].late);
}

#[test]
fn a_payment_is_found_by_every_name_it_has_at_its_provider_also_after_a_restart() {
    let mut ledger = books(OnPay::Charge);
    ledger.act("p1", Outcome::Pay, None, NOW).unwrap();
    ledger.refund("p1", "r1".to_owned(), 1000, NOW).unwrap();
    let again: Ledger = serde_json::from_value(json!(ledger)).unwrap();
    for ledger in [ledger, again.indexed()] {
        let payment = ledger.payment("p1").unwrap();
        let names: Vec<&str> = payment.names().collect();
        assert_eq!(names.len(), 3);
        for name in names {
            assert_eq!(ledger.named(Provider::HmacPsp, name).unwrap().quote.payment_id, "p1", "{name}");
        }
        assert!(ledger.named(Provider::HmacPsp, "p1").is_none());
    }
}

#[test]
fn a_reference_names_one_payment_and_a_payment_keeps_its_terms() {
    let mut ledger = books(OnPay::Charge);
    assert!(!ledger.open(opening("p1", OnPay::Charge), NOW).unwrap().new);
    let taken = Opening { reference: Some("ref-p1".to_owned()), ..opening("p2", OnPay::Charge) };
    assert_eq!(ledger.open(taken, NOW).unwrap_err().code, "reference_taken");
    let mut other = opening("p1", OnPay::Charge);
    other.quote.amount = 1;
    assert_eq!(ledger.open(other, NOW).unwrap_err().code, "already_opened");
    assert!(ledger.payment("p2").is_none());
}

#[test]
fn a_canceled_payment_takes_no_money() {
    let mut ledger = books(OnPay::Charge);
    ledger.act("p1", Outcome::Cancel, None, NOW).unwrap();
    assert_eq!(ledger.payment("p1").unwrap().status(), "canceled");
    assert_eq!(refused(&mut ledger, Outcome::Pay, None), "closed");
}

#[test]
fn books_of_the_time_with_one_provider_are_its_books() {
    let mut kept = json!(books(OnPay::Charge));
    let payment = kept["payments"]["p1"].as_object_mut().unwrap();
    for new in ["provider", "on_pay", "approved", "extra"] {
        assert!(payment.remove(new).is_some(), "{new}");
    }
    kept["answers"] = json!({ "refund:r1": { "digest": "", "status": 201, "body": {} } });
    kept.as_object_mut().unwrap().remove("desks").unwrap();
    let ledger = serde_json::from_value::<Ledger>(kept).unwrap().indexed();
    let payment = ledger.payment("p1").unwrap();
    assert_eq!((payment.provider, payment.on_pay), (Provider::HmacPsp, OnPay::Charge));
    assert_eq!(ledger.answers["hmac_psp:refund:r1"].status, 201);
}
