use serde_json::json;

use super::*;

fn refund(reference: Option<&str>) -> Refund {
    let amount = Money::new(1_000, Currency::Eur);
    Refund { id: REFUND.parse().unwrap(), amount, reference: reference.map(str::to_owned), again: false }
}

fn refunded(state: RefundState) -> Refunded {
    Refunded { reference: Some(REFUND_KEY.to_owned()), state, total: None }
}

#[tokio::test]
async fn a_refund_goes_out_through_the_other_product_under_its_own_key() {
    for reply in [Reply::json(202, ""), Reply::problem(409, "RESOURCE_ALREADY_EXIST")] {
        let peer = Peer::start([token("eyJ"), reply]).await;
        let sent = momo(&peer.base).refund(&inquiry(), &refund(None)).await.unwrap();
        assert_eq!(sent, refunded(RefundState::Pending));
        let [asked_token, asked] = peer.requests().try_into().unwrap();
        assert_eq!(asked_token.target, "/disbursement/token/");
        assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/disbursement/v1_0/refund"));
        assert_eq!(asked.header("ocp-apim-subscription-key"), Some("SUBKEY2"));
        assert_eq!(asked.header("x-reference-id"), Some(REFUND_KEY));
        let body = json!({
            "amount": "10.00", "currency": "EUR", "externalId": REFUND,
            "payerMessage": format!("Refund {PAYMENT}"), "payeeNote": PAYMENT,
            "referenceIdToRefund": PAYMENT_KEY,
        });
        assert_eq!(asked.json(), body);
    }
}

#[tokio::test]
async fn a_refund_that_was_sent_is_asked_about() {
    let cases = [
        (r#"{"status":"PENDING"}"#, RefundState::Pending),
        (r#"{"status":"SUCCESSFUL","financialTransactionId":"9"}"#, RefundState::Succeeded),
        (
            r#"{"status":"FAILED","reason":"NOT_ENOUGH_FUNDS"}"#,
            RefundState::Failed("NOT_ENOUGH_FUNDS".to_owned()),
        ),
    ];
    for (answer, state) in cases {
        let peer = Peer::start([token("eyJ"), Reply::json(200, answer)]).await;
        let asked = momo(&peer.base).refund(&inquiry(), &refund(Some(REFUND_KEY))).await.unwrap();
        assert_eq!(asked, refunded(state));
        let target = format!("/disbursement/v1_0/refund/{REFUND_KEY}");
        assert_eq!(
            (peer.requests()[1].method.as_str(), peer.requests()[1].target.as_str()),
            ("GET", target.as_str())
        );
    }
    let peer = Peer::start([token("eyJ"), Reply::problem(404, "RESOURCE_NOT_FOUND")]).await;
    let error = momo(&peer.base).refund(&inquiry(), &refund(Some(REFUND_KEY))).await.unwrap_err();
    assert_eq!(kind(&error), "unknown", "{error:?}");
}

#[tokio::test]
async fn without_the_other_product_refunds_are_made_by_hand() {
    let peer = Peer::start([]).await;
    let alone = Settings { disbursement: None, ..settings(&peer.base) };
    let error = MtnMomo::new(alone, line()).unwrap().refund(&inquiry(), &refund(None)).await.unwrap_err();
    assert_eq!(kind(&error), "refused", "{error:?}");
    assert!(peer.requests().is_empty());
}
