//! The simulated payment service, as `hmac_psp` is specified: signed calls in, signed events out, a checkout page between.
//!
//! The ledger is the oracle of the whole demo: what it says was charged was charged, whatever the product believes.

pub(crate) mod api;
pub(crate) mod checkout;
pub(crate) mod drive;
pub(crate) mod ledger;
pub(crate) mod opening;
pub(crate) mod signature;
pub(crate) mod webhooks;
