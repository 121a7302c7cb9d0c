//! Processing the kept callbacks of a period again: after an outage, a restored database or a mistake of ours.
//!
//! Facts only grow, so a callback that counted already counts no second time. It goes in bounded batches, the oldest first,
//! and says where the next one begins.

use std::collections::BTreeMap;

use domain::ids::{UserId, WebhookEventId};
use domain::time::Instant;
use scoped_futures::ScopedFutureExt;
use serde_json::json;

use super::announce::announce;
use super::{Act, IncidentError, checked_reason};
use crate::actor::{Actor, Context};
use crate::app::App;
use crate::billing::ReviewError;

/// The largest batch.
const MAX_BATCH: u16 = 500;

/// Which callbacks.
#[derive(Clone, Debug)]
pub struct ReplayRequest {
    /// Received from here on (wall time).
    pub from: Instant,
    /// Received before this.
    pub to: Instant,
    /// Only this provider's.
    pub provider: Option<String>,
    /// Only those that came to this so far, such as `quarantined`.
    pub outcome: Option<String>,
    /// Only say how many there are.
    pub dry_run: bool,
    /// Where the batch before ended.
    pub after: Option<WebhookEventId>,
    /// How many at most, up to 500.
    pub limit: u16,
    /// Why.
    pub reason: String,
}

/// What a batch came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// How many are left in the range with this batch, from where it began.
    pub matching: u64,
    /// How many this batch processed.
    pub processed: u64,
    /// What they came to: outcome and number.
    pub outcomes: BTreeMap<String, u64>,
    /// Which could not be processed again, and why.
    pub failed: Vec<(WebhookEventId, String)>,
    /// Where the next batch begins, if there is more.
    pub next: Option<WebhookEventId>,
}

impl App {
    /// Processes one batch of kept callbacks again.
    pub async fn replay_range(
        &self,
        context: &Context,
        request: &ReplayRequest,
    ) -> Result<Replayed, IncidentError> {
        let reason = checked_reason(&request.reason)?;
        if request.to <= request.from {
            return Err(IncidentError::EmptyRange);
        }
        let mut replayed = Replayed { matching: self.count_events(request).await?, ..Replayed::default() };
        if request.dry_run {
            return Ok(replayed);
        }
        if request.after.is_none() {
            self.announce_replay(context, request, reason, replayed.matching).await?;
        }
        let by = match context.actor {
            Actor::User { id, .. } => Some(id),
            _ => None,
        };
        let batch = self.events_of(request).await?;
        for id in &batch {
            self.replay_one(context, by, *id, reason, &mut replayed).await?;
        }
        let more = replayed.matching > replayed.processed;
        replayed.next = batch.last().copied().filter(|_| more);
        Ok(replayed)
    }

    async fn replay_one(
        &self,
        context: &Context,
        by: Option<UserId>,
        id: WebhookEventId,
        reason: &str,
        replayed: &mut Replayed,
    ) -> Result<(), IncidentError> {
        replayed.processed += 1;
        match self.replay_event(context, by, id, reason).await {
            Ok(outcome) => *replayed.outcomes.entry(outcome).or_default() += 1,
            Err(ReviewError::Store(error)) if error.is_database_away() => return Err(error.into()),
            // One that can't be read any more must not keep the others from being processed.
            Err(error) => {
                tracing::warn!(webhook.id = %id, error = &error as &dyn std::error::Error, "not replayed");
                replayed.failed.push((id, error.to_string()));
            }
        }
        Ok(())
    }

    async fn announce_replay(
        &self,
        context: &Context,
        request: &ReplayRequest,
        reason: &str,
        matching: u64,
    ) -> Result<(), IncidentError> {
        let details = json!({
            "from": request.from.unix_timestamp(),
            "to": request.to.unix_timestamp(),
            "provider": request.provider,
            "outcome": request.outcome,
            "events": matching,
        });
        self.tx("announce_replay", context, |tx| {
            let details = details.clone();
            async move { Ok(announce(tx, Act::WebhooksReplayed, reason, details).await?) }.scope_boxed()
        })
        .await
    }

    async fn count_events(&self, request: &ReplayRequest) -> Result<u64, IncidentError> {
        let count = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM webhook_events
               WHERE received_at >= $1 AND received_at < $2
                 AND ($3::text IS NULL OR provider = $3) AND ($4::text IS NULL OR outcome = $4)
                 AND ($5::uuid IS NULL OR id > $5)"#,
            request.from,
            request.to,
            request.provider,
            request.outcome,
            request.after.map(WebhookEventId::uuid)
        );
        Ok(u64::try_from(count.fetch_one(self.db()).await?).unwrap_or_default())
    }

    async fn events_of(&self, request: &ReplayRequest) -> Result<Vec<WebhookEventId>, IncidentError> {
        let ids = sqlx::query_scalar!(
            "SELECT id FROM webhook_events
             WHERE received_at >= $1 AND received_at < $2
               AND ($3::text IS NULL OR provider = $3) AND ($4::text IS NULL OR outcome = $4)
               AND ($5::uuid IS NULL OR id > $5)
             ORDER BY id LIMIT $6",
            request.from,
            request.to,
            request.provider,
            request.outcome,
            request.after.map(WebhookEventId::uuid),
            i64::from(request.limit.clamp(1, MAX_BATCH))
        );
        Ok(ids.fetch_all(self.db()).await?.into_iter().map(WebhookEventId::from_uuid).collect())
    }
}
