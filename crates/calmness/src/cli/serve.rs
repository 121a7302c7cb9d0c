//! `serve` and `worker`.

use std::process::ExitCode;

use application::work;
use clap::Args;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::Outcome;
use crate::backup;
use crate::config::Config;
use crate::server;
use crate::wiring::{self, ClockKind};

/// How to serve.
#[derive(Args)]
pub(super) struct ServeArguments {
    /// Serve HTTP only; another process runs `calmness worker`
    #[arg(long)]
    no_worker: bool,
}

pub(super) async fn serve(config: &Config, arguments: &ServeArguments, clock: ClockKind) -> Outcome {
    let stop = server::stop_on_signals()?;
    if clock == ClockKind::Sandbox {
        server::stop_with_supervisor(&stop);
    }
    let wired = wiring::wire(config, clock).await?;
    let listener = TcpListener::bind(config.server.bind).await.map_err(|error| {
        std::io::Error::new(error.kind(), format!("cannot listen on {}: {error}", config.server.bind))
    })?;
    tracing::info!(server.address = %listener.local_addr()?, server.public_url = %config.public_url, "serving");
    let app = wired.app.clone();
    let router = web::router(wired.app.clone(), wired.web);
    let mut tasks = JoinSet::new();
    tasks.spawn({
        let app = app.clone();
        async move { app.keep_revocations_fresh().await }
    });
    tasks.spawn({
        let app = app.clone();
        async move { Box::pin(app.keep_memory_fresh()).await }
    });
    let bot = tokio::spawn({
        let (app, updates, stop) = (app.clone(), wired.updates, stop.clone());
        async move { app.run_bot(updates, stop).await }
    });
    let worker = (!arguments.no_worker).then(|| tokio::spawn(work::run(app.clone(), stop.clone())));
    let backups = tokio::spawn(backup::run_nightly(app.clone(), config.clone(), stop.clone()));
    server::serve(listener, router, stop.clone()).await?;
    stop.cancel();
    backups.await?;
    bot.await?;
    if let Some(worker) = worker {
        worker.await?;
    }
    tasks.shutdown().await;
    app.db().close().await;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn worker(config: &Config) -> Outcome {
    let stop = server::stop_on_signals()?;
    let clock = if config.sandbox { ClockKind::Sandbox } else { ClockKind::System };
    let wired = wiring::wire(config, clock).await?;
    tracing::info!("working");
    let fresh = tokio::spawn({
        let app = wired.app.clone();
        async move { Box::pin(app.keep_memory_fresh()).await }
    });
    work::run(wired.app.clone(), stop).await;
    fresh.abort();
    wired.app.db().close().await;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}
