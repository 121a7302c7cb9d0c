//! What is due now, as a list; and doing all of it at once, for tests and for moved clocks.

use domain::time::Instant;
use sqlx::PgPool;

use super::{OwedWork, act, claim};
use crate::access::MembershipWork;
use crate::app::App;
use crate::billing::{PaymentChecks, RefundWork};
use crate::identity::COOLING_TIME;
use crate::notifications::NotificationWork;
use crate::tx::StoreError;

/// How many rows one round of draining takes of each kind.
const ROUND: usize = 100;
/// A drain that is still not done after so many rounds works in a circle.
const MAX_ROUNDS: usize = 1_000;
/// How many due rows are listed.
const MAX_LISTED: i64 = 50;

impl App {
    /// Does everything that is due now, one row after the other, until nothing is. Says how many rows that were.
    ///
    /// What fails is due again later, so a drain ends even while a peer is down.
    pub async fn drain_work(&self) -> Result<usize, StoreError> {
        let mut done = 0;
        for _ in 0..MAX_ROUNDS {
            self.watch_removals().await?;
            self.sweep_subscriptions().await?;
            self.erase_due().await?;
            self.expire_approvals().await?;
            let round = drain::<PaymentChecks>(self).await?
                + drain::<RefundWork>(self).await?
                + drain::<MembershipWork>(self).await?
                + drain::<NotificationWork>(self).await?;
            if round == 0 {
                return Ok(done);
            }
            done += round;
        }
        Err(StoreError::Corrupt("owed work goes round in a circle".to_owned()))
    }
}

async fn drain<W: OwedWork>(app: &App) -> Result<usize, StoreError> {
    let items = claim::<W>(app, ROUND).await?;
    let found = items.len();
    for item in items {
        act::<W>(app, item).await;
    }
    Ok(found)
}

/// What is due at `now` (business time) and not done yet, a line each; also what is being worked on.
pub async fn due(db: &PgPool, now: Instant) -> Result<Vec<String>, StoreError> {
    due_since_move(db, now, now).await
}

/// What a move of business time to `moved_to` made due and is not done yet at `now`: also what came of it since and has
/// not failed, so that a reminder counts until its mail is out, and a peer that is down does not count for ever.
pub async fn due_since_move(db: &PgPool, moved_to: Instant, now: Instant) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query_scalar!(
        r#"SELECT 'payment ' || id || ' to be asked about' AS "line!" FROM payments WHERE check_due_at <= $1
           UNION ALL
           SELECT 'refund ' || id || ' to be sent' FROM refunds WHERE due_at <= $1
           UNION ALL
           SELECT 'membership of ' || telegram_user_id || ' in ' || channel || ' to be mended'
           FROM memberships WHERE due_at <= $1 OR (due_at <= $2 AND attempts <= 1)
           UNION ALL
           SELECT 'notification ' || id || ' (' || kind || ') to be sent'
           FROM notifications WHERE due_at <= $1 OR (due_at <= $2 AND attempts <= 1)
           UNION ALL
           SELECT 'subscription ' || id || ' to be reminded of' FROM subscriptions WHERE remind_at <= $1 AND ends_at > $1
           UNION ALL
           SELECT 'subscription ' || id || ' to be ended' FROM subscriptions WHERE end_due_at <= $1
           UNION ALL
           SELECT 'account ' || id || ' to be erased' FROM users WHERE erasure_requested_at <= $4 AND erased_at IS NULL
           LIMIT $3"#,
        moved_to,
        now,
        MAX_LISTED,
        moved_to - COOLING_TIME
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}
