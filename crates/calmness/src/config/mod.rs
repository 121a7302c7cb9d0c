//! The configuration: what an operator decides, in one struct per concern.
//!
//! [`Config::load`] takes, from weakest to strongest, the defaults, `calmness.toml`, in development `.env`, and the
//! environment. Every secret may stand in a file of its own instead, named by the same key with `_file` at its end.
//! The list of all keys is in `keys`; a name that is not on it is an error, because a setting that is silently not
//! read is worse. [`check`] then says, in sentences, what is unsafe or missing. Nothing here reads the environment
//! but `environment`, and nothing prints a secret.

pub mod environment;

mod check;
mod error;
mod key_service;
mod keys;
mod load;
mod sections;
mod source;

#[cfg(test)]
mod tests;

pub use self::check::{Finding, Severity, check};
pub use self::error::ConfigError;
pub use self::key_service::{AwsKmsService, KeyBackendKind, KeyService, VaultService};
pub use self::load::LoadOptions;
pub use self::sections::{
    Backup, Company, Config, Database, Environment, HmacPsp, Limits, Log, LogFormat, Mail, Opening,
    Providers, Removals, Retention, Server, Sms, SmsMode, Telegram, Updates,
};
