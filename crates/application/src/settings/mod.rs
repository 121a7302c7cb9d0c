//! The operator's encrypted settings, `admin_config` (M1, M2, M3).
//!
//! A typed catalogue ([`Key`]): each key knows what it may hold, whether people may read it, and how careful a change must
//! be. Values are kept encrypted, each bound to its row, and in memory on every instance ([`Settings`]); a change is told
//! to all by a notification of the database, and noticed within [`crate::work::REFRESH`] where that is not heard. What the
//! configuration gives wins over a setting.
//!
//! The first value of a key is applied at once: nothing is redirected by it. A change or a deletion of what money or
//! mail goes to waits for a second confirmation ([`crate::approvals`]); a receiving address then becomes valid only after
//! its cooling time, of which all admins are told (`cooling.rs`). Every version is kept, sealed (`store.rs`).

mod catalogue;
mod change;
mod cooling;
mod live;
mod memory;
mod store;
mod summary;
mod validation;
mod view;

use domain::time::Instant;
use gateways::payments::registry::ConnectError;
use thiserror::Error;

pub use self::catalogue::Key;
pub use self::change::Changed;
pub(crate) use self::change::{delete_approved, describe, set_approved};
pub(crate) use self::live::Live;
pub use self::memory::{FixedSettings, Settings, Source};
pub(crate) use self::store::{lock_version, object};
pub use self::view::{CoolingView, SettingView, VersionView};
use crate::tx::{StoreError, tx_error};

/// Where every instance hears of a change.
pub(crate) const CHANNEL: &str = "calmness_settings";

/// Why a setting was not changed.
#[derive(Debug, Error)]
pub enum SettingError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such key.
    #[error("unknown setting; `calmness settings list` tells which there are")]
    UnknownKey,
    /// The value does not fit the key.
    #[error("{} must be: {}", .0.as_str(), .0.description())]
    Invalid(Key),
    /// The document cannot be used.
    #[error("{}: {why}", .key.as_str())]
    Provider {
        /// Which.
        key: Key,
        /// Why not.
        why: ConnectError,
    },
    /// The configuration gives it.
    #[error("{} is given by the configuration, which wins over a setting", .0.as_str())]
    ReadOnly(Key),
    /// There is no such value, version or change under way.
    #[error("there is nothing to delete, to restore or to cancel")]
    Nothing,
}
tx_error!(SettingError);

/// When a value that was confirmed becomes valid.
pub(crate) type ActiveFrom = Instant;
