//! The product tried from outside: its real router over HTTP, a database for each test, and the simulated world.
//!
//! Folders mirror the tree of addresses. A test's name is a sentence that it shows to be true.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admin;
mod audit;
mod auth;
mod backups;
mod billing;
mod crowd;
mod database;
mod doctor;
mod errors;
mod incident;
mod keys;
mod me;
mod openapi;
mod pages;
mod process;
mod providers;
mod regressions;
mod retention;
mod secrets;
mod sms;
mod subscriptions;
mod support;
mod telegram;
mod webhooks;
