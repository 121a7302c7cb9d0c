//! The simulated Twilio: Programmable Messaging and Verify v2, both ending in one inbox.
//!
//! Addresses, fields, errors and callbacks are the real ones; only the host and the prefix `/twilio` differ. Twilio's own magic numbers
//! (`+15005550001` and so on) are refused as Twilio refuses them. A verification's ten minutes are business time, so that moving the
//! clock ends it.

pub(crate) mod delivery;
pub(crate) mod drive;
pub(crate) mod form;
pub(crate) mod inbox;
pub(crate) mod messages;
mod refusal;
mod service;
mod signature;
pub(crate) mod verify;
