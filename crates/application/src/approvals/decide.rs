//! Deciding about a request: whoever confirms has looked at exactly what will change, and it is done in the same
//! transaction.

use crypto::fingerprint::constant_time_eq;
use domain::approval::{self, Confirmation, Decision, Refusal, State};
use domain::ids::ApprovalId;
use scoped_futures::ScopedFutureExt;

use super::request::{ended, entry, person, tell_admins};
use super::store::{self, Locked};
use super::{Action, Aftermath, ApprovalError, ApprovalView, Approved};
use crate::actor::{Actor, Context};
use crate::app::App;
use crate::audit;
use crate::identity;
use crate::notifications::Content;
use crate::tx::Tx;

impl App {
    /// Confirms a request, for the digest of what was shown, and does what it asks for.
    pub async fn confirm_approval(
        &self,
        context: &Context,
        id: ApprovalId,
        digest: &str,
    ) -> Result<ApprovalView, ApprovalError> {
        let (state, aftermath) = self
            .tx("confirm_approval", context, |tx| {
                async move { confirm(self, tx, id, digest).await }.scope_boxed()
            })
            .await?;
        self.follow(&aftermath).await?;
        self.told(id, state, State::Confirmed).await
    }

    /// Says no to a request.
    pub async fn reject_approval(
        &self,
        context: &Context,
        id: ApprovalId,
        reason: &str,
    ) -> Result<ApprovalView, ApprovalError> {
        let reason = super::reason(reason)?;
        let state = self
            .tx("reject_approval", context, |tx| {
                async move { reject(self, tx, id, reason).await }.scope_boxed()
            })
            .await?;
        self.told(id, state, State::Rejected).await
    }

    async fn told(&self, id: ApprovalId, state: State, wanted: State) -> Result<ApprovalView, ApprovalError> {
        if state != wanted {
            return Err(refused(state));
        }
        self.approval(id).await?.ok_or(ApprovalError::NotFound)
    }
}

async fn confirm(
    app: &App,
    tx: &mut Tx,
    id: ApprovalId,
    digest: &str,
) -> Result<(State, Aftermath), ApprovalError> {
    let locked = store::lock(tx, id).await?.ok_or(ApprovalError::NotFound)?;
    let Some(action) = store::open_action(app.keys(), &locked)? else { return Err(refused(locked.state)) };
    let known = known(app, tx, &locked, &action, digest).await?;
    let wall = tx.wall();
    match approval::decide(locked.state, locked.expires_at, wall, Decision::Confirm(known)) {
        Err(refusal) => Err(refusal.into()),
        Ok(State::Confirmed) => {
            let approved = Approved { id, reason: locked.reason.clone() };
            finish(tx, &locked, State::Confirmed, None).await?;
            let aftermath = action.execute(app, tx, &approved).await?;
            super::supersede(tx, &locked.object).await?;
            let done = Content::ApprovalDone { approval: id };
            tell_admins(tx, &format!("approval_done:{id}"), &done).await?;
            Ok((State::Confirmed, aftermath))
        }
        Ok(state) => {
            finish(tx, &locked, state, None).await?;
            Ok((state, Aftermath::default()))
        }
    }
}

async fn known(
    app: &App,
    tx: &mut Tx,
    locked: &Locked,
    action: &Action,
    digest: &str,
) -> Result<Confirmation, ApprovalError> {
    may_decide(tx).await?;
    let decider = person(tx.context());
    let requester_stands = match locked.requested_by {
        Some(requester) => identity::is_acting_admin(tx, requester).await?,
        None => true,
    };
    let version = match action.version(app, tx).await {
        Ok(version) => Some(version),
        Err(ApprovalError::NotFound) => None,
        Err(error) => return Err(error),
    };
    Ok(Confirmation {
        own_request: decider.is_some() && decider == locked.requested_by,
        several_admins: identity::several_admins(tx).await?,
        looked_again: hex::decode(digest).is_ok_and(|digest| constant_time_eq(&digest, &locked.digest)),
        object_unchanged: version.as_ref() == Some(&locked.object_version),
        requester_stands,
    })
}

async fn reject(app: &App, tx: &mut Tx, id: ApprovalId, reason: &str) -> Result<State, ApprovalError> {
    may_decide(tx).await?;
    let locked = store::lock(tx, id).await?.ok_or(ApprovalError::NotFound)?;
    let wall = tx.wall();
    let state = approval::decide(locked.state, locked.expires_at, wall, Decision::Reject)?;
    let action = store::open_action(app.keys(), &locked)?;
    finish(tx, &locked, state, Some(reason)).await?;
    if let Some(action) = action.filter(|_| state == State::Rejected) {
        action.reject(tx).await?;
    }
    Ok(state)
}

/// A token outlives its holder's rights by a moment: who decides about others is looked at once more.
async fn may_decide(tx: &mut Tx) -> Result<(), ApprovalError> {
    let allowed = match person(tx.context()) {
        Some(admin) => identity::is_acting_admin(tx, admin).await?,
        None => tx.context().actor == Actor::Operator,
    };
    if allowed { Ok(()) } else { Err(ApprovalError::NotAllowed) }
}

async fn finish(
    tx: &mut Tx,
    locked: &Locked,
    state: State,
    reason: Option<&str>,
) -> Result<(), ApprovalError> {
    // Time alone decides about what has expired, whoever asked.
    let (by, reason) = match state {
        State::Expired | State::Superseded => (None, None),
        _ => (person(tx.context()), reason),
    };
    store::finish(tx, locked.id, state, by, reason).await?;
    let entry = entry(ended(state), locked.id, &locked.kind, &locked.object, reason.unwrap_or_default());
    Ok(audit::record(tx, entry).await?)
}

/// What is said of a request that was decided before.
const fn refused(state: State) -> ApprovalError {
    match state {
        State::Expired => ApprovalError::Expired,
        State::Superseded => ApprovalError::Stale,
        state => ApprovalError::Decided(state),
    }
}

impl From<Refusal> for ApprovalError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Decided(state) => refused(state),
            Refusal::AnotherAdminNeeded => Self::AnotherAdminNeeded,
            Refusal::LookAgain => Self::LookAgain,
        }
    }
}
