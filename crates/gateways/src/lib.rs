//! The outside world, one folder per peer, each speaking the peer's real wire contract.
//!
//! Base addresses are configuration, so a simulated peer on loopback stands in for each.

use std::sync::Arc;

use domain::time::Instant;

mod address;
pub mod http;
pub mod keys;
pub mod mail;
pub mod payments;
pub mod phone;
pub mod sms;
pub mod telegram;

#[cfg(test)]
mod test_peer;

/// The wall clock as an argument: what signatures and dates that leave the house are made with.
pub type WallClock = Arc<dyn Fn() -> Instant + Send + Sync>;
