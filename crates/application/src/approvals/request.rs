//! Asking for a second confirmation.

use domain::approval::{LIFE, State};
use domain::ids::{ApprovalId, NotificationId, UserId};
use scoped_futures::ScopedFutureExt;
use serde_json::json;
use zeroize::Zeroizing;

use super::store::{self, NewApproval};
use super::{Action, ApprovalError, ApprovalView, MAX_PENDING, Summary};
use crate::actor::{Actor, Context};
use crate::app::App;
use crate::audit;
use crate::identity;
use crate::notifications::{self, Content, Recipient};
use crate::tx::{StoreError, Tx};

impl App {
    /// Asks for a second confirmation of an action. All admins are told.
    pub async fn propose(
        &self,
        context: &Context,
        action: Action,
        reason: &str,
    ) -> Result<ApprovalView, ApprovalError> {
        self.tx("propose", context, |tx| {
            let action = &action;
            async move { request(self, tx, action, reason).await }.scope_boxed()
        })
        .await
    }
}

/// Asks for a second confirmation, in the transaction of somebody who found out that one is needed.
pub(crate) async fn request(
    app: &App,
    tx: &mut Tx,
    action: &Action,
    reason: &str,
) -> Result<ApprovalView, ApprovalError> {
    let reason = super::reason(reason)?;
    if store::count_pending(tx).await? >= MAX_PENDING {
        return Err(ApprovalError::TooMany);
    }
    let id = ApprovalId::new(tx.wall(), &tx.entropy());
    let version = action.version(app, tx).await?;
    let summary = action.describe(app, tx).await?;
    let sealed = seal(app, id, action, &version, &summary)?;
    let new = NewApproval {
        id,
        kind: action.kind(),
        object: &action.object(),
        version: &version,
        sealed: &sealed,
        reason,
        requested_by: person(tx.context()),
        expires_at: tx.wall() + LIFE,
    };
    store::insert(tx, &new).await?;
    audit::record(tx, entry("approval.requested", id, new.kind, new.object, reason)).await?;
    tell_admins(tx, &format!("approval_requested:{id}"), &Content::ApprovalRequested { approval: id })
        .await?;
    let wall = tx.wall();
    store::find(tx.db(), app.keys(), id, wall).await?.ok_or(ApprovalError::NotFound)
}

/// What waits for another version of an object can never be confirmed: it is said at once. Part of whatever changes an
/// object that approvals are about.
pub(crate) async fn supersede(tx: &mut Tx, object: &str) -> Result<(), StoreError> {
    for (id, kind) in store::supersede(tx, object).await? {
        audit::record(tx, entry("approval.superseded", id, &kind, object, "")).await?;
    }
    Ok(())
}

/// Owes one mail to every admin, frozen or not.
pub(super) async fn tell_admins(tx: &mut Tx, dedupe_key: &str, content: &Content) -> Result<(), StoreError> {
    for admin in identity::every_admin(tx).await? {
        let id = NotificationId::new(tx.wall(), &tx.entropy());
        let key = format!("{dedupe_key}:{admin}");
        notifications::owe(tx, id, &key, Recipient::User(admin), content.clone(), None).await?;
    }
    Ok(())
}

/// What is kept of an action.
pub(super) struct Sealed {
    pub(super) action: Vec<u8>,
    pub(super) summary: Vec<u8>,
    pub(super) digest: [u8; 32],
}

fn seal(
    app: &App,
    id: ApprovalId,
    action: &Action,
    version: &str,
    summary: &Summary,
) -> Result<Sealed, StoreError> {
    let written = |error: serde_json::Error| StoreError::Corrupt(error.to_string());
    let action = Zeroizing::new(serde_json::to_vec(action).map_err(written)?);
    let summary = serde_json::to_vec(summary).map_err(written)?;
    let uuid = id.uuid();
    let key = app.keys().setting_fingerprint();
    Ok(Sealed {
        digest: key.mac(&[b"approval", uuid.as_bytes(), version.as_bytes(), &action, &summary]),
        action: app.keys().seal(&**app.random(), &store::ACTION, uuid, &action)?,
        summary: app.keys().seal(&**app.random(), &store::SUMMARY, uuid, &summary)?,
    })
}

/// The user who acts, if one does.
pub(super) fn person(context: &Context) -> Option<UserId> {
    match context.actor {
        Actor::User { id, .. } => Some(id),
        _ => None,
    }
}

pub(super) fn entry(
    action: &'static str,
    id: ApprovalId,
    kind: &str,
    object: &str,
    reason: &str,
) -> audit::Entry {
    audit::Entry {
        action,
        subject_kind: "approval",
        subject_id: id.to_string(),
        user: None,
        details: json!({ "kind": kind, "object": object, "reason": reason }),
    }
}

/// The audit log's word for the end of a request.
pub(super) const fn ended(state: State) -> &'static str {
    match state {
        State::Pending => "approval.requested",
        State::Confirmed => "approval.confirmed",
        State::Rejected => "approval.rejected",
        State::Expired => "approval.expired",
        State::Superseded => "approval.superseded",
    }
}
