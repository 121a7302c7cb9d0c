//! The binary: command line, configuration, wiring, the private PostgreSQL, the demo and its rehearsal.
//!
//! [`wiring`] turns a configuration into a running product; `serve`, `worker` and the demo differ only in what of it
//! they start. The demo ([`demo`]) is a supervisor: it starts a private PostgreSQL and the simulated world in its own
//! process, and the product as a child process, so that the child can be killed like a real server.

pub mod backup;
pub mod cli;
pub mod config;
pub mod demo;
mod logging;
pub mod postgres;
pub mod rehearsal;
mod server;
mod terminal;
pub mod wiring;
