//! An archive is believed as it was made, and in no other way.

use crypto::evidence::EvidenceKey;
use crypto::key::Key;
use crypto::random::SeededRandom;
use crypto::receipt::PublicKeys;
use time::macros::datetime;

use super::*;

fn key(seed: u64) -> EvidenceKey {
    EvidenceKey::new(&Key::random(&SeededRandom::new(seed)))
}

fn published(key: &EvidenceKey) -> PublicKeys {
    PublicKeys { keys: vec![key.public().clone()] }
}

fn files() -> Vec<File> {
    let file = |name, text: &str| File { name, bytes: text.as_bytes().to_vec(), lines: 1 };
    vec![file("audit_log.jsonl", "{\"id\":1}\n"), file("payments.jsonl", "{\"id\":2}\n")]
}

fn manifest(files: &[File]) -> Manifest {
    Manifest {
        format: FORMAT.to_owned(),
        installation: "https://calmness.test".to_owned(),
        created_at: datetime!(2026-11-23 14:05 UTC),
        created_by: "operator".to_owned(),
        reason: "a stolen laptop".to_owned(),
        subject: Subject::Period,
        from: Some(datetime!(2026-11-22 0:00 UTC)),
        to: Some(datetime!(2026-11-23 0:00 UTC)),
        with_bodies: false,
        files: files.iter().map(archive::described).collect(),
    }
}

fn packed(described: &[File], put_in: &[File]) -> Vec<u8> {
    archive::pack(manifest(described), put_in, &key(1)).unwrap().bytes
}

#[test]
fn the_same_evidence_gives_the_same_bytes_and_is_believed_under_the_published_key_only() {
    let archive = packed(&files(), &files());
    assert_eq!(archive, packed(&files(), &files()));
    let verified = verify_archive(archive.as_slice(), &published(&key(1))).unwrap();
    assert_eq!(verified.manifest, manifest(&files()));
    assert_eq!(verified.kid, key(1).public().kid);
    let foreign = verify_archive(archive.as_slice(), &published(&key(2)));
    assert!(matches!(foreign, Err(EvidenceError::Signature(EvidenceSignatureError::UnknownKey))));
}

#[test]
fn a_changed_missing_or_added_file_is_named() {
    let verify = |described: &[File], put_in: &[File]| {
        verify_archive(packed(described, put_in).as_slice(), &published(&key(1))).unwrap_err()
    };
    let mut changed = files();
    changed[1].bytes[2] ^= 1;
    assert!(matches!(verify(&files(), &changed), EvidenceError::Changed(name) if name == "payments.jsonl"));
    assert!(
        matches!(verify(&files(), &files()[..1]), EvidenceError::Missing(name) if name == "payments.jsonl")
    );
    assert!(
        matches!(verify(&files()[..1], &files()), EvidenceError::Foreign(name) if name == "payments.jsonl")
    );
    let twice: Vec<File> = files().into_iter().chain(files()).collect();
    assert!(matches!(verify(&files(), &twice), EvidenceError::Foreign(_)));
}

#[test]
fn no_flipped_byte_and_no_cut_makes_an_archive_say_something_else() {
    let archive = packed(&files(), &files());
    let keys = published(&key(1));
    let genuine = verify_archive(archive.as_slice(), &keys).unwrap();
    let mut refused = 0;
    for at in 0..archive.len() {
        for flip in [1, 0x80] {
            let mut changed = archive.clone();
            changed[at] ^= flip;
            // A byte of the wrapping, such as an instant of a file, may differ: what is believed is the same all the same.
            match verify_archive(changed.as_slice(), &keys) {
                Ok(verified) => assert_eq!(verified, genuine, "byte {at}"),
                Err(_) => refused += 1,
            }
        }
        let cut = verify_archive(&archive[..at], &keys);
        assert!(cut.is_err() || cut.unwrap() == genuine, "cut at {at}");
    }
    assert!(refused > archive.len(), "{refused} of {}", 2 * archive.len());
}

#[test]
fn what_is_no_archive_is_refused() {
    for junk in [&b""[..], b"junk", &[0x1f, 0x8b, 8, 0, 0], &[0; 2_000]] {
        assert!(verify_archive(junk, &published(&key(1))).is_err());
    }
}

#[test]
fn an_archive_is_called_by_the_instant_that_it_was_made_at() {
    assert_eq!(file_name(datetime!(2026-11-23 14:05:06.5 UTC)), "calmness-evidence-20261123T140506.tar.gz");
}
