//! `/api/billing`.

mod by_hand;
mod catalogue;
mod idempotency;
mod init;
mod payments;
mod unknown;
