//! Data keys and key-encryption keys change while the product serves.

use std::sync::Arc;

use crypto::envelope::{KeyBackendError, MAX_SEALS_PER_KEY, Rotation};
use domain::time::{Duration, Instant};
use scoped_futures::ScopedFutureExt;
use serde_json::json;
use thiserror::Error;
use uuid::Uuid;

use super::data::{HANDOVER, Look, MAX_DATA_KEYS, SURELY_UNUSED};
use super::{KeysError, inventory, store};
use crate::actor::Context;
use crate::alerts;
use crate::app::App;
use crate::audit;
use crate::tx::{StoreError, tx_error};

/// A data key seals this long, then the worker makes the next one (wall time).
pub const ROTATE_DATA_KEY_EVERY: Duration = Duration::days(90);
/// Or until it has sealed so often: half of what it may, because instances tell their counts a little later (SEC-27).
const ROTATE_AFTER_SEALS: u64 = MAX_SEALS_PER_KEY / 2;

/// Why keys were not changed.
#[derive(Debug, Error)]
pub enum KeyChangeError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key service did not do its part.
    #[error(transparent)]
    Backend(#[from] KeyBackendError),
    /// The keys in memory could not follow.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// As many as may be.
    #[error(
        "there are {MAX_DATA_KEYS} data keys: run `calmness keys rewrap`, then revoke those that nothing is under"
    )]
    TooMany,
    /// No such data key.
    #[error("there is no such data key; `calmness keys status` lists them")]
    Unknown,
    /// It is the one that seals, or was until a moment ago.
    #[error("data key {0} is in use, or was within two hours: an instance could still seal under it")]
    InUse(Uuid),
    /// Something would be lost.
    #[error("{rows} values are still under data key {id}: run `calmness keys rewrap` first")]
    StillNeeded {
        /// Which.
        id: Uuid,
        /// How many.
        rows: i64,
    },
}
tx_error!(KeyChangeError);

/// What moving data keys under the current key-encryption key brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RewrappedKeys {
    /// Under another key-encryption key than before.
    pub moved: u64,
    /// Already where they belong.
    pub unchanged: u64,
}

impl App {
    /// Makes the next data key, which seals on every instance some seconds from now. What the earlier ones sealed stays
    /// readable. Answers its name.
    pub async fn rotate_data_key(&self, context: &Context) -> Result<Uuid, KeyChangeError> {
        let made = self.make_data_key(context, None).await?;
        made.ok_or_else(|| StoreError::Corrupt("a data key was not made".to_owned()).into())
    }

    /// `only_after` is the newest key that the decision was made on: when another instance was faster, nothing is made.
    async fn make_data_key(
        &self,
        context: &Context,
        only_after: Option<Uuid>,
    ) -> Result<Option<Uuid>, KeyChangeError> {
        let backends = self.keys().store().backends();
        let (stored, _) = backends.generate(&**self.random()).await?;
        let made = self
            .tx("rotate_data_key", context, |tx| {
                let stored = &stored;
                async move {
                    store::take_turn(tx.db()).await?;
                    let living = store::living(tx.db()).await?;
                    if only_after.is_some() && living.first().map(|row| row.stored.id) != only_after {
                        return Ok(false);
                    }
                    if living.len() >= MAX_DATA_KEYS {
                        return Err(KeyChangeError::TooMany);
                    }
                    let wall = tx.wall();
                    store::insert(tx.db(), stored, backends.environment(), wall, wall + HANDOVER).await?;
                    store::retire_others(tx.db(), stored.id, wall + HANDOVER).await?;
                    let entry = audit::Entry {
                        action: "data_key.rotated",
                        subject_kind: "data_key",
                        subject_id: stored.id.to_string(),
                        user: None,
                        details: json!({ "backend": stored.wrapped.backend, "kek": stored.wrapped.kek_id }),
                    };
                    audit::record(tx, entry).await?;
                    Ok::<_, KeyChangeError>(true)
                }
                .scope_boxed()
            })
            .await?;
        if !made {
            return Ok(None);
        }
        if let Err(error) = self.refresh_data_keys().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the new data key is not loaded yet");
        }
        Ok(Some(stored.id))
    }

    /// Makes the next data key when the newest one is old or has sealed often. Part of the retention sweep; a key service
    /// that is away stops nothing else.
    pub(crate) async fn rotate_data_key_when_due(&self) -> Result<(), StoreError> {
        let wall = self.clock().wall();
        let living = store::living(self.db()).await?;
        let Some(newest) = living.first() else { return Ok(()) };
        if wall - newest.created_at < ROTATE_DATA_KEY_EVERY && newest.seals < ROTATE_AFTER_SEALS {
            return Ok(());
        }
        let context = Context::system("key_rotation");
        match self.make_data_key(&context, Some(newest.stored.id)).await {
            Ok(_) => Ok(()),
            Err(KeyChangeError::Store(error)) => Err(error),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the data key is due for rotation and could not be rotated"
                );
                Ok(())
            }
        }
    }

    /// Asks the key service for its next key. What is wrapped stays under the earlier one until
    /// [`App::rewrap_data_keys`].
    pub async fn rotate_kek(&self, context: &Context) -> Result<Rotation, KeyChangeError> {
        let backends = self.keys().store().backends();
        let rotation = backends.rotate().await?;
        if rotation == Rotation::Done {
            let entry = || audit::Entry {
                action: "kek.rotated",
                subject_kind: "key_service",
                subject_id: backends.name().to_owned(),
                user: None,
                details: json!({}),
            };
            self.tx("rotate_kek", context, |tx| audit::record(tx, entry()).scope_boxed()).await?;
        }
        Ok(rotation)
    }

    /// Puts every data key under the current key of the current service. Not one ciphertext is touched (SEC-26). What
    /// was done stays done when it is interrupted.
    pub async fn rewrap_data_keys(&self, context: &Context) -> Result<RewrappedKeys, KeyChangeError> {
        let backends = self.keys().store().backends();
        let mut counts = RewrappedKeys::default();
        for row in store::living(self.db()).await? {
            let (old, new) = (&row.stored, backends.rewrap(&row.stored).await?);
            if old.wrapped.backend == new.wrapped.backend && old.wrapped.kek_id == new.wrapped.kek_id {
                counts.unchanged += 1;
                continue;
            }
            let moved = self.tx("rewrap_data_key", context, |tx| {
                let new = &new;
                async move {
                    if !store::replace_wrapped(tx.db(), old, new).await? {
                        return Ok(false);
                    }
                    let entry = audit::Entry {
                        action: "data_key.rewrapped",
                        subject_kind: "data_key",
                        subject_id: old.id.to_string(),
                        user: None,
                        details: json!({ "from": old.wrapped.kek_id, "to": new.wrapped.kek_id, "backend": new.wrapped.backend }),
                    };
                    audit::record(tx, entry).await?;
                    Ok::<_, StoreError>(true)
                }
                .scope_boxed()
            });
            if moved.await? {
                counts.moved += 1;
            }
        }
        Ok(counts)
    }

    /// Destroys a data key that nothing is under any more.
    pub async fn revoke_data_key(&self, context: &Context, id: Uuid) -> Result<(), KeyChangeError> {
        self.tx("revoke_data_key", context, |tx| {
            async move {
                store::take_turn(tx.db()).await?;
                let row = store::living(tx.db()).await?.into_iter().find(|row| row.stored.id == id);
                let row = row.ok_or(KeyChangeError::Unknown)?;
                if !surely_unused(row.retired_at, tx.wall()) {
                    return Err(KeyChangeError::InUse(id));
                }
                let rows = inventory::rows_under(tx.db(), id).await?;
                if rows > 0 {
                    return Err(KeyChangeError::StillNeeded { id, rows });
                }
                let wall = tx.wall();
                store::revoke(tx.db(), id, wall).await?;
                let entry = audit::Entry {
                    action: "data_key.revoked",
                    subject_kind: "data_key",
                    subject_id: id.to_string(),
                    user: None,
                    details: json!({ "kek": row.stored.wrapped.kek_id }),
                };
                Ok::<_, KeyChangeError>(audit::record(tx, entry).await?)
            }
            .scope_boxed()
        })
        .await?;
        self.refresh_data_keys().await?;
        Ok(())
    }

    /// Compares the data keys in memory with those of the database, and tells what was sealed here.
    pub async fn refresh_data_keys(&self) -> Result<(), KeysError> {
        self.keys().store().refresh(self.db(), self.clock().wall()).await
    }

    /// Asks the key service whether it still opens the current data key; raises an alert when it stops to (SEC-33).
    pub async fn look_at_key_service(&self) -> Result<(), StoreError> {
        let wall = self.clock().wall();
        let backend = self.keys().store().backends().name();
        match self.keys().store().look(self.db(), wall, self.keys().patience()).await? {
            Look::Answers => {}
            Look::StillAway => tracing::warn!(key_service.name = backend, "the key service is still away"),
            Look::CameBack => tracing::info!(key_service.name = backend, "the key service answers again"),
            Look::WentAway(why) => {
                let details = json!({ "service": backend, "why": why });
                let condition = format!("key_backend_away:{backend}");
                let (details, condition) = (Arc::new(details), Arc::new(condition));
                self.tx("key_backend_away", &Context::system("key_service"), |tx| {
                    let (details, condition) = ((*details).clone(), Arc::clone(&condition));
                    async move { alerts::raise(tx, alerts::Kind::KeyBackendAway, &condition, details).await }
                        .scope_boxed()
                })
                .await?;
            }
        }
        Ok(())
    }
}

fn surely_unused(retired_at: Option<Instant>, wall: Instant) -> bool {
    retired_at.is_some_and(|at| wall - at >= SURELY_UNUSED)
}
