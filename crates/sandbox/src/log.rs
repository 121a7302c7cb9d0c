//! Everything that happens in the simulated world, in one order: what rehearsals prove "this before that" with.
//!
//! The list is append-only and bounded; the oldest entries give way. No token, secret or start payload is written into it.

use std::{collections::VecDeque, sync::Arc};

use axum::{
    Json,
    extract::{Query, State},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{shared::Shared, world::World};

/// How many entries are kept.
const KEPT: usize = 50_000;

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    /// Wall time.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    /// Dotted name, such as `webhook.attempt`.
    pub(crate) kind: &'static str,
    pub(crate) data: Value,
}

/// The list.
#[derive(Debug, Default)]
pub(crate) struct Log(Shared<Entries>);

#[derive(Debug, Default)]
struct Entries {
    kept: VecDeque<Entry>,
    last: u64,
}

impl Log {
    /// Appends, and repeats the entry through `tracing`.
    pub(crate) fn record(&self, at: OffsetDateTime, kind: &'static str, data: Value) {
        tracing::info!(target: "sandbox", kind, data = %data, "sandbox event");
        self.0.with(|entries| {
            entries.last += 1;
            let seq = entries.last;
            entries.kept.push_back(Entry { seq, at, kind, data });
            if entries.kept.len() > KEPT {
                entries.kept.pop_front();
            }
        });
    }

    /// At most `limit` entries after `seq`, and the number of the newest one.
    pub(crate) fn after(&self, seq: u64, limit: usize, kind: Option<&str>) -> (Vec<Entry>, u64) {
        self.0.with(|entries| {
            let start = entries.kept.partition_point(|entry| entry.seq <= seq);
            let found = entries
                .kept
                .iter()
                .skip(start)
                .filter(|entry| kind.is_none_or(|kind| entry.kind.starts_with(kind)))
                .take(limit)
                .cloned()
                .collect();
            (found, entries.last)
        })
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
    kind: Option<String>,
}

/// `GET /log?after=seq&kind=prefix&limit=`: without a limit everything that is kept.
pub(crate) async fn list(State(world): State<Arc<World>>, Query(page): Query<Page>) -> Json<Value> {
    let limit = page.limit.unwrap_or(KEPT).min(KEPT);
    let (items, last) = world.log.after(page.after, limit, page.kind.as_deref());
    Json(json!({ "items": items, "last_seq": last }))
}
