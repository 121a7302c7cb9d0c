use futures_util::FutureExt;
use serde_json::{Value, json};

use super::*;
use crate::payments::Subject;

const BODY: &str = r#"{"deliveryId":"Gw9Wr2","webhookId":"Wh1","originalDeliveryId":"Gw9Wr1","isRedelivery":true,"type":"InvoiceSettled","timestamp":1795429800,"storeId":"S1","invoiceId":"HMprBnL9BTXWuPvpoKBS6e","metadata":{"orderId":"019400c5-9c00-7000-8000-000000000001"},"manuallyMarked":false,"overPaid":false}"#;

/// Made by another program (Python's hmac) over the body.
const BODY_SIGNATURE: &str = "sha256=50b1538efb2192e4e670b603ca7e66f4262403885febc6fd687ea8e8964cdf71";

fn verified(header: Option<&str>, body: &[u8]) -> Result<Authenticity, NotificationError> {
    let lookup = |name: &str| if name == "btcpay-sig" { header.map(str::to_owned) } else { None };
    // Nothing is awaited to compare a signature.
    btcpay("https://btcpay.example")
        .verify_notification(&Callback { header: &lookup, body }, WALL)
        .now_or_never()
        .unwrap()
}

fn read(event: &Value) -> Result<Notification, NotificationError> {
    btcpay("https://btcpay.example").parse_notification(event.to_string().as_bytes())
}

fn event(changed: &Value) -> Value {
    let mut whole: Value = serde_json::from_str(BODY).unwrap();
    whole.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
    whole
}

#[test]
fn a_signature_made_elsewhere_is_believed_with_the_newer_and_the_older_secret() {
    assert_eq!(verified(Some(BODY_SIGNATURE), BODY.as_bytes()).unwrap(), Authenticity::Verified);
    let old = format!("sha256={}", mac(WEBHOOK_SECRETS[1], BODY));
    assert_eq!(verified(Some(&old), BODY.as_bytes()).unwrap(), Authenticity::Verified);
}

#[test]
fn one_changed_byte_or_another_form_is_refused() {
    let digits = BODY_SIGNATURE.strip_prefix("sha256=").unwrap();
    let headers = [
        None,
        Some(String::new()),
        Some("sha256=".to_owned()),
        Some(digits.to_owned()),
        Some(format!("sha1={digits}")),
        Some(format!("sha256={}", digits.to_uppercase())),
        Some(format!("sha256={}", mac("another-secret-0123456789", BODY))),
    ];
    for header in headers {
        let error = verified(header.as_deref(), BODY.as_bytes()).unwrap_err();
        assert!(matches!(error, NotificationError::Unverified(_)), "{header:?}: {error:?}");
    }
    for index in 0..BODY.len() {
        let mut forged = BODY.as_bytes().to_vec();
        forged[index] ^= 1;
        assert!(verified(Some(BODY_SIGNATURE), &forged).is_err(), "{index}");
    }
}

#[test]
fn however_complete_a_callback_only_makes_us_ask() {
    let notification = btcpay("https://btcpay.example").parse_notification(BODY.as_bytes()).unwrap();
    let Notification::Hint { event: Some(event), subject } = notification else { panic!("{notification:?}") };
    assert_eq!(event, EventName { id: "Gw9Wr1".to_owned(), kind: "InvoiceSettled".to_owned() });
    assert_eq!(subject, Subject::Payment(payment()));
}

#[test]
fn a_first_delivery_is_named_after_itself_and_an_invoice_without_order_by_its_own_id() {
    let changed = event(&json!({"originalDeliveryId": null, "metadata": null}));
    let Notification::Hint { event: Some(name), subject } = read(&changed).unwrap() else { panic!("a hint") };
    assert_eq!(name.id, "Gw9Wr2");
    assert_eq!(subject, Subject::Reference("HMprBnL9BTXWuPvpoKBS6e".to_owned()));
}

#[test]
fn what_is_not_about_our_invoices_is_not_ours() {
    for changed in [
        json!({"metadata": {"orderId": "pos-app_346KRC5BjXXXo8cRFKwTBmdR6ZJ4"}}),
        json!({"metadata": {"orderId": 7}}),
        json!({"type": "PayoutCreated"}),
        json!({"invoiceId": null}),
        json!({"invoiceId": "../../users"}),
        json!({"invoiceId": "__test__5d1a__test__"}),
    ] {
        let notification = read(&event(&changed)).unwrap();
        assert!(
            matches!(notification, Notification::NotOurs { suspicious: None, .. }),
            "{changed}: {notification:?}"
        );
    }
}

#[test]
fn what_is_no_event_is_malformed() {
    let long = "x".repeat(300);
    for broken in [
        json!({}),
        json!([]),
        json!({"deliveryId": "", "type": "InvoiceSettled"}),
        json!({"deliveryId": long, "type": "InvoiceSettled"}),
        json!({"deliveryId": "a", "type": "\u{1b}[31m"}),
    ] {
        let error = read(&broken).unwrap_err();
        assert!(matches!(error, NotificationError::Malformed(_)), "{broken}: {error:?}");
    }
}
