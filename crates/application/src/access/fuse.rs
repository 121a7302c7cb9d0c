//! The removal fuse: right before a removal it is asked whether anybody could foresee it. If nobody could, it counts,
//! and beyond what a channel takes within an hour it is held for an admin (see `domain::removal`).
//!
//! A held removal owes nothing: its row is parked until an admin decides, or something about it changes.

use domain::ids::RemovalHoldId;
use domain::removal::{Unforeseen, WINDOW, unforeseen};
use scoped_futures::ScopedFutureExt;
use serde_json::json;

use super::fuse_store::{self, Facts, HeldState};
use super::link::identifying;
use super::store::{self, Claimed, Situation};
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::tx::{StoreError, Tx};

impl App {
    /// Whether a removal may happen now. If not, the row has been given back.
    pub(super) async fn passes_fuse(
        &self,
        claimed: &Claimed,
        situation: &Situation,
        chat: i64,
    ) -> Result<bool, StoreError> {
        let now = self.now().await?.business;
        let read = fuse_store::departure(self.db(), &claimed.place, situation, chat, now).await?;
        let Some(reason) = unforeseen(&read.departure, now) else { return Ok(true) };
        let facts = Facts { reason, user: situation.user, chat, ended_at: read.ended_at };
        let context = Context::system("removal_fuse");
        self.tx("removal_fuse", &context, |tx| {
            let facts = &facts;
            async move {
                let allowed = self.decide_unforeseen(tx, claimed, facts, read.elsewhere).await?;
                if !allowed {
                    store::release(&mut *tx.db(), claimed, None).await?;
                }
                Ok(allowed)
            }
            .scope_boxed()
        })
        .await
    }

    async fn decide_unforeseen(
        &self,
        tx: &mut Tx,
        claimed: &Claimed,
        facts: &Facts,
        elsewhere: bool,
    ) -> Result<bool, StoreError> {
        let place = &claimed.place;
        // One removal of a channel is counted at a time, whichever instance it is on.
        fuse_store::lock_channel(tx, &place.channel).await?;
        let known = fuse_store::held(tx, place).await?;
        if let Some((state, decided_upon)) = &known {
            match state {
                HeldState::Confirmed if decided_upon == facts => return Ok(true),
                HeldState::Rejected | HeldState::Held if decided_upon == facts => return Ok(false),
                _ => {}
            }
        }
        let since = tx.now() - WINDOW;
        let count = fuse_store::count(tx, place, facts.reason, since).await?;
        // Telling another chat to remove somebody would only take them off our books: that is always asked about.
        let room = !elsewhere && count.removed < self.options().removal_fuse.allows(count.members);
        if count.already || (room && !count.asked) {
            fuse_store::allow(tx, place, facts.reason).await?;
            return Ok(true);
        }
        let hold = fuse_store::hold(tx, place, facts).await?;
        record_held(tx, claimed, facts, hold).await?;
        Ok(false)
    }

    /// Ends the waiting of somebody who is out, or may stay after all.
    pub(super) async fn forget_held(&self, claimed: &Claimed) -> Result<(), StoreError> {
        let context = Context::system("removal_fuse");
        self.tx("forget_held_removal", &context, |tx| {
            async move { fuse_store::settle(tx, &claimed.place).await }.scope_boxed()
        })
        .await
    }
}

async fn record_held(
    tx: &mut Tx,
    claimed: &Claimed,
    facts: &Facts,
    hold: RemovalHoldId,
) -> Result<(), StoreError> {
    tracing::warn!(
        telegram.account = claimed.place.account,
        removal.reason = facts.reason.as_str(),
        removal.hold = %hold,
        "a removal waits for an admin"
    );
    let entry = audit::Entry {
        action: "membership.held",
        subject_kind: "membership",
        subject_id: match facts.user {
            Some(user) => format!("{}/{user}", claimed.place.channel),
            None => format!("{}/nobody", claimed.place.channel),
        },
        user: facts.user,
        details: json!({ "hold": hold, "reason": Unforeseen::as_str(facts.reason) }),
    };
    audit::record_with(tx, entry, identifying(claimed.place.account)).await
}
