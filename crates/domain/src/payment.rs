//! A payment: facts that only grow, and a status computed from them.
//!
//! Callbacks come late, twice and in any order. So nothing here is a state machine that could be driven the wrong
//! way: every statement of a provider lets one fact grow (or not), and [`Facts::status`] is a pure function of the
//! facts. Any order and any number of repeats of the same statements ends in the same facts. What *contradicts* the
//! quote changes nothing and is handed back as a [`Contradiction`], to be quarantined.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::money::Money;
use crate::subscription::PeriodState;
use crate::time::{Instant, to_microseconds};

/// The longest provider reference or failure reason that is kept, in bytes.
pub const MAX_REFERENCE_LENGTH: usize = 255;

/// How far the provider has been asked to open the payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Our row is committed; the provider has not been asked.
    Created,
    /// The provider was asked and its answer is unknown.
    Sent,
    /// The provider has it.
    Awaiting,
}

impl Phase {
    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Sent => "sent",
            Self::Awaiting => "awaiting",
        }
    }
}

/// Whether a provider moves real money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Play money: a provider's test mode, or the simulated world.
    Test,
    /// Real money.
    Live,
}

impl Mode {
    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}

/// A verified success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The provider's own instant.
    pub at: Instant,
}

/// How a dispute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeState {
    /// The payer's bank asks for the money back.
    Open,
    /// We keep the money.
    Won,
    /// The money went back.
    Lost,
}

impl DisputeState {
    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }
}

/// The latest word on a dispute, by the provider's own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dispute {
    /// The provider's own instant.
    pub at: Instant,
    /// How it stood then.
    pub state: DisputeState,
}

/// Why a payment ended without money.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClosureReason {
    /// The provider refused it or the payer gave up; the provider's word for it.
    Failed(String),
    /// The provider can no longer be paid.
    Expired,
}

/// The first end without money, by the provider's own time. It only counts while nothing is settled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Closure {
    /// The provider's own instant.
    pub at: Instant,
    /// Why.
    pub reason: ClosureReason,
}

/// What a person is told about a payment. Computed, never driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// No money seen yet, and it may still come.
    Pending,
    /// Money seen.
    Succeeded,
    /// Ended without money.
    Failed,
    /// Can no longer be paid.
    Expired,
    /// All the money went back by our will.
    Refunded,
    /// Some of it did.
    PartiallyRefunded,
    /// The payer's bank asks for it back.
    Disputed,
    /// The payer's bank took it back.
    ChargedBack,
}

impl Status {
    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Refunded => "refunded",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Disputed => "disputed",
            Self::ChargedBack => "charged_back",
        }
    }
}

/// Everything known about one payment. Each field only grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// How far the provider was asked; grows in the order of [`Phase`].
    pub phase: Phase,
    /// The provider's own name for the payment; the first one stays.
    pub reference: Option<String>,
    /// The provider's own name for the movement of the money; known with the success, and there is only one.
    pub transaction: Option<String>,
    /// The verified success; none → some, once.
    pub settled: Option<Settlement>,
    /// The highest cumulative refund seen, in minor units of the quote's currency.
    pub refunded_minor: i64,
    /// The latest word on a dispute.
    pub dispute: Option<Dispute>,
    /// The first end without money.
    pub closed: Option<Closure>,
}

impl Facts {
    /// A payment that nobody has been asked for yet.
    pub const fn created() -> Self {
        Self {
            phase: Phase::Created,
            reference: None,
            transaction: None,
            settled: None,
            refunded_minor: 0,
            dispute: None,
            closed: None,
        }
    }

    /// The status that these facts say (invariant 4).
    pub fn status(&self, amount: Money) -> Status {
        if self.settled.is_none() {
            return match self.closed.as_ref().map(|closed| &closed.reason) {
                None => Status::Pending,
                Some(ClosureReason::Failed(_)) => Status::Failed,
                Some(ClosureReason::Expired) => Status::Expired,
            };
        }
        match self.dispute.map(|dispute| dispute.state) {
            Some(DisputeState::Lost) => Status::ChargedBack,
            _ if self.refunded_minor >= amount.minor => Status::Refunded,
            Some(DisputeState::Open) => Status::Disputed,
            _ if self.refunded_minor > 0 => Status::PartiallyRefunded,
            _ => Status::Succeeded,
        }
    }

    /// Whether the money came after the payment had been given up, or after its quote had run out. Both by the
    /// provider's own time: a failure that it dates after the money does not make the money late.
    pub fn late(&self, quote_expires_at: Instant) -> bool {
        let Some(settled) = &self.settled else { return false };
        let given_up = self.closed.as_ref().is_some_and(|closed| closed.at <= settled.at);
        given_up || settled.at > quote_expires_at
    }

    /// What the payer's period should be: none before the money, then live, withheld or revoked.
    pub fn entitlement(&self, amount: Money) -> Option<PeriodState> {
        match self.status(amount) {
            Status::Pending | Status::Failed | Status::Expired => None,
            Status::Succeeded | Status::PartiallyRefunded => Some(PeriodState::Live),
            Status::Disputed => Some(PeriodState::Withheld),
            Status::Refunded | Status::ChargedBack => Some(PeriodState::Revoked),
        }
    }
}

/// What can happen to a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The provider is about to be asked: from now on its answer is unknown until it is known.
    Asked,
    /// The provider has it, under this name.
    Opened {
        /// The provider's own name for the payment, where it gives one.
        reference: Option<String>,
    },
    /// A verified statement of the provider.
    Stated(Statement),
    /// An admin has looked and accepts the money as it came, whatever the quote says.
    Accepted {
        /// When the money came.
        at: Instant,
        /// The name of the movement at the bank, on the chain or at the provider.
        transaction: Option<String>,
    },
}

/// A verified statement of a provider about one payment: from a signed callback or from its own answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The provider's own instant.
    pub at: Instant,
    /// The provider's own name for the payment, where it says one.
    pub reference: Option<String>,
    /// The provider's own name for the movement of the money: a charge, a capture, a transfer.
    pub transaction: Option<String>,
    /// The amount it speaks of: the payment's own, or the cumulative refund.
    pub amount: Option<Money>,
    /// Whether it speaks of real money, where it says so.
    pub mode: Option<Mode>,
    /// What it claims.
    pub claim: Claim,
}

impl Statement {
    /// A claim that says nothing else.
    pub const fn new(at: Instant, claim: Claim) -> Self {
        Self { at, reference: None, transaction: None, amount: None, mode: None, claim }
    }

    /// The same about an amount.
    #[must_use]
    pub fn of(self, amount: Option<Money>) -> Self {
        Self { amount, ..self }
    }

    /// The same under the provider's name for the payment.
    #[must_use]
    pub fn named(self, reference: Option<String>) -> Self {
        Self { reference, ..self }
    }

    /// The same with the name of the money's movement.
    #[must_use]
    pub fn moved_by(self, transaction: Option<String>) -> Self {
        Self { transaction, ..self }
    }

    /// The same in test or live mode.
    #[must_use]
    pub fn in_mode(self, mode: Option<Mode>) -> Self {
        Self { mode, ..self }
    }
}

/// What a provider claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The money is there.
    Succeeded,
    /// It ended without money, for this reason.
    Failed {
        /// The provider's word for it.
        reason: String,
    },
    /// It can no longer be paid.
    Expired,
    /// So much has gone back in all ([`Statement::amount`], cumulative).
    Refunded,
    /// A dispute stands so.
    Dispute(DisputeState),
}

/// Why a statement cannot be true of this payment. It is stored and raises an alert; nothing changes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Contradiction {
    /// Another amount than the quote's, or a refund above it.
    #[error("the amount {stated} contradicts the quote of {quoted}")]
    Amount {
        /// What was asked for.
        quoted: Money,
        /// What the provider says.
        stated: Money,
    },
    /// A success or refund that does not say how much.
    #[error("the statement names no amount")]
    AmountMissing,
    /// Another name than the provider gave before.
    #[error("the provider's reference differs from the one it gave before")]
    Reference,
    /// Play money for a real quote, or the other way round.
    #[error("a statement in {} mode about a payment in {} mode", .stated.as_str(), .quoted.as_str())]
    Mode {
        /// What was asked for.
        quoted: Mode,
        /// What the provider says.
        stated: Mode,
    },
    /// The payer has paid twice.
    #[error("the money came a second time, by another transaction")]
    SecondTransaction,
    /// One transfer never pays twice.
    #[error("the same transaction has paid another payment")]
    TransactionReused,
}

impl Contradiction {
    /// A stable word for alerts and lists.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Amount { quoted, stated } if quoted.currency as u8 != stated.currency as u8 => {
                "currency_mismatch"
            }
            Self::Amount { .. } => "amount_mismatch",
            Self::AmountMissing => "amount_missing",
            Self::Reference => "reference_mismatch",
            Self::Mode { .. } => "mode_mismatch",
            Self::SecondTransaction => "paid_twice",
            Self::TransactionReused => "transaction_reused",
        }
    }
}

/// What follows from an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The facts grow; write this.
    Grow(Box<Decision>),
    /// Known already: success without a change.
    AlreadyApplied,
    /// It cannot be true of this payment: quarantine it.
    Contradicts(Contradiction),
}

/// What to write, in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The facts after the event.
    pub facts: Facts,
    /// The status that they say.
    pub status: Status,
    /// What the payer's period must become, if that changes.
    pub entitlement: Option<PeriodState>,
    /// Money was seen for the first time: the payer is owed a confirmation.
    pub newly_settled: bool,
    /// A refund or dispute came before the money: the provider should be asked now.
    pub ask_provider: bool,
}

/// The part of a payment that decisions are made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The frozen amount.
    pub amount: Money,
    /// Whether it was asked for in real money.
    pub mode: Mode,
    /// What is known.
    pub facts: Facts,
}

impl Payment {
    /// What follows from `event`. Pure: the same payment and event always give the same verdict.
    pub fn apply(&self, event: &Event) -> Verdict {
        let mut facts = self.facts.clone();
        match event {
            Event::Asked => facts.phase = facts.phase.max(Phase::Sent),
            Event::Opened { reference } => {
                if let Err(contradiction) = learn_reference(&mut facts, reference.as_deref()) {
                    return Verdict::Contradicts(contradiction);
                }
                facts.phase = Phase::Awaiting;
            }
            Event::Stated(statement) => {
                if let Err(contradiction) = self.learn(&mut facts, statement) {
                    return Verdict::Contradicts(contradiction);
                }
            }
            Event::Accepted { at, transaction } => {
                facts.phase = Phase::Awaiting;
                if facts.settled.is_none() {
                    facts.settled = Some(Settlement { at: to_microseconds(*at) });
                    facts.transaction =
                        facts.transaction.take().or_else(|| transaction.as_deref().map(shortened));
                }
            }
        }
        if facts == self.facts {
            Verdict::AlreadyApplied
        } else {
            Verdict::Grow(Box::new(self.decide(facts)))
        }
    }

    fn learn(&self, facts: &mut Facts, statement: &Statement) -> Result<(), Contradiction> {
        if let Some(stated) = statement.mode.filter(|stated| *stated != self.mode) {
            return Err(Contradiction::Mode { quoted: self.mode, stated });
        }
        self.check_amount(statement)?;
        learn_reference(facts, statement.reference.as_deref())?;
        facts.phase = Phase::Awaiting;
        // As it will be stored, so that the same statement is recognised after it was read back.
        let at = to_microseconds(statement.at);
        match &statement.claim {
            Claim::Succeeded => {
                learn_transaction(facts, statement.transaction.as_deref())?;
                let earlier = facts.settled.as_ref().is_some_and(|settled| settled.at <= at);
                if !earlier {
                    facts.settled = Some(Settlement { at });
                }
            }
            Claim::Failed { reason } => {
                close(facts, at, ClosureReason::Failed(shortened(reason)));
            }
            Claim::Expired => close(facts, at, ClosureReason::Expired),
            Claim::Refunded => {
                let total = statement.amount.map_or(0, |amount| amount.minor);
                facts.refunded_minor = facts.refunded_minor.max(total);
            }
            Claim::Dispute(state) => {
                let word = Dispute { at, state: *state };
                facts.dispute = Some(facts.dispute.map_or(word, |known| known.max(word)));
            }
        }
        Ok(())
    }

    fn check_amount(&self, statement: &Statement) -> Result<(), Contradiction> {
        let quoted = self.amount;
        let Some(stated) = statement.amount else {
            return match statement.claim {
                Claim::Succeeded | Claim::Refunded => Err(Contradiction::AmountMissing),
                Claim::Failed { .. } | Claim::Expired | Claim::Dispute(_) => Ok(()),
            };
        };
        let fits = match statement.claim {
            Claim::Refunded => (0..=quoted.minor).contains(&stated.minor),
            _ => stated.minor == quoted.minor,
        };
        if fits && stated.currency == quoted.currency {
            Ok(())
        } else {
            Err(Contradiction::Amount { quoted, stated })
        }
    }

    fn decide(&self, facts: Facts) -> Decision {
        let before = self.facts.entitlement(self.amount);
        let after = facts.entitlement(self.amount);
        let unsettled_news = facts.settled.is_none()
            && (facts.refunded_minor != self.facts.refunded_minor || facts.dispute != self.facts.dispute);
        Decision {
            status: facts.status(self.amount),
            entitlement: if before == after { None } else { after },
            newly_settled: self.facts.settled.is_none() && facts.settled.is_some(),
            ask_provider: unsettled_news,
            facts,
        }
    }
}

fn learn_reference(facts: &mut Facts, stated: Option<&str>) -> Result<(), Contradiction> {
    match (&facts.reference, stated.map(shortened)) {
        (_, None) => Ok(()),
        (None, Some(stated)) => {
            facts.reference = Some(stated);
            Ok(())
        }
        (Some(known), Some(stated)) if *known == stated => Ok(()),
        (Some(_), Some(_)) => Err(Contradiction::Reference),
    }
}

/// One payment is paid by one movement of money: a second one is the payer's, not ours to keep.
fn learn_transaction(facts: &mut Facts, stated: Option<&str>) -> Result<(), Contradiction> {
    match (&facts.transaction, stated.map(shortened)) {
        (_, None) => Ok(()),
        (Some(known), Some(stated)) if *known != stated => Err(Contradiction::SecondTransaction),
        (_, Some(stated)) => {
            facts.transaction = Some(stated);
            Ok(())
        }
    }
}

/// The earliest end by the provider's time stays, so that order does not matter.
fn close(facts: &mut Facts, at: Instant, reason: ClosureReason) {
    let word = Closure { at, reason };
    facts.closed = Some(match facts.closed.take() {
        Some(known) => known.min(word),
        None => word,
    });
}

/// As much of a provider's word as can be stored: PostgreSQL's text has a limit here and no NUL.
fn shortened(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_REFERENCE_LENGTH);
    text[..end].replace('\0', "")
}

#[cfg(test)]
#[path = "payment_tests.rs"]
mod tests;
