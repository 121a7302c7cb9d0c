//! What the books have to tell, before a provider's facade puts it into its own words.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{payment::Dispute, providers::Provider};
use crate::{clock::rfc3339, faults::Kind, world::World};

/// One thing that happened to a payment, and how the telling of it goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Kept")]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) provider: Provider,
    pub(crate) payment_id: String,
    /// The payment's name at the provider.
    pub(crate) reference: String,
    /// `payment.opened`, `.approved`, `.succeeded`, `.failed`, `.expired`, `.canceled`, `.refunded`, `dispute.opened`, `.closed`,
    /// or a kind of the facade's own.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Charged or asked for; of a refund all that was given back so far.
    pub(crate) amount: i64,
    pub(crate) currency: String,
    /// How a dispute closed.
    pub(crate) outcome: Option<Dispute>,
    /// The refund that it tells of.
    pub(crate) refund_id: Option<String>,
    /// Business time.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    /// The payment's own address for events; `None` is the provider's.
    pub(crate) webhook_url: Option<String>,
    pub(crate) state: EventState,
    pub(crate) attempts: Vec<Attempt>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventState {
    Pending,
    Delivered,
    /// Never sent, by a fault.
    Dropped,
    GivenUp,
    /// The provider tells nothing about this kind.
    Untold,
}

/// One call, or the fault that took its place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Attempt {
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<String>,
    pub(crate) fault: Option<Kind>,
}

impl Event {
    /// Where it goes.
    pub(crate) fn url(&self, world: &World) -> String {
        self.webhook_url.clone().unwrap_or_else(|| self.provider.facade().webhook_url(world))
    }

    /// What happened, for programs.
    pub(crate) fn data(&self) -> Map<String, Value> {
        let mut data = Map::from_iter([
            ("payment_id".to_owned(), json!(self.payment_id)),
            ("provider_reference".to_owned(), json!(self.reference)),
            ("amount".to_owned(), json!(self.amount)),
            ("currency".to_owned(), json!(self.currency)),
        ]);
        if let Some(outcome) = self.outcome {
            data.insert("outcome".to_owned(), json!(outcome));
        }
        data
    }

    /// The whole event as programs see it.
    pub(crate) fn show(&self) -> Value {
        json!({
            "event_id": self.id,
            "provider": self.provider,
            "payment_id": self.payment_id,
            "type": self.kind,
            "state": self.state,
            "created": self.at.unix_timestamp(),
            "data": self.data(),
            "attempts": self.attempts.iter().map(|attempt| json!({
                "at": rfc3339(attempt.at),
                "status": attempt.status,
                "error": attempt.error,
                "fault": attempt.fault,
            })).collect::<Vec<_>>(),
        })
    }
}

/// An event as it may stand in a state file: the first ones were written in the words of `hmac_psp`, in a `body`.
#[derive(Deserialize)]
struct Kept {
    id: String,
    #[serde(default)]
    provider: Provider,
    payment_id: String,
    #[serde(default)]
    reference: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    amount: i64,
    #[serde(default)]
    currency: String,
    outcome: Option<Dispute>,
    refund_id: Option<String>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    at: Option<OffsetDateTime>,
    webhook_url: Option<String>,
    state: EventState,
    attempts: Vec<Attempt>,
    body: Option<Told>,
}

#[derive(Deserialize)]
struct Told {
    created: i64,
    data: ToldData,
}

#[derive(Deserialize)]
struct ToldData {
    provider_reference: String,
    amount: i64,
    currency: String,
    outcome: Option<Dispute>,
}

impl From<Kept> for Event {
    fn from(kept: Kept) -> Self {
        let mut event = Self {
            id: kept.id,
            provider: kept.provider,
            payment_id: kept.payment_id,
            reference: kept.reference,
            kind: kept.kind,
            amount: kept.amount,
            currency: kept.currency,
            outcome: kept.outcome,
            refund_id: kept.refund_id,
            at: kept.at.unwrap_or(OffsetDateTime::UNIX_EPOCH),
            webhook_url: kept.webhook_url,
            state: kept.state,
            attempts: kept.attempts,
        };
        if let Some(Told { created, data }) = kept.body {
            event.reference = data.provider_reference;
            event.amount = data.amount;
            event.currency = data.currency;
            event.outcome = data.outcome;
            event.at = OffsetDateTime::from_unix_timestamp(created).unwrap_or(event.at);
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_the_time_with_one_provider_is_read_as_it_was_told() {
        let event: Event = serde_json::from_value(json!({
            "id": "evt_1", "payment_id": "p1", "type": "dispute.closed", "webhook_url": null, "state": "delivered", "attempts": [],
            "body": {
                "id": "evt_1", "type": "dispute.closed", "created": 1_800_000_000,
                "data": {
                    "payment_id": "p1", "provider_reference": "pay_1", "amount": 5999, "currency": "EUR", "outcome": "won",
                },
            },
        }))
        .unwrap();
        let shown = event.show();
        assert_eq!(
            (&shown["provider"], &shown["created"], &shown["data"]),
            (
                &json!("hmac_psp"),
                &json!(1_800_000_000),
                &json!({
                    "payment_id": "p1", "provider_reference": "pay_1", "amount": 5999, "currency": "EUR", "outcome": "won",
                })
            )
        );
        let again: Event = serde_json::from_value(json!(event)).unwrap();
        assert_eq!(again.show(), shown);
    }
}
