//! The readers of what strangers send, as the tests know them.

#[path = "../../crates/web/tests/hostile/targets.rs"]
mod targets;

/// Gives one input to the reader of this name.
pub fn run(name: &str, bytes: &[u8]) {
    let target = targets::TARGETS.iter().find(|target| target.name == name);
    (target.expect("each program is named after a reader").run)(bytes);
}
