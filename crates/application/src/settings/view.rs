//! Settings as admins see them: what is readable, and of secrets a fingerprint.

use domain::ids::ApprovalId;
use domain::time::Instant;
use secrecy::{ExposeSecret, SecretString};

use super::cooling::COOLING;
use super::store::{self, HISTORY};
use super::{Key, SettingError, Source};
use crate::app::App;
use crate::tx::StoreError;

/// How many versions are listed.
const MAX_LISTED: i64 = 100;

/// A setting.
#[derive(Clone, Debug)]
pub struct SettingView {
    /// Which.
    pub key: Key,
    /// Where its value comes from.
    pub source: Source,
    /// Its value, if people may read it.
    pub value: Option<String>,
    /// Tells values apart, and nobody what they are.
    pub fingerprint: Option<String>,
    /// Of the admin's setting; zero if there was never one.
    pub version: i32,
    /// When that version was set (wall time).
    pub updated_at: Option<Instant>,
    /// What becomes valid later.
    pub cooling: Option<CoolingView>,
}

/// A value that waits for the end of its cooling time.
#[derive(Clone, Debug)]
pub struct CoolingView {
    /// Itself, if people may read it.
    pub value: Option<String>,
    /// Tells values apart.
    pub fingerprint: String,
    /// When it becomes valid (business time).
    pub active_from: Instant,
    /// By which request.
    pub approval: Option<ApprovalId>,
}

/// A version that was.
#[derive(Clone, Debug)]
pub struct VersionView {
    /// Which.
    pub version: i32,
    /// Its fingerprint; nothing if this version deleted the setting.
    pub fingerprint: Option<String>,
    /// Its value, if people may read it.
    pub value: Option<String>,
    /// When (wall time).
    pub set_at: Instant,
    /// What kind of actor.
    pub actor_kind: String,
    /// Who.
    pub actor_id: Option<String>,
    /// By which request.
    pub approval: Option<ApprovalId>,
    /// Why.
    pub reason: String,
}

impl App {
    /// Every setting, set or not.
    pub async fn setting_views(&self) -> Result<Vec<SettingView>, StoreError> {
        let mut views = Vec::with_capacity(Key::ALL.len());
        for key in Key::ALL {
            views.push(self.setting_view(key).await?);
        }
        Ok(views)
    }

    /// One setting.
    pub async fn setting_view(&self, key: Key) -> Result<SettingView, StoreError> {
        let stored = sqlx::query!(
            r#"SELECT max(version) AS version, max(set_at) AS set_at
               FROM admin_config_history
               WHERE key = $1"#,
            key.as_str()
        )
        .fetch_one(self.db())
        .await?;
        let value = self.settings().value(key);
        Ok(SettingView {
            key,
            source: self.settings().source(key),
            fingerprint: value.as_ref().map(|value| store::fingerprint(self.keys(), key, value)),
            value: value.as_ref().and_then(|value| readable(key, value)),
            version: stored.version.unwrap_or(0),
            updated_at: stored.set_at,
            cooling: self.cooling_view(key).await?,
        })
    }

    async fn cooling_view(&self, key: Key) -> Result<Option<CoolingView>, StoreError> {
        let row = sqlx::query!(
            "SELECT row_id, value_encrypted, fingerprint, active_from, approval_id
             FROM admin_config_cooling
             WHERE key = $1",
            key.as_str()
        )
        .fetch_optional(self.db())
        .await?;
        row.map(|row| {
            let value = self.keys().open_text(&COOLING, row.row_id, &row.value_encrypted)?;
            Ok(CoolingView {
                value: readable(key, &value),
                fingerprint: store::shown(&row.fingerprint),
                active_from: row.active_from,
                approval: row.approval_id.map(ApprovalId::from_uuid),
            })
        })
        .transpose()
    }

    /// The versions that a setting had, the newest first.
    pub async fn setting_history(&self, key: Key) -> Result<Vec<VersionView>, StoreError> {
        let rows = sqlx::query!(
            "SELECT version, row_id, value_encrypted, fingerprint, set_at, actor_kind, actor_id, approval_id, reason
             FROM admin_config_history
             WHERE key = $1
             ORDER BY version DESC
             LIMIT $2",
            key.as_str(),
            MAX_LISTED
        )
        .fetch_all(self.db())
        .await?;
        rows.into_iter()
            .map(|row| {
                let sealed = row.value_encrypted.as_deref().filter(|_| !key.is_secret());
                let value = sealed.map(|sealed| self.keys().open_text(&HISTORY, row.row_id, sealed));
                Ok(VersionView {
                    version: row.version,
                    fingerprint: row.fingerprint.as_deref().map(store::shown),
                    value: value.transpose()?.and_then(|value| readable(key, &value)),
                    set_at: row.set_at,
                    actor_kind: row.actor_kind,
                    actor_id: row.actor_id,
                    approval: row.approval_id.map(ApprovalId::from_uuid),
                    reason: row.reason,
                })
            })
            .collect()
    }

    /// The value that a setting had in a version; nothing if that one deleted it.
    pub(super) async fn setting_version(
        &self,
        key: Key,
        version: i32,
    ) -> Result<Option<SecretString>, SettingError> {
        let row = sqlx::query!(
            "SELECT row_id, value_encrypted FROM admin_config_history WHERE key = $1 AND version = $2",
            key.as_str(),
            version
        )
        .fetch_optional(self.db())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let Some(sealed) = row.value_encrypted else { return Ok(None) };
        Ok(Some(self.keys().open_text(&HISTORY, row.row_id, &sealed)?))
    }
}

fn readable(key: Key, value: &SecretString) -> Option<String> {
    (!key.is_secret()).then(|| value.expose_secret().to_owned())
}
