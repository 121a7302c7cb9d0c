//! The program itself: its commands, its exit codes, and its death at the wrong moment.

mod accounts;
mod audit;
mod commands;
mod flood;
mod incident;
mod instances;
mod keys;
mod power_cut;
pub(crate) mod program;
