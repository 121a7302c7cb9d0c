//! The handle of the business clock. The clock itself belongs to the product; only wall time is the sandbox's own to read.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    problem::{JsonBody, Problem},
    psp,
    world::World,
};

/// The longest single move: ten years.
const LONGEST_MOVE_S: i64 = 10 * 366 * 86_400;

/// The product's movable clock, implemented by whoever runs the sandbox.
pub trait BusinessClock: Send + Sync {
    /// Business time now.
    fn now(&self) -> BoxFuture<'_, Result<OffsetDateTime, ClockError>>;

    /// Moves business time forward and answers once nothing that became due is left, or with what still is after a while.
    fn advance(&self, seconds: u64) -> BoxFuture<'_, Result<Advanced, ClockError>>;

    /// Wall time, which nobody moves: for signatures and the dates of messages.
    fn wall(&self) -> OffsetDateTime;
}

/// Where a move of the clock ended.
#[derive(Debug, Clone)]
pub struct Advanced {
    /// Business time after the move.
    pub now: OffsetDateTime,
    /// Business time minus wall time.
    pub offset_seconds: u64,
    /// What is due and not done yet; empty when all is done.
    pub still_due: Vec<String>,
}

/// Why the clock gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ClockError(pub String);

/// An instant as JSON shows it.
pub(crate) fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_else(|_| at.unix_timestamp().to_string())
}

/// What the clock shows.
#[derive(Debug)]
pub(crate) struct Face {
    pub(crate) now: OffsetDateTime,
    pub(crate) wall: OffsetDateTime,
    pub(crate) offset_seconds: i64,
}

impl Face {
    pub(crate) fn json(&self) -> Value {
        json!({ "now": rfc3339(self.now), "wall": rfc3339(self.wall), "offset_seconds": self.offset_seconds })
    }
}

/// Reads both clocks.
pub(crate) async fn face(world: &World) -> Result<Face, Problem> {
    let now = world.business_now().await?;
    let wall = world.wall();
    // The two instants are read one after the other: round, so that an unmoved clock shows 0.
    let offset_seconds = ((now - wall).whole_milliseconds() + 500).div_euclid(1000);
    Ok(Face { now, wall, offset_seconds: i64::try_from(offset_seconds).unwrap_or(i64::MAX) })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Move {
    advance_seconds: i64,
}

/// `POST /clock`
pub(crate) async fn advance(
    State(world): State<Arc<World>>,
    JsonBody(command): JsonBody<Move>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(move_by(&world, command.advance_seconds).await?.json()))
}

/// Moves the clock; 422 for a move backwards or too far, 504 with `still_due` when the product didn't finish in time.
pub(crate) async fn move_by(world: &Arc<World>, seconds: i64) -> Result<Face, Problem> {
    let forward = u64::try_from(seconds).ok().filter(|_| seconds <= LONGEST_MOVE_S);
    let Some(forward) = forward else {
        return Err(Problem::invalid("advance_seconds goes forward only, at most ten years at once"));
    };
    let advanced = world.clock.advance(forward).await.map_err(|error| unavailable(&error))?;
    let face = Face {
        now: advanced.now,
        wall: world.wall(),
        offset_seconds: i64::try_from(advanced.offset_seconds).unwrap_or(i64::MAX),
    };
    world.record(
        "clock.moved",
        json!({ "advance_seconds": forward, "now": rfc3339(face.now), "still_due": advanced.still_due }),
    );
    psp::ledger::expire_due(world, advanced.now);
    if advanced.still_due.is_empty() {
        return Ok(face);
    }
    Err(Problem::new(
        StatusCode::GATEWAY_TIMEOUT,
        "still_due",
        "the clock moved, but not everything that became due is done",
    )
    .with("still_due", advanced.still_due)
    .with("now", rfc3339(face.now))
    .with("wall", rfc3339(face.wall))
    .with("offset_seconds", face.offset_seconds))
}

pub(crate) fn unavailable(error: &ClockError) -> Problem {
    tracing::warn!(error = %error, "the business clock gave no answer");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "clock_unavailable", "the business clock gave no answer")
}
