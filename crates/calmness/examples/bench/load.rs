//! wrk: many clients at once, each with the next request as soon as the answer is there.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::Fallible;
use crate::process::{command, output};
use crate::world::{USERS, World};

const SCRIPT: &str = "scripts/bench/load.lua";
/// What wrk needs beyond its time: reading the data, and the last answers.
const SLACK: Duration = Duration::from_secs(20);

/// What is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Load<'a> {
    /// The kind of request, as the script calls it.
    pub(crate) kind: &'a str,
    /// Data of the requests.
    pub(crate) file: Option<&'a Path>,
    /// The number of the first request.
    pub(crate) first: u32,
    pub(crate) connections: u32,
    pub(crate) seconds: u32,
    /// How long each client rests between two requests.
    pub(crate) pause_ms: Option<u32>,
}

/// What came back.
#[derive(Clone, Copy, Deserialize)]
pub(crate) struct Answered {
    pub(crate) requests: u32,
    pub(crate) seconds: f64,
    /// Answers of 400 and above.
    pub(crate) refused: u32,
    lost: u32,
    pub(crate) p99_us: f64,
}

impl Answered {
    pub(crate) fn per_second(self) -> f64 {
        f64::from(self.requests) / self.seconds
    }
}

impl<'a> Load<'a> {
    pub(crate) fn with(self, file: &'a Path) -> Self {
        Self { file: Some(file), ..self }
    }

    /// Runs it, expecting every answer to be good.
    pub(crate) async fn run(self, world: &World) -> Fallible<Answered> {
        let answered = self.run_into_refusals(world).await?;
        if answered.refused > 0 {
            return Err(format!(
                "{}: {} of {} answers were refusals",
                self.kind, answered.refused, answered.requests
            )
            .into());
        }
        Ok(answered)
    }

    /// Runs it, where refusals are part of the game.
    pub(crate) async fn run_into_refusals(self, world: &World) -> Fallible<Answered> {
        let mut wrk = command(Path::new("wrk"));
        wrk.args(["-t1", "--timeout", "10s", "-s", SCRIPT]);
        wrk.arg(format!("-c{}", self.connections)).arg(format!("-d{}s", self.seconds));
        wrk.arg(format!("http://127.0.0.1:{}/", world.port)).arg("--");
        wrk.arg(self.kind).arg(self.first.to_string()).arg(USERS.to_string());
        wrk.arg(self.file.unwrap_or(Path::new("-")));
        wrk.args(self.pause_ms.map(|pause| pause.to_string()));
        let said = output(wrk, Duration::from_secs(self.seconds.into()) + SLACK).await?;
        let line = said.lines().rev().find(|line| line.starts_with('{')).ok_or("wrk told no result")?;
        let answered: Answered = serde_json::from_str(line)?;
        if answered.requests == 0 || answered.lost > 0 {
            return Err(format!("{}: {} requests got no answer", self.kind, answered.lost).into());
        }
        Ok(answered)
    }
}
