//! Calmness: sells time-limited access to Telegram signal channels.

use std::process::ExitCode;

fn main() -> ExitCode {
    calmness::cli::main()
}
