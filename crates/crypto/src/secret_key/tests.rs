//! Derivation against values made by another implementation, and the look of weak secrets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::random::{self, SeededRandom};

const STRONG: &str = "kZ3vQ8nXw1Rt6YbL0pJfHs5UeGm9CdAa2ViOoTrPqWxEyBzN4MhKuDgSjFl7IcV=";

fn parse(text: &str) -> Result<SecretKey, WeakSecretKey> {
    SecretKey::parse(&SecretString::from(text))
}

/// SEC-32. Made with Python's `hmac` by the steps of RFC 5869. These values never change: data in the field
/// are under them.
#[test]
fn every_purpose_derives_the_key_that_another_implementation_derives() {
    let expected = [
        "5a6e21e6853ed34b96b8ba8cd37bc01fe4e8b455694cd67a2170214a01170c59",
        "4ee684d6b20f325424861b9ab40e7d9a058d53cfc31090854ea75d59c70dec7f",
        "8db624e282c317c255cf0d4eac4d19657ad9576c93a2af38721f8af11ba7f317",
        "e6fe689bc44a755c9bf6ce9ec4c563b0d93c888d723cb79736148af0a3ea97fb",
        "83bc5eafed1ce807ddb4a1d7897752d63d00da02d910409002bb8a9c3bfbd51e",
        "36de43d07b98205b4654f1793abfc8aef2b3a622e6b290eb1de875bf39163db8",
        "076cd5c3150a2140a3a34317e09028ed4a8ed1b3db13339b246b47af04dc5323",
        "72ca3efe233f6c0f647d3059defaf468c6818d8d827372fea67197ea13a9d60a",
        "5a34faf6c492cd68432796068bd469c121bdf3baad2b448ebaa924e75d40a85b",
        "cfca1b7f21345324f3864bda737a7b6fafeb5e02070f66e8c88ff881e1888da0",
        "4f467fe978b8842b767dae5deaec42ab27f3637638795fae03645db4b1252742",
        "6ec2584031cd2b1992265753de42a45f9de33ca8c57b01c810100f9c4c2a4559",
        "1af16f76ef5e17ee61546f18abc2444e7c708c4487e39117196713a7c1e4a80b",
    ];
    let secret = parse(STRONG).expect("a strong secret");
    let derived = Purpose::ALL.map(|purpose| hex::encode(secret.derive(purpose).expose()));
    assert_eq!(derived, expected);
    assert_eq!(secret.derive(Purpose::JwtSigning).id(), "95d0bafdedf8953c0afd4b7583abcac6");
}

/// SEC-32.
#[test]
fn no_two_purposes_share_a_key_and_each_is_described() {
    let infos: std::collections::HashSet<_> = Purpose::ALL.iter().map(|purpose| purpose.info()).collect();
    assert_eq!(infos.len(), Purpose::ALL.len());
    assert!(Purpose::ALL.iter().all(|purpose| purpose.description().len() > 20));
}

#[test]
fn white_space_around_the_secret_makes_no_other_key() {
    let plain = parse(STRONG).expect("a strong secret").derive(Purpose::Csrf);
    let from_file = parse(&format!("{STRONG}\n")).expect("a strong secret").derive(Purpose::Csrf);
    assert_eq!(plain.expose(), from_file.expose());
}

#[test]
fn a_guessable_secret_is_refused_with_the_way_to_make_a_good_one() {
    use WeakSecretKey::{LowEntropy, Repetitive, TooLong, TooShort, WellKnown};
    let long = "x7".repeat(600);
    let table: [(&str, WeakSecretKey); 14] = [
        ("", TooShort { bytes: 0 }),
        ("changeme", TooShort { bytes: 8 }),
        ("kZ3vQ8nXw1Rt6YbL0pJfHs5UeGm9CdA", TooShort { bytes: 31 }),
        ("                                                  kZ3v", TooShort { bytes: 4 }),
        (&long, TooLong),
        ("changeme-kZ3vQ8nXw1Rt6YbL0pJfHs5UeGm9CdA", WellKnown),
        ("ChangeMe-kZ3vQ8nXw1Rt6YbL0pJfHs5UeGm9CdA", WellKnown),
        ("django-insecure-kZ3vQ8nXw1Rt6YbL0pJfHs5UeGm9", WellKnown),
        ("this-is-my-super-secret-key-for-production-42", WellKnown),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Repetitive),
        ("Xk9#mQ2pXk9#mQ2pXk9#mQ2pXk9#mQ2pXk9#mQ2p", Repetitive),
        ("zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONM", Repetitive),
        ("4711081542421337090807114711081542031337", LowEntropy),
        ("3f9c1a7be2d04c86a5f17e3b9d20c4f8", LowEntropy),
    ];
    for (text, reason) in table {
        let refused = parse(text).expect_err(text);
        assert_eq!(refused, reason, "{text}");
        assert!(refused.to_string().contains("openssl rand -base64 48"));
    }
}

#[test]
fn every_drawn_secret_is_accepted() {
    let random = SeededRandom::new(1);
    for _ in 0..2_000 {
        let drawn: [u8; 48] = random::bytes(&random);
        parse(&STANDARD.encode(drawn)).expect("openssl rand -base64 48");
        parse(&STANDARD.encode(&drawn[..32])).expect("openssl rand -base64 32");
        parse(&hex::encode(&drawn[..32])).expect("openssl rand -hex 32");
    }
}

#[test]
fn a_previous_secret_still_derives_and_equal_ones_count_once() {
    let other = "Vc1lFjSgDuKhM4NzByExWqPrToOi2aAdC9mGeU5sHfJp0LbY6tR1wXn8Qv3Zk=AB";
    let texts = |list: &[&str]| list.iter().map(|text| SecretString::from(*text)).collect::<Vec<_>>();
    let keys =
        SecretKeys::parse(&SecretString::from(STRONG), &texts(&[other, STRONG, other])).expect("strong");
    let previous = keys.previous(Purpose::JwtSigning);
    assert_eq!(previous.len(), 1);
    let expected = parse(other).expect("strong").derive(Purpose::JwtSigning);
    assert_eq!(previous[0].expose(), expected.expose());
    assert_ne!(keys.current(Purpose::JwtSigning).expose(), expected.expose());
}

#[test]
fn a_weak_previous_secret_is_named_by_its_number() {
    let weak = [
        SecretString::from("Vc1lFjSgDuKhM4NzByExWqPrToOi2aAdC9mGeU5sHfJp0LbY6t"),
        SecretString::from("short"),
    ];
    let refused = SecretKeys::parse(&SecretString::from(STRONG), &weak).expect_err("a weak one");
    assert!(
        refused.to_string().starts_with("SECRET_KEY_PREVIOUS, number 2: the secret has 5 bytes"),
        "{refused}"
    );
    let many = vec![SecretString::from(STRONG); MAX_PREVIOUS + 1];
    let refused = SecretKeys::parse(&SecretString::from(STRONG), &many).expect_err("too many");
    assert_eq!(refused, SecretKeysError::TooManyPrevious);
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }
}
