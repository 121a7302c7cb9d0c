//! `keys rewrap`, with its progress.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use application::keys::{KeysError, RewrapProgress};
use application::{App, Context};

use super::Layer;
use crate::cli::Outcome;
use crate::terminal;

/// Where nobody watches, the progress is a line for each tenth.
const TENTHS: u64 = 10;
const BAR: usize = 30;

pub(super) async fn rewrap(app: &App, layer: Option<Layer>) -> Outcome {
    if layer != Some(Layer::Kek) {
        wait_for_newest(app).await?;
    }
    if layer != Some(Layer::Values) {
        let moved = app.rewrap_data_keys(&Context::operator()).await?;
        terminal::say(&format!(
            "data keys: {} moved under the current key-encryption key, {} were there already",
            moved.moved, moved.unchanged
        ));
    }
    if layer == Some(Layer::Kek) {
        return Ok(ExitCode::SUCCESS);
    }
    let mut shown = Shown::default();
    let outcome = app.rewrap_values(&Context::operator(), &mut |progress| shown.tell(progress)).await?;
    shown.end();
    terminal::say(&format!("values: {} moved under data key {}", outcome.moved, outcome.data_key));
    for value in &outcome.damaged {
        terminal::note(&format!("damaged before, and left as it is: {value}"));
    }
    if outcome.left > 0 {
        terminal::note(&format!("{} were being changed and are left: run it again", outcome.left));
    }
    let whole = outcome.damaged.is_empty() && outcome.left == 0;
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn wait_for_newest(app: &App) -> Result<(), KeysError> {
    let wait = app.until_newest_data_key_seals().await?;
    if wait > Duration::ZERO {
        terminal::note(&format!("the newest data key seals in {} s: waiting for it", wait.as_secs() + 1));
        tokio::time::sleep(wait).await;
    }
    Ok(())
}

/// What a person sees: a bar that moves, or in a log a few lines.
#[derive(Default)]
struct Shown {
    told: Option<u64>,
}

impl Shown {
    fn tell(&mut self, progress: RewrapProgress) {
        let RewrapProgress { due, done } = progress;
        if due == 0 {
            return;
        }
        let done = done.min(due);
        if terminal::is_watched() {
            let full = usize::try_from(done * BAR as u64 / due).unwrap_or(BAR);
            let bar = format!("\r[{}{}] {done} of {due} ", "=".repeat(full), " ".repeat(BAR - full));
            let _reader_gone = std::io::stderr().write_all(bar.as_bytes());
            self.told = Some(done);
            return;
        }
        let tenth = done * TENTHS / due;
        if self.told != Some(tenth) {
            self.told = Some(tenth);
            terminal::note(&format!("{done} of {due} values"));
        }
    }

    fn end(&self) {
        if self.told.is_some() && terminal::is_watched() {
            terminal::note("");
        }
    }
}
