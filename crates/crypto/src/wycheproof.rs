//! The vectors of Wycheproof against the layers that carry them: AES-256-GCM (SEC-25), HMAC-SHA256 (SEC-34),
//! JWS (SEC-14).
//!
//! The vectors lie beside the workspace and are not copied into it; without them each test says so and
//! passes. Another place can be named by `CALMNESS_SHARED` when the tests are built.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::aead::Cipher;
use crate::fingerprint::constant_time_eq;
use crate::jwt;

fn vectors(name: &str) -> Option<Value> {
    let shared = option_env!("CALMNESS_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = shared.join("vectors/wycheproof").join(name);
    if !path.exists() {
        println!("skipped: Wycheproof vectors not found at {}", path.display());
        return None;
    }
    let text = std::fs::read_to_string(&path).expect("the file of vectors is readable");
    Some(serde_json::from_str(&text).expect("the file of vectors is JSON"))
}

fn groups(vectors: &Value) -> &[Value] {
    vectors["testGroups"].as_array().expect("vectors come in groups")
}

fn tests(group: &Value) -> &[Value] {
    group["tests"].as_array().expect("a group has tests")
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().expect("the member is text")
}

fn bytes(value: &Value, name: &str) -> Vec<u8> {
    hex::decode(text(value, name)).expect("the member is hex")
}

#[test]
fn sec_25_aes_256_gcm_agrees_with_all_66_cases() {
    let Some(vectors) = vectors("aes_gcm_test.json") else { return };
    let mut seen = 0;
    for group in groups(&vectors) {
        let ours = (group["keySize"].as_u64(), group["ivSize"].as_u64(), group["tagSize"].as_u64());
        if ours != (Some(256), Some(96), Some(128)) {
            continue;
        }
        for test in tests(group) {
            let cipher = Cipher::new(&bytes(test, "key").try_into().expect("the key has 32 bytes"));
            let (nonce, associated, plaintext) = (bytes(test, "iv"), bytes(test, "aad"), bytes(test, "msg"));
            let sealed = [bytes(test, "ct"), bytes(test, "tag")].concat();
            let opened = cipher.open(&nonce, &associated, &sealed);
            let mut sealed_here = Vec::new();
            let nonce = nonce.try_into().expect("the nonce has 12 bytes");
            cipher.seal(nonce, &associated, &plaintext, &mut sealed_here).expect("the text is short");
            if test["result"] == "valid" {
                assert_eq!(
                    opened.expect("a valid case opens").expose_secret(),
                    plaintext,
                    "{}",
                    test["tcId"]
                );
                assert_eq!(sealed_here, sealed, "{}", test["tcId"]);
            } else {
                assert!(opened.is_err(), "{}", test["tcId"]);
                assert_ne!(sealed_here, sealed, "{}", test["tcId"]);
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 66);
}

#[test]
fn sec_34_hmac_sha256_agrees_with_all_174_cases() {
    let Some(vectors) = vectors("hmac_sha256_test.json") else { return };
    let mut seen = 0;
    for group in groups(&vectors) {
        let tag_len = usize::try_from(group["tagSize"].as_u64().expect("a size") / 8).expect("a small size");
        for test in tests(group) {
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &bytes(test, "key"));
            let computed = aws_lc_rs::hmac::sign(&key, &bytes(test, "msg"));
            let fits = constant_time_eq(&computed.as_ref()[..tag_len], &bytes(test, "tag"));
            assert_eq!(fits, test["result"] == "valid", "{}", test["tcId"]);
            seen += 1;
        }
    }
    assert_eq!(seen, 174);
}

/// These put a `?` into the base64url and are called valid: RFC 7515 knows no such character, so they are
/// refused here.
const LENIENT_BASE64: [u64; 2] = [372, 373];

/// These are called invalid for their padding, but have none: byte for byte they are the valid case 357 under
/// the same key, so no verifier can agree with both labels (C2SP/wycheproof issue 236).
const SAME_AS_357: [u64; 2] = [367, 370];

#[test]
fn sec_14_jws_agrees_with_the_hs256_cases_and_refuses_all_361_others() {
    let Some(vectors) = vectors("json_web_signature_test.json") else { return };
    let (mut as_labelled, mut refused, mut others) = (0, Vec::new(), 0);
    let (mut valid_357, mut same_as_it) = (String::new(), Vec::new());
    for group in groups(&vectors) {
        for test in tests(group) {
            let id = test["tcId"].as_u64().expect("a number");
            let jws = text(test, "jws");
            if group["private"]["kty"] != "oct" {
                for key in confusable_keys(group) {
                    assert!(jwt::verify_jws(&key, jws).is_err(), "{id}");
                }
                others += 1;
                continue;
            }
            let key = URL_SAFE_NO_PAD.decode(text(&group["private"], "k")).expect("the key is base64url");
            let verified = jwt::verify_jws(&key, jws);
            if LENIENT_BASE64.contains(&id) {
                assert!(verified.is_err(), "{id}");
                refused.push(id);
            } else if SAME_AS_357.contains(&id) {
                assert_eq!(jws, valid_357, "{id} was mended: it belongs to those as labelled now");
                same_as_it.push(id);
            } else {
                assert_eq!(verified.is_ok(), test["result"] == "valid", "{id}: {verified:?}");
                as_labelled += 1;
            }
            if id == 357 {
                jws.clone_into(&mut valid_357);
            }
        }
    }
    assert_eq!((as_labelled, others), (36, 361));
    assert_eq!((&refused[..], &same_as_it[..]), (&LENIENT_BASE64[..], &SAME_AS_357[..]));
}

/// What a confused verifier might take for an HMAC key when it is given a public one: each part of it,
/// decoded and as text, and the whole.
fn confusable_keys(group: &Value) -> Vec<Vec<u8>> {
    let mut keys = vec![vec![0; 32]];
    for half in [&group["public"], &group["private"]] {
        if half.is_null() {
            continue;
        }
        keys.push(half.to_string().into_bytes());
        for part in half.as_object().expect("a key is an object").values().filter_map(Value::as_str) {
            keys.push(part.as_bytes().to_vec());
            keys.extend(URL_SAFE_NO_PAD.decode(part));
        }
    }
    keys
}
