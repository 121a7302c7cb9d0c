use super::*;
use crate::test_peer::{Peer, Reply};

const VERIFICATION: &str = "VE11112222333344445555666677778888";

fn verification() -> VerificationSid {
    VerificationSid::parse(VERIFICATION).unwrap()
}

fn answer(status: u16, body: &str) -> Reply {
    Reply::json(status, &body.replace("SID", VERIFICATION))
}

async fn checked(reply: Reply) -> Result<Checked, SmsError> {
    let peer = Peer::start([reply]).await;
    verify(&peer.base).check(&verification(), "123456").await
}

#[tokio::test]
async fn starting_asks_for_a_code_by_sms_in_the_persons_language() {
    let started = || answer(201, r#"{"sid":"SID","to":"+2250102030442","status":"pending","valid":false}"#);
    let peer = Peer::start([started(), started()]).await;
    let verify = verify(&format!("{}/twilio", peer.base));
    assert_eq!(verify.start(&phone(), Some("fr")).await.unwrap().as_str(), VERIFICATION);
    assert_eq!(verify.start(&phone(), Some("fr&To=%2B33")).await.unwrap().as_str(), VERIFICATION);
    let [request, without] = peer.requests().try_into().unwrap();
    assert_eq!(request.method, "POST");
    assert_eq!(request.target, format!("/twilio/v2/Services/{SERVICE}/Verifications"));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.body, b"To=%2B2250102030442&Channel=sms&Locale=fr");
    assert_eq!(without.body, b"To=%2B2250102030442&Channel=sms");
}

#[tokio::test]
async fn checking_names_the_verification_and_not_the_number() {
    let peer = Peer::start([answer(200, r#"{"sid":"SID","status":"approved","valid":true}"#)]).await;
    assert_eq!(verify(&peer.base).check(&verification(), "123456").await, Ok(Checked::Approved));
    let request = peer.request();
    assert_eq!(request.target, format!("/v2/Services/{SERVICE}/VerificationCheck"));
    assert_eq!(request.body, format!("VerificationSid={VERIFICATION}&Code=123456").into_bytes());
}

#[tokio::test]
async fn only_approved_is_approved_and_an_unknown_status_is_not() {
    let cases = [
        (r#"{"sid":"SID","status":"approved","valid":true}"#, Checked::Approved),
        (r#"{"sid":"SID","status":"approved"}"#, Checked::Approved),
        (r#"{"sid":"SID","status":"approved","valid":false}"#, Checked::Wrong),
        (r#"{"sid":"SID","status":"pending","valid":false}"#, Checked::Wrong),
        (r#"{"sid":"SID","status":"pending","valid":true}"#, Checked::Wrong),
        (r#"{"sid":"SID","status":"APPROVED","valid":true}"#, Checked::Wrong),
        (r#"{"sid":"SID","status":"a_new_word","valid":true}"#, Checked::Wrong),
        (r#"{"sid":"SID","status":"max_attempts_reached","valid":false}"#, Checked::UsedUp),
        (r#"{"sid":"SID","status":"canceled","valid":false}"#, Checked::Ended),
        (r#"{"sid":"SID","status":"expired","valid":false}"#, Checked::Ended),
        (r#"{"sid":"SID","status":"deleted"}"#, Checked::Ended),
        (r#"{"sid":"SID","status":"failed"}"#, Checked::Ended),
    ];
    for (body, expected) in cases {
        for status in [200, 201] {
            assert_eq!(checked(answer(status, body)).await, Ok(expected), "{status} {body}");
        }
    }
    assert_eq!(checked(answer(404, r#"{"code":20404,"status":404}"#)).await, Ok(Checked::Ended));
    assert_eq!(checked(answer(429, r#"{"code":60202,"status":429}"#)).await, Ok(Checked::UsedUp));
    assert_eq!(checked(answer(400, r#"{"code":60200,"status":400}"#)).await, Ok(Checked::Wrong));
}

#[tokio::test]
async fn an_answer_that_proves_nothing_is_neither_right_nor_wrong() {
    let foreign = "VE99992222333344445555666677778888";
    for reply in [
        Reply::Cut,
        Reply::page(200),
        Reply::page(404),
        Reply::page(500),
        answer(200, r#"{"sid":"SID"}"#),
        answer(200, &format!(r#"{{"sid":"{foreign}","status":"approved","valid":true}}"#)),
        answer(200, r#"{"sid":"","status":"approved","valid":true}"#),
    ] {
        let error = checked(reply).await.unwrap_err();
        assert!(matches!(error, SmsError::Unknown(_)), "{error:?}");
    }
    let other = answer(201, r#"{"sid":"SID","to":"+33612345678","status":"pending"}"#);
    let peer = Peer::start([other]).await;
    let error = verify(&peer.base).start(&phone(), None).await.unwrap_err();
    assert!(matches!(error, SmsError::Unknown(_)), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_a_code_costs_no_try() {
    let peer = Peer::start([]).await;
    let verify = verify(&peer.base);
    for code in ["", "123", "12345678901", "12 456", "12345\u{661}", "1&Code=2"] {
        assert_eq!(verify.check(&verification(), code).await, Ok(Checked::Wrong), "{code}");
    }
    assert!(peer.requests().is_empty());
}

#[tokio::test]
async fn cancelling_ends_a_verification_and_one_that_has_ended_is_a_success() {
    let replies = [
        answer(200, r#"{"sid":"SID","status":"canceled"}"#),
        answer(404, r#"{"code":20404}"#),
        Reply::page(404),
    ];
    let peer = Peer::start(replies).await;
    let verify = verify(&peer.base);
    assert_eq!(verify.cancel(&verification()).await, Ok(()));
    assert_eq!(verify.cancel(&verification()).await, Ok(()));
    assert!(matches!(verify.cancel(&verification()).await, Err(SmsError::Unknown(_))));
    let request = &peer.requests()[0];
    assert_eq!(request.target, format!("/v2/Services/{SERVICE}/Verifications/{VERIFICATION}"));
    assert_eq!(request.body, b"Status=canceled");
}
