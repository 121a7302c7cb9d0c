//! Sessions that ended before their access tokens did, in memory on every instance (SEC-20).
//!
//! A request is authenticated by its token's signature and this list, without the database, while the list is fresh.
//! The worker reads it again every [`READ_EVERY`]; a list whose last good read began longer ago than [`FRESH_FOR`] is
//! not believed, and each request asks the database instead.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration as StdDuration, Instant as Moment};

use domain::ids::SessionId;
use domain::time::{Duration, Instant};
use sqlx::{PgConnection, PgExecutor, PgPool};

use super::cutoff;
use crate::app::App;
use crate::database::{self, Lent, in_time};
use crate::tx::StoreError;

/// How often the list is read again.
pub const READ_EVERY: StdDuration = StdDuration::from_millis(400);
/// So long after its last good read began the list is believed.
const FRESH_FOR: StdDuration = StdDuration::from_millis(800);
/// How long one read, and one question about one session, may take.
const READ_LIMIT: StdDuration = StdDuration::from_secs(1);
pub(super) const ASK_LIMIT: StdDuration = StdDuration::from_secs(1);
/// After so many reads in a row without an answer, connections are opened anew.
const DEAF_AFTER: u32 = 2;
/// Each read goes back this far, for changes that were committed late and clocks that differ. No transaction of ours lives
/// longer.
const OVERLAP: Duration = Duration::seconds(60);
/// A revocation is forgotten when no access token of that session can live any more.
const KEPT_FOR: Duration = Duration::seconds(crypto::jwt::MAX_LIFE_SECONDS + 60);

/// The list.
pub struct Revocations(RwLock<List>);

struct List {
    revoked: HashMap<SessionId, Instant>,
    /// Every session opened up to here has ended.
    not_before: Instant,
    /// Wall time of the last good read: where the next one starts.
    read_at: Instant,
    /// The same on a clock that nobody sets: whether the list is fresh must not depend on the wall.
    read_began: Moment,
}

impl Revocations {
    /// Reads everything that can still matter, before serving.
    pub async fn load(db: &PgPool, wall: Instant) -> Result<Self, StoreError> {
        let read_began = Moment::now();
        let not_before = cutoff::read(db).await?;
        let revoked = read_since(db, wall - KEPT_FOR).await?;
        Ok(Self(RwLock::new(List { revoked, not_before, read_at: wall, read_began })))
    }

    /// Reads what was revoked since the last read. `wall` is when this read begins.
    pub async fn reload(&self, db: &mut PgConnection, wall: Instant) -> Result<(), StoreError> {
        let read_began = Moment::now();
        let since = self.0.read().unwrap_or_else(PoisonError::into_inner).read_at.min(wall) - OVERLAP;
        let not_before = cutoff::read(&mut *db).await?;
        let newer = read_since(db, since).await?;
        let mut list = self.0.write().unwrap_or_else(PoisonError::into_inner);
        list.revoked.retain(|_, revoked_at| wall - *revoked_at < KEPT_FOR);
        list.revoked.extend(newer);
        list.not_before = list.not_before.max(not_before);
        list.read_at = wall;
        list.read_began = read_began;
        Ok(())
    }

    /// Revoked in this process just now: holds at once.
    pub fn add(&self, session: SessionId, wall: Instant) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).revoked.insert(session, wall);
    }

    /// Everybody's sessions were ended in this process just now: holds at once.
    pub(crate) fn end_everybody(&self, not_before: Instant) {
        let mut list = self.0.write().unwrap_or_else(PoisonError::into_inner);
        list.not_before = list.not_before.max(not_before);
    }

    /// Whether a session has ended, or the key that signed for it was revoked. Asks the database when the list is not
    /// fresh.
    pub async fn is_revoked(&self, db: &PgPool, session: SessionId, kid: &str) -> Result<bool, StoreError> {
        {
            let list = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if list.revoked.contains_key(&session) || cutoff::is_over(session, list.not_before) {
                return Ok(true);
            }
            if list.read_began.elapsed() <= FRESH_FOR {
                return Ok(false);
            }
        }
        let alive = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM sessions
                              WHERE id = $1 AND revoked_at IS NULL
                                AND created_at > (SELECT not_before FROM session_cutoff))
                  AND EXISTS (SELECT FROM jwt_keys WHERE kid = $2 AND revoked_at IS NULL) AS "alive!""#,
            session.uuid(),
            kid
        );
        let until = tokio::time::Instant::now() + ASK_LIMIT;
        let mut lent = Lent::until(db, until).await?;
        let alive = in_time(until, alive.fetch_one(lent.db())).await?;
        lent.give_back();
        Ok(!alive)
    }
}

async fn read_since(
    db: impl PgExecutor<'_>,
    since: Instant,
) -> Result<HashMap<SessionId, Instant>, sqlx::Error> {
    let rows =
        sqlx::query!(r#"SELECT id, revoked_at AS "revoked_at!" FROM sessions WHERE revoked_at >= $1"#, since)
            .fetch_all(db)
            .await?;
    Ok(rows.into_iter().map(|row| (SessionId::from_uuid(row.id), row.revoked_at)).collect())
}

impl App {
    /// Keeps the list fresh for as long as the process serves.
    pub async fn keep_revocations_fresh(&self) {
        let mut ticks = tokio::time::interval(READ_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut unanswered = 0;
        loop {
            ticks.tick().await;
            match tokio::time::timeout(READ_LIMIT, self.read_what_ended()).await {
                Ok(Ok(())) => unanswered = 0,
                Ok(Err(error)) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "revocations could not be read");
                }
                Err(_) => {
                    tracing::warn!("revocations could not be read in time");
                    unanswered += 1;
                    if unanswered >= DEAF_AFTER {
                        database::close_idle(self.db());
                    }
                }
            }
        }
    }

    async fn read_what_ended(&self) -> Result<(), StoreError> {
        let began = self.clock().wall();
        let mut lent = Lent::until(self.db(), tokio::time::Instant::now() + READ_LIMIT).await?;
        // Keys first: a list that counts as fresh must never be younger than the keys beside it.
        self.keys().reload_ring(lent.db()).await?;
        self.revocations().reload(lent.db(), began).await?;
        lent.give_back();
        Ok(())
    }
}
