//! Programs that are run for a bounded time, and end when nobody waits for them any more.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::Fallible;

/// A program with nothing of our environment but where other programs are.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "PATH"));
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// What the program says on its standard output. Its failure is an error with its last words.
pub(crate) async fn output(mut command: Command, limit: Duration) -> Fallible<String> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let output = timeout(limit, command.output()).await.map_err(|_| format!("{name} does not end"))?;
    let output = output.map_err(|error| format!("cannot run {name}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = said.lines().rev().take(4).collect();
    Err(format!("{name} failed: {}", last.into_iter().rev().collect::<Vec<_>>().join(" / ")).into())
}
