//! Owed work: what must still be done outside after a commit.
//!
//! Owed work is a row of the thing itself: a payment to ask about, a refund to send, a membership to mend, a notification to send. Each
//! row says since when it is due (business time), how often it was tried, and who holds it until when (wall time). A
//! worker on any instance *claims* due rows, commits, *acts*, and *finishes* with a write that names its lease token,
//! so a worker that was thought dead can't overwrite what another one did since. A dead worker's rows come back when
//! their lease ends. Every act can run twice.
//!
//! The four kinds implement [`OwedWork`]; this module only loops. It wakes right after a commit in this process, and
//! polls every second for what other processes owe.

mod backoff;
mod drain;
mod sweeper;

use std::error::Error;
use std::time::Duration;

use domain::ids::LeaseToken;
use domain::time::Instant;
use futures_util::future::BoxFuture;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) use self::backoff::Backoff;
pub use self::drain::{due, due_since_move};
pub use self::sweeper::REFRESH;
use crate::access::MembershipWork;
use crate::app::App;
use crate::billing::{PaymentChecks, RefundWork};
use crate::notifications::NotificationWork;
use crate::tx::StoreError;

/// How often a worker looks for work that another process owes.
const POLL: Duration = Duration::from_secs(1);
/// How long a claimed row is its worker's alone; every act ends well before.
const LEASE: domain::time::Duration = domain::time::Duration::seconds(60);
/// An act that takes longer than this is given up; its row comes back when the lease ends.
const ACT_TIMEOUT: Duration = Duration::from_secs(50);
/// How many rows of one kind are acted upon at once.
const CONCURRENCY: usize = 8;
/// How long a stopping worker waits for what it is doing.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// What a claim writes into the rows that it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    /// Names this claim; a finish must repeat it.
    pub token: LeaseToken,
    /// Business time: rows due by then are taken.
    pub due_by: Instant,
    /// Wall time: leases older than this have ended.
    pub wall: Instant,
    /// Wall time: when this lease ends.
    pub until: Instant,
    /// How many rows to take.
    pub limit: i64,
}

/// One kind of owed work.
pub(crate) trait OwedWork: Send + Sync + 'static {
    /// A claimed row.
    type Item: Send + 'static;

    /// The word in logs and lists.
    const NAME: &'static str;

    /// Takes due rows, in one statement that skips what others hold.
    fn claim(app: &App, lease: Lease) -> BoxFuture<'_, Result<Vec<Self::Item>, StoreError>>;

    /// Does what is owed and finishes the row: done, or due again later.
    fn act(app: &App, item: Self::Item) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// Works until `stop`: the four kinds of owed work, the sweeps and the sealing of the audit log.
pub async fn run(app: App, stop: CancellationToken) {
    let mut loops = JoinSet::new();
    loops.spawn(for_ever(stop.clone(), with(&app, &stop, work_off::<PaymentChecks>)));
    loops.spawn(for_ever(stop.clone(), with(&app, &stop, work_off::<RefundWork>)));
    loops.spawn(for_ever(stop.clone(), with(&app, &stop, work_off::<MembershipWork>)));
    loops.spawn(for_ever(stop.clone(), with(&app, &stop, work_off::<NotificationWork>)));
    loops.spawn(for_ever(stop.clone(), with(&app, &stop, sweeper::run)));
    loops.spawn(for_ever(stop.clone(), with(&app, &stop, crate::audit::keep_sealed)));
    while loops.join_next().await.is_some() {}
}

fn with<F: Future<Output = ()>>(
    app: &App,
    stop: &CancellationToken,
    work: fn(App, CancellationToken) -> F,
) -> impl Fn() -> F + use<F> {
    let (app, stop) = (app.clone(), stop.clone());
    move || work(app.clone(), stop.clone())
}

/// Starts a loop again that panicked: what is owed must not wait for a restart of the process.
async fn for_ever<F: Future<Output = ()> + Send + 'static>(stop: CancellationToken, make: impl Fn() -> F) {
    while let Err(error) = tokio::spawn(make()).await {
        tracing::error!(error = &error as &dyn Error, "a worker loop panicked and starts again");
        if stop.is_cancelled() {
            break;
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn work_off<W: OwedWork>(app: App, stop: CancellationToken) {
    let mut owed = app.work_owed();
    let mut acts = JoinSet::new();
    loop {
        owed.mark_unchanged();
        let claimed = match claim::<W>(&app, CONCURRENCY - acts.len()).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(
                    work.kind = W::NAME,
                    error = &error as &dyn Error,
                    "work could not be claimed"
                );
                Vec::new()
            }
        };
        let found = !claimed.is_empty();
        for item in claimed {
            let app = app.clone();
            acts.spawn(async move { act::<W>(&app, item).await });
        }
        if found && acts.len() < CONCURRENCY {
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = acts.join_next() => report::<W>(ended),
            _ = owed.changed(), if acts.len() < CONCURRENCY => {}
            () = tokio::time::sleep(POLL), if acts.len() < CONCURRENCY => {}
        }
    }
    let finish = async {
        while let Some(ended) = acts.join_next().await {
            report::<W>(ended);
        }
    };
    if tokio::time::timeout(STOP_TIMEOUT, finish).await.is_err() {
        tracing::warn!(
            work.kind = W::NAME,
            "stopped in the middle of work; it comes back when its lease ends"
        );
    }
}

fn report<W: OwedWork>(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(work.kind = W::NAME, error = &error as &dyn Error, "an act of owed work panicked");
    }
}

async fn claim<W: OwedWork>(app: &App, limit: usize) -> Result<Vec<W::Item>, StoreError> {
    let now = app.now().await?;
    let token = LeaseToken::new(now.wall, &crypto::random::bytes(&**app.random()));
    let limit = i64::try_from(limit).unwrap_or(1);
    W::claim(app, Lease { token, due_by: now.business, wall: now.wall, until: now.wall + LEASE, limit }).await
}

async fn act<W: OwedWork>(app: &App, item: W::Item) {
    match tokio::time::timeout(ACT_TIMEOUT, W::act(app, item)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(
                work.kind = W::NAME,
                error = &error as &dyn Error,
                "owed work failed and comes back"
            );
        }
        Err(_) => tracing::error!(work.kind = W::NAME, "owed work took too long and comes back"),
    }
}
