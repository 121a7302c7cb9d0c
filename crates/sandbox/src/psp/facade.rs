//! What makes the shared books look like one particular provider: its API, its names, and how it tells what happened.

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use time::OffsetDateTime;

use super::{event::Event, ledger::Outcome, payment::Payment};
use crate::{
    faults::{Fault, Kind},
    problem::Problem,
    random,
    world::World,
};

/// A provider as the product sees it.
pub(crate) trait Facade: Send + Sync {
    /// Its word in `/api/webhooks/<code>`, in the books and in fault orders; the same as its variant's.
    fn code(&self) -> &'static str;

    /// What payers and people at the sandbox call it.
    fn name(&self) -> &'static str;

    /// The peer that faults of its API are ordered for, such as `stripe_api`.
    fn api_peer(&self) -> &'static str;

    /// The operations such a fault can be narrowed to, of `open`, `ask`, `refund`, `capture`, `cancel`, `token`.
    fn operations(&self) -> &'static [&'static str];

    /// Its API, under a prefix of its own.
    fn routes(&self) -> Router<Arc<World>>;

    /// The one call that tells the product this event, bent as ordered; `None`: it tells nothing about this kind.
    fn render(&self, world: &World, payment: &Payment, event: &Event, bend: &Bend) -> Option<Outgoing>;

    /// A new name in the provider's manner.
    fn new_id(&self, of: Named) -> String {
        random::id(match of {
            Named::Payment => "pay",
            Named::Charge => "ch",
            Named::Refund => "ref",
            Named::Event => "evt",
        })
    }

    /// The events that follow from one thing that happened, in their order. Kinds may be the provider's own.
    fn tells(&self, kind: &'static str) -> Vec<&'static str> {
        if kind == "payment.opened" { Vec::new() } else { vec![kind] }
    }

    /// Whether too little money leaves a payment open for the rest, until its time runs out.
    fn takes_part_payments(&self) -> bool {
        false
    }

    /// How long an idempotency key is remembered; `None`: for ever.
    fn forgets_keys_after(&self) -> Option<time::Duration> {
        None
    }

    /// Waiting times between attempts to deliver an event; empty: it tries once.
    fn retries<'w>(&self, world: &'w World) -> &'w [Duration] {
        &world.config.psp.event_retry
    }

    /// Whether this answer to an event ends the attempts.
    fn takes(&self, status: StatusCode) -> bool {
        status.is_success()
    }

    /// Where events go when the payment named no address of its own.
    fn webhook_url(&self, world: &World) -> String {
        format!("{}/api/webhooks/{}", world.config.product_url.trim_end_matches('/'), self.code())
    }

    /// Where the payer's browser goes after what they did.
    fn return_url(&self, payment: &Payment, _outcome: Outcome) -> String {
        payment.quote.return_url.clone()
    }

    /// The answer of an API that is out of order.
    fn broken(&self) -> Response {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "broken",
            "the payment service is out of order, as ordered",
        )
        .into_response()
    }
}

/// What a new name is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    Payment,
    Charge,
    Refund,
    Event,
}

/// One HTTP call to the product.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// How a fault bends the telling of an event; the default tells it straight.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bend {
    /// `wrong_signature`
    pub(crate) wrong_signature: bool,
    /// `stale_timestamp`
    older_by: time::Duration,
    /// `wrong_amount`
    amount: Option<i64>,
}

impl Bend {
    /// What this fault does to the telling of an event with this amount.
    pub(crate) fn ordered(fault: Option<&Fault>, amount: i64) -> Self {
        let mut bend = Self::default();
        let Some(order) = fault.map(|fault| &fault.order) else { return bend };
        match order.kind {
            Kind::WrongSignature => bend.wrong_signature = true,
            Kind::StaleTimestamp => {
                bend.older_by = time::Duration::seconds(order.age_seconds.unwrap_or(600));
            }
            Kind::WrongAmount => bend.amount = Some(order.amount.unwrap_or(amount.saturating_add(1))),
            _ => {}
        }
        bend
    }

    /// The secret to sign with: the right one, or one that isn't.
    pub(crate) fn secret<'s>(&self, right: &'s str) -> Cow<'s, str> {
        if self.wrong_signature { Cow::Owned(format!("{right}-wrong")) } else { Cow::Borrowed(right) }
    }

    /// The time to sign with.
    pub(crate) fn at(&self, now: OffsetDateTime) -> OffsetDateTime {
        now.checked_sub(self.older_by).unwrap_or(now)
    }

    /// The amount to tell.
    pub(crate) fn amount(&self, right: i64) -> i64 {
        self.amount.unwrap_or(right)
    }
}
