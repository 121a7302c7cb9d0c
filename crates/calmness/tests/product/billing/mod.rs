//! `/api/billing`.

mod catalogue;
mod idempotency;
mod init;
mod payments;
mod unknown;
