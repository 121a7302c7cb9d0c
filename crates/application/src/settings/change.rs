//! Changing a setting, as carefully as its key asks for.

use domain::ids::ApprovalId;
use scoped_futures::ScopedFutureExt;
use secrecy::SecretString;

use super::store::{self, Locked, Origin};
use super::{ActiveFrom, Key, SettingError, Source, cooling, summary};
use crate::actor::{Actor, Context};
use crate::app::App;
use crate::approvals::{self, Action, ApprovalError, ApprovalView, Approved, Summary};
use crate::tx::Tx;

/// What came of a change.
#[derive(Clone, Debug)]
pub enum Changed {
    /// It is in force.
    Applied {
        /// The new version.
        version: i32,
    },
    /// It becomes valid when its cooling time is over (business time).
    Cooling {
        /// When.
        active_from: ActiveFrom,
    },
    /// It waits for a second confirmation.
    Pending(Box<ApprovalView>),
}

impl App {
    /// Sets a value at once, whatever it is: for whoever sets up a machine. The audit log tells that it changed, never
    /// what it is; admins are told where receiving addresses change.
    pub async fn set_setting(&self, context: &Context, key: Key, value: &str) -> Result<(), SettingError> {
        self.refuse_fixed(key)?;
        let value = SecretString::from(value);
        key.check(self, &value)?;
        self.tx("set_setting", context, |tx| {
            let value = &value;
            async move {
                let locked = store::lock(self, tx, key).await?;
                let origin = Origin { reason: "at once, by the operator".to_owned(), ..Origin::default() };
                store::write(self, tx, key, &locked, Some(value), &origin).await?;
                if key.is_receiving() && locked.set_before() {
                    cooling::tell(self, tx, key, cooling::Event::Changed, &locked, value).await?;
                }
                Ok::<_, SettingError>(())
            }
            .scope_boxed()
        })
        .await?;
        Ok(self.follow_settings().await?)
    }

    /// Changes a value as carefully as its key asks for: at once, after its cooling time, or by a second confirmation.
    /// The operator on the machine needs no second person.
    pub async fn change_setting(
        &self,
        context: &Context,
        key: Key,
        value: &SecretString,
        reason: &str,
    ) -> Result<Changed, ApprovalError> {
        self.refuse_fixed(key)?;
        key.check(self, value)?;
        approvals::reason(reason)?;
        let changed = self
            .tx("change_setting", context, |tx| {
                async move { change(self, tx, key, value, reason).await }.scope_boxed()
            })
            .await?;
        self.follow_settings().await?;
        Ok(changed)
    }

    /// Deletes a value: by a second confirmation, or at once by the operator on the machine.
    pub async fn delete_setting(
        &self,
        context: &Context,
        key: Key,
        reason: &str,
    ) -> Result<Changed, ApprovalError> {
        self.refuse_fixed(key)?;
        approvals::reason(reason)?;
        let changed = self
            .tx("delete_setting", context, |tx| {
                async move { delete(self, tx, key, reason).await }.scope_boxed()
            })
            .await?;
        self.follow_settings().await?;
        Ok(changed)
    }

    /// Sets a value that a key had before, as carefully as a new one.
    pub async fn restore_setting(
        &self,
        context: &Context,
        key: Key,
        version: i32,
        reason: &str,
    ) -> Result<Changed, ApprovalError> {
        let value = self.setting_version(key, version).await?.ok_or(SettingError::Nothing)?;
        self.change_setting(context, key, &value, reason).await
    }

    fn refuse_fixed(&self, key: Key) -> Result<(), SettingError> {
        match self.settings().source(key) {
            Source::Environment => Err(SettingError::ReadOnly(key)),
            Source::Setting | Source::Default => Ok(()),
        }
    }
}

async fn change(
    app: &App,
    tx: &mut Tx,
    key: Key,
    value: &SecretString,
    reason: &str,
) -> Result<Changed, ApprovalError> {
    let locked = store::lock(app, tx, key).await?;
    let operator = tx.context().actor == Actor::Operator;
    if !operator && (key.needs_approval(locked.set_before()) || is_a_new_way_for_money(tx, key).await?) {
        let action = Action::set(key, value);
        return Ok(Changed::Pending(Box::new(approvals::request(app, tx, &action, reason).await?)));
    }
    let origin = Origin { approval: None, reason: reason.to_owned() };
    let changed = apply(app, tx, key, &locked, value, &origin).await?;
    if !operator && key != Key::CompanyName {
        cooling::tell(app, tx, key, cooling::Event::Changed, &locked, value).await?;
    }
    Ok(changed)
}

/// Whether a provider would be offered beside those that payers pay through already: its first value redirects money, too.
async fn is_a_new_way_for_money(tx: &mut Tx, key: Key) -> Result<bool, SettingError> {
    if key.provider().is_none() {
        return Ok(false);
    }
    let query = sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM payments) AS "sold!""#);
    Ok(query.fetch_one(tx.db()).await?)
}

async fn delete(app: &App, tx: &mut Tx, key: Key, reason: &str) -> Result<Changed, ApprovalError> {
    let locked = store::lock(app, tx, key).await?;
    if locked.value.is_none() {
        return Err(SettingError::Nothing.into());
    }
    if tx.context().actor != Actor::Operator {
        let action = Action::SettingDelete { key };
        return Ok(Changed::Pending(Box::new(approvals::request(app, tx, &action, reason).await?)));
    }
    let origin = Origin { approval: None, reason: reason.to_owned() };
    let version = store::write(app, tx, key, &locked, None, &origin).await?;
    Ok(Changed::Applied { version })
}

/// Puts a value in force, or on its way: a receiving address that replaces another one waits for its cooling time.
async fn apply(
    app: &App,
    tx: &mut Tx,
    key: Key,
    locked: &Locked,
    value: &SecretString,
    origin: &Origin,
) -> Result<Changed, SettingError> {
    if key.is_receiving() && locked.set_before() {
        let active_from = cooling::begin(app, tx, key, locked, value, origin).await?;
        return Ok(Changed::Cooling { active_from });
    }
    let version = store::write(app, tx, key, locked, Some(value), origin).await?;
    Ok(Changed::Applied { version })
}

/// What a confirmation will be asked about.
pub(crate) async fn describe(
    app: &App,
    tx: &mut Tx,
    key: Key,
    value: Option<&SecretString>,
) -> Result<Summary, SettingError> {
    app.refuse_fixed(key)?;
    let locked = store::lock(app, tx, key).await?;
    match value {
        Some(value) => key.check(app, value)?,
        None if locked.value.is_none() => return Err(SettingError::Nothing),
        None => {}
    }
    Ok(summary::summary(app.keys(), key, locked.value.as_ref(), value))
}

/// Sets a value that was confirmed.
pub(crate) async fn set_approved(
    app: &App,
    tx: &mut Tx,
    key: Key,
    value: &SecretString,
    approved: &Approved,
) -> Result<(), SettingError> {
    app.refuse_fixed(key)?;
    key.check(app, value)?;
    let locked = store::lock(app, tx, key).await?;
    apply(app, tx, key, &locked, value, &origin(approved)).await?;
    if key == Key::CompanyEmail {
        cooling::tell_company(app, tx, &locked, value).await?;
    }
    Ok(())
}

/// Deletes a value, as was confirmed.
pub(crate) async fn delete_approved(
    app: &App,
    tx: &mut Tx,
    key: Key,
    approved: &Approved,
) -> Result<(), SettingError> {
    app.refuse_fixed(key)?;
    let locked = store::lock(app, tx, key).await?;
    store::write(app, tx, key, &locked, None, &origin(approved)).await?;
    Ok(())
}

fn origin(approved: &Approved) -> Origin {
    let id: ApprovalId = approved.id;
    Origin { approval: Some(id), reason: approved.reason.clone() }
}
