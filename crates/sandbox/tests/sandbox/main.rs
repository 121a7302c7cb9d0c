//! The sandbox tried from outside: real HTTP and SMTP over loopback, with a recording stand-in for the product.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod btcpay;
mod checkout;
mod clock;
mod faults;
mod fedapay;
mod guards;
mod mail;
mod mtn_momo;
mod paypal;
mod psp;
mod restart;
mod sms;
mod stage;
mod stripe;
mod telegram;
mod updates;
mod webhooks;
