//! The file format, tried with every byte of small backups.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use age::x25519::Identity;
use application::backup::Contents;
use time::macros::datetime;

use super::manifest::{FORMAT, Manifest};
use super::{BackupError, archive};

fn manifest() -> Manifest {
    Manifest {
        format: FORMAT,
        created: datetime!(2026-11-23 02:00 UTC),
        environment: "production".to_owned(),
        program: "0.1.0".to_owned(),
        pg_dump: 15,
        contents: Contents {
            postgresql: 15,
            postgresql_version: "15.1".to_owned(),
            migrations: vec![1, 2],
            rows: BTreeMap::from([("users".to_owned(), 3)]),
            audit_head: None,
        },
    }
}

fn sealed(dump: &[u8], to: &[&Identity]) -> Vec<u8> {
    let recipients: Vec<_> = to.iter().map(|identity| identity.to_public()).collect();
    let written = archive::write(Vec::new(), &recipients, &manifest(), dump, &mut |_| Ok(()));
    written.unwrap().0
}

fn opened(file: &[u8], identity: &Identity) -> Result<(Manifest, Vec<u8>), BackupError> {
    let mut dump = Vec::new();
    let keys = std::slice::from_ref(identity);
    let (manifest, _) = archive::read(Path::new("it"), file, keys, &mut dump, &mut |_| Ok(()))?;
    Ok((manifest, dump))
}

#[test]
fn what_was_sealed_to_several_keys_is_opened_by_each_of_them_and_by_no_other() {
    let (one, other, stranger) = (Identity::generate(), Identity::generate(), Identity::generate());
    let dump: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let file = sealed(&dump, &[&one, &other]);
    for identity in [&one, &other] {
        assert_eq!(opened(&file, identity).unwrap(), (manifest(), dump.clone()));
    }
    assert!(matches!(opened(&file, &stranger), Err(BackupError::WrongIdentity(_))));
}

#[test]
fn sec_29_no_byte_of_a_backup_can_be_changed_and_none_left_out() {
    let identity = Identity::generate();
    let dump = b"a dump that is short, so that every byte of it is tried";
    let file = sealed(dump, &[&identity]);
    for place in 0..file.len() {
        let mut changed = file.clone();
        changed[place] ^= 1;
        assert!(opened(&changed, &identity).is_err(), "byte {place} of {} was changed", file.len());
        assert!(opened(&file[..place], &identity).is_err(), "cut after byte {place} of {}", file.len());
    }
    let longer = [file.as_slice(), b"x"].concat();
    assert!(opened(&longer, &identity).is_err());
    assert_eq!(opened(&file, &identity).unwrap().1, dump);
}

#[test]
fn the_dump_can_be_read_with_the_usual_tools_which_pass_over_the_notes() {
    let identity = Identity::generate();
    let file = sealed(b"PGDMP and so on", &[&identity]);
    let decryptor = age::Decryptor::new(file.as_slice()).unwrap();
    let packed = decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).unwrap();
    assert_eq!(zstd::stream::decode_all(packed).unwrap(), b"PGDMP and so on");
}

#[test]
fn a_dump_that_fails_at_its_end_is_no_backup() {
    struct Failing(bool);
    impl io::Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::Error::other("the program failed"));
            }
            buffer[0] = b'x';
            Ok(1)
        }
    }
    let identity = Identity::generate();
    let mut file = Vec::new();
    let to = [identity.to_public()];
    assert!(archive::write(&mut file, &to, &manifest(), Failing(false), &mut |_| Ok(())).is_err());
    assert!(opened(&file, &identity).is_err());
}
