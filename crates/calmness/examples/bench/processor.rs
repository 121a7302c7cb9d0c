//! Processor time, which other programs on the machine do not distort as they distort throughput.

use std::fs;

use crate::Fallible;

/// The kernel counts in hundredths of a second on every Linux that matters (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// The fields of `/proc/PID/stat` after the name, which may hold anything.
fn fields(pid: &str) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    Some(rest.split_whitespace().map(ToOwned::to_owned).collect())
}

fn sum(fields: &[String], places: std::ops::Range<usize>) -> f64 {
    fields[places].iter().filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// What a process has used, and those of its children that have ended; in seconds.
pub(crate) fn of_process(pid: u32) -> Fallible<f64> {
    let fields = fields(&pid.to_string()).ok_or("a measured process is gone")?;
    Ok(sum(&fields, 11..15))
}

/// What our own children have used that have ended.
pub(crate) fn of_ended_children() -> Fallible<f64> {
    let fields = fields("self").ok_or("nothing is known about this process")?;
    Ok(sum(&fields, 13..15))
}

/// What a process and its children have used, as the database's processes are.
pub(crate) fn of_family(pid: u32) -> Fallible<f64> {
    let mut used = of_process(pid)?;
    let parent = pid.to_string();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(fields) =
            name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).and_then(fields)
        else {
            continue;
        };
        if fields.get(1) == Some(&parent) {
            used += sum(&fields, 11..13);
        }
    }
    Ok(used)
}
