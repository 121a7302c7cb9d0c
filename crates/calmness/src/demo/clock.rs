//! The sandbox's handle of the product's business clock.

use std::time::Duration;

use application::clock::{Clock, SandboxClock};
use application::tx::StoreError;
use application::work;
use futures_util::future::BoxFuture;
use sandbox::{Advanced, BusinessClock, ClockError};
use sqlx::PgPool;
use time::OffsetDateTime;

/// How long a move waits for what it made due.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(super) struct Handle {
    owner: PgPool,
    clock: SandboxClock,
}

impl Handle {
    pub(super) fn new(owner: PgPool, clock: SandboxClock) -> Self {
        Self { owner, clock }
    }

    async fn move_and_wait(&self, seconds: u64) -> Result<Advanced, StoreError> {
        let seconds = i64::try_from(seconds).map_err(|_| StoreError::Corrupt("too far".to_owned()))?;
        let offset = self.clock.advance(seconds).await?;
        let moved_to = self.clock.now().await?.business;
        let waiting = async {
            while !self.still_due(moved_to).await?.is_empty() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Ok::<_, StoreError>(())
        };
        let still_due = match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(done) => {
                done?;
                Vec::new()
            }
            Err(_) => self.still_due(moved_to).await?,
        };
        Ok(Advanced { now: moved_to, offset_seconds: offset.unsigned_abs(), still_due })
    }

    async fn still_due(&self, moved_to: OffsetDateTime) -> Result<Vec<String>, StoreError> {
        let now = self.clock.now().await?.business;
        work::due_since_move(&self.owner, moved_to, now).await
    }
}

impl BusinessClock for Handle {
    fn now(&self) -> BoxFuture<'_, Result<OffsetDateTime, ClockError>> {
        Box::pin(async move { self.clock.now().await.map(|now| now.business).map_err(refused) })
    }

    fn advance(&self, seconds: u64) -> BoxFuture<'_, Result<Advanced, ClockError>> {
        Box::pin(async move { self.move_and_wait(seconds).await.map_err(refused) })
    }

    fn wall(&self) -> OffsetDateTime {
        self.clock.wall()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn refused(error: StoreError) -> ClockError {
    tracing::error!(error = &error as &dyn std::error::Error, "the business clock could not be used");
    ClockError(error.to_string())
}
