//! `X-Twilio-Signature`, the signature under Twilio's callbacks (SEC-34, SEC-37).
//!
//! Base64 of the HMAC-SHA1 that the account's auth token makes over the address that Twilio called, followed by the name and the
//! value of every form parameter, sorted by name. Values of one name count once each and sorted, as in Twilio's own libraries. The
//! address is the configured public one: what `Host` says is whatever a stranger or a proxy wrote there. Twilio signs some addresses
//! with their port and some without, so both spellings of the configured one count.
//!
//! The scheme has no time in it: a recorded callback verifies for ever. Whoever applies one lets a status go forward only.

use std::collections::BTreeSet;
use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::{MAX_HEADER_LEN, SignatureError, WeakSigningSecret};
use crate::fingerprint::constant_time_eq;

const MIN_BYTES: usize = 16;
const MAX_BYTES: usize = 1024;
const MAC_BYTES: usize = 20;

/// An account's auth token, kept only as the prepared state of its HMAC; hidden from `Debug`. There is no empty one.
#[derive(Clone)]
pub struct AuthToken(hmac::Key);

impl AuthToken {
    /// Takes the token as configured, without the white space around it.
    pub fn parse(text: &SecretString) -> Result<Self, WeakSigningSecret> {
        let bytes = text.expose_secret().trim().as_bytes();
        match bytes.len() {
            0 => Err(WeakSigningSecret::Empty),
            1..MIN_BYTES => Err(WeakSigningSecret::TooShort),
            MIN_BYTES..=MAX_BYTES => Ok(Self::of(bytes)),
            _ => Err(WeakSigningSecret::TooLong),
        }
    }

    /// SHA-1 is Twilio's choice; HMAC does not rest on what is broken about it.
    fn of(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, bytes))
    }
}

impl fmt::Debug for AuthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthToken([REDACTED])")
    }
}

/// Believes a form that was posted to `url` (the configured public address) if one of the tokens signed it. Every pair of token and
/// spelling is compared, each in constant time.
pub fn verify<P: AsRef<str>>(
    tokens: &[AuthToken],
    signature: Option<&str>,
    url: &str,
    parameters: &[(P, P)],
) -> Result<(), SignatureError> {
    if tokens.is_empty() {
        return Err(SignatureError::NoSecret);
    }
    let presented = read(signature.ok_or(SignatureError::MissingHeader)?)?;
    let sorted: BTreeSet<(&str, &str)> =
        parameters.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    let mut fits = false;
    for address in spellings(url) {
        for token in tokens {
            fits |= constant_time_eq(mac(token, &address, &sorted).as_ref(), &presented);
        }
    }
    if fits { Ok(()) } else { Err(SignatureError::Mismatch) }
}

fn mac(token: &AuthToken, url: &str, sorted: &BTreeSet<(&str, &str)>) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&token.0);
    context.update(url.as_bytes());
    for (name, value) in sorted {
        context.update(name.as_bytes());
        context.update(value.as_bytes());
    }
    context.sign()
}

/// One canonical spelling only, so that no byte of the header can change unseen.
fn read(signature: &str) -> Result<[u8; MAC_BYTES], SignatureError> {
    if signature.is_empty() {
        return Err(SignatureError::EmptySignature);
    }
    if signature.len() > MAX_HEADER_LEN {
        return Err(SignatureError::HeaderTooLong);
    }
    let bytes = STANDARD.decode(signature).map_err(|_| SignatureError::Malformed)?;
    bytes.try_into().map_err(|_| SignatureError::Malformed)
}

/// The address as it is, and with the port of its scheme added, or its port left out.
fn spellings(url: &str) -> Vec<String> {
    let mut spellings = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else { return spellings };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let port = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    spellings.push(match port {
        Some((host, _)) => format!("{scheme}://{host}{path}"),
        None => format!("{scheme}://{authority}:{}{path}", if scheme == "https" { 443 } else { 80 }),
    });
    spellings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const URL: &str = "https://calmness.example/api/webhooks/twilio";
    const FORM: [(&str, &str); 3] = [("Body", "déjà vu ☕"), ("To", "+22501020342"), ("A", "")];
    /// Made with Twilio's own library (PyPI 9.13.0) and the token `12345`, as are the others below.
    const SIGNATURE: &str = "Ine2QJ6uo59jA9hNLi8v5XG3170=";

    fn published() -> Vec<AuthToken> {
        vec![AuthToken::of(b"12345")]
    }

    fn sign(token: &AuthToken, url: &str, form: &[(&str, &str)]) -> String {
        STANDARD.encode(mac(token, url, &form.iter().copied().collect()))
    }

    #[test]
    fn sec_37_the_published_examples_verify() {
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        for (caller, signature) in [
            ("+14158675309", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            ("+12349013030", "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
        ] {
            let form = [
                ("To", "+18005551212"),
                ("From", caller),
                ("Digits", "1234"),
                ("Caller", caller),
                ("CallSid", "CA1234567890ABCDE"),
            ];
            assert_eq!(verify(&published(), Some(signature), url, &form), Ok(()));
            let mut forged = form;
            forged[2].1 = "1235";
            let refused = verify(&published(), Some(signature), url, &forged);
            assert_eq!(refused, Err(SignatureError::Mismatch));
        }
    }

    #[test]
    fn sec_37_repeated_names_count_as_in_twilios_libraries() {
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        let form = [
            ("SidAccount", "AC123"),
            ("Digits", "5678"),
            ("Sid", "CA123"),
            ("Digits", "1234"),
            ("Digits", "1234"),
        ];
        assert_eq!(verify(&published(), Some("IK+Dwps556ElfBT0I3Rgjkr1wJU="), url, &form), Ok(()));
    }

    #[test]
    fn sec_37_an_address_counts_with_and_without_its_port_and_no_other_does() {
        let with_port = "LO8QDlNVJyiFcnZsQNP7/fFi4s4=";
        let spelled = "https://calmness.example:443/api/webhooks/twilio";
        for signature in [SIGNATURE, with_port] {
            for url in [URL, spelled] {
                assert_eq!(verify(&published(), Some(signature), url, &FORM), Ok(()), "{url}");
            }
            for url in [
                "http://calmness.example/api/webhooks/twilio",
                "https://evil.example/api/webhooks/twilio",
                "",
            ] {
                let refused = verify(&published(), Some(signature), url, &FORM);
                assert_eq!(refused, Err(SignatureError::Mismatch), "{url}");
            }
        }
        assert_eq!(
            spellings("http://[::1]:8080/a:1?b=c:2"),
            ["http://[::1]:8080/a:1?b=c:2", "http://[::1]/a:1?b=c:2"]
        );
        assert_eq!(spellings("http://[::1]?a"), ["http://[::1]?a", "http://[::1]:80?a"]);
    }

    #[test]
    fn sec_34_without_a_token_or_a_signature_nothing_is_believed() {
        assert_eq!(verify(&[], Some(SIGNATURE), URL, &FORM), Err(SignatureError::NoSecret));
        for (signature, reason) in [
            (None, SignatureError::MissingHeader),
            (Some(""), SignatureError::EmptySignature),
            (Some(" "), SignatureError::Malformed),
            (Some("Ine2QJ6uo59jA9hNLi8v5XG317"), SignatureError::Malformed),
            (Some("Ine2QJ6uo59jA9hNLi8v5XG3170=\n"), SignatureError::Malformed),
            (Some("Ine2QJ6uo59jA9hNLi8v5XG3171="), SignatureError::Malformed),
            (Some("AAAA"), SignatureError::Malformed),
            (Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA="), SignatureError::Mismatch),
        ] {
            assert_eq!(verify(&published(), signature, URL, &FORM), Err(reason), "{signature:?}");
        }
        let long = "A".repeat(MAX_HEADER_LEN + 1);
        assert_eq!(verify(&published(), Some(&long), URL, &FORM), Err(SignatureError::HeaderTooLong));
        let parse = |text: &str| AuthToken::parse(&SecretString::from(text)).err();
        assert_eq!(parse(" \n"), Some(WeakSigningSecret::Empty));
        assert_eq!(parse("12345"), Some(WeakSigningSecret::TooShort));
        assert_eq!(parse(&"x".repeat(1_025)), Some(WeakSigningSecret::TooLong));
    }

    #[test]
    fn sec_35_while_a_token_rotates_either_one_is_believed() {
        let token = |text: &str| AuthToken::parse(&SecretString::from(text)).expect("long enough");
        let (primary, secondary) =
            (token("0123456789abcdef0123456789abcdef"), token("fedcba9876543210fedcba9876543210"));
        let both = [secondary.clone(), primary.clone()];
        for signer in &both {
            assert_eq!(verify(&both, Some(&sign(signer, URL, &FORM)), URL, &FORM), Ok(()));
        }
        let refused = verify(&[secondary], Some(&sign(&primary, URL, &FORM)), URL, &FORM);
        assert_eq!(refused, Err(SignatureError::Mismatch));
        assert!(!format!("{primary:?}").contains("0123"));
    }

    proptest! {
        #[test]
        fn garbage_is_refused_without_panic(
            url in "\\PC{0,60}",
            signature in prop_oneof!["\\PC{0,60}", "[A-Za-z0-9+/]{27}="],
        ) {
            prop_assert!(verify(&published(), Some(&signature), &url, &FORM).is_err());
        }
    }
}
