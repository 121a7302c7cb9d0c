//! What a rehearsal tells, as it happens: acts as headings, a line for each step; or JSON lines for programs.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::Played;
use crate::terminal;

/// How wide a step's name is before its duration.
const NAME_COLUMNS: usize = 86;

/// A step failed: what builds upon it cannot be played.
#[derive(Debug)]
pub(super) struct Broken;

/// What a scene comes to: a series of steps that build upon each other.
pub(super) type Scene<T = ()> = Result<T, Broken>;

/// An invariant that was asked about at the end.
pub(super) struct Examined {
    pub(super) name: &'static str,
    pub(super) demand: String,
    pub(super) broken_by: Vec<String>,
}

/// Tells and counts.
pub(super) struct Report {
    json: bool,
    begun: Instant,
    act: &'static str,
    steps: u32,
    failed: u32,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { json, begun: Instant::now(), act: "", steps: 0, failed: 0 }
    }

    /// A new act begins.
    pub(super) fn act(&mut self, name: &'static str, heading: &str) {
        self.act = name;
        if !self.json {
            terminal::say(&format!("\n{heading}"));
        }
    }

    /// Plays a step and tells how it went.
    pub(super) async fn step<T>(&mut self, name: &str, play: impl Future<Output = Played<T>>) -> Scene<T> {
        self.telling_step(name, async { play.await.map(|value| (value, String::new())) }).await
    }

    /// A step that has something to tell also when it goes well.
    pub(super) async fn telling_step<T>(
        &mut self,
        name: &str,
        play: impl Future<Output = Played<(T, String)>>,
    ) -> Scene<T> {
        let begun = Instant::now();
        let played = play.await;
        let took = begun.elapsed();
        self.steps += 1;
        match played {
            Ok((value, detail)) => {
                self.tell(name, true, took, &detail);
                Ok(value)
            }
            Err(failure) => {
                self.failed += 1;
                self.tell(name, false, took, &failure.to_string());
                Err(Broken)
            }
        }
    }

    fn tell(&self, name: &str, ok: bool, took: Duration, detail: &str) {
        if self.json {
            let mut line =
                json!({ "act": self.act, "step": name, "ok": ok, "duration_ms": milliseconds(took) });
            if !detail.is_empty() {
                line["detail"] = Value::from(detail);
            }
            terminal::say(&line.to_string());
            return;
        }
        let mark = if ok { '✓' } else { '✗' };
        let padding = NAME_COLUMNS.saturating_sub(name.chars().count());
        terminal::say(&format!("  {mark} {name}{:padding$} {:>9}", "", shown(took)));
        for line in detail.lines() {
            terminal::say(&format!("      {line}"));
        }
    }

    /// Tells the invariants and the end; `None`: they could not be asked. Says whether everything was as it should be:
    /// if not, the product's log is kept.
    pub(super) fn end(&self, examined: Option<&[Examined]>, kept_log: &Path) -> bool {
        let holds = examined.is_some_and(|all| all.iter().all(|one| one.broken_by.is_empty()));
        let ok = self.failed == 0 && holds;
        let examined = examined.unwrap_or_default();
        if self.json {
            let invariants = examined.iter().map(|one| {
                json!({ "name": one.name, "demand": one.demand, "ok": one.broken_by.is_empty(), "broken_by": one.broken_by })
            });
            let mut line = json!({
                "ok": ok,
                "steps": self.steps,
                "failed": self.failed,
                "duration_ms": milliseconds(self.begun.elapsed()),
                "invariants": invariants.collect::<Vec<_>>(),
            });
            if !ok {
                line["log"] = Value::from(kept_log.display().to_string());
            }
            terminal::say(&line.to_string());
            return ok;
        }
        for one in examined {
            let mark = if one.broken_by.is_empty() { '✓' } else { '✗' };
            terminal::say(&format!("  {mark} {}", one.demand));
            for line in &one.broken_by {
                terminal::say(&format!("      {line}"));
            }
        }
        let broken = examined.iter().filter(|one| !one.broken_by.is_empty()).count();
        let (steps, took) = (self.steps, shown(self.begun.elapsed()));
        terminal::say(&if ok {
            format!("\n{steps} steps went as they should and {} invariants hold, in {took}.", examined.len())
        } else {
            format!(
                "\n{} of {steps} steps failed and {broken} of {} invariants are broken, in {took}.",
                self.failed,
                examined.len()
            )
        });
        if !ok {
            terminal::say(&format!("The product's log was kept: {}", kept_log.display()));
        }
        ok
    }
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

fn shown(took: Duration) -> String {
    if took < Duration::from_secs(1) {
        format!("{} ms", took.as_millis())
    } else {
        format!("{:.1} s", took.as_secs_f64())
    }
}
