//! Lines of the log's files, as far as they belong to the evidence.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;

use domain::time::Instant;
use serde::Deserialize;
use time::format_description::well_known::Rfc3339;

use super::{EvidenceError, EvidenceRequest, File, Subject};

/// The most that is taken along.
const MAX_BYTES: usize = 64 * 1024 * 1024;

#[derive(Deserialize)]
struct Line {
    timestamp: String,
}

/// Which lines.
struct Wanted {
    from: Option<Instant>,
    to: Option<Instant>,
    names: Option<String>,
}

/// The lines of the period that name the subject.
pub(super) async fn lines(request: &EvidenceRequest) -> Result<File, EvidenceError> {
    let wanted = Wanted {
        from: request.from,
        to: request.to,
        names: match request.subject {
            Subject::Period => None,
            Subject::User(user) => Some(user.to_string()),
            Subject::Payment(payment) => Some(payment.to_string()),
        },
    };
    let files = request.logs.clone();
    let read = tokio::task::spawn_blocking(move || read_all(&files, &wanted)).await;
    read.map_err(|stopped| EvidenceError::Read("the log".to_owned(), std::io::Error::other(stopped)))?
}

fn read_all(files: &[impl AsRef<Path>], wanted: &Wanted) -> Result<File, EvidenceError> {
    let mut kept = File { name: "log.jsonl", bytes: Vec::new(), lines: 0 };
    for path in files {
        let path = path.as_ref();
        let failed = |error| EvidenceError::Read(path.display().to_string(), error);
        for line in BufReader::new(fs::File::open(path).map_err(failed)?).lines() {
            let line = line.map_err(failed)?;
            if !wanted.wants(&line) {
                continue;
            }
            kept.bytes.extend_from_slice(line.as_bytes());
            kept.bytes.push(b'\n');
            kept.lines += 1;
            if kept.bytes.len() > MAX_BYTES {
                return Err(EvidenceError::TooMuch("the log"));
            }
        }
    }
    Ok(kept)
}

impl Wanted {
    /// A line without an instant is none of ours.
    fn wants(&self, line: &str) -> bool {
        let Ok(Line { timestamp }) = serde_json::from_str(line) else { return false };
        let Ok(at) = Instant::parse(&timestamp, &Rfc3339) else { return false };
        self.from.is_none_or(|from| at >= from)
            && self.to.is_none_or(|to| at < to)
            && self.names.as_ref().is_none_or(|name| line.contains(name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use ::time::macros::datetime;

    use super::*;

    #[test]
    fn only_lines_of_the_period_that_name_the_subject_are_taken() {
        let wanted = Wanted {
            from: Some(datetime!(2026-11-23 10:00 UTC)),
            to: Some(datetime!(2026-11-23 11:00 UTC)),
            names: Some("0199f3a2".to_owned()),
        };
        let line = |at: &str, id: &str| format!("{{\"timestamp\":\"{at}\",\"payment.id\":\"{id}\"}}");
        assert!(wanted.wants(&line("2026-11-23T10:00:00.000001Z", "0199f3a2")));
        assert!(!wanted.wants(&line("2026-11-23T11:00:00Z", "0199f3a2")));
        assert!(!wanted.wants(&line("2026-11-23T09:59:59Z", "0199f3a2")));
        assert!(!wanted.wants(&line("2026-11-23T10:30:00Z", "other")));
        assert!(!wanted.wants("2026-11-23 10:30 0199f3a2"));
    }
}
