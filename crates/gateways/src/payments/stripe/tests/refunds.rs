use super::*;
use crate::payments::RefundState;

const REFUND: &str = "019400c5-9c00-7000-8000-00000000000f";

fn refund(reference: Option<&str>) -> Refund {
    Refund { id: REFUND.parse().unwrap(), amount: eur(400), reference: reference.map(str::to_owned), again: false }
}

fn moved() -> Inquiry {
    Inquiry { transaction: Some("pi_1".to_owned()), ..inquiry() }
}

fn answer(changes: &Value) -> Reply {
    let mut whole = json!({
        "id": "re_1", "object": "refund", "amount": 400, "currency": "eur", "status": "succeeded", "payment_intent": "pi_1",
        "charge": {"id": "ch_1", "currency": "eur", "amount_refunded": 900},
    });
    whole.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    Reply::json(200, &whole.to_string())
}

#[tokio::test]
async fn a_refund_is_sent_as_stripes_own_library_sends_it_and_under_its_own_key() {
    let peer = Peer::start([answer(&json!({}))]).await;
    let refunded = stripe(&peer.base).refund(&moved(), &refund(None)).await.unwrap();
    let expected =
        Refunded { reference: Some("re_1".to_owned()), state: RefundState::Succeeded, total: Some(eur(900)) };
    assert_eq!(refunded, expected);
    let (request, example) = (peer.request(), &recorded()[1]);
    assert_eq!(request.target, example["path"].as_str().unwrap());
    assert_eq!(request.header("idempotency-key"), Some(REFUND));
    let mut expected = fields(example["body"].as_str().unwrap().as_bytes());
    expected[2].1 = REFUND.to_owned();
    expected.push(("metadata[payment_id]".to_owned(), PAYMENT.to_owned()));
    expected.push(("expand[0]".to_owned(), "charge".to_owned()));
    assert_eq!(fields(&request.body), expected);
}

#[tokio::test]
async fn a_refund_that_was_sent_is_only_asked_about() {
    let peer = Peer::start([answer(&json!({"status": "pending"}))]).await;
    let refunded = stripe(&peer.base).refund(&moved(), &refund(Some("re_1"))).await.unwrap();
    assert_eq!((refunded.state, refunded.total), (RefundState::Pending, None));
    let request = peer.request();
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("GET", "/v1/refunds/re_1?expand%5B0%5D=charge")
    );
}

fn again() -> Refund {
    Refund { again: true, ..refund(None) }
}

fn page(refunds: &[&Value], has_more: bool) -> Reply {
    Reply::json(200, &json!({"object": "list", "data": refunds, "has_more": has_more}).to_string())
}

#[tokio::test]
async fn a_refund_whose_answer_was_lost_is_looked_for_and_never_sent_twice() {
    let other = json!({"id": "re_9", "status": "succeeded", "metadata": {"refund_id": PAYMENT}});
    let ours = json!({"id": "re_1", "status": "succeeded", "metadata": {"refund_id": REFUND},
                      "charge": {"id": "ch_1", "currency": "eur", "amount_refunded": 400}});
    let peer = Peer::start([page(&[&other], true), page(&[&ours], false)]).await;
    let refunded = stripe(&peer.base).refund(&moved(), &again()).await.unwrap();
    assert_eq!(refunded.reference.as_deref(), Some("re_1"));
    assert_eq!((refunded.state, refunded.total), (RefundState::Succeeded, Some(eur(400))));
    let targets: Vec<String> = peer.requests().into_iter().map(|request| request.target).collect();
    let first = "/v1/refunds?payment_intent=pi_1&limit=100&expand%5B0%5D=data.charge";
    assert_eq!(targets, [first.to_owned(), format!("{first}&starting_after=re_9")]);

    let peer = Peer::start([page(&[&other], false), answer(&json!({}))]).await;
    stripe(&peer.base).refund(&moved(), &again()).await.unwrap();
    let sent = peer.requests()[1].clone();
    assert_eq!((sent.method.as_str(), sent.header("idempotency-key")), ("POST", Some(REFUND)));
}

#[tokio::test]
async fn a_refund_is_not_sent_again_while_nobody_can_look_for_it() {
    for reply in [error_reply(500, "api_error", ""), Reply::json(200, "{}"), Reply::Cut] {
        let peer = Peer::start([reply]).await;
        let error = stripe(&peer.base).refund(&moved(), &again()).await.unwrap_err();
        assert_eq!(kind(&error), "unknown", "{error:?}");
        assert_eq!(peer.requests().len(), 1);
    }
}

#[tokio::test]
async fn each_status_of_a_refund_has_its_meaning() {
    let failed = |why: &str| RefundState::Failed(why.to_owned());
    for (changes, state) in [
        (json!({"status": "succeeded", "charge": "ch_1"}), RefundState::Succeeded),
        (json!({"status": "pending"}), RefundState::Pending),
        (json!({"status": "requires_action"}), RefundState::Pending),
        (json!({"status": "a_new_word"}), RefundState::Pending),
        (json!({"status": null}), RefundState::Pending),
        (json!({"status": "canceled"}), failed("canceled")),
        (json!({"status": "failed"}), failed("failed")),
        (json!({"status": "failed", "failure_reason": "lost_or_stolen_card"}), failed("lost_or_stolen_card")),
    ] {
        let peer = Peer::start([answer(&changes)]).await;
        let refunded = stripe(&peer.base).refund(&moved(), &refund(None)).await.unwrap();
        assert_eq!((refunded.state, refunded.total), (state, None), "{changes}");
    }
}

#[tokio::test]
async fn the_movement_of_the_money_is_looked_up_where_it_is_not_known() {
    let session = |intent: Value| Reply::json(200, &session(&json!({"payment_intent": intent})).to_string());
    let peer = Peer::start([session(json!("pi_7")), answer(&json!({}))]).await;
    stripe(&peer.base).refund(&inquiry(), &refund(None)).await.unwrap();
    assert!(fields(&peer.requests()[1].body).contains(&("payment_intent".to_owned(), "pi_7".to_owned())));

    let peer = Peer::start([session(json!(null))]).await;
    assert_eq!(kind(&stripe(&peer.base).refund(&inquiry(), &refund(None)).await.unwrap_err()), "refused");
    let unnamed = Inquiry { reference: None, ..inquiry() };
    assert_eq!(kind(&stripe(&peer.base).refund(&unnamed, &refund(None)).await.unwrap_err()), "refused");
    assert_eq!(peer.requests().len(), 1);
}

#[tokio::test]
async fn a_refused_refund_is_final_and_a_lost_answer_is_not() {
    for (reply, expected) in [
        (error_reply(400, "invalid_request_error", "charge_already_refunded"), "refused"),
        (error_reply(500, "api_error", ""), "unknown"),
        (answer(&json!({"id": "two words"})), "unknown"),
        (Reply::Cut, "unknown"),
    ] {
        let peer = Peer::start([reply]).await;
        let error = stripe(&peer.base).refund(&moved(), &refund(None)).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{error:?}");
    }
}
