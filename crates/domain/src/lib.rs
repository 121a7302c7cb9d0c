//! The rules of Calmness, pure: no I/O, no async, no clock and no randomness of its own.
//!
//! Read [`payment`] first (facts that only grow, and a status computed from them), then [`subscription`]
//! (a schedule of periods that never loses a paid microsecond), then [`access`] (who is wanted inside).
//! Everything takes the instant it happens at as an argument, so every rule is tested by tables and properties.

pub mod access;
pub mod approval;
pub mod ids;
pub mod money;
pub mod payment;
pub mod plan;
pub mod reminder;
pub mod removal;
pub mod subscription;
pub mod time;
