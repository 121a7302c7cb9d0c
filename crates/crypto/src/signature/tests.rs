//! Both forms against values made by another implementation, rotation, time, and everything that must be
//! refused.

use proptest::prelude::*;
use secrecy::SecretString;

use super::*;

const NOW: i64 = 1_700_000_000;
const BODY: Signed<'static> = Signed::Body(br#"{"id":"evt_1"}"#);
const GET: Signed<'static> = Signed::Bodyless { method: "GET", path_and_query: "/payments/42?full=1" };

fn secret(text: &str) -> SigningSecret {
    SigningSecret::parse(&SecretString::from(text)).expect("long enough")
}

fn house() -> Vec<SigningSecret> {
    vec![secret("whsec-of-the-house-0123")]
}

fn check(header: &str) -> Result<(), SignatureError> {
    verify(&house(), Some(header), BODY, NOW)
}

fn signed_now() -> String {
    sign(&house(), NOW, BODY).expect("a secret")
}

/// Made with Python's `hmac` from the contract's text.
#[test]
fn both_forms_are_those_of_another_implementation() {
    let body = "t=1700000000,v1=299cd79967491e168d539e486f6c215e6d8e8907012f48228c8788c6094e7872";
    let get = "t=1700000000,v2=707225f8ae1457d6813181a462c0c09abeba639857eb63474c9ea415c5199571";
    assert_eq!(sign(&house(), NOW, BODY).expect("a secret"), body);
    assert_eq!(sign(&house(), NOW, GET).expect("a secret"), get);
    assert_eq!(verify(&house(), Some(body), BODY, NOW), Ok(()));
    assert_eq!(verify(&house(), Some(get), GET, NOW), Ok(()));
    let link = "84ea98f77f91bb77e85f259d2f2d76db1989972666d35dfcd0e514fceab71cc3";
    assert_eq!(hex_hmac_sha256(&house()[0], b"payment_id=42&amount=5999"), link);
    assert!(verify_hex_hmac_sha256(&house(), b"payment_id=42&amount=5999", link));
}

/// SEC-34. The mistake of others: RUSTSEC-2024-0010, an empty signature passes.
#[test]
fn sec_34_an_empty_signature_is_refused_even_beside_a_good_one() {
    assert_eq!(check("t=1700000000,v1="), Err(SignatureError::EmptySignature));
    assert_eq!(check(&format!("{},v1=", signed_now())), Err(SignatureError::EmptySignature));
    assert!(!verify_hex_hmac_sha256(&house(), b"data", ""));
}

/// SEC-34. The mistake of others: a webhook secret that is null means "open".
#[test]
fn sec_34_without_a_secret_nothing_is_believed_and_nothing_signed() {
    assert_eq!(verify(&[], Some(&signed_now()), BODY, NOW), Err(SignatureError::NoSecret));
    assert_eq!(verify(&[], None, BODY, NOW), Err(SignatureError::NoSecret));
    assert_eq!(sign(&[], NOW, BODY), Err(SignatureError::NoSecret));
    assert!(!verify_hex_hmac_sha256(&[], b"data", &hex_hmac_sha256(&house()[0], b"data")));
    let parse = |text: &str| SigningSecret::parse(&SecretString::from(text)).err();
    for empty in ["", " ", "\n\t "] {
        assert_eq!(parse(empty), Some(WeakSigningSecret::Empty));
    }
    assert_eq!(parse("fifteen-bytes-x"), Some(WeakSigningSecret::TooShort));
    assert_eq!(parse("sixteen-bytes-xy"), None);
    assert_eq!(parse(&"x".repeat(1_025)), Some(WeakSigningSecret::TooLong));
}

/// SEC-34. The mistake of others: the body is parsed and written again before the HMAC.
#[test]
fn sec_34_the_same_json_in_other_bytes_is_refused() {
    let rewritten = Signed::Body(br#"{"id": "evt_1"}"#);
    assert_eq!(verify(&house(), Some(&signed_now()), rewritten, NOW), Err(SignatureError::Mismatch));
}

/// SEC-35.
#[test]
fn sec_35_the_time_may_be_300_seconds_off_either_way_and_not_301() {
    let header = signed_now();
    for off in [-300, -1, 0, 1, 300] {
        assert_eq!(verify(&house(), Some(&header), BODY, NOW + off), Ok(()), "{off}");
    }
    for seconds in [-301, 301, i64::MAX - NOW, -NOW] {
        let refused = verify(&house(), Some(&header), BODY, NOW + seconds);
        assert_eq!(refused, Err(SignatureError::OutsideTolerance { seconds }));
    }
    assert!(verify(&house(), Some(&header), BODY, i64::MIN).is_err());
}

/// SEC-35.
#[test]
fn sec_35_during_a_rotation_any_pair_that_fits_is_enough() {
    let (old, new, foreign) =
        (secret("the-old-shared-secret"), secret("the-new-shared-secret"), secret("somebody-elses-secret"));
    let both = sign(&[new.clone(), old.clone()], NOW, BODY).expect("secrets");
    assert_eq!(both.matches("v1=").count(), 2);
    for knows in [vec![old.clone()], vec![new.clone()], vec![foreign.clone(), old.clone()]] {
        assert_eq!(verify(&knows, Some(&both), BODY, NOW), Ok(()));
    }
    let only_old = sign(std::slice::from_ref(&old), NOW, BODY).expect("a secret");
    assert_eq!(verify(&[new, old], Some(&only_old), BODY, NOW), Ok(()));
    assert_eq!(verify(&[foreign], Some(&both), BODY, NOW), Err(SignatureError::Mismatch));
}

#[test]
fn the_two_forms_do_not_stand_in_for_each_other() {
    let (body, get) = (signed_now(), sign(&house(), NOW, GET).expect("a secret"));
    assert_eq!(verify(&house(), Some(&body), GET, NOW), Err(SignatureError::MissingSignature));
    assert_eq!(verify(&house(), Some(&get), BODY, NOW), Err(SignatureError::MissingSignature));
    assert_eq!(
        verify(&house(), Some(&body.replace("v1", "v2")), BODY, NOW),
        Err(SignatureError::MissingSignature)
    );
    let other_path = Signed::Bodyless { method: "GET", path_and_query: "/payments/43?full=1" };
    let other_method = Signed::Bodyless { method: "DELETE", path_and_query: "/payments/42?full=1" };
    for other in [other_path, other_method] {
        assert_eq!(verify(&house(), Some(&get), other, NOW), Err(SignatureError::Mismatch));
    }
    assert!(matches!(
        Signed::request("GET", "/", b""),
        Signed::Bodyless { method: "GET", path_and_query: "/" }
    ));
    assert!(matches!(Signed::request("POST", "/", b"{}"), Signed::Body(b"{}")));
}

#[test]
fn only_the_one_form_of_the_header_is_read() {
    use SignatureError::{DuplicateTime, HeaderTooLong, Malformed, MissingSignature, MissingTime};
    let good = signed_now();
    let signature = &good["t=1700000000,v1=".len()..];
    let table = [
        (String::new(), Malformed),
        ("t".to_owned(), Malformed),
        ("t=1700000000".to_owned(), MissingSignature),
        (format!("v1={signature}"), MissingTime),
        (format!("t=1700000000,{good}"), DuplicateTime),
        (format!("{good},t=1700000001"), DuplicateTime),
        (format!("t=,v1={signature}"), Malformed),
        (format!("t=01700000000,v1={signature}"), Malformed),
        (format!("t=+1700000000,v1={signature}"), Malformed),
        (format!("t=-1700000000,v1={signature}"), Malformed),
        (format!("t=1700000000.0,v1={signature}"), Malformed),
        (format!("t=99999999999999999999,v1={signature}"), Malformed),
        (format!("t=1700000000, v1={signature}"), MissingSignature),
        (format!("t=1700000000,v1={signature} "), Malformed),
        (format!("t=1700000000,v1={}", signature.to_uppercase()), Malformed),
        (format!("t=1700000000,v1={}", &signature[..62]), Malformed),
        (format!("t=1700000000,v1={signature}00"), Malformed),
        (format!("t=1700000000,v1={}zz", &signature[..62]), Malformed),
        (format!("t=1700000000,v3={signature}"), MissingSignature),
        (format!("{good},"), Malformed),
        (format!("{good},v1={}", &signature[..62]), Malformed),
        (format!("{good},x={}", "0".repeat(MAX_HEADER_LEN)), HeaderTooLong),
    ];
    for (header, reason) in table {
        assert_eq!(check(&header), Err(reason), "{header}");
    }
    assert_eq!(verify(&house(), None, BODY, NOW), Err(SignatureError::MissingHeader));
    assert_eq!(check(&format!("{good},v9=later")), Ok(()), "a later version may add a member");
}

#[test]
fn a_time_before_1970_and_more_secrets_than_fit_are_not_signed() {
    assert_eq!(sign(&house(), -1, BODY), Err(SignatureError::Malformed));
    let many: Vec<_> = (0..20).map(|number| secret(&format!("a-shared-secret-{number:02}"))).collect();
    assert_eq!(sign(&many, NOW, BODY), Err(SignatureError::HeaderTooLong));
}

proptest! {
    #[test]
    fn what_is_signed_verifies(
        body in prop::collection::vec(any::<u8>(), 0..200),
        at in 0..4_000_000_000_i64,
        off in -300..=300_i64,
    ) {
        let signed = Signed::Body(&body);
        let header = sign(&house(), at, signed).expect("a secret");
        prop_assert_eq!(verify(&house(), Some(&header), signed, at + off), Ok(()));
    }

    #[test]
    fn any_changed_byte_of_the_body_is_refused(
        mut body in prop::collection::vec(any::<u8>(), 1..200),
        index in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let header = sign(&house(), NOW, Signed::Body(&body)).expect("a secret");
        let index = index.index(body.len());
        body[index] ^= flip;
        let verified = verify(&house(), Some(&header), Signed::Body(&body), NOW);
        prop_assert_eq!(verified, Err(SignatureError::Mismatch));
    }

    #[test]
    fn any_changed_character_of_the_header_is_refused(
        index in any::<prop::sample::Index>(),
        to in 0x20..0x7f_u8,
    ) {
        let mut header = signed_now().into_bytes();
        let index = index.index(header.len());
        prop_assume!(header[index] != to);
        header[index] = to;
        let header = String::from_utf8(header).expect("ASCII");
        prop_assert!(check(&header).is_err(), "{}", header);
    }

    #[test]
    fn garbage_is_refused_without_panic(
        garbage in prop_oneof![
            "\\PC{0,200}",
            "(t|v1|v2|v3)?=?[0-9a-f]{0,70}(,(t|v1|v2)=[0-9a-f]{0,70}){0,3}",
        ],
    ) {
        prop_assert!(check(&garbage).is_err());
        prop_assert!(!verify_hex_hmac_sha256(&house(), b"data", &garbage));
    }

    #[test]
    fn a_link_signature_covers_every_byte(
        data in prop::collection::vec(any::<u8>(), 1..200),
        index in any::<prop::sample::Index>(),
    ) {
        let signature = hex_hmac_sha256(&house()[0], &data);
        prop_assert!(verify_hex_hmac_sha256(&house(), &data, &signature));
        let mut changed = data.clone();
        changed[index.index(data.len())] ^= 1;
        prop_assert!(!verify_hex_hmac_sha256(&house(), &changed, &signature));
        prop_assert!(!verify_hex_hmac_sha256(&house(), &data, &signature[..62]));
    }
}
