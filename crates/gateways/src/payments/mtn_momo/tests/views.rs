use domain::payment::{Claim, Statement};
use serde_json::json;

use super::*;

async fn fetched(answer: Value) -> Result<View, ProviderError> {
    let mut whole = json!({
        "amount": "100.00", "currency": "EUR", "externalId": PAYMENT, "status": "PENDING", "new": [1],
        "payer": {"partyIdType": "MSISDN", "partyId": "237670000000"},
    });
    whole.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
    let peer = Peer::start([token("eyJ"), Reply::json(200, &whole.to_string())]).await;
    momo(&peer.base).fetch(&inquiry()).await
}

fn failed(reason: &str) -> Vec<Statement> {
    vec![stated(Claim::Failed { reason: reason.to_owned() })]
}

fn stated(claim: Claim) -> Statement {
    Statement::new(WALL, claim).named(Some(PAYMENT_KEY.to_owned()))
}

#[tokio::test]
async fn asking_names_the_payment_as_opening_did() {
    let peer = Peer::start([token("eyJ"), Reply::problem(404, "RESOURCE_NOT_FOUND")]).await;
    assert_eq!(momo(&peer.base).fetch(&inquiry()).await.unwrap(), View::NeverOpened);
    let asked = &peer.requests()[1];
    let path = format!("/collection/v1_0/requesttopay/{PAYMENT_KEY}");
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("GET", path.as_str()));
    assert_headers(asked, &wire(2), &["Authorization", "Ocp-Apim-Subscription-Key", "X-Target-Environment"]);
    assert_eq!(asked.header("x-reference-id"), None);
}

#[tokio::test]
async fn what_mtn_says_becomes_what_it_claims() {
    let paid = |minor| stated(Claim::Succeeded).of(Some(Money::new(minor, Currency::Eur)));
    let cases = [
        (json!({}), vec![]),
        (json!({"status": "A_NEW_WORD"}), vec![]),
        (
            json!({"status": "SUCCESSFUL", "financialTransactionId": "23503452"}),
            vec![paid(10_000).moved_by(Some("23503452".to_owned()))],
        ),
        (
            json!({"status": "SUCCESSFUL", "financialTransactionId": 23_503_452, "amount": 1}),
            vec![paid(100).moved_by(Some("23503452".to_owned()))],
        ),
        (json!({"status": "SUCCESSFUL", "amount": "0.001"}), vec![stated(Claim::Succeeded)]),
        (json!({"status": "SUCCESSFUL", "currency": "ZZZ"}), vec![stated(Claim::Succeeded)]),
        (json!({"status": "FAILED", "reason": "APPROVAL_REJECTED"}), failed("APPROVAL_REJECTED")),
        (
            json!({"status": "FAILED", "reason": {"code": "EXPIRED", "message": "two\nlines"}}),
            failed("EXPIRED"),
        ),
        (json!({"status": "FAILED", "reason": "two\nlines"}), failed("failed")),
        (json!({"status": "FAILED"}), failed("failed")),
    ];
    for (answer, statements) in cases {
        let expected = View::known(Some(PAYMENT_KEY.to_owned()), statements);
        assert_eq!(fetched(answer.clone()).await.unwrap(), expected, "{answer}");
    }
}

#[tokio::test]
async fn an_answer_that_proves_nothing_leaves_the_payment_unknown() {
    for answer in [json!({"externalId": REFUND}), json!({"externalId": null}), json!({"status": 7})] {
        let error = fetched(answer.clone()).await.unwrap_err();
        assert_eq!(kind(&error), "unknown", "{answer}: {error:?}");
    }
    for reply in [Reply::page(404), Reply::json(404, "{}"), Reply::page(200)] {
        let peer = Peer::start([token("eyJ"), reply]).await;
        let error = momo(&peer.base).fetch(&inquiry()).await.unwrap_err();
        assert_eq!(kind(&error), "unknown", "{error:?}");
    }
}

#[tokio::test]
async fn a_prompt_cannot_be_called_back() {
    let peer = Peer::start([]).await;
    assert_eq!(momo(&peer.base).cancel(&inquiry()).await.unwrap(), Cancelled::StillPayable);
    assert!(peer.requests().is_empty());
}
