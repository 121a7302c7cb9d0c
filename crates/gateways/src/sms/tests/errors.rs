use std::time::Duration;

use super::super::error::refusal;
use super::*;
use crate::http::{Answer, CallError};

fn meaning(status: u16, body: &str, retry_after: Option<u64>) -> SmsError {
    let retry_after = retry_after.map(Duration::from_secs);
    refusal(&Answer { status, retry_after, body: body.as_bytes().to_vec() })
}

fn coded(status: u16, code: u32) -> SmsError {
    let body = format!(
        r#"{{"code":{code},"message":"canary +2250102030442","more_info":"https://www.twilio.com/docs/errors/{code}","status":{status}}}"#
    );
    meaning(status, &body, None)
}

#[test]
fn every_known_error_has_its_meaning() {
    let cases = [
        (400, 21211, SmsError::BadNumber { code: 21211 }),
        (400, 21614, SmsError::BadNumber { code: 21614 }),
        (400, 21612, SmsError::BadNumber { code: 21612 }),
        (400, 60200, SmsError::BadNumber { code: 60200 }),
        (403, 60205, SmsError::BadNumber { code: 60205 }),
        (400, 21610, SmsError::Unsubscribed),
        (400, 21408, SmsError::BlockedRegion { code: 21408 }),
        (403, 60410, SmsError::BlockedRegion { code: 60410 }),
        (403, 60605, SmsError::BlockedRegion { code: 60605 }),
        (429, 60202, SmsError::UsedUp { code: 60202 }),
        (429, 60203, SmsError::UsedUp { code: 60203 }),
        (429, 20429, SmsError::RetryAfter { after: Duration::from_secs(5) }),
        (401, 20003, SmsError::BadCredentials),
        (403, 20003, SmsError::BadCredentials),
        (400, 21606, SmsError::Refused("status 400, error 21606".to_owned())),
        (404, 20404, SmsError::Refused("status 404, error 20404".to_owned())),
        (500, 20500, SmsError::Unknown("status 500".to_owned())),
        (503, 21211, SmsError::Unknown("status 503".to_owned())),
    ];
    for (status, code, expected) in cases {
        let error = coded(status, code);
        assert_eq!(error, expected);
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[test]
fn a_refusal_counts_only_in_twilios_own_words() {
    for (status, body) in [(400, "<html>"), (401, ""), (403, "{}"), (404, r#"{"message":"no"}"#), (418, "[]")]
    {
        let error = meaning(status, body, None);
        assert_eq!(error, SmsError::Unknown(format!("status {status}")));
        assert!(error.may_be_sent());
    }
    assert_eq!(meaning(429, "<html>", Some(7)), SmsError::RetryAfter { after: Duration::from_secs(7) });
}

#[test]
fn a_time_out_leaves_the_message_unknown_and_no_connection_does_not() {
    let silent = SmsError::from(CallError::Unknown("timed out".to_owned()));
    assert_eq!((silent.may_be_sent(), silent), (true, SmsError::Unknown("timed out".to_owned())));
    let unreached = SmsError::from(CallError::NotSent("refused".to_owned()));
    assert_eq!((unreached.may_be_sent(), unreached), (false, SmsError::Unavailable("refused".to_owned())));
}

#[test]
fn each_error_says_what_may_be_done_about_it() {
    let seconds = Duration::from_secs;
    for (error, may_be_sent, is_temporary, is_about_the_number, retry_after) in [
        (meaning(429, "", Some(0)), false, true, false, Some(seconds(1))),
        (meaning(429, "", Some(u64::MAX)), false, true, false, Some(seconds(86_400))),
        (SmsError::Unavailable(String::new()), false, true, false, None),
        (SmsError::Unknown(String::new()), true, true, false, None),
        (coded(429, 60203), false, true, false, Some(seconds(600))),
        (coded(400, 21211), false, false, true, None),
        (coded(400, 21610), false, false, true, None),
        (coded(403, 60410), false, false, true, None),
        (coded(401, 20003), false, false, false, None),
        (coded(400, 21606), false, false, false, None),
    ] {
        assert_eq!(error.may_be_sent(), may_be_sent, "{error:?}");
        assert_eq!(error.is_temporary(), is_temporary, "{error:?}");
        assert_eq!(error.is_about_the_number(), is_about_the_number, "{error:?}");
        assert_eq!(error.retry_after(), retry_after, "{error:?}");
    }
}
