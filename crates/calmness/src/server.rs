//! Serving HTTP until told to stop, and letting requests that are under way finish.
//!
//! Connections are counted, and a client that does not finish its headers is let go: a few thousand half-sent requests
//! must not use up the descriptors (SEC-52). The framework's own server has neither limit.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// How long requests under way may take to finish.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to send the headers of a request, the first or the next on its connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How many connections are served at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 4_096;
/// How long to wait when the system has no descriptors left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Serves until `stop`.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> io::Result<()> {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        match accepted {
            Ok((stream, client, permit)) => {
                serve_connection(stream, client, permit, router.clone(), &graceful);
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a connection could not be accepted"
                );
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("stopped with requests still under way");
    }
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, client) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, client, permit))
}

fn serve_connection(
    stream: TcpStream,
    client: SocketAddr,
    permit: OwnedSemaphorePermit,
    router: Router,
    graceful: &GracefulShutdown,
) {
    let service = TowerToHyperService::new(router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(client));
        request
    }));
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let watched = graceful.watch(connection);
    tokio::spawn(async move {
        // A client that goes away in the middle is no event of ours.
        if let Err(error) = watched.await {
            tracing::debug!(error, "a connection ended early");
        }
        drop(permit);
    });
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
