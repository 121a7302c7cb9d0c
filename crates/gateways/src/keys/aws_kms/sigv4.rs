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
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let canonical = format!("POST\n{}\n\n{lines}\n{names}\n{}", url.path(), sha256(body));
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
