use super::*;
use crate::payments::RefundState;

const REFUND: &str = "019400c5-9c00-7000-8000-00000000000f";

fn refund() -> Refund {
    Refund { id: REFUND.parse().unwrap(), amount: eur(400), reference: None, again: false }
}

fn captured() -> Inquiry {
    Inquiry { transaction: Some(CAPTURE.to_owned()), ..inquiry() }
}

fn stands(status: &str) -> Value {
    json!({
        "id": "1JU08902781691411", "status": status, "amount": {"currency_code": "EUR", "value": "4.00"},
        "seller_payable_breakdown": {"total_refunded_amount": {"currency_code": "EUR", "value": "5.50"}},
    })
}

fn refunded(state: RefundState, total: Option<i64>) -> Refunded {
    Refunded { reference: Some("1JU08902781691411".to_owned()), state, total: total.map(eur) }
}

#[tokio::test]
async fn a_refund_is_sent_as_paypals_own_library_does() {
    let peer = answering(Reply::json(201, &stands("COMPLETED").to_string())).await;
    let answer = paypal(&peer.base).refund(&captured(), &refund()).await.unwrap();
    assert_eq!(answer, refunded(RefundState::Succeeded, Some(550)));
    let request = peer.requests()[1].clone();
    assert_eq!(request.target, format!("/v2/payments/captures/{CAPTURE}/refund"));
    let theirs = recorded("/v2/payments/captures/3C6/refund");
    assert_like(&request, &theirs, &[("paypal-request-id", REFUND)]);
    let mut expected: Value = serde_json::from_str(theirs["body"].as_str().unwrap()).unwrap();
    expected["invoice_id"] = json!(REFUND);
    expected["custom_id"] = json!(PAYMENT);
    assert_eq!(request.json(), expected);
}

#[tokio::test]
async fn a_refund_stands_as_paypal_says() {
    let failed = |reason: &str| RefundState::Failed(reason.to_owned());
    for (status, expected) in [
        ("PENDING", refunded(RefundState::Pending, None)),
        ("A_NEW_WORD", refunded(RefundState::Pending, None)),
        ("FAILED", refunded(failed("FAILED"), None)),
        ("CANCELLED", refunded(failed("CANCELLED"), None)),
    ] {
        let peer = answering(Reply::json(201, &stands(status).to_string())).await;
        assert_eq!(paypal(&peer.base).refund(&captured(), &refund()).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_refund_that_has_a_name_is_asked_about() {
    let peer = answering(Reply::json(200, &stands("COMPLETED").to_string())).await;
    let named = Refund { reference: Some("1JU08902781691411".to_owned()), ..refund() };
    paypal(&peer.base).refund(&captured(), &named).await.unwrap();
    let request = peer.requests()[1].clone();
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("GET", "/v2/payments/refunds/1JU08902781691411")
    );
    let wild = Refund { reference: Some("../../v1/x?".to_owned()), ..refund() };
    let error = paypal(&peer.base).refund(&captured(), &wild).await.unwrap_err();
    assert_eq!(kind(&error), "unknown");
    assert_eq!(peer.requests().len(), 2, "nothing but PayPal's own names goes into a path");
}

#[tokio::test]
async fn a_refund_whose_answer_was_lost_is_looked_for_in_its_order() {
    let again = Refund { again: true, ..refund() };
    let order = |refunds: &Value| {
        let payments = json!({"captures": [capture("COMPLETED")], "refunds": refunds});
        Reply::json(200, &answer("COMPLETED", &payments).to_string())
    };
    let ours = json!([{"id": "1JU08902781691411", "invoice_id": REFUND, "status": "COMPLETED"}]);
    let peer =
        Peer::start([token(), order(&ours), Reply::json(200, &stands("COMPLETED").to_string())]).await;
    let found = paypal(&peer.base).refund(&captured(), &again).await.unwrap();
    assert_eq!(found, refunded(RefundState::Succeeded, Some(550)));
    assert_eq!(peer.requests()[2].target, "/v2/payments/refunds/1JU08902781691411");

    let others =
        json!([{"id": "2JU08902781691411", "invoice_id": PAYMENT, "status": "COMPLETED"}, {"id": "X"}]);
    let peer =
        Peer::start([token(), order(&others), Reply::json(201, &stands("COMPLETED").to_string())]).await;
    paypal(&peer.base).refund(&captured(), &again).await.unwrap();
    assert_eq!(peer.requests()[2].method.as_str(), "POST");

    let peer = answering(Reply::Cut).await;
    let error = paypal(&peer.base).refund(&captured(), &again).await.unwrap_err();
    assert_eq!(kind(&error), "unknown", "it is not sent while nobody can look for it");
}

#[tokio::test]
async fn a_capture_whose_name_is_not_known_yet_is_looked_up() {
    let order = answer("COMPLETED", &json!({"captures": [capture("COMPLETED")]})).to_string();
    let peer =
        Peer::start([token(), Reply::json(200, &order), Reply::json(201, &stands("PENDING").to_string())])
            .await;
    paypal(&peer.base).refund(&inquiry(), &refund()).await.unwrap();
    assert_eq!(peer.requests()[2].target, format!("/v2/payments/captures/{CAPTURE}/refund"));

    let peer = answering(Reply::json(200, &answer("APPROVED", &json!(null)).to_string())).await;
    let error = paypal(&peer.base).refund(&inquiry(), &refund()).await.unwrap_err();
    assert_eq!(kind(&error), "refused", "there is nothing to send back");
}

#[tokio::test]
async fn a_refund_that_paypal_refuses_is_refused() {
    for (reply, expected) in [
        (problem(422, "UNPROCESSABLE_ENTITY", "REFUND_AMOUNT_EXCEEDED"), "refused"),
        (problem(409, "RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS"), "unavailable"),
        (Reply::page(404), "unknown"),
        (Reply::Cut, "unknown"),
    ] {
        let peer = answering(reply).await;
        let error = paypal(&peer.base).refund(&captured(), &refund()).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{error:?}");
    }
}
