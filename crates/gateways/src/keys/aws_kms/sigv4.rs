//! AWS Signature Version 4 for a POST to `/`, as KMS and the other JSON services have it.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use aws_lc_rs::{digest, hmac};
use domain::time::Instant;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who asks.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The id of the access key.
    pub access_key_id: SecretString,
    /// Its secret.
    pub secret_access_key: SecretString,
    /// The token that temporary credentials have.
    pub session_token: Option<SecretString>,
}

/// What a signature is good for.
pub(super) struct Scope<'a> {
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) at: Instant,
}

/// The headers that sign this request, beside `given` (names in lower case) and the `host` that the client sends.
pub(super) fn sign(
    credentials: &Credentials,
    scope: &Scope<'_>,
    url: &Url,
    given: &[(&str, &str)],
    body: &[u8],
) -> Vec<(&'static str, String)> {
    let (date, at) = instant(scope.at);
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let mut added = vec![("x-amz-date", at.clone())];
    if let Some(token) = &credentials.session_token {
        added.push(("x-amz-security-token", token.expose_secret().to_owned()));
    }
    let mut headers: Vec<(&str, &str)> = given.to_vec();
    headers.push(("host", &host));
    headers.extend(added.iter().map(|(name, value)| (*name, value.as_str())));
    headers.sort_unstable();

    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}:{}", value.trim())).collect();
    let lines = lines.join("\n");
    let canonical = format!("POST\n{}\n\n{lines}\n\n{names}\n{}", url.path(), sha256(body));
    let scope_text = format!("{date}/{}/{}/aws4_request", scope.region, scope.service);
    let to_sign = format!("{ALGORITHM}\n{at}\n{scope_text}\n{}", sha256(canonical.as_bytes()));

    let secret = format!("AWS4{}", credentials.secret_access_key.expose_secret());
    let secret = zeroize::Zeroizing::new(secret.into_bytes());
    let key = [date.as_str(), scope.region, scope.service, "aws4_request"]
        .iter()
        .fold(hmac::Key::new(hmac::HMAC_SHA256, &secret), |key, part| {
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref())
        });
    let signature = hex::encode(hmac::sign(&key, to_sign.as_bytes()));
    let id = credentials.access_key_id.expose_secret();
    let authorization =
        format!("{ALGORITHM} Credential={id}/{scope_text}, SignedHeaders={names}, Signature={signature}");
    added.push(("authorization", authorization));
    added
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

/// `20260101` and `20260101T000000Z`.
fn instant(at: Instant) -> (String, String) {
    let date = format!("{:04}{:02}{:02}", at.year(), u8::from(at.month()), at.day());
    let time = format!("{date}T{:02}{:02}{:02}Z", at.hour(), at.minute(), at.second());
    (date, time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn credentials(session_token: Option<&str>) -> Credentials {
        Credentials {
            access_key_id: SecretString::from("AKIDEXAMPLE"),
            secret_access_key: SecretString::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: session_token.map(SecretString::from),
        }
    }

    fn signature(headers: &[(&str, String)]) -> String {
        let (_, value) = headers.iter().find(|(name, _)| *name == "authorization").unwrap();
        value.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    /// Made by botocore 1.44.5 for the same request.
    #[test]
    fn the_signature_is_botocores() {
        let scope = Scope { region: "eu-west-3", service: "kms", at: datetime!(2026-01-01 00:00 UTC) };
        let url = Url::parse("https://kms.eu-west-3.amazonaws.com/").unwrap();
        let given = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "TrentService.GenerateDataKey"),
        ];
        let body = br#"{"KeyId":"alias/calmness","KeySpec":"AES_256"}"#;
        let signed = sign(&credentials(None), &scope, &url, &given, body);
        assert_eq!(signature(&signed), "b3429a23575fb22f4ead88466f176a4d52afb935087a3652a09fc6dd72065f70");
        assert_eq!(signed[0], ("x-amz-date", "20260101T000000Z".to_owned()));
    }

    /// `post-vanilla` and `post-sts-header-after` of AWS's own test suite (the token is added after signing there).
    #[test]
    fn the_signature_is_that_of_the_test_suite_of_aws() {
        let scope = Scope { region: "us-east-1", service: "service", at: datetime!(2015-08-30 12:36 UTC) };
        let url = Url::parse("https://example.amazonaws.com/").unwrap();
        let signed = sign(&credentials(None), &scope, &url, &[], b"");
        let expected = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        // The suite's secret is spelt `…bPxRfiCYEXAMPLEKEY` as here.
        assert_eq!(signature(&signed), expected);
    }

    #[test]
    fn everything_that_is_sent_is_signed() {
        let scope = || Scope { region: "eu-west-3", service: "kms", at: datetime!(2026-01-01 00:00 UTC) };
        let url = |text: &str| Url::parse(text).unwrap();
        let base = url("https://kms.eu-west-3.amazonaws.com/");
        let sign_with = |token: Option<&str>, scope: Scope<'_>, url: &Url, target: &str, body: &[u8]| {
            signature(&sign(&credentials(token), &scope, url, &[("x-amz-target", target)], body))
        };
        let first = sign_with(None, scope(), &base, "a", b"body");
        let later = Scope { at: datetime!(2026-01-01 00:00:01 UTC), ..scope() };
        let elsewhere = Scope { region: "eu-west-1", ..scope() };
        for other in [
            sign_with(Some("token"), scope(), &base, "a", b"body"),
            sign_with(None, later, &base, "a", b"body"),
            sign_with(None, elsewhere, &base, "a", b"body"),
            sign_with(None, scope(), &url("https://kms.eu-west-3.amazonaws.com:8443/"), "a", b"body"),
            sign_with(None, scope(), &base, "b", b"body"),
            sign_with(None, scope(), &base, "a", b"Body"),
        ] {
            assert_ne!(first, other);
        }
        assert_eq!(first, sign_with(None, scope(), &base, "a", b"body"));
    }
}
