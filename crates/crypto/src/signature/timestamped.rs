//! The header `t=<unix seconds>,<scheme>=<hex>` under the callbacks of several payment providers (SEC-34, SEC-35).
//!
//! `hex(HMAC-SHA256(secret, "<t>.<raw body>"))`, where the provider gives the scheme its own name: `v1` at one, `s` at another. While
//! a secret rotates the header holds several signatures of that scheme, and the receiver knows several secrets; any pair that fits
//! is believed. Members of other schemes are skipped, whatever they hold. What the own scheme holds is read strictly, so no byte of
//! it can change unseen, and the time may be off by [`TOLERANCE_SECONDS`] either way.

use aws_lc_rs::hmac;

use super::header::{signature_bytes, time};
use super::{MAX_HEADER_LEN, SignatureError, SigningSecret, TOLERANCE_SECONDS};
use crate::fingerprint::constant_time_eq;

/// Believes a body if one of the header's signatures of `scheme` fits one of the secrets and its time is ours. Every pair is
/// compared, each in constant time, before the time is looked at.
pub fn verify(
    secrets: &[SigningSecret],
    scheme: &str,
    header: Option<&str>,
    body: &[u8],
    wall_unix_seconds: i64,
) -> Result<(), SignatureError> {
    if secrets.is_empty() {
        return Err(SignatureError::NoSecret);
    }
    let header = Header::parse(header.ok_or(SignatureError::MissingHeader)?, scheme)?;
    let mut fits = false;
    for secret in secrets {
        let expected = mac(secret, header.timestamp, body);
        for candidate in &header.signatures {
            fits |= constant_time_eq(expected.as_ref(), candidate);
        }
    }
    if !fits {
        return Err(SignatureError::Mismatch);
    }
    let sent = i64::try_from(header.timestamp).map_err(|_| SignatureError::Malformed)?;
    let seconds = wall_unix_seconds.saturating_sub(sent);
    if seconds.saturating_abs() > TOLERANCE_SECONDS {
        return Err(SignatureError::OutsideTolerance { seconds });
    }
    Ok(())
}

fn mac(secret: &SigningSecret, timestamp: u64, body: &[u8]) -> hmac::Tag {
    let mut context = secret.context();
    context.update(timestamp.to_string().as_bytes());
    context.update(b".");
    context.update(body);
    context.sign()
}

#[derive(Debug)]
struct Header {
    timestamp: u64,
    signatures: Vec<[u8; 32]>,
}

impl Header {
    fn parse(text: &str, scheme: &str) -> Result<Self, SignatureError> {
        if text.len() > MAX_HEADER_LEN {
            return Err(SignatureError::HeaderTooLong);
        }
        let mut timestamp = None;
        let mut signatures = Vec::new();
        for member in text.split(',') {
            let (name, value) = member.split_once('=').ok_or(SignatureError::Malformed)?;
            match name {
                "t" if timestamp.is_some() => return Err(SignatureError::DuplicateTime),
                "t" => timestamp = Some(time(value)?),
                _ if name == scheme => signatures.push(signature_bytes(value)?),
                _ => {}
            }
        }
        let timestamp = timestamp.ok_or(SignatureError::MissingTime)?;
        if signatures.is_empty() {
            Err(SignatureError::MissingSignature)
        } else {
            Ok(Self { timestamp, signatures })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::SecretString;

    use super::*;

    const NOW: i64 = 1_700_000_000;
    const BODY: &[u8] = r#"{"id":"evt_1","note":"déjà vu"}"#.as_bytes();
    const SECRET: &str = "whsec_0123456789abcdefghijklmnopqrstuv";
    /// Made with Stripe's own library (PyPI 16.1.0), `WebhookSignature.generate_signature_header`.
    const SIGNATURE: &str = "7a1f434081b8f37a283185a51f648e45da055ef7480f005a9ecb77042f7521f7";

    fn secret(text: &str) -> SigningSecret {
        SigningSecret::parse(&SecretString::from(text)).expect("long enough")
    }

    fn check(header: &str) -> Result<(), SignatureError> {
        verify(&[secret(SECRET)], "v1", Some(header), BODY, NOW)
    }

    #[test]
    fn sec_34_a_signature_of_stripes_own_library_is_believed_and_a_changed_body_is_not() {
        let header = format!("t={NOW},v1={SIGNATURE}");
        assert_eq!(check(&header), Ok(()));
        let mut forged = BODY.to_vec();
        for index in 0..forged.len() {
            forged[index] ^= 1;
            let refused = verify(&[secret(SECRET)], "v1", Some(&header), &forged, NOW);
            assert_eq!(refused, Err(SignatureError::Mismatch));
            forged[index] ^= 1;
        }
    }

    #[test]
    fn the_name_of_the_scheme_decides_which_members_count() {
        let secrets = [secret(SECRET)];
        let other = format!("t={NOW},s={SIGNATURE}");
        assert_eq!(verify(&secrets, "s", Some(&other), BODY, NOW), Ok(()));
        assert_eq!(check(&other), Err(SignatureError::MissingSignature));
        let older = format!("t={NOW},v0={SIGNATURE}");
        assert_eq!(check(&older), Err(SignatureError::MissingSignature));
        for skipped in ["v0=not-hex", "v0=", "x=a=b"] {
            assert_eq!(check(&format!("t={NOW},{skipped},v1={SIGNATURE}")), Ok(()), "{skipped}");
        }
    }

    #[test]
    fn sec_35_any_pair_of_signature_and_secret_is_enough_while_a_secret_rotates() {
        let foreign = "0".repeat(64);
        assert_eq!(check(&format!("t={NOW},v1={foreign},v1={SIGNATURE}")), Ok(()));
        assert_eq!(check(&format!("t={NOW},v1={foreign}")), Err(SignatureError::Mismatch));
        let header = format!("t={NOW},v1={SIGNATURE}");
        let newer = secret("whsec_another-secret-of-the-endpoint");
        assert_eq!(verify(&[newer.clone(), secret(SECRET)], "v1", Some(&header), BODY, NOW), Ok(()));
        assert_eq!(verify(&[newer], "v1", Some(&header), BODY, NOW), Err(SignatureError::Mismatch));
    }

    #[test]
    fn sec_35_the_time_may_be_300_seconds_off_either_way_and_not_301() {
        let header = format!("t={NOW},v1={SIGNATURE}");
        let at = |wall| verify(&[secret(SECRET)], "v1", Some(&header), BODY, wall);
        for off in [-300, 0, 300] {
            assert_eq!(at(NOW + off), Ok(()), "{off}");
        }
        for seconds in [-301, 301, i64::MAX - NOW] {
            assert_eq!(at(NOW + seconds), Err(SignatureError::OutsideTolerance { seconds }));
        }
        assert!(at(i64::MIN).is_err());
    }

    #[test]
    fn sec_34_only_one_form_of_the_header_is_read() {
        use SignatureError::{
            DuplicateTime, EmptySignature, HeaderTooLong, Malformed, MissingSignature, MissingTime,
        };
        let good = format!("t={NOW},v1={SIGNATURE}");
        let table = [
            (String::new(), Malformed),
            (format!("t={NOW}"), MissingSignature),
            (format!("v1={SIGNATURE}"), MissingTime),
            (format!("{good},t={NOW}"), DuplicateTime),
            (format!("{good},v1="), EmptySignature),
            (format!("t={NOW},v1="), EmptySignature),
            (format!("t=+{NOW},v1={SIGNATURE}"), Malformed),
            (format!("t=0{NOW},v1={SIGNATURE}"), Malformed),
            (format!("t={NOW}.0,v1={SIGNATURE}"), Malformed),
            (format!("t={NOW}, v1={SIGNATURE}"), MissingSignature),
            (format!("t={NOW},v1={}", SIGNATURE.to_uppercase()), Malformed),
            (format!("t={NOW},v1={}", &SIGNATURE[..62]), Malformed),
            (format!("{good},"), Malformed),
            (format!("{good},x={}", "0".repeat(MAX_HEADER_LEN)), HeaderTooLong),
        ];
        for (header, reason) in table {
            assert_eq!(check(&header), Err(reason), "{header}");
        }
    }

    #[test]
    fn sec_34_without_a_secret_or_a_header_nothing_is_believed() {
        let header = format!("t={NOW},v1={SIGNATURE}");
        assert_eq!(verify(&[], "v1", Some(&header), BODY, NOW), Err(SignatureError::NoSecret));
        assert_eq!(verify(&[secret(SECRET)], "v1", None, BODY, NOW), Err(SignatureError::MissingHeader));
    }

    proptest! {
        #[test]
        fn garbage_is_refused_without_panic(
            garbage in prop_oneof!["\\PC{0,200}", "(t|v1|s)?=?[0-9a-f]{0,70}(,(t|v1|s)=[0-9a-f]{0,70}){0,3}"],
        ) {
            prop_assert!(check(&garbage).is_err());
        }
    }
}
