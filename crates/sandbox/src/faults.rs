//! Faults that people and programs order: which peer misbehaves how, how often.
//!
//! Each call, attempt or mail of a peer takes at most one fault, the oldest that fits. A fault without `times` lasts until it is cleared.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::json;
use tokio::sync::watch;

use crate::{
    problem::{JsonBody, Problem},
    psp::{self, providers::Provider},
    shared::Shared,
    world::World,
};

/// How many faults may be ordered at once.
const ORDERED: usize = 100;

/// Longest waiting a fault may ask for: ten minutes.
const LONGEST_MS: u64 = 600_000;

/// Who misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// The API of a payment provider.
    Api(Provider),
    /// The events of all payment providers.
    PspWebhooks,
    Telegram,
    Smtp,
    Sms,
    SmsCallbacks,
}

/// How it misbehaves; which of these a peer knows is said by [`Peer::knows`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    TimeOut,
    Slow,
    #[serde(rename = "error_500")]
    Error500,
    #[serde(rename = "error_500_after")]
    Error500After,
    Reset,
    Delay,
    Duplicate,
    Reorder,
    Drop,
    WrongSignature,
    StaleTimestamp,
    WrongAmount,
    Hold,
    HoldUpdates,
    #[serde(rename = "error_429")]
    Error429,
    BadGatewayHtml,
    Down,
    #[serde(rename = "temporary_451")]
    Temporary451,
    #[serde(rename = "permanent_550")]
    Permanent550,
    DropAfterData,
    Undelivered,
}

impl Peer {
    /// All there are.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let apis = Provider::ALL.iter().map(|provider| Self::Api(*provider));
        apis.chain([Self::PspWebhooks, Self::Telegram, Self::Smtp, Self::Sms, Self::SmsCallbacks])
    }

    /// How orders name it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Api(provider) => provider.facade().api_peer(),
            Self::PspWebhooks => "psp_webhooks",
            Self::Telegram => "telegram",
            Self::Smtp => "smtp",
            Self::Sms => "sms",
            Self::SmsCallbacks => "sms_callbacks",
        }
    }

    /// The faults this peer can be ordered to have.
    pub(crate) fn knows(self) -> &'static [Kind] {
        match self {
            Self::Api(_) => {
                &[Kind::TimeOut, Kind::Slow, Kind::Error500, Kind::Error500After, Kind::Reset, Kind::Hold]
            }
            Self::PspWebhooks => &[
                Kind::Delay,
                Kind::Duplicate,
                Kind::Reorder,
                Kind::Drop,
                Kind::WrongSignature,
                Kind::StaleTimestamp,
                Kind::WrongAmount,
                Kind::Hold,
            ],
            Self::Telegram => &[
                Kind::Error429,
                Kind::Error500,
                Kind::TimeOut,
                Kind::Hold,
                Kind::HoldUpdates,
                Kind::BadGatewayHtml,
                Kind::Reset,
            ],
            Self::Sms => {
                &[Kind::Error429, Kind::Error500, Kind::Error500After, Kind::TimeOut, Kind::Hold, Kind::Reset]
            }
            Self::SmsCallbacks => &[
                Kind::Undelivered,
                Kind::Delay,
                Kind::Duplicate,
                Kind::Drop,
                Kind::WrongSignature,
                Kind::Hold,
            ],
            Self::Smtp => &[Kind::Down, Kind::Temporary451, Kind::Permanent550, Kind::DropAfterData],
        }
    }

    /// The operations that a fault of this peer can be narrowed to.
    fn operations(self) -> &'static [&'static str] {
        match self {
            Self::Api(provider) => provider.facade().operations(),
            Self::Sms => &["send", "start", "check", "cancel"],
            _ => &[],
        }
    }
}

impl Serialize for Peer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for Peer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::all()
            .find(|peer| peer.word() == word)
            .ok_or_else(|| D::Error::custom("there is no such peer; see docs/SANDBOX.md"))
    }
}

/// An order, and how much of it is left.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Fault {
    pub(crate) id: u64,
    #[serde(flatten)]
    pub(crate) order: Order,
    /// How often it happened.
    pub(crate) used: u64,
}

/// `POST /faults`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    pub(crate) peer: Peer,
    #[serde(rename = "fault")]
    pub(crate) kind: Kind,
    /// How often; `null` until cleared.
    #[serde(default)]
    pub(crate) times: Option<u64>,
    /// Waiting time of `time_out`, `slow` and `delay`, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ms: Option<u64>,
    /// `duplicate`: how many deliveries of one event in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) copies: Option<u32>,
    /// `reorder`: how many events are collected and then delivered backwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u32>,
    /// `error_429`: seconds to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after: Option<u32>,
    /// `telegram`: only calls of this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    /// `psp_webhooks`: only events of this provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<Provider>,
    /// A payment provider's API: only this of what its facade names. `sms`: only `send`, `start`, `check` or `cancel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) operation: Option<String>,
    /// `wrong_amount`: the amount told instead, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<i64>,
    /// `stale_timestamp`: how old the signature claims to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) age_seconds: Option<i64>,
}

impl Order {
    fn check(&self) -> Result<(), Problem> {
        if !self.peer.knows().contains(&self.kind) {
            return Err(Problem::invalid("this peer doesn't know this fault; see docs/SANDBOX.md"));
        }
        if self.times == Some(0) {
            return Err(Problem::invalid("times is at least 1, or null for until cleared"));
        }
        if self.ms.is_some_and(|ms| ms > LONGEST_MS) {
            return Err(Problem::invalid("ms is at most 600000"));
        }
        if self.provider.is_some() && self.peer != Peer::PspWebhooks {
            return Err(Problem::invalid("provider narrows psp_webhooks; each API is a peer of its own"));
        }
        if self.copies.is_some_and(|copies| !(1..=10_000).contains(&copies)) {
            return Err(Problem::invalid("copies is between 1 and 10000"));
        }
        if self.count.is_some_and(|count| !(2..=1000).contains(&count)) {
            return Err(Problem::invalid("count is between 2 and 1000"));
        }
        if let Some(operation) = self.operation.as_deref()
            && !self.peer.operations().contains(&operation)
        {
            return Err(Problem::invalid("this peer doesn't know this operation; see docs/SANDBOX.md"));
        }
        Ok(())
    }

    /// The waiting time of this fault.
    pub(crate) fn wait(&self, default: Duration) -> Duration {
        self.ms.map_or(default, Duration::from_millis)
    }

    /// Whether whatever it caught stays caught until the fault is cleared.
    fn holds(&self) -> bool {
        matches!(self.kind, Kind::Hold | Kind::HoldUpdates | Kind::Reorder)
    }
}

/// The standing orders.
#[derive(Debug)]
pub(crate) struct Faults {
    standing: Shared<Standing>,
    /// Rings whenever an order ends.
    ended: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Standing {
    last_id: u64,
    faults: Vec<Fault>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { standing: Shared::default(), ended: watch::Sender::new(0) }
    }
}

impl Faults {
    pub(crate) fn add(&self, order: Order) -> Result<Fault, Problem> {
        order.check()?;
        self.standing.with(|standing| {
            if standing.faults.len() >= ORDERED {
                return Err(Problem::full("faults"));
            }
            standing.last_id += 1;
            let fault = Fault { id: standing.last_id, order, used: 0 };
            standing.faults.push(fault.clone());
            Ok(fault)
        })
    }

    pub(crate) fn list(&self) -> Vec<Fault> {
        self.standing.with(|standing| standing.faults.clone())
    }

    /// Takes one use of the oldest fault of `peer` that `fits`.
    pub(crate) fn take(&self, peer: Peer, fits: impl Fn(&Order) -> bool) -> Option<Fault> {
        let (fault, ended) = self.standing.with(|standing| {
            let at = standing.faults.iter().position(|fault| {
                let spent = fault.order.times.is_some_and(|times| fault.used >= times);
                fault.order.peer == peer && !spent && fits(&fault.order)
            })?;
            let fault = standing.faults.get_mut(at)?;
            fault.used += 1;
            let fault = fault.clone();
            let spent = fault.order.times.is_some_and(|times| fault.used >= times) && !fault.order.holds();
            if spent {
                standing.faults.remove(at);
            }
            Some((fault, spent))
        })?;
        if ended {
            self.ring();
        }
        Some(fault)
    }

    /// Whether an order that fits stands, without taking a use of it.
    pub(crate) fn stands(&self, peer: Peer, kind: Kind) -> bool {
        self.standing.with(|standing| {
            standing.faults.iter().any(|fault| fault.order.peer == peer && fault.order.kind == kind)
        })
    }

    fn exists(&self, id: u64) -> bool {
        self.standing.with(|standing| standing.faults.iter().any(|fault| fault.id == id))
    }

    /// Ends one order, or all.
    pub(crate) fn clear(&self, id: Option<u64>) -> usize {
        let cleared = self.standing.with(|standing| {
            let before = standing.faults.len();
            standing.faults.retain(|fault| id.is_some_and(|id| fault.id != id));
            before - standing.faults.len()
        });
        if cleared > 0 {
            self.ring();
        }
        cleared
    }

    fn ring(&self) {
        self.ended.send_modify(|count| *count += 1);
    }

    /// Waits until this order is gone.
    pub(crate) async fn gone(&self, id: u64) {
        let mut ended = self.ended.subscribe();
        // The sender lives in `self`, so waiting can't fail; were it gone, so would be the order.
        while self.exists(id) && ended.changed().await.is_ok() {}
    }

    /// Waits until no order of this kind stands.
    pub(crate) async fn none_of(&self, peer: Peer, kind: Kind) {
        let mut ended = self.ended.subscribe();
        while self.stands(peer, kind) && ended.changed().await.is_ok() {}
    }
}

/// `POST /faults`
pub(crate) async fn add(
    State(world): State<Arc<World>>,
    JsonBody(order): JsonBody<Order>,
) -> Result<(StatusCode, Json<Fault>), Problem> {
    Ok((StatusCode::CREATED, Json(order_fault(&world, order)?)))
}

pub(crate) fn order_fault(world: &World, order: Order) -> Result<Fault, Problem> {
    let fault = world.faults.add(order)?;
    world.record("fault.ordered", json!(fault));
    Ok(fault)
}

/// `DELETE /faults/{id}`
pub(crate) async fn clear_one(
    State(world): State<Arc<World>>,
    Path(id): Path<u64>,
) -> Result<StatusCode, Problem> {
    if clear(&world, Some(id)) == 0 {
        return Err(Problem::not_found("no such fault"));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /faults`
pub(crate) async fn clear_all(State(world): State<Arc<World>>) -> StatusCode {
    clear(&world, None);
    StatusCode::NO_CONTENT
}

/// Ends orders and lets go whatever they held.
pub(crate) fn clear(world: &Arc<World>, id: Option<u64>) -> usize {
    let cleared = world.faults.clear(id);
    if cleared > 0 {
        world.record("fault.cleared", json!({ "fault_id": id, "count": cleared }));
        psp::webhooks::release_reordered(world, id);
    }
    cleared
}
