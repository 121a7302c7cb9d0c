//! What is kept and for how long: backups, log files, retention.

use std::str::FromStr;

use super::Findings;

/// The largest file of the log, in MB, and the most of them.
const LOG_LIMITS: std::ops::RangeInclusive<u32> = 1..=10_000;

pub(super) fn check(findings: &mut Findings) {
    log_files(findings);
    backups(findings);
}

fn log_files(findings: &mut Findings) {
    let log = &findings.config.log;
    for (key, value) in [("log.file_max_mb", log.file_max_mb), ("log.keep_files", log.keep_files)] {
        if !LOG_LIMITS.contains(&value) {
            findings.error(key, "The limit of the log's files is out of range.", "set 1 to 10000");
        }
    }
}

fn backups(findings: &mut Findings) {
    let backup = &findings.config.backup;
    for recipient in &backup.recipients {
        if let Err(reason) = age::x25519::Recipient::from_str(recipient.trim()) {
            findings.error(
                "backup.recipients",
                format!("A recipient of backups is no public key: {reason}."),
                "set the line that `calmness backup keygen` or `age-keygen` calls the public key, age1…",
            );
        }
    }
    match (&backup.directory, backup.recipients.is_empty()) {
        (Some(_), true) => findings.error(
            "backup.recipients",
            "Backups have a folder and no key, so that none can be made.",
            "make a key pair with `calmness backup keygen` on another machine, and set its public key",
        ),
        (None, false) => findings.error(
            "backup.directory",
            "Backups have a key and no folder.",
            "set a folder, best on another disk",
        ),
        (None, true) => findings.warning_if_deployed(
            "backup.directory",
            "No backup is made.",
            "set a folder and backup.recipients, or back the database up by other means",
        ),
        (Some(_), false) => {}
    }
    if backup.hour > 23 {
        findings.error("backup.hour", "A day has no such hour.", "set 0 to 23");
    }
    if backup.is_configured() && backup.keep_daily + backup.keep_weekly + backup.keep_monthly == 0 {
        findings.error("backup.keep_daily", "No backup would be kept but the newest.", "set 7");
    }
}
