//! Writing what follows from an event of a payment, in one transaction: facts, period, audit entry, owed work.

use domain::ids::{NotificationId, PaymentId};
use domain::payment::{Contradiction, Decision, Event, Phase, Status, Verdict};
use domain::time::{Duration, Instant, microseconds_between};
use serde_json::{Value, json};

use super::movements;
use super::store::{self, StoredPayment};
use crate::alerts;
use crate::audit;
use crate::identity;
use crate::notifications::{self, Content, Recipient};
use crate::subscriptions;
use crate::tx::{StoreError, Tx};

/// So many refused payments of one user within [`REFUSALS_WITHIN`] are suspicious.
const MAX_REFUSALS: i64 = 20;
const REFUSALS_WITHIN: Duration = Duration::hours(1);

/// What an event came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// The facts grew.
    Changed(Status),
    /// Everything was known.
    Known,
    /// It cannot be true of this payment; nothing changed.
    Contradicts(Contradiction),
    /// There is no such payment.
    NoSuchPayment,
}

/// Locks the payment, decides, writes.
pub(crate) async fn apply(tx: &mut Tx, id: PaymentId, event: &Event) -> Result<Applied, StoreError> {
    let Some(stored) = store::lock(tx, id).await? else { return Ok(Applied::NoSuchPayment) };
    match stored.payment.apply(event) {
        Verdict::AlreadyApplied => Ok(Applied::Known),
        Verdict::Contradicts(contradiction) => Ok(Applied::Contradicts(contradiction)),
        Verdict::Grow(decision) => {
            let learned = decision.facts.transaction.as_deref();
            if let Some(transaction) = learned.filter(|_| stored.payment.facts.transaction.is_none())
                && store::transaction_is_used(tx, &stored, transaction).await?
            {
                return Ok(Applied::Contradicts(Contradiction::TransactionReused));
            }
            write(tx, &stored, &decision, event).await?;
            Ok(Applied::Changed(decision.status))
        }
    }
}

async fn write(
    tx: &mut Tx,
    stored: &StoredPayment,
    decision: &Decision,
    event: &Event,
) -> Result<(), StoreError> {
    store::write_facts(tx, stored.id, decision).await?;
    movements::book(tx, stored, decision, event).await?;
    if decision.ask_provider {
        tx.owe_work();
    }
    let entry = audit::Entry {
        action: action(stored, decision),
        subject_kind: "payment",
        subject_id: stored.id.to_string(),
        user: Some(stored.user),
        details: details(stored, decision),
    };
    audit::record(tx, entry).await?;
    if let Some(state) = decision.entitlement {
        let purchase = subscriptions::Purchase {
            payment: stored.id,
            user: stored.user,
            channel: stored.channel.clone(),
            plan: stored.plan_code.clone(),
            length: stored.length.duration(),
        };
        let ends_at = subscriptions::entitle(tx, &purchase, state).await?;
        if decision.newly_settled {
            owe_confirmation(tx, stored, ends_at).await?;
        }
    }
    if decision.status == Status::Failed && stored.status() != Status::Failed {
        suspect_many_refusals(tx, stored).await?;
    }
    raise_alerts(tx, stored, decision).await
}

/// Whoever tries one card after the other is not paying: a rule freezes the account, and an admin looks at it (SEC-61).
async fn suspect_many_refusals(tx: &mut Tx, stored: &StoredPayment) -> Result<(), StoreError> {
    let since = tx.now() - REFUSALS_WITHIN;
    let refused = store::count_failed(tx, stored.user, since).await?;
    if refused >= MAX_REFUSALS {
        let reason = format!("{refused} payments were refused within an hour");
        identity::freeze_by_rule(tx, stored.user, &reason).await?;
    }
    Ok(())
}

async fn owe_confirmation(tx: &mut Tx, stored: &StoredPayment, ends_at: Instant) -> Result<(), StoreError> {
    let id = NotificationId::new(tx.wall(), &tx.entropy());
    let ends_at_us = microseconds_between(Instant::UNIX_EPOCH, ends_at);
    let content = Content::PaymentConfirmed { payment: stored.id, ends_at_us };
    let dedupe_key = confirmation_key(stored.id);
    notifications::owe(tx, id, &dedupe_key, Recipient::User(stored.user), content, None).await?;
    Ok(())
}

/// One confirmation per payment.
pub(super) fn confirmation_key(payment: PaymentId) -> String {
    format!("payment_confirmed:{payment}")
}

async fn raise_alerts(tx: &mut Tx, stored: &StoredPayment, decision: &Decision) -> Result<(), StoreError> {
    let facts = &decision.facts;
    let details = json!({ "payment": stored.id, "provider": stored.provider, "amount": stored.payment.amount.to_string() });
    if decision.newly_settled && facts.late(stored.quote_expires_at) {
        alerts::raise(tx, alerts::Kind::SettledLate, &format!("late:{}", stored.id), details.clone()).await?;
    }
    let newly_disputed = decision.status == Status::Disputed && stored.status() != Status::Disputed;
    if newly_disputed {
        alerts::raise(tx, alerts::Kind::PaymentDisputed, &format!("disputed:{}", stored.id), details).await?;
    }
    Ok(())
}

/// The word of the audit log for what happened.
pub(super) fn action(stored: &StoredPayment, decision: &Decision) -> &'static str {
    if decision.newly_settled {
        return "payment.settled";
    }
    if decision.status == stored.status() {
        return "payment.learned";
    }
    match decision.status {
        Status::Pending => "payment.learned",
        Status::Succeeded => "payment.dispute_won",
        Status::Failed => "payment.failed",
        Status::Expired => "payment.expired",
        Status::Refunded => "payment.refunded",
        Status::PartiallyRefunded => "payment.partially_refunded",
        Status::Disputed => "payment.disputed",
        Status::ChargedBack => "payment.charged_back",
    }
}

/// What the audit log keeps of it.
pub(super) fn details(stored: &StoredPayment, decision: &Decision) -> Value {
    json!({
        "provider": stored.provider,
        "amount": stored.payment.amount.minor,
        "currency": stored.payment.amount.currency.code(),
        "from": stored.status().as_str(),
        "to": decision.status.as_str(),
        "phase": decision.facts.phase.as_str(),
        "refunded": decision.facts.refunded_minor,
    })
}

impl StoredPayment {
    /// The status that its facts say.
    pub(crate) fn status(&self) -> Status {
        self.payment.facts.status(self.payment.amount)
    }

    /// Whether the client can be told how opening it went: it has ended, or there is an address to pay at.
    pub(crate) fn outcome_is_known(&self) -> bool {
        let told = self.checkout_url.is_some() || self.instructions.is_some();
        let payable = self.payment.facts.phase == Phase::Awaiting && told;
        payable || self.status() != Status::Pending
    }
}
