//! What every provider's API has in common: faults ordered for a call, and work done once per idempotency key.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    ledger::{self, Answer},
    providers::Provider,
};
use crate::{
    connection::Line,
    faults::{Kind, Order, Peer},
    problem::Problem,
    world::World,
};

/// How long a call that times out is held when the fault doesn't say.
const HELD: Duration = Duration::from_secs(30);

/// Which call of whose API, as fault orders name it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) provider: Provider,
    /// One of the facade's `operations`.
    pub(crate) name: &'static str,
}

impl Operation {
    fn fits(self, order: &Order) -> bool {
        order.operation.as_deref().is_none_or(|only| only == self.name)
    }

    fn note(self, world: &World, status: Option<StatusCode>, fault: Option<Kind>) {
        world.record(
            "psp.call",
            json!({
                "provider": self.provider,
                "operation": self.name,
                "status": status.map(|status| status.as_u16()),
                "fault": fault,
            }),
        );
    }
}

/// Runs a call's work, unless a fault was ordered for it.
pub(crate) async fn with_faults<E: IntoResponse>(
    world: &Arc<World>,
    line: &Line,
    operation: Operation,
    work: impl Future<Output = Result<Response, E>>,
) -> Response {
    let fault = world
        .faults
        .take(Peer::Api(operation.provider), |order| order.kind != Kind::Slow && operation.fits(order));
    let kind = fault.as_ref().map(|fault| fault.order.kind);
    let broken = || operation.provider.facade().broken();
    if kind == Some(Kind::Reset) {
        operation.note(world, None, kind);
        line.cut();
        return StatusCode::NO_CONTENT.into_response();
    }
    if kind == Some(Kind::Error500) {
        let answer = broken();
        operation.note(world, Some(answer.status()), kind);
        return answer;
    }
    let answer = work.await.unwrap_or_else(IntoResponse::into_response);
    operation.note(world, Some(answer.status()), kind);
    match (kind, fault) {
        (Some(Kind::Error500After), _) => broken(),
        (Some(Kind::TimeOut), Some(fault)) => {
            world.sleep(fault.order.wait(HELD)).await;
            line.cut();
            answer
        }
        // The work is done and tells its events; its answer is late.
        (Some(Kind::Hold), Some(fault)) => {
            world.faults.gone(fault.id).await;
            answer
        }
        _ => answer,
    }
}

/// Waits if `slow` was ordered. [`idempotent`] does it with the key at work; work without a key asks for it itself.
pub(crate) async fn linger(world: &World, operation: Operation) {
    let fault = world
        .faults
        .take(Peer::Api(operation.provider), |order| order.kind == Kind::Slow && operation.fits(order));
    if let Some(fault) = fault {
        world.sleep(fault.order.wait(Duration::from_secs(2))).await;
    }
}

/// What work under a key came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    /// The answer of an earlier call with this key.
    pub(crate) replayed: bool,
}

/// Marks a key as being worked on until it goes out of scope, also when the caller hangs up meanwhile.
struct AtWork<'a> {
    world: &'a World,
    key: String,
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.world.ledger.with(|ledger| ledger.at_work.remove(&self.key));
    }
}

/// Does the work once per key, at business time; a replay gets the first answer. Refusals aren't kept.
///
/// Another `covered` under a known key is the problem `idempotency_key_reused`, a key whose first call isn't done `key_at_work`.
pub(crate) async fn idempotent<E: From<Problem>>(
    world: &Arc<World>,
    operation: Operation,
    key: &str,
    covered: &[u8],
    work: impl FnOnce(&Arc<World>, OffsetDateTime) -> Result<(StatusCode, Value), E>,
) -> Result<Done, E> {
    let key = format!("{}:{}:{key}", operation.provider.facade().code(), operation.name);
    let digest = hex::encode(digest::digest(&digest::SHA256, covered));
    let asked_at = world.business_now().await?;
    let forgets = operation.provider.facade().forgets_keys_after();
    let known = world.ledger.with(|ledger| {
        let forgotten = |answer: &Answer| {
            answer.at.zip(forgets).is_some_and(|(at, after)| at.saturating_add(after) <= asked_at)
        };
        if ledger.answers.get(&key).is_some_and(forgotten) {
            ledger.answers.remove(&key);
        }
        if let Some(answer) = ledger.answers.get(&key) {
            return Ok(Some(answer.clone()));
        }
        if ledger.at_work.insert(key.clone()) {
            Ok(None)
        } else {
            Err(Problem::conflict("key_at_work", "the first call with this key is still at work"))
        }
    })?;
    if let Some(answer) = known {
        if answer.digest != digest {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "this key was used with another body",
            )
            .into());
        }
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
        return Ok(Done { status, body: answer.body, replayed: true });
    }
    let _at_work = AtWork { world, key: key.clone() };
    linger(world, operation).await;
    let now = world.business_now().await?;
    ledger::expire_due(world, now);
    let (status, body) = work(world, now)?;
    world.ledger.with(|ledger| {
        let answer = Answer { digest, status: status.as_u16(), body: body.clone(), at: Some(now) };
        ledger.answers.insert(key, answer);
    });
    world.changed();
    Ok(Done { status, body, replayed: false })
}
