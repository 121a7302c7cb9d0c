//! Serving HTTP until told to stop, and letting requests that are under way finish.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long requests under way may take to finish.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves until `stop`.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let stopping = stop.clone();
    let server =
        axum::serve(listener, service).with_graceful_shutdown(async move { stopping.cancelled().await });
    let drained = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN_TIMEOUT).await;
    };
    tokio::select! {
        finished = server => finished,
        () = drained => {
            tracing::warn!("stopped with requests still under way");
            Ok(())
        }
    }
}

/// A token that is cancelled by Ctrl-C or SIGTERM.
pub(crate) fn stop_on_signals() -> io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stopping = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stopping.cancel();
    });
    Ok(stop)
}

/// Stops when standard input ends: the supervisor holds its other end, and takes us along however it dies.
pub(crate) fn stop_with_supervisor(stop: &CancellationToken) {
    let stop = stop.clone();
    std::thread::spawn(move || {
        let ended = io::copy(&mut io::stdin().lock(), &mut io::sink());
        tracing::info!(supervisor.ended = ?ended, "the supervisor is gone");
        stop.cancel();
    });
}
