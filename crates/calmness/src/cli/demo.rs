//! `demo`.

use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use clap::Args;

use super::Outcome;
use crate::config::{Log, LogFormat, Opening};
use crate::demo::{self, Demo, DemoOptions, Ready, Role};
use crate::{logging, server, terminal};

/// How often a product that keeps falling over is started again.
const MAX_RESTARTS: u32 = 20;
/// How long to wait before that.
const RESTART_DELAY: Duration = Duration::from_millis(500);

/// How to start a demo.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct DemoArguments {
    /// When ready, one JSON line on standard output that tells programs what is where
    #[arg(long)]
    json: bool,
    /// The product's port; 0 takes any free one [default: 8080, or a free one]
    #[arg(long)]
    port: Option<u16>,
    /// Where everything is kept
    #[arg(long, default_value = ".demo", value_name = "FOLDER")]
    data_dir: PathBuf,
    /// Don't open a browser
    #[arg(long)]
    headless: bool,
    /// Open checkouts by a signed address alone, without calling the payment service
    #[arg(long)]
    link: bool,
    /// Forget the demo's data, and do nothing else
    #[arg(long)]
    reset: bool,
}

pub(super) async fn demo(arguments: DemoArguments) -> Outcome {
    if arguments.reset {
        let forgotten = demo::forget(&arguments.data_dir).await?;
        terminal::say(if forgotten { "the demo's data are gone" } else { "there was nothing to forget" });
        return Ok(ExitCode::SUCCESS);
    }
    logging::start(&Log { format: LogFormat::Pretty, level: "warn".to_owned(), ..Log::default() });
    let stop = server::stop_on_signals()?;
    let options = DemoOptions {
        data_dir: arguments.data_dir.clone(),
        port: arguments.port,
        opening: if arguments.link { Opening::Link } else { Opening::Api },
        postgresql_bin: None,
    };
    let progress = |step: &str| terminal::note(&format!("· {step}"));
    // Ctrl-C in the middle of it waits for the end of the start, so that nothing is left behind.
    let mut demo = Demo::start(options, &progress).await?;
    if stop.is_cancelled() {
        demo.stop().await?;
        return Ok(ExitCode::FAILURE);
    }
    if arguments.json {
        terminal::say(&serde_json::to_string(demo.ready())?);
    } else {
        introduce(demo.ready());
    }
    if !arguments.headless && !arguments.json && terminal::is_watched() {
        open_browser(&demo.ready().base_url);
    }
    let mut restarts = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = demo.product_ended() => {}
        }
        restarts += 1;
        if restarts > MAX_RESTARTS {
            demo.stop().await?;
            return Err("the product keeps falling over".into());
        }
        terminal::note("· the product ended unexpectedly; starting it again");
        tokio::time::sleep(RESTART_DELAY).await;
        if let Err(error) = demo.start_product(Role::Full).await {
            terminal::complain(&error);
        }
    }
    terminal::note("· stopping");
    demo.stop().await?;
    Ok(ExitCode::SUCCESS)
}

fn introduce(ready: &Ready) {
    let Ready { base_url, sandbox_url, admin, user, .. } = ready;
    terminal::say(&format!(
        "
  Calmness is running. No real money moves here.

  Dashboard           {base_url}/
  API documentation   {base_url}/api/docs/
  The simulated world {sandbox_url}/
    mailbox           {sandbox_url}/mailbox
    telephones        {sandbox_url}/sms
    Telegram          {sandbox_url}/telegram
    payment service   {sandbox_url}/psp/ledger
    clock             {sandbox_url}/clock

  Customer            {}   {}
  Administrator       {}   {}

  Log                 {}
  Check               calmness --config {} doctor

  Ctrl-C stops everything; the next start finds its data. `make demo-reset` forgets it.
",
        user.email,
        user.password,
        admin.email,
        admin.password,
        ready.log.display(),
        ready.config.display(),
    ));
}

/// Only where there is a desktop; a failure is no matter.
fn open_browser(url: &str) {
    let desktop = crate::config::environment::has_desktop();
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if desktop {
        let mut command = tokio::process::Command::new(opener);
        let spawned =
            command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        if let Err(error) = spawned {
            tracing::debug!(error = &error as &dyn std::error::Error, "no browser was opened");
        }
    }
}
