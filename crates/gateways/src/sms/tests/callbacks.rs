use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::signature::SignatureError;

use super::*;

/// A report as Twilio posts it, and its signature by Twilio's own library (PyPI 9.13.0) with the older of our tokens.
const FORM: &str = "SmsSid=SM11112222333344445555666677778888&SmsStatus=delivered&MessageStatus=delivered\
    &To=%2B2250102030442&MessageSid=SM11112222333344445555666677778888\
    &AccountSid=AC0123456789abcdef0123456789abcdef&From=%2B15005550006&ApiVersion=2010-04-01";
const SIGNATURE: &str = "4aBUZcA6dTwg2Tpxtq10l3T8GO4=";

fn read(signature: Option<&str>, body: &str) -> Result<StatusCallback, CallbackError> {
    let messages = messages(settings(sending("https://api.twilio.com", from_number())));
    messages.read_callback(signature, body.as_bytes())
}

/// The same, correctly signed with the newest token.
fn read_signed(body: &str) -> Result<StatusCallback, CallbackError> {
    read(Some(&sign(TOKENS[0], body)), body)
}

/// Put together here again, from the contract's text.
fn sign(token: &str, body: &str) -> String {
    let mut form: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    form.sort();
    form.dedup();
    let signed = form.iter().fold(CALLBACK_URL.to_owned(), |text, (name, value)| text + name + value);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    STANDARD.encode(hmac::sign(&key, signed.as_bytes()))
}

#[test]
fn sec_37_a_report_signed_by_twilios_library_is_read() {
    assert_eq!(sign(TOKENS[1], FORM), SIGNATURE, "the signer of these tests is Twilio's");
    let expected = StatusCallback {
        message_sid: MessageSid::parse(MESSAGE).unwrap(),
        status: MessageStatus::Delivered,
        error_code: None,
        to: Some(phone()),
    };
    assert_eq!(read(Some(SIGNATURE), FORM), Ok(expected));
}

#[test]
fn sec_34_without_a_right_signature_nothing_is_read() {
    let unverified = CallbackError::Unverified;
    assert_eq!(read(None, FORM), Err(unverified(SignatureError::MissingHeader)));
    assert_eq!(read(Some(""), FORM), Err(unverified(SignatureError::EmptySignature)));
    assert_eq!(read(Some("sha1"), FORM), Err(unverified(SignatureError::Malformed)));
    let forged = [
        FORM.replace("=delivered", "=failed"),
        format!("{FORM}&ErrorCode=30003"),
        String::new(),
        "\u{0}%zz%ff=&&==".to_owned(),
    ];
    for body in forged {
        assert_eq!(read(Some(SIGNATURE), &body), Err(unverified(SignatureError::Mismatch)), "{body}");
    }
    let foreign = sign("somebody-elses-0123456789abcdef", FORM);
    assert_eq!(read(Some(&foreign), FORM), Err(unverified(SignatureError::Mismatch)));
    let endless = (0..200).fold(FORM.to_owned(), |form, number| format!("{form}&A{number}=1"));
    assert!(matches!(read_signed(&endless), Err(CallbackError::Unverified(_))));
}

#[test]
fn a_json_body_is_refused_whatever_signed_it() {
    // JSON is signed over the address and its bodySHA256 alone; made with Twilio's library for `{"MessageStatus":"delivered"}`.
    let signature = "X10hdVcqaTllG3TXzANxeXlRKek=";
    let refused = read(Some(signature), r#"{"MessageStatus":"delivered"}"#);
    assert_eq!(refused, Err(CallbackError::Unverified(SignatureError::Mismatch)));
}

#[test]
fn a_failure_keeps_its_number_and_an_unknown_status_its_word() {
    let body = FORM.replace("MessageStatus=delivered", "MessageStatus=undelivered") + "&ErrorCode=30003";
    let read = read_signed(&body).unwrap();
    assert_eq!((read.status, read.error_code), (MessageStatus::Undelivered, Some(30003)));
    let body = FORM.replace("MessageStatus=delivered", "MessageStatus=held_by%20<b>");
    let read = read_signed(&body).unwrap();
    assert_eq!(read.status, MessageStatus::Unknown("held_byb".to_owned()));
    let body = FORM.replace("To=%2B2250102030442", "To=whatsapp%3A%2B1") + "&ErrorCode=none";
    let read = read_signed(&body).unwrap();
    assert_eq!((read.to, read.error_code), (None, None));
}

#[test]
fn a_signed_form_that_is_no_report_on_a_message_of_this_account_is_malformed() {
    for body in [
        FORM.replace("&MessageSid=SM11112222333344445555666677778888", ""),
        FORM.replace("&MessageSid=SM", "&MessageSid=XX"),
        FORM.replace("&MessageStatus=delivered", ""),
        FORM.replace("AccountSid=AC0", "AccountSid=AC1"),
        format!("{FORM}&MessageStatus=failed"),
    ] {
        let refused = read_signed(&body).unwrap_err();
        assert!(matches!(refused, CallbackError::Malformed(_)), "{body}: {refused:?}");
    }
    assert!(
        read_signed(&format!("{FORM}&MessageStatus=delivered")).is_ok(),
        "the same twice is no contradiction"
    );
}

#[test]
fn a_status_goes_forward_only() {
    let order =
        ["a_new_word", "accepted", "queued", "sending", "sent", "delivered", "read"].map(MessageStatus::read);
    for (at, earlier) in order.iter().enumerate() {
        for (other, later) in order.iter().enumerate() {
            assert_eq!(later.follows(earlier), other > at, "{later:?} after {earlier:?}");
        }
    }
    assert!(!MessageStatus::Failed.follows(&MessageStatus::Delivered));
    assert!(!MessageStatus::Delivered.follows(&MessageStatus::Undelivered));
    assert!(MessageStatus::Undelivered.is_failure() && !MessageStatus::Sent.is_failure());
    for status in &order {
        assert_eq!(MessageStatus::read(status.as_str()), *status);
    }
}
