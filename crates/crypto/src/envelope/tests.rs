//! What opens, and everything that must not.

use std::sync::Arc;

use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};

use super::*;
use crate::aead::Cipher;
use crate::key::Key;
use crate::random::SeededRandom;
use crate::secret_key::SecretKeys;

const DETAILS: Label = Label::new("payment_methods", "details_encrypted");
const VALUE: Label = Label::new("admin_config", "value_encrypted");

const ROW: Uuid = Uuid::from_u128(0x0193_b5a0_0000_7000_8000_0000_0000_0001);
const KEY_ID: Uuid = Uuid::from_u128(0x0193_b5a0_0000_4000_8000_0000_0000_000a);

fn counting_bytes(from: u8) -> Vec<u8> {
    (from..from + 32).collect()
}

fn data_key(id: Uuid, from: u8) -> DataKey {
    DataKey::new(id, &DataKeyBytes::from_slice(&counting_bytes(from)).expect("32 bytes"))
}

fn keys(environment: &str) -> DataKeys {
    DataKeys::new(environment, data_key(KEY_ID, 0), Vec::new()).expect("one key")
}

fn local(seed: u64, previous: &[Key]) -> LocalKeyBackend {
    let random = Arc::new(SeededRandom::new(seed));
    LocalKeyBackend::new(&Key::random(&*random), previous, random)
}

fn configured_kek() -> Key {
    Key::from_bytes(&counting_bytes(64)).expect("32 bytes")
}

/// SEC-26. Made with Python's `cryptography` from the format's description: what is in the field stays
/// readable.
#[test]
fn a_value_sealed_by_another_implementation_opens() {
    let sealed = "010193b5a000004000800000000000000ac8c9cacbcccdcecfd0d1d2d3\
                  6a5a15b4eda995024e1e6fd34137c96968fbe260b959421fcefbf0682fccfb48";
    let opened = keys("production").open_text(&DETAILS, ROW, &hex::decode(sealed).expect("hex"));
    assert_eq!(opened.expect("it opens").expose_secret(), r#"{"token":"pm_1"}"#);
}

/// SEC-30. As above, for the local backend.
#[tokio::test]
async fn a_data_key_wrapped_by_another_implementation_unwraps() {
    let wrapped = "0122b55bb44591191a1766c9ef2528050bc8c9cacbcccdcecfd0d1d2d3\
                   6fb26a9caba738fc70ae171c9414ce9876a94d0851437d703c14524d1788b4c688544b91f26ecf5b519c519351e293ee";
    let backend = LocalKeyBackend::new(&configured_kek(), &[], Arc::new(SeededRandom::new(1)));
    let kek_id = "22b55bb44591191a1766c9ef2528050b";
    assert_eq!(backend.key_id(), kek_id);
    let wrapped = WrappedKey {
        bytes: hex::decode(wrapped).expect("hex"),
        backend: "local".to_owned(),
        kek_id: kek_id.to_owned(),
    };
    let stored = StoredDataKey { id: KEY_ID, wrapped };
    let key = open_data_key(&backend, "production", &stored).await.expect("it unwraps");
    let sealed =
        keys("production").seal(&SeededRandom::new(2), &DETAILS, ROW, b"hello").expect("a fresh key");
    let opened = DataKeys::new("production", key, Vec::new()).expect("one key").open(&DETAILS, ROW, &sealed);
    assert_eq!(opened.expect("the same key").expose_secret(), b"hello");
}

/// SEC-26. The mistake of others: GCM with nothing beside the text, so that rows can be exchanged.
#[test]
fn a_ciphertext_without_associated_data_does_not_open() {
    let mut sealed = vec![1];
    sealed.extend_from_slice(KEY_ID.as_bytes());
    sealed.extend_from_slice(&[7; 12]);
    let key: [u8; 32] = counting_bytes(0).try_into().expect("32 bytes");
    Cipher::new(&key).seal([7; 12], b"", b"hello", &mut sealed).expect("short");
    assert_eq!(keys("production").open(&DETAILS, ROW, &sealed).expect_err("unbound"), OpenError::Tampered);
}

/// SEC-27.
#[test]
fn a_data_key_refuses_after_its_last_encryption_and_still_opens() {
    let key = data_key(KEY_ID, 0).counting_from(MAX_SEALS_PER_KEY - 1);
    let keys = DataKeys::new("production", key, Vec::new()).expect("one key");
    let random = SeededRandom::new(1);
    let last = keys.seal(&random, &DETAILS, ROW, b"last").expect("the last one");
    assert_eq!(keys.current_seals(), MAX_SEALS_PER_KEY);
    for _ in 0..3 {
        let refused = keys.seal(&random, &DETAILS, ROW, b"one more").expect_err("the limit");
        assert_eq!(refused, SealError::Exhausted { data_key: KEY_ID });
    }
    assert_eq!(keys.current_seals(), MAX_SEALS_PER_KEY, "refusing does not count");
    assert!(keys.open(&DETAILS, ROW, &last).is_ok());
    let rotated = keys.rotated(data_key(Uuid::from_u128(2), 1)).expect("a new id");
    assert!(rotated.seal(&random, &DETAILS, ROW, b"goes on").is_ok());
}

/// SEC-31.
#[test]
fn after_a_rotation_new_values_name_the_new_key_and_old_ones_open() {
    let random = SeededRandom::new(1);
    let before = keys("production");
    let old = before.seal(&random, &DETAILS, ROW, b"old").expect("a fresh key");
    let next = Uuid::from_u128(2);
    let after = before.rotated(data_key(next, 1)).expect("a new id");
    let new = after.seal(&random, &DETAILS, ROW, b"new").expect("a fresh key");
    assert_eq!((sealed_under(&old), sealed_under(&new)), (Some(KEY_ID), Some(next)));
    assert_eq!(after.open(&DETAILS, ROW, &old).expect("kept").expose_secret(), b"old");
    assert_eq!(after.open(&DETAILS, ROW, &new).expect("current").expose_secret(), b"new");
    assert_eq!(before.open(&DETAILS, ROW, &new).expect_err("not loaded"), OpenError::UnknownDataKey(next));
    assert_eq!(after.rotated(data_key(KEY_ID, 5)).expect_err("known"), DuplicateDataKey(KEY_ID));
}

#[test]
fn sealing_twice_never_gives_the_same_bytes() {
    let (keys, random) = (keys("production"), SeededRandom::new(1));
    let sealed: std::collections::HashSet<Vec<u8>> =
        (0..1_000).map(|_| keys.seal(&random, &DETAILS, ROW, b"same").expect("a fresh key")).collect();
    assert_eq!(sealed.len(), 1_000);
    assert_eq!(keys.current_seals(), 1_000);
}

#[test]
fn a_value_beyond_the_limit_is_refused_and_one_at_it_is_kept() {
    let (keys, random) = (keys("production"), SeededRandom::new(1));
    let at_limit = vec![7; MAX_PLAINTEXT_LEN];
    let sealed = keys.seal(&random, &DETAILS, ROW, &at_limit).expect("at the limit");
    assert_eq!(keys.open(&DETAILS, ROW, &sealed).expect("untouched").expose_secret(), at_limit);
    let beyond = vec![7; MAX_PLAINTEXT_LEN + 1];
    assert_eq!(keys.seal(&random, &DETAILS, ROW, &beyond).expect_err("beyond"), SealError::TooLong);
}

#[test]
fn bytes_that_are_not_text_open_as_bytes_only() {
    let (keys, random) = (keys("production"), SeededRandom::new(1));
    let sealed = keys.seal(&random, &DETAILS, ROW, &[0xff, 0xfe]).expect("a fresh key");
    assert_eq!(keys.open_text(&DETAILS, ROW, &sealed).expect_err("not text"), OpenError::NotText);
    assert_eq!(keys.open(&DETAILS, ROW, &sealed).expect("bytes").expose_secret(), [0xff, 0xfe]);
}

/// SEC-26, SEC-30.
#[tokio::test]
async fn a_wrapped_data_key_unwraps_only_for_its_own_row_and_environment() {
    let backend = local(1, &[]);
    let (stored, _) = generate_data_key(&backend, &SeededRandom::new(2), "production").await.expect("made");
    assert!(open_data_key(&backend, "production", &stored).await.is_ok());
    let elsewhere = open_data_key(&backend, "staging", &stored).await.expect_err("another environment");
    assert_eq!(elsewhere, KeyBackendError::Tampered);
    let moved = StoredDataKey { id: KEY_ID, ..stored.clone() };
    let moved = open_data_key(&backend, "production", &moved).await.expect_err("another row");
    assert_eq!(moved, KeyBackendError::Tampered);
    for index in 0..stored.wrapped.bytes.len() {
        let mut changed = stored.clone();
        changed.wrapped.bytes[index] ^= 1;
        assert!(open_data_key(&backend, "production", &changed).await.is_err(), "byte {index}");
    }
    for length in 0..stored.wrapped.bytes.len() {
        let mut cut = stored.clone();
        cut.wrapped.bytes.truncate(length);
        let cut = open_data_key(&backend, "production", &cut).await.expect_err("cut");
        assert_eq!(cut, KeyBackendError::Malformed);
    }
}

/// SEC-26, SEC-31.
#[tokio::test]
async fn a_rewrap_moves_the_data_key_and_leaves_every_ciphertext_alone() {
    let random = SeededRandom::new(3);
    let old_kek = configured_kek();
    let before = LocalKeyBackend::new(&old_kek, &[], Arc::new(SeededRandom::new(1)));
    let (stored, key) = generate_data_key(&before, &random, "production").await.expect("made");
    let keys = DataKeys::new("production", key, Vec::new()).expect("one key");
    let sealed = keys.seal(&random, &VALUE, ROW, b"kept").expect("a fresh key");

    let during = local(2, &[old_kek]);
    assert_ne!(stored.wrapped.kek_id, during.key_id(), "due for a rewrap");
    assert!(open_data_key(&during, "production", &stored).await.is_ok(), "the previous key still unwraps");
    let moved = rewrap_data_key(&during, &during, "production", &stored).await.expect("rewrapped");
    assert_eq!((moved.id, &moved.wrapped.kek_id), (stored.id, &during.key_id()));

    let after = local(2, &[]);
    let gone = open_data_key(&after, "production", &stored).await.expect_err("the old key is disabled");
    assert_eq!(gone, KeyBackendError::UnknownKey { kek_id: stored.wrapped.kek_id });
    let key = open_data_key(&after, "production", &moved).await.expect("under the new key");
    let keys = DataKeys::new("production", key, Vec::new()).expect("one key");
    assert_eq!(keys.open(&VALUE, ROW, &sealed).expect("untouched").expose_secret(), b"kept");
}

#[tokio::test]
async fn a_rotation_of_the_secret_key_keeps_data_keys_readable() {
    let [old, new] = [
        "kZ3vQ8nXw1Rt6YbL0pJfHs5UeGm9CdAa2ViOoTrPqWxEyBzN4MhKuDgSjFl7IcV=",
        "Vc1lFjSgDuKhM4NzByExWqPrToOi2aAdC9mGeU5sHfJp0LbY6tR1wXn8Qv3Zk=AB",
    ]
    .map(SecretString::from);
    let random = Arc::new(SeededRandom::new(1));
    let secrets = SecretKeys::parse(&old, &[]).expect("strong");
    let before = LocalKeyBackend::derived(&secrets, random.clone());
    let (stored, _) = generate_data_key(&before, &*random, "production").await.expect("made");
    let rotated = SecretKeys::parse(&new, std::slice::from_ref(&old)).expect("strong");
    let after = LocalKeyBackend::derived(&rotated, random.clone());
    assert!(open_data_key(&after, "production", &stored).await.is_ok());
    let forgotten = LocalKeyBackend::derived(&SecretKeys::parse(&new, &[]).expect("strong"), random);
    assert!(open_data_key(&forgotten, "production", &stored).await.is_err());
}

#[tokio::test]
async fn a_row_of_another_backend_is_not_tried() {
    let backend = local(1, &[]);
    let (mut stored, _) = generate_data_key(&backend, &SeededRandom::new(2), "test").await.expect("made");
    stored.wrapped.backend = "vault".to_owned();
    let refused = open_data_key(&backend, "test", &stored).await.expect_err("another backend");
    assert_eq!(refused.to_string(), "the data key was wrapped by `vault`, not by `local`");
}

proptest! {
    #[test]
    fn what_was_sealed_opens_at_its_place(
        text in prop::collection::vec(any::<u8>(), 0..300),
        row in any::<u128>(),
        seed in any::<u64>(),
    ) {
        let keys = keys("production");
        let row = Uuid::from_u128(row);
        let sealed = keys.seal(&SeededRandom::new(seed), &DETAILS, row, &text).expect("a fresh key");
        prop_assert_eq!(sealed.len(), text.len() + 45);
        prop_assert_eq!(sealed_under(&sealed), Some(KEY_ID));
        let opened = keys.open(&DETAILS, row, &sealed).expect("untouched");
        prop_assert_eq!(opened.expose_secret(), &text[..]);
    }

    /// SEC-26: every swap fails.
    #[test]
    fn a_ciphertext_moved_anywhere_else_does_not_open(row in any::<u128>(), other in any::<u128>()) {
        prop_assume!(row != other);
        let (here, there) = (Uuid::from_u128(row), Uuid::from_u128(other));
        let keys = keys("production");
        let sealed = keys.seal(&SeededRandom::new(1), &DETAILS, here, b"hello").expect("a fresh key");
        let refused = |keys: &DataKeys, label: &Label, row: Uuid, sealed: &[u8]| {
            keys.open(label, row, sealed).err()
        };
        prop_assert_eq!(refused(&keys, &DETAILS, there, &sealed), Some(OpenError::Tampered));
        prop_assert_eq!(refused(&keys, &VALUE, here, &sealed), Some(OpenError::Tampered));
        let staging = DataKeys::new("staging", data_key(KEY_ID, 0), Vec::new()).expect("one key");
        prop_assert_eq!(refused(&staging, &DETAILS, here, &sealed), Some(OpenError::Tampered));
        let other_bytes = DataKeys::new("production", data_key(KEY_ID, 1), Vec::new()).expect("one key");
        prop_assert_eq!(refused(&other_bytes, &DETAILS, here, &sealed), Some(OpenError::Tampered));
        // The same key bytes under another id: the id itself is authenticated.
        let renamed = DataKeys::new("production", data_key(there, 0), Vec::new()).expect("one key");
        let mut relabelled = sealed.clone();
        relabelled[1..17].copy_from_slice(there.as_bytes());
        prop_assert_eq!(refused(&renamed, &DETAILS, here, &relabelled), Some(OpenError::Tampered));
    }

    #[test]
    fn any_changed_bit_is_found(
        text in prop::collection::vec(any::<u8>(), 0..100),
        index in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let keys = keys("production");
        let mut sealed = keys.seal(&SeededRandom::new(1), &DETAILS, ROW, &text).expect("a fresh key");
        let index = index.index(sealed.len());
        sealed[index] ^= 1 << bit;
        prop_assert!(keys.open(&DETAILS, ROW, &sealed).is_err());
    }

    #[test]
    fn garbage_is_refused_without_panic(
        mut garbage in prop::collection::vec(any::<u8>(), 0..100),
        ours in any::<bool>(),
    ) {
        // Half of them begin as ours do, so that they reach the cipher.
        if ours && garbage.len() > 17 {
            garbage[0] = 1;
            garbage[1..17].copy_from_slice(KEY_ID.as_bytes());
        }
        prop_assert!(keys("production").open(&DETAILS, ROW, &garbage).is_err());
    }
}
