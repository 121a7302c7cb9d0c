//! The cooling time of receiving addresses (business time): a confirmed one becomes valid only after it, so that all
//! admins, who are told at once, can still cancel. Whoever has a quote pays where the quote says.

use crypto::envelope::Label;
use domain::ids::{ApprovalId, NotificationId};
use domain::time::{Duration, Instant, microseconds_between};
use scoped_futures::ScopedFutureExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::store::{self, Locked, Origin, fingerprint};
use super::{ActiveFrom, Key, SettingError, summary};
use crate::actor::Context;
use crate::app::App;
use crate::approvals;
use crate::audit;
use crate::identity;
use crate::notifications::{self, Content, Recipient, SettingEvent as Told};
use crate::tx::{StoreError, Tx};

pub(super) const COOLING: Label = Label::new("admin_config_cooling", "value_encrypted");

/// What admins are told of a setting.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Changed,
    Cooling(Instant),
    Activated,
    Cancelled,
}

/// Lets a confirmed value wait; one that waited before is replaced. All admins are told.
pub(super) async fn begin(
    app: &App,
    tx: &mut Tx,
    key: Key,
    locked: &Locked,
    value: &SecretString,
    origin: &Origin,
) -> Result<ActiveFrom, StoreError> {
    let active_from = tx.now() + Duration::hours(app.settings().cooling_hours());
    let row = store::new_row(tx);
    let sealed = app.keys().seal(&**app.random(), &COOLING, row, value.expose_secret().as_bytes())?;
    let mac = store::mac(app.keys(), key, value);
    let (now, context) = (tx.wall(), tx.context().clone());
    sqlx::query!(
        "INSERT INTO admin_config_cooling (key, row_id, value_encrypted, fingerprint, set_at, active_from, actor_kind,
                                           actor_id, approval_id, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (key)
         DO UPDATE SET row_id = EXCLUDED.row_id, value_encrypted = EXCLUDED.value_encrypted,
                       fingerprint = EXCLUDED.fingerprint, set_at = EXCLUDED.set_at,
                       active_from = EXCLUDED.active_from, actor_kind = EXCLUDED.actor_kind,
                       actor_id = EXCLUDED.actor_id, approval_id = EXCLUDED.approval_id, reason = EXCLUDED.reason",
        key.as_str(),
        row,
        sealed,
        mac.as_slice(),
        now,
        active_from,
        context.actor.kind(),
        context.actor.id(),
        origin.approval.map(ApprovalId::uuid),
        origin.reason
    )
    .execute(tx.db())
    .await?;
    approvals::supersede(tx, &store::object(key)).await?;
    let details = json!({
        "before": locked.value.as_ref().map(|value| fingerprint(app.keys(), key, value)),
        "after": store::shown(&mac),
        "active_from_us": microseconds_between(Instant::UNIX_EPOCH, active_from),
        "approval": origin.approval,
        "reason": origin.reason,
    });
    audit::record(tx, store::entry("setting.cooling", key, details)).await?;
    tell(app, tx, key, Event::Cooling(active_from), locked, value).await?;
    Ok(active_from)
}

/// What waits.
struct Waiting {
    value: SecretString,
    active_from: Instant,
    origin: Origin,
}

async fn waiting(app: &App, tx: &mut Tx, key: Key) -> Result<Option<Waiting>, StoreError> {
    let row = sqlx::query!(
        "SELECT row_id, value_encrypted, active_from, approval_id, reason
         FROM admin_config_cooling
         WHERE key = $1
         FOR UPDATE",
        key.as_str()
    )
    .fetch_optional(tx.db())
    .await?;
    row.map(|row| {
        let origin = Origin { approval: row.approval_id.map(ApprovalId::from_uuid), reason: row.reason };
        let value = app.keys().open_text(&COOLING, row.row_id, &row.value_encrypted)?;
        Ok(Waiting { value, active_from: row.active_from, origin })
    })
    .transpose()
}

impl App {
    /// Cancels a value that cools down: what is in force stays.
    pub async fn cancel_cooling(
        &self,
        context: &Context,
        key: Key,
        reason: &str,
    ) -> Result<(), approvals::ApprovalError> {
        approvals::reason(reason)?;
        self.tx("cancel_cooling", context, |tx| {
            async move {
                let locked = store::lock(self, tx, key).await?;
                let found = waiting(self, tx, key).await?.ok_or(SettingError::Nothing)?;
                sqlx::query!("DELETE FROM admin_config_cooling WHERE key = $1", key.as_str())
                    .execute(tx.db())
                    .await?;
                approvals::supersede(tx, &store::object(key)).await?;
                let cancelled = fingerprint(self.keys(), key, &found.value);
                let details = json!({ "cancelled": cancelled, "reason": reason });
                audit::record(tx, store::entry("setting.cooling_cancelled", key, details)).await?;
                Ok(tell(self, tx, key, Event::Cancelled, &locked, &found.value).await?)
            }
            .scope_boxed()
        })
        .await
    }

    /// Puts what has cooled down in force. Part of the sweeps.
    pub(crate) async fn activate_cooled(&self) -> Result<(), StoreError> {
        let now = self.now().await?.business;
        let due = sqlx::query_scalar!("SELECT key FROM admin_config_cooling WHERE active_from <= $1", now);
        let due = due.fetch_all(self.db()).await?;
        for key in due.iter().filter_map(|key| key.parse::<Key>().ok()) {
            self.tx("activate_setting", &Context::system("sweep"), |tx| {
                async move { activate(self, tx, key).await }.scope_boxed()
            })
            .await?;
        }
        if !due.is_empty() {
            self.follow_settings().await?;
        }
        Ok(())
    }
}

async fn activate(app: &App, tx: &mut Tx, key: Key) -> Result<(), StoreError> {
    let locked = store::lock(app, tx, key).await?;
    let now = tx.now();
    let Some(found) = waiting(app, tx, key).await?.filter(|found| found.active_from <= now) else {
        // Cancelled or replaced at the last moment.
        return Ok(());
    };
    store::write(app, tx, key, &locked, Some(&found.value), &found.origin).await?;
    tell(app, tx, key, Event::Activated, &locked, &found.value).await
}

/// Owes one mail to every admin, with old and new.
pub(super) async fn tell(
    app: &App,
    tx: &mut Tx,
    key: Key,
    event: Event,
    locked: &Locked,
    value: &SecretString,
) -> Result<(), StoreError> {
    for admin in identity::every_admin(tx).await? {
        owe(app, tx, key, event, locked, value, Recipient::User(admin)).await?;
    }
    Ok(())
}

/// The company hears at both addresses that it has another one.
pub(super) async fn tell_company(
    app: &App,
    tx: &mut Tx,
    locked: &Locked,
    value: &SecretString,
) -> Result<(), StoreError> {
    let locale = app.options().default_locale;
    for address in locked.value.iter().chain([value]) {
        let recipient = Recipient::Address { address: address.expose_secret().to_owned(), locale };
        owe(app, tx, Key::CompanyEmail, Event::Changed, locked, value, recipient).await?;
    }
    Ok(())
}

async fn owe(
    app: &App,
    tx: &mut Tx,
    key: Key,
    event: Event,
    locked: &Locked,
    value: &SecretString,
    recipient: Recipient,
) -> Result<(), StoreError> {
    let (event, active_from) = match event {
        Event::Changed => (Told::Changed, None),
        Event::Cooling(active_from) => (Told::Cooling, Some(active_from)),
        Event::Activated => (Told::Activated, None),
        Event::Cancelled => (Told::Cancelled, None),
    };
    let active_from_us = active_from.map(|at| microseconds_between(Instant::UNIX_EPOCH, at));
    let summary = summary::summary(app.keys(), key, locked.value.as_ref(), Some(value));
    let summary = serde_json::to_string(&summary).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let id = NotificationId::new(tx.wall(), &tx.entropy());
    // No address stands readable in the row that owes the mail.
    let secret = notifications::seal_secret(app, id, &SecretString::from(summary))?;
    let content = Content::Setting { event, active_from_us };
    notifications::owe(tx, id, &format!("setting:{id}"), recipient, content, Some(secret)).await?;
    Ok(())
}
