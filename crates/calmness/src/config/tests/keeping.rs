//! What is said about backups and the log's files.

use super::super::Severity::{Error, Warning};
use super::findings::{found, with};

#[test]
fn backups_need_a_folder_and_a_public_key_that_can_be_one() {
    let table: [(&str, &[_]); 6] = [
        ("-backup.directory", &[(Error, "backup.directory")]),
        ("backup.recipients = []", &[(Error, "backup.recipients")]),
        (r#"backup.recipients = ["age1notakey"]"#, &[(Error, "backup.recipients")]),
        ("-backup.directory\n-backup.recipients", &[(Warning, "backup.directory")]),
        ("backup.hour = 24", &[(Error, "backup.hour")]),
        (
            "backup.keep_daily = 0\nbackup.keep_weekly = 0\nbackup.keep_monthly = 0",
            &[(Error, "backup.keep_daily")],
        ),
    ];
    for (changes, expected) in table {
        assert_eq!(found(&with(changes, "production")), expected, "{changes}");
    }
    assert_eq!(found(&with("-backup.directory\n-backup.recipients", "development")), []);
}

#[test]
fn a_private_key_in_place_of_a_public_one_is_refused_and_not_repeated() {
    let (text, _) = crate::backup::keygen();
    let text = secrecy::ExposeSecret::expose_secret(&text).to_owned();
    let private = text.lines().last().unwrap();
    let config = with(&format!(r#"backup.recipients = ["{private}"]"#), "production");
    let findings = super::super::check(&config);
    assert_eq!(findings.len(), 1);
    assert!(!format!("{findings:?}").contains(private));
}

#[test]
fn the_limits_of_the_log_s_files_are_bounded() {
    for (changes, key) in
        [("log.file_max_mb = 0", "log.file_max_mb"), ("log.keep_files = 10001", "log.keep_files")]
    {
        assert_eq!(found(&with(changes, "production")), [(Error, key)]);
    }
}
