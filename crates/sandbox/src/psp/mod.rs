//! The simulated payment providers: calls of each one's own API in, its events out, a page for payers between.
//!
//! All of them keep one set of books, the oracle of the whole demo: what the ledger says was charged was charged, whatever the
//! product believes. What makes a provider itself is its facade.

mod btcpay;
pub(crate) mod calls;
pub(crate) mod checkout;
pub(crate) mod drive;
pub(crate) mod event;
pub(crate) mod facade;
pub(crate) mod fedapay;
mod hmac_psp;
pub(crate) mod ledger;
pub(crate) mod mtn_momo;
pub(crate) mod opening;
pub(crate) mod payment;
mod paypal;
pub(crate) mod providers;
pub(crate) mod signature;
mod stripe;
pub(crate) mod webhooks;
