//! The injected clock. The only place that reads the machine's time, and the only one that business time moves from.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::time::{Duration, Instant, Now, to_microseconds};
use futures_util::future::BoxFuture;
use sqlx::PgPool;

use crate::tx::StoreError;

/// Tells both clocks.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Wall time: for tokens, signatures, leases.
    fn wall(&self) -> Instant;

    /// Both clocks.
    fn now(&self) -> BoxFuture<'_, Result<Now, StoreError>>;
}

/// The machine's clock. Business time equals wall time and nothing can move it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one home of ambient time")]
    fn wall(&self) -> Instant {
        to_microseconds(Instant::now_utc())
    }

    fn now(&self) -> BoxFuture<'_, Result<Now, StoreError>> {
        let now = Now::same(self.wall());
        Box::pin(async move { Ok(now) })
    }
}

/// Business time ahead of the wall by an offset kept in the database, so that every process sees it move at once.
/// For the sandbox: `serve` has no way to ask for it.
#[derive(Clone, Debug)]
pub struct SandboxClock {
    db: PgPool,
}

impl SandboxClock {
    /// The movable clock kept in this database.
    pub const fn new(db: PgPool) -> Self {
        Self { db }
    }

    /// How far business time is ahead, in seconds.
    pub async fn offset_seconds(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar!("SELECT offset_seconds FROM business_clock").fetch_one(&self.db).await?)
    }

    /// Moves business time forward. Needs the owner's connection: the service's role may only read the clock.
    pub async fn advance(&self, seconds: i64) -> Result<i64, StoreError> {
        let moved = sqlx::query_scalar!(
            "UPDATE business_clock SET offset_seconds = offset_seconds + $1 RETURNING offset_seconds",
            seconds
        );
        Ok(moved.fetch_one(&self.db).await?)
    }
}

impl Clock for SandboxClock {
    fn wall(&self) -> Instant {
        SystemClock.wall()
    }

    fn now(&self) -> BoxFuture<'_, Result<Now, StoreError>> {
        Box::pin(async move {
            let offset = Duration::seconds(self.offset_seconds().await?);
            Ok(Now::offset(self.wall(), offset))
        })
    }
}

/// A clock that tests move by hand. Business time moves alone; the wall stays the machine's, unless a test lets it leap.
#[derive(Debug, Default)]
pub struct ManualClock {
    offset_seconds: AtomicI64,
    leapt_seconds: AtomicI64,
}

impl ManualClock {
    /// Moves business time forward.
    pub fn advance(&self, by: Duration) {
        self.offset_seconds.fetch_add(by.whole_seconds().max(0), Ordering::SeqCst);
    }

    /// Lets the wall itself leap ahead, as a machine's clock that is set wrong does.
    pub fn leap(&self, by: Duration) {
        self.leapt_seconds.fetch_add(by.whole_seconds().max(0), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Instant {
        SystemClock.wall() + Duration::seconds(self.leapt_seconds.load(Ordering::SeqCst))
    }

    fn now(&self) -> BoxFuture<'_, Result<Now, StoreError>> {
        let offset = Duration::seconds(self.offset_seconds.load(Ordering::SeqCst));
        let now = Now::offset(self.wall(), offset);
        Box::pin(async move { Ok(now) })
    }
}
