//! Signatures as botocore 1.44.5 makes them, and answers as KMS gives them.

use std::sync::Arc;

use crypto::envelope::{KeyBackend, KeyBackendError, Rotation, WrappedKey};
use domain::time::Instant;
use secrecy::SecretString;
use time::macros::datetime;

use super::super::SetupError;
use super::super::aws_kms::{AwsKms, AwsKmsSettings, Credentials};
use super::{CONTEXT, data_key, is_away};
use crate::http::HttpClient;
use crate::test_peer::{Log, Peer, Reply, nobody};

const ARN: &str = "arn:aws:kms:eu-west-3:123456789012:key/0b1c";
const AT: Instant = datetime!(2026-01-01 00:00 UTC);

fn settings(endpoint: Option<String>) -> AwsKmsSettings {
    AwsKmsSettings {
        region: "eu-west-3".to_owned(),
        endpoint,
        key_id: "alias/calmness".to_owned(),
        credentials: Credentials {
            access_key_id: SecretString::from("AKIDEXAMPLE"),
            secret_access_key: SecretString::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: Some(SecretString::from("canary-session-token")),
        },
    }
}

fn over(base: String) -> AwsKms {
    AwsKms::new(settings(Some(base)), HttpClient::new().unwrap(), Arc::new(|| AT)).unwrap()
}

fn wrapped() -> WrappedKey {
    WrappedKey { bytes: b"blob".to_vec(), backend: "aws_kms".to_owned(), kek_id: ARN.to_owned() }
}

fn encrypted() -> Reply {
    Reply::json(
        200,
        &format!(
            r#"{{"CiphertextBlob":"YmxvYg==","KeyId":"{ARN}","EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}}"#
        ),
    )
}

fn decrypted() -> Reply {
    let plaintext = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    Reply::json(200, &format!(r#"{{"KeyId":"{ARN}","Plaintext":"{plaintext}"}}"#))
}

fn refused(status: u16, kind: &str) -> Reply {
    Reply::json(status, &format!(r#"{{"__type":"{kind}","message":"because"}}"#))
}

#[tokio::test]
async fn a_data_key_is_wrapped_with_its_context_and_comes_back() {
    let (log, _guard) = Log::start();
    let peer = Peer::start([encrypted(), decrypted()]).await;
    let kms = over(peer.base.clone());
    assert_eq!(kms.wrap(&data_key(), CONTEXT).await.unwrap(), wrapped());
    assert_eq!(kms.unwrap(&wrapped(), CONTEXT).await.unwrap().expose(), &[7; 32]);
    let requests = peer.requests();
    assert!(
        requests.iter().all(|request| (request.method.as_str(), request.target.as_str()) == ("POST", "/"))
    );
    assert_eq!(requests[0].header("x-amz-target"), Some("TrentService.Encrypt"));
    assert_eq!(requests[0].header("content-type"), Some("application/x-amz-json-1.1"));
    assert_eq!(requests[0].header("x-amz-date"), Some("20260101T000000Z"));
    assert_eq!(requests[0].header("x-amz-security-token"), Some("canary-session-token"));
    let authorization = requests[0].header("authorization").unwrap();
    let signed = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-3/kms/aws4_request, \
                  SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=";
    assert!(authorization.starts_with(signed), "{authorization}");
    let plaintext = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let body = serde_json::json!({ "KeyId": "alias/calmness", "Plaintext": plaintext, "EncryptionContext": { "calmness": CONTEXT } });
    assert_eq!(requests[0].json(), body);
    assert_eq!(requests[1].header("x-amz-target"), Some("TrentService.Decrypt"));
    let body = serde_json::json!({ "KeyId": ARN, "CiphertextBlob": "YmxvYg==", "EncryptionContext": { "calmness": CONTEXT } });
    assert_eq!(requests[1].json(), body);
    for secret in ["canary", plaintext, "wJalr"] {
        assert!(!log.text().contains(secret), "{secret}");
        assert!(!format!("{kms:?}").contains(secret));
    }
}

#[tokio::test]
async fn what_passes_is_tried_again_and_a_refusal_is_not() {
    for passing in [
        refused(400, "ThrottlingException"),
        refused(500, "KMSInternalException"),
        Reply::page(503),
        Reply::Cut,
    ] {
        let peer = Peer::start([passing, decrypted()]).await;
        let opened = over(peer.base.clone()).unwrap(&wrapped(), CONTEXT).await;
        assert!(opened.is_ok(), "{opened:?}");
    }
    let peer = Peer::start((0..9).map(|_| refused(400, "ThrottlingException"))).await;
    let away = over(peer.base.clone()).unwrap(&wrapped(), CONTEXT).await.unwrap_err();
    assert_eq!(away, KeyBackendError::Unavailable("ThrottlingException: because".to_owned()));
    assert_eq!(peer.requests().len(), 3);
    for kind in [
        "DisabledException",
        "AccessDeniedException",
        "com.amazonaws.kms#NotFoundException",
        "KMSInvalidStateException",
    ] {
        let peer = Peer::start([refused(400, kind)]).await;
        let refused = over(peer.base.clone()).unwrap(&wrapped(), CONTEXT).await.unwrap_err();
        let word = kind.rsplit('#').next().unwrap();
        assert_eq!(refused, KeyBackendError::Denied(format!("{word}: because")));
        assert_eq!(peer.requests().len(), 1);
    }
    let peer = Peer::start([refused(400, "InvalidCiphertextException")]).await;
    let moved = over(peer.base.clone()).unwrap(&wrapped(), CONTEXT).await.unwrap_err();
    assert_eq!(moved, KeyBackendError::Tampered);
    assert!(is_away(&over(nobody().await).unwrap(&wrapped(), CONTEXT).await.unwrap_err()));
}

#[tokio::test]
async fn only_the_operator_makes_the_next_key_and_is_told_how() {
    let Rotation::ByOperator(how) = over("http://127.0.0.1:1".to_owned()).rotate().await.unwrap() else {
        panic!("AWS rotates by itself")
    };
    assert!(how.contains("keys.aws_kms.key_id"));
}

#[test]
fn names_that_could_lead_elsewhere_are_refused() {
    let http = || HttpClient::new().unwrap();
    for bad in ["", "evil.example/", "eu-west-3.evil", "a b"] {
        let wrong = AwsKmsSettings { region: bad.to_owned(), ..settings(None) };
        let refused = AwsKms::new(wrong, http(), Arc::new(|| AT)).unwrap_err();
        assert_eq!(refused, SetupError::Name("the region"), "{bad}");
    }
    assert!(AwsKms::new(settings(None), http(), Arc::new(|| AT)).is_ok());
}
