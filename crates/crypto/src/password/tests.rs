//! Hashing against the reference's vector, what unknown users cost, and damaged hashes.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::random::SeededRandom;

const CHEAP: PasswordParams = PasswordParams { memory_kib: 64, passes: 1, lanes: 1 };

fn hasher(params: PasswordParams) -> Hasher {
    Hasher::new(params, &SeededRandom::new(1)).expect("allowed parameters")
}

fn text(password: &str) -> SecretString {
    SecretString::from(password)
}

/// From the tests of the reference implementation (phc-winner-argon2): version 19, 64 MiB, 2 passes, salt
/// "somesalt".
#[test]
fn sec_3_a_hash_of_the_reference_implementation_verifies() {
    let phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let hasher = hasher(PasswordParams::default());
    let verified = hasher.verify(&text("password"), phc).expect("a good hash");
    assert_eq!(verified, Verified { ok: true, needs_rehash: false });
    assert!(!hasher.verify(&text("Password"), phc).expect("a good hash").ok);
}

/// SEC-3.
#[test]
fn sec_3_the_default_is_argon2id_with_19_mib_and_two_passes() {
    let hasher = hasher(PasswordParams::default());
    let phc = hasher.hash(&text("correct horse battery staple"), [7; 16]).expect("memory");
    assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$"), "{phc}");
    let good = hasher.verify(&text("correct horse battery staple"), &phc).expect("a good hash");
    assert_eq!(good, Verified { ok: true, needs_rehash: false });
    let wrong = hasher.verify(&text("correct horse battery stapl"), &phc).expect("a good hash");
    assert_eq!(wrong, Verified { ok: false, needs_rehash: false });
}

/// SEC-3.
#[test]
fn sec_3_a_cheaper_hash_asks_to_be_made_again_and_a_dearer_one_does_not() {
    let password = text("correct horse battery staple");
    let dearer = PasswordParams { memory_kib: 128, passes: 2, lanes: 1 };
    let old = hasher(CHEAP).hash(&password, [1; 16]).expect("memory");
    let new = hasher(dearer).hash(&password, [1; 16]).expect("memory");
    assert!(hasher(dearer).verify(&password, &old).expect("good").needs_rehash);
    assert!(!hasher(dearer).verify(&text("wrong password"), &old).expect("good").needs_rehash);
    assert!(!hasher(CHEAP).verify(&password, &new).expect("good").needs_rehash);
    assert!(
        !CHEAP.at_least(PasswordParams::FLOOR) && PasswordParams::default().at_least(PasswordParams::FLOOR)
    );
}

/// SEC-4. The dummy has the parameters of real hashes, and no password fits it.
#[test]
fn sec_4_the_dummy_is_a_full_hash_that_nothing_fits() {
    let hasher = hasher(CHEAP);
    let real = hasher.hash(&text("correct horse battery staple"), [1; 16]).expect("memory");
    let shape = |phc: &str| phc.split('$').map(str::len).collect::<Vec<_>>();
    assert_eq!(shape(hasher.dummy()), shape(&real));
    assert_eq!(hasher.dummy().split('$').nth(3), Some("m=64,t=1,p=1"));
    for guess in ["", "dummy", hasher.dummy()] {
        assert!(!hasher.verify(&text(guess), hasher.dummy()).expect("a good hash").ok);
    }
    let other = Hasher::new(CHEAP, &SeededRandom::new(2)).expect("allowed parameters");
    assert_ne!(hasher.dummy(), other.dummy(), "made for each start");
}

/// SEC-4. The mistake of others: a malformed hash answers at once. Here it costs a whole hash: filling 64 MiB
/// takes well above 4 ms on any machine, reading a short text takes microseconds. The least of three tries
/// counts, so that a busy machine hides nothing.
#[test]
fn sec_4_a_malformed_hash_costs_as_much_as_a_good_one() {
    let hasher = hasher(PasswordParams { memory_kib: 65_536, passes: 1, lanes: 1 });
    for phc in [hasher.dummy(), "", "$argon2id$", "plain text"] {
        let tries = (0..3).map(|_| {
            let started = Instant::now();
            let _ = hasher.verify(&text("a password"), phc);
            started.elapsed()
        });
        let least = tries.min().expect("three tries");
        assert!(least > Duration::from_millis(4), "{phc:?} took {least:?}");
    }
}

#[test]
fn a_hash_that_is_not_ours_is_damaged_not_wrong() {
    let hasher = hasher(CHEAP);
    let good = hasher.hash(&text("correct horse"), [1; 16]).expect("memory");
    let bad = [
        String::new(),
        "*".to_owned(),
        good.replace("argon2id", "argon2i"),
        good.replace("argon2id", "scrypt"),
        good.replace("v=19", "v=16"),
        good.replace("$v=19", ""),
        good.replace("m=64", "m=4294967295"),
        good.replace("m=64", "m=1"),
        good.replace("t=1", "t=1000000"),
        good.replace("p=1", "p=0"),
        good[..good.len() - 3].to_owned(),
        good.rsplit_once('$').map(|(rest, _)| rest.to_owned()).expect("parts"),
        format!("{good}$extra"),
    ];
    for phc in bad {
        let refused = hasher.verify(&text("correct horse"), &phc);
        assert_eq!(refused, Err(PasswordError::DamagedHash), "{phc}");
    }
}

#[test]
fn impossible_parameters_are_refused() {
    for (memory_kib, passes, lanes) in
        [(0, 1, 1), (64, 0, 1), (64, 1, 0), (8, 1, 2), (2_000_000, 1, 1), (64, 65, 1)]
    {
        let refused = Hasher::new(PasswordParams { memory_kib, passes, lanes }, &SeededRandom::new(1)).err();
        assert_eq!(refused, Some(PasswordError::BadParams), "{memory_kib} {passes} {lanes}");
    }
}

#[test]
fn no_byte_of_a_long_password_is_cut_off() {
    let hasher = hasher(CHEAP);
    let long = "é".repeat(50_000);
    let phc = hasher.hash(&text(&long), [1; 16]).expect("memory");
    assert!(hasher.verify(&text(&long), &phc).expect("good").ok);
    assert!(!hasher.verify(&text(&format!("{long}x")), &phc).expect("good").ok);
    assert!(!hasher.verify(&text(&long[2..]), &phc).expect("good").ok);
    for odd in ["", "\0", "pass\0word"] {
        let phc = hasher.hash(&text(odd), [1; 16]).expect("memory");
        assert!(hasher.verify(&text(odd), &phc).expect("good").ok);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_stored_text_is_read_without_panic(
        phc in prop_oneof![
            "\\PC{0,100}",
            "\\$argon2id\\$v=19\\$m=[0-9]{1,3},t=[0-3],p=[0-2]\\$[A-Za-z0-9+/]{0,30}\\$[A-Za-z0-9+/]{0,50}",
        ],
    ) {
        let verified = hasher(CHEAP).verify(&text("a password"), &phc);
        prop_assert!(verified.is_err() || verified.is_ok_and(|tried| !tried.ok));
    }
}
