//! What is issued verifies; everything else is refused, and for its own reason. Refused tokens carry a good
//! signature wherever it is not the signature that is wrong.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::*;
use crate::key::Key;
use crate::random::SeededRandom;

const NOW: i64 = 1_700_000_000;
const ISSUER: &str = "https://calmness.example";
const AUDIENCE: &str = "calmness-api";

fn key(seed: u64) -> Key {
    Key::random(&SeededRandom::new(seed))
}

fn tokens() -> AccessTokens {
    AccessTokens::new(&[SigningKey::sole(key(1))], ISSUER, AUDIENCE).expect("good names")
}

fn claims() -> Claims {
    let [sub, sid, jti] = [1, 2, 3].map(Uuid::from_u128);
    Claims { sub, sid, jti, role: "user".to_owned(), iat: NOW, exp: NOW + 1_800 }
}

fn header() -> String {
    format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{}"}}"#, key(1).id())
}

fn payload() -> String {
    let [sub, sid, jti] = [1, 2, 3].map(Uuid::from_u128);
    format!(
        r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","sub":"{sub}","sid":"{sid}","jti":"{jti}","role":"user","iat":{NOW},"exp":{}}}"#,
        NOW + 1_800
    )
}

/// Signs any texts with the right key, as an attacker can't.
fn forge(header: &str, payload: &str) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key(1).expose()), input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn check(token: &str) -> Result<Claims, JwtError> {
    tokens().verify(token, NOW).map(|verified| verified.claims)
}

/// A key that signs from a time on and is believed until another.
fn ring_key(seed: u64, signs_from: i64, verifies_until: i64) -> SigningKey {
    SigningKey { key: key(seed), signs_from, verifies_until }
}

fn ring(keys: &[SigningKey]) -> AccessTokens {
    AccessTokens::new(keys, ISSUER, AUDIENCE).expect("good names")
}

#[test]
fn an_issued_token_verifies_until_it_expires() {
    let token = tokens().issue(&claims()).expect("good claims");
    assert!(token.len() < 600, "{}", token.len());
    for at in [NOW - CLOCK_SKEW_SECONDS, NOW, NOW + 1_799] {
        assert_eq!(tokens().verify(&token, at), Ok(Verified { claims: claims(), kid: key(1).id() }));
    }
    assert_eq!(tokens().verify(&token, NOW + 1_800), Err(JwtError::Expired));
    assert_eq!(tokens().verify(&token, NOW - CLOCK_SKEW_SECONDS - 1), Err(JwtError::NotYet));
    assert_eq!(check(&forge(&header(), &payload())), Ok(claims()), "the texts of these tests are good ones");
}

#[test]
fn the_header_names_the_key_and_the_type_and_nothing_secret() {
    let token = tokens().issue(&claims()).expect("good claims");
    let first = token.split('.').next().expect("a part");
    let written = String::from_utf8(URL_SAFE_NO_PAD.decode(first).expect("base64url")).expect("text");
    let kid = key(1).id();
    for part in [r#""alg":"HS256""#, r#""typ":"at+jwt""#, &format!(r#""kid":"{kid}""#)] {
        assert!(written.contains(part), "{written}");
    }
    assert!(!hex::encode(key(1).expose()).contains(&kid));
}

/// SEC-14, RFC 8725.
#[test]
fn sec_14_no_other_algorithm_and_no_key_in_the_header_is_accepted() {
    let kid = key(1).id();
    for algorithm in ["none", "None", "hs256", "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA", ""] {
        let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"{kid}"}}"#);
        assert_eq!(check(&forge(&header, &payload())), Err(JwtError::Algorithm), "{algorithm}");
    }
    for member in [
        r#""jku":"https://evil.example/keys""#,
        r#""jwk":{"kty":"oct","k":"AAAA"}"#,
        r#""x5u":"https://evil.example/cert""#,
        r#""x5c":["AAAA"]"#,
        r#""x5t":"AAAA""#,
        r#""crit":["exp"]"#,
        r#""b64":false"#,
        r#""zip":"DEF""#,
        r#""cty":"JWT""#,
        r#""alg":"HS256""#,
        r#""typ":"at+jwt""#,
        &format!(r#""kid":"{kid}""#),
    ] {
        let header = header().replace('}', &format!(",{member}}}"));
        assert_eq!(check(&forge(&header, &payload())), Err(JwtError::Header), "{member}");
    }
    for header in [r#""HS256""#, r#"["HS256","at+jwt",null]"#, "{}", "", "null", "{} {}", r#"{"alg":256}"#] {
        assert_eq!(check(&forge(header, &payload())), Err(JwtError::Header), "{header}");
    }
}

/// SEC-14. The mistake of others: RUSTSEC-2024-0010, an empty signature passes.
#[test]
fn sec_14_a_token_without_a_signature_is_refused() {
    let good = forge(&header(), &payload());
    let unsigned = good.rsplit_once('.').expect("three parts").0;
    assert_eq!(check(&format!("{unsigned}.")), Err(JwtError::Malformed));
    assert_eq!(check(unsigned), Err(JwtError::Malformed));
    assert_eq!(check(&format!("{unsigned}.AAAA")), Err(JwtError::Signature));
}

/// SEC-14.
#[test]
fn sec_14_a_signing_key_stands_once_under_its_name() {
    let twice = [ring_key(1, 0, NOW), ring_key(2, NOW, i64::MAX), ring_key(1, NOW, i64::MAX)];
    let refused = AccessTokens::new(&twice, ISSUER, AUDIENCE).err();
    assert_eq!(refused, Some(AccessTokensError::DuplicateKey));
    assert_eq!(AccessTokens::new(&[], ISSUER, AUDIENCE).err(), Some(AccessTokensError::NoKey));
    for (issuer, audience) in [("", AUDIENCE), (ISSUER, ""), (&"x".repeat(257), AUDIENCE)] {
        let refused = AccessTokens::new(&[SigningKey::sole(key(1))], issuer, audience).err();
        assert_eq!(refused, Some(AccessTokensError::Name));
    }
}

/// SEC-15. The mistake of others: CVE-2026-25537, a string for `exp` skips its check.
#[test]
fn sec_15_a_time_that_is_not_a_json_integer_is_refused() {
    for (claim, good) in [("exp", NOW + 1_800), ("iat", NOW)] {
        for bad in
            ["\"1700001800\"", "\"soon\"", "1700001800.0", "1.7e9", "true", "null", "[]", "{}", "1e400"]
        {
            let payload = payload().replace(&format!(r#""{claim}":{good}"#), &format!(r#""{claim}":{bad}"#));
            assert_eq!(check(&forge(&header(), &payload)), Err(JwtError::Claims), "{claim} {bad}");
        }
    }
    let not_before = payload().replace('}', r#","nbf":"9999999999"}"#);
    assert_eq!(check(&forge(&header(), &not_before)), Err(JwtError::Claims));
}

/// SEC-15.
#[test]
fn sec_15_every_claim_is_required_once_with_its_type() {
    let read: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&payload()).expect("JSON");
    assert_eq!(read.len(), 8);
    for name in read.keys() {
        let mut without = read.clone();
        without.remove(name);
        let without = serde_json::to_string(&without).expect("JSON");
        assert_eq!(check(&forge(&header(), &without)), Err(JwtError::Claims), "no {name}");
        let twice = payload().replace('}', &format!(r#","{name}":{}}}"#, read[name]));
        assert_eq!(check(&forge(&header(), &twice)), Err(JwtError::Claims), "two {name}");
        for wrong in ["7.5", "null", "[\"calmness-api\"]", "{}"] {
            let mut changed = read.clone();
            changed.insert(name.clone(), serde_json::from_str(wrong).expect("JSON"));
            let changed = serde_json::to_string(&changed).expect("JSON");
            assert_eq!(check(&forge(&header(), &changed)), Err(JwtError::Claims), "{name} is {wrong}");
        }
    }
    let array =
        format!(r#"["{ISSUER}","{AUDIENCE}","{0}","{0}","{0}","user",{NOW},{1}]"#, Uuid::nil(), NOW + 60);
    for payload in
        [array, format!("{} {{}}", payload()), payload().replace('}', r#","admin":true}"#), String::new()]
    {
        assert_eq!(check(&forge(&header(), &payload)), Err(JwtError::Claims), "{payload}");
    }
    let no_role = payload().replace(r#""role":"user""#, r#""role":"""#);
    assert_eq!(check(&forge(&header(), &no_role)), Err(JwtError::Claims));
}

/// SEC-15.
#[test]
fn sec_15_type_issuer_and_audience_are_exact() {
    for (from, to) in
        [("at+jwt", "JWT"), ("at+jwt", "AT+JWT"), (r#","typ":"at+jwt""#, ""), (r#""at+jwt""#, "null")]
    {
        let header = header().replace(from, to);
        assert_eq!(check(&forge(&header, &payload())), Err(JwtError::Type), "{to}");
    }
    for issuer in ["https://calmness.example/", "https://evil.example", ""] {
        let payload = payload().replace(ISSUER, issuer);
        assert_eq!(check(&forge(&header(), &payload)), Err(JwtError::Issuer), "{issuer}");
    }
    for audience in ["calmness", "calmness-api2", "CALMNESS-API"] {
        let payload = payload().replace(AUDIENCE, audience);
        assert_eq!(check(&forge(&header(), &payload)), Err(JwtError::Audience), "{audience}");
    }
}

/// SEC-15.
#[test]
fn sec_15_a_life_beyond_thirty_minutes_is_neither_issued_nor_believed() {
    for (iat, exp) in
        [(NOW, NOW + 1_801), (NOW, NOW), (NOW, NOW - 1), (-1, 60), (0, i64::MAX), (i64::MIN, i64::MAX)]
    {
        assert_eq!(tokens().issue(&Claims { iat, exp, ..claims() }), Err(JwtError::Life), "{iat} {exp}");
        let payload = payload()
            .replace(&format!(r#""iat":{NOW}"#), &format!(r#""iat":{iat}"#))
            .replace(&format!(r#""exp":{}"#, NOW + 1_800), &format!(r#""exp":{exp}"#));
        assert_eq!(check(&forge(&header(), &payload)), Err(JwtError::Life), "{iat} {exp}");
    }
    let beyond = payload().replace(&NOW.to_string(), "99999999999999999999");
    assert_eq!(check(&forge(&header(), &beyond)), Err(JwtError::Claims));
    for role in [String::new(), "x".repeat(65)] {
        assert_eq!(tokens().issue(&Claims { role, ..claims() }), Err(JwtError::Claims));
    }
}

/// SEC-16.
#[test]
fn sec_16_a_superseded_key_verifies_until_its_time_and_never_after() {
    let old = tokens().issue(&claims()).expect("good claims");
    let rotated = ring(&[ring_key(2, NOW, i64::MAX), ring_key(1, 0, NOW + 1_000)]);
    assert_eq!(rotated.verify(&old, NOW + 999), Ok(Verified { claims: claims(), kid: key(1).id() }));
    assert_eq!(rotated.verify(&old, NOW + 1_000), Err(JwtError::UnknownKey));
    let new = rotated.issue(&claims()).expect("good claims");
    assert_eq!(rotated.verify(&new, NOW), Ok(Verified { claims: claims(), kid: key(2).id() }));
    assert_eq!(check(&new), Err(JwtError::UnknownKey), "the old instance does not know the new key");
    assert_eq!(ring(&[SigningKey::sole(key(2))]).verify(&old, NOW), Err(JwtError::UnknownKey));
    for header in [header().replace(&key(1).id(), ""), r#"{"alg":"HS256","typ":"at+jwt"}"#.to_owned()] {
        assert_eq!(check(&forge(&header, &payload())), Err(JwtError::UnknownKey), "{header}");
    }
}

/// SEC-16. The order of the list means nothing: times decide.
#[test]
fn sec_16_the_newest_key_signs_from_its_time_on() {
    let coming = [
        ring_key(3, NOW + 600, i64::MAX),
        ring_key(1, NOW - 600, NOW + 1_800),
        ring_key(2, NOW, NOW + 2_400),
    ];
    let signer = |keys: &[SigningKey], iat| {
        let tokens = ring(keys);
        let token = tokens.issue(&Claims { iat, exp: iat + 60, ..claims() })?;
        Ok(tokens.verify(&token, iat).expect("it believes what it issues").kid)
    };
    for (iat, seed) in
        [(NOW - 600, 1), (NOW - 1, 1), (NOW, 2), (NOW + 599, 2), (NOW + 600, 3), (NOW + 9_999, 3)]
    {
        assert_eq!(signer(&coming, iat), Ok(key(seed).id()), "{iat}");
    }
    assert_eq!(signer(&coming, NOW - 601), Err(JwtError::NoSigningKey));
    let early = ring(&[ring_key(3, 0, i64::MAX)]).issue(&claims()).expect("good claims");
    let verified = ring(&coming).verify(&early, NOW).expect("a clock may be ahead");
    assert_eq!(verified.kid, key(3).id());
}

/// SEC-16. After an emergency the revoked key neither signs nor verifies, whatever is still in the ring.
#[test]
fn sec_16_a_revoked_key_signs_nothing_and_nothing_under_it_is_believed() {
    let revoked = ring(&[ring_key(1, 0, NOW), ring_key(2, 0, i64::MAX), ring_key(3, NOW - 1, NOW)]);
    for seed in [1, 3] {
        let token = ring(&[SigningKey::sole(key(seed))]).issue(&claims()).expect("good claims");
        assert_eq!(revoked.verify(&token, NOW), Err(JwtError::UnknownKey));
    }
    let token = revoked.issue(&claims()).expect("one key is left");
    assert_eq!(revoked.verify(&token, NOW).expect("it is believed").kid, key(2).id());
    let none_left = ring(&[ring_key(1, 0, NOW)]);
    assert_eq!(none_left.issue(&claims()), Err(JwtError::NoSigningKey));
}

#[test]
fn only_three_parts_of_strict_base64url_are_read() {
    let good = forge(&header(), &payload());
    let parts: Vec<&str> = good.split('.').collect();
    let bad = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        format!("{good}."),
        format!("{good}.{}", parts[2]),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}="),
        format!("{good}\n"),
        good.replace('.', ".."),
        format!("{}.{}", parts[0], parts[2]),
    ];
    for token in bad {
        assert_eq!(check(&token), Err(JwtError::Malformed), "{token}");
    }
    assert_eq!(check(&format!("{good}{}", "A".repeat(MAX_TOKEN_LEN))), Err(JwtError::TooLong));
}

proptest! {
    #[test]
    fn whatever_is_issued_verifies(
        sub in any::<u128>(),
        role in "[a-z]{1,20}",
        at in 0..4_000_000_000_i64,
        life in 1..=1_800_i64,
    ) {
        let claims = Claims { sub: Uuid::from_u128(sub), role, iat: at, exp: at + life, ..claims() };
        let token = tokens().issue(&claims).expect("good claims");
        prop_assert_eq!(tokens().verify(&token, at), Ok(Verified { claims, kid: key(1).id() }));
    }

    #[test]
    fn any_changed_character_is_refused(index in any::<prop::sample::Index>(), to in 0x20..0x7f_u8) {
        let mut token = tokens().issue(&claims()).expect("good claims").into_bytes();
        let index = index.index(token.len());
        prop_assume!(token[index] != to);
        token[index] = to;
        let token = String::from_utf8(token).expect("ASCII");
        prop_assert!(check(&token).is_err(), "{}", token);
    }

    #[test]
    fn garbage_is_refused_without_panic(
        garbage in prop_oneof![
            "\\PC{0,200}",
            "[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,50}",
        ],
        header in "\\PC{0,60}",
        payload in "\\PC{0,60}",
    ) {
        prop_assert!(check(&garbage).is_err());
        prop_assert!(check(&forge(&header, &payload)).is_err());
        prop_assert!(check(&forge(&self::header(), &payload)).is_err());
    }
}
