//! Events on their way to the product: in order for each payment, in the words of its provider, repeated until taken.
//!
//! Each payment with undelivered events has one courier task, so one that the product refuses doesn't hold up the others'.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{
    event::{Attempt, Event, EventState},
    facade::{Bend, Outgoing},
    providers::Provider,
};
use crate::{
    faults::{Fault, Kind, Order, Peer},
    problem::Problem,
    shared::Shared,
    world::World,
};

/// Calls to the product at the same time.
const AT_ONCE: usize = 16;

/// Attempts remembered per event.
const ATTEMPTS_KEPT: usize = 50;

/// Undelivered events by payment, and those a `reorder` collects.
#[derive(Debug)]
pub(crate) struct Queues {
    waiting: Shared<HashMap<String, VecDeque<usize>>>,
    collected: Shared<HashMap<u64, Vec<usize>>>,
    room: Semaphore,
}

impl Default for Queues {
    fn default() -> Self {
        Self { waiting: Shared::default(), collected: Shared::default(), room: Semaphore::new(AT_ONCE) }
    }
}

/// Queues new events.
pub(crate) fn send(world: &Arc<World>, events: &[usize]) {
    if events.is_empty() {
        return;
    }
    world.changed();
    for &at in events {
        let Some(payment_id) =
            world.ledger.with(|ledger| ledger.event(at).map(|event| event.payment_id.clone()))
        else {
            continue;
        };
        let idle = world.queues.waiting.with(|waiting| {
            let idle = !waiting.contains_key(&payment_id);
            waiting.entry(payment_id.clone()).or_default().push_back(at);
            idle
        });
        if idle {
            world.couriers.spawn(courier(world.clone(), payment_id));
        }
    }
}

/// Queues what an earlier run left undelivered.
pub(crate) fn resume(world: &Arc<World>) {
    let pending: Vec<usize> = world.ledger.with(|ledger| {
        let events = ledger.events().iter().enumerate();
        events.filter(|(_, event)| event.state == EventState::Pending).map(|(at, _)| at).collect()
    });
    send(world, &pending);
}

async fn courier(world: Arc<World>, payment_id: String) {
    loop {
        let next = world.queues.waiting.with(|waiting| {
            let next = waiting.get_mut(&payment_id).and_then(VecDeque::pop_front);
            if next.is_none() {
                waiting.remove(&payment_id);
            }
            next
        });
        let Some(at) = next else { return };
        tokio::select! {
            () = deliver(&world, at) => {}
            () = world.stop.cancelled() => return,
        }
    }
}

/// Tries until the product takes the event or the attempts are used up.
async fn deliver(world: &Arc<World>, at: usize) {
    let Some(event) = world.ledger.with(|ledger| ledger.event(at).cloned()) else { return };
    if outgoing(world, &event, &Bend::default()).is_none() {
        set_state(world, at, EventState::Untold);
        return;
    }
    let mut waits = event.provider.facade().retries(world).iter();
    loop {
        if !is_pending(world, at) {
            return;
        }
        let fault = world.faults.take(Peer::PspWebhooks, |order| concerns(order, event.provider));
        match fault.as_ref().map(|fault| fault.order.kind) {
            Some(Kind::Hold) => {
                if let Some(fault) = fault {
                    world.record("webhook.held", describe(world, at));
                    world.faults.gone(fault.id).await;
                }
                continue;
            }
            Some(Kind::Reorder) => {
                if let Some(fault) = fault {
                    collect(world, &fault, at);
                }
                return;
            }
            _ => {}
        }
        if attempt(world, at, fault.as_ref()).await {
            return;
        }
        let Some(wait) = waits.next() else {
            set_state(world, at, EventState::GivenUp);
            world.record("webhook.given_up", describe(world, at));
            return;
        };
        tokio::time::sleep(*wait).await;
    }
}

fn concerns(order: &Order, provider: Provider) -> bool {
    order.provider.is_none_or(|only| only == provider)
}

/// One attempt, bent by a fault; tells whether the event is done with.
async fn attempt(world: &Arc<World>, at: usize, fault: Option<&Fault>) -> bool {
    let kind = fault.map(|fault| fault.order.kind);
    match (kind, fault) {
        (Some(Kind::Drop), _) => {
            set_state(world, at, EventState::Dropped);
            note(world, at, Attempt { at: world.wall(), status: None, error: None, fault: kind });
            return true;
        }
        (Some(Kind::Delay), Some(fault)) => {
            tokio::time::sleep(fault.order.wait(Duration::from_secs(5))).await;
        }
        _ => {}
    }
    let copies = match fault {
        Some(fault) if fault.order.kind == Kind::Duplicate => fault.order.copies.unwrap_or(2),
        _ => 1,
    };
    let calls = (0..copies).map(|_| call(world, at, fault));
    let answers: Vec<bool> = futures_util::stream::iter(calls).buffer_unordered(8).collect().await;
    let taken = answers.into_iter().any(|taken| taken);
    if taken {
        set_state(world, at, EventState::Delivered);
    }
    taken
}

/// One call in the words of the provider; tells whether it was taken.
async fn call(world: &World, at: usize, fault: Option<&Fault>) -> bool {
    let Some(event) = world.ledger.with(|ledger| ledger.event(at).cloned()) else { return false };
    let Some(outgoing) = outgoing(world, &event, &Bend::ordered(fault, event.amount)) else { return false };
    let Ok(_room) = world.queues.room.acquire().await else { return false };
    let mut request = world.client.request(outgoing.method, outgoing.url);
    for (name, value) in outgoing.headers {
        request = request.header(name, value);
    }
    let answer = request.body(outgoing.body).send().await;
    let (status, error) = match answer {
        Ok(answer) => (Some(answer.status()), None),
        Err(error) => (None, Some(plain(&error).to_owned())),
    };
    let attempt = Attempt {
        at: world.wall(),
        status: status.map(|status| status.as_u16()),
        error,
        fault: fault.map(|fault| fault.order.kind),
    };
    note(world, at, attempt);
    status.is_some_and(|status| event.provider.facade().takes(status))
}

/// The event as its provider tells it.
fn outgoing(world: &World, event: &Event, bend: &Bend) -> Option<Outgoing> {
    let payment = world.ledger.with(|ledger| ledger.payment(&event.payment_id).cloned())?;
    event.provider.facade().render(world, &payment, event, bend)
}

/// What went wrong with a call, without addresses.
pub(crate) fn plain(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    }
}

/// `POST /psp/events/{event_id}/resend`: one attempt right now, whatever the event's state; the status it was answered with.
pub(crate) async fn resend(world: &Arc<World>, event_id: &str) -> Result<Value, Problem> {
    let (at, provider) = world
        .ledger
        .with(|ledger| {
            let at = ledger.find_event(event_id)?;
            Some((at, ledger.event(at)?.provider))
        })
        .ok_or_else(|| Problem::not_found("no such event"))?;
    let fault = world.faults.take(Peer::PspWebhooks, |order| {
        concerns(order, provider) && !matches!(order.kind, Kind::Hold | Kind::Reorder)
    });
    let delivered = attempt(world, at, fault.as_ref()).await;
    let last = world.ledger.with(|ledger| ledger.event(at).and_then(|event| event.attempts.last().cloned()));
    Ok(json!({ "event_id": event_id, "delivered": delivered, "attempt": last }))
}

/// Keeps an event back until enough are together, then lets them go backwards.
fn collect(world: &Arc<World>, fault: &Fault, at: usize) {
    let wanted = fault.order.count.unwrap_or(2) as usize;
    world.record("webhook.collected", describe(world, at));
    let batch = world.queues.collected.with(|collected| {
        let batch = collected.entry(fault.id).or_default();
        batch.push(at);
        if batch.len() >= wanted { collected.remove(&fault.id) } else { None }
    });
    if let Some(batch) = batch {
        world.couriers.spawn(backwards(world.clone(), batch));
    }
}

/// Lets go what a cleared `reorder` had collected so far.
pub(crate) fn release_reordered(world: &Arc<World>, fault_id: Option<u64>) {
    let batches: Vec<Vec<usize>> = world.queues.collected.with(|collected| match fault_id {
        Some(id) => collected.remove(&id).into_iter().collect(),
        None => std::mem::take(collected).into_values().collect(),
    });
    for batch in batches {
        world.couriers.spawn(backwards(world.clone(), batch));
    }
}

/// Delivers the newest first; what isn't taken goes the usual way.
async fn backwards(world: Arc<World>, batch: Vec<usize>) {
    for at in batch.into_iter().rev() {
        tokio::select! {
            taken = attempt(&world, at, None) => {
                if !taken {
                    send(&world, &[at]);
                }
            }
            () = world.stop.cancelled() => return,
        }
    }
}

fn is_pending(world: &World, at: usize) -> bool {
    world.ledger.with(|ledger| ledger.event(at).is_some_and(|event| event.state == EventState::Pending))
}

fn set_state(world: &World, at: usize, state: EventState) {
    world.ledger.with(|ledger| {
        if let Some(event) = ledger.event_mut(at) {
            event.state = state;
        }
    });
    world.changed();
}

fn note(world: &World, at: usize, attempt: Attempt) {
    let mut data = describe(world, at);
    if let Some(members) = data.as_object_mut() {
        members.insert("status".to_owned(), json!(attempt.status));
        members.insert("error".to_owned(), json!(attempt.error));
        members.insert("fault".to_owned(), json!(attempt.fault));
    }
    world.ledger.with(|ledger| {
        if let Some(event) = ledger.event_mut(at) {
            if event.attempts.len() >= ATTEMPTS_KEPT {
                event.attempts.remove(0);
            }
            event.attempts.push(attempt);
        }
    });
    world.record("webhook.attempt", data);
    world.changed();
}

fn describe(world: &World, at: usize) -> Value {
    world.ledger.with(|ledger| {
        ledger.event(at).map_or(
            Value::Null,
            |event| json!({ "event_id": event.id, "provider": event.provider, "payment_id": event.payment_id, "type": event.kind }),
        )
    })
}
