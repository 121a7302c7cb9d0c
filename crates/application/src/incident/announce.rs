//! Telling of an act: the audit log, the company's alert, a mail to every admin.

use domain::ids::NotificationId;
use serde_json::{Value, json};

use super::Act;
use crate::actor::Actor;
use crate::notifications::{self, Content, Recipient};
use crate::tx::{StoreError, Tx};
use crate::{alerts, audit, identity};

/// Writes an act down where it happened and owes what is told of it.
pub(super) async fn announce(
    tx: &mut Tx,
    act: Act,
    reason: &str,
    mut details: Value,
) -> Result<(), StoreError> {
    details["reason"] = json!(reason);
    let entry = audit::Entry {
        action: act.action(),
        subject_kind: "incident",
        subject_id: act.as_str().to_owned(),
        user: None,
        details: details.clone(),
    };
    audit::record(tx, entry).await?;
    details["act"] = json!(act.as_str());
    details["by"] = json!(tx.context().actor.kind());
    alerts::raise(tx, alerts::Kind::IncidentAct, &format!("incident:{}", act.as_str()), details).await?;
    tell_admins(tx, act, reason).await
}

async fn tell_admins(tx: &mut Tx, act: Act, reason: &str) -> Result<(), StoreError> {
    let by = match tx.context().actor {
        Actor::User { id, .. } => Some(id),
        _ => None,
    };
    let at_us = i64::try_from(tx.wall().unix_timestamp_nanos() / 1_000).unwrap_or_default();
    for admin in identity::admins(tx).await? {
        let id = NotificationId::new(tx.wall(), &tx.entropy());
        let content = Content::Incident { act, by, reason: reason.to_owned(), at_us };
        let recipient = Recipient::User(admin);
        notifications::owe(tx, id, &format!("incident:{id}"), recipient, content, None).await?;
    }
    Ok(())
}
