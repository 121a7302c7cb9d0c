//! The program itself: its commands, its exit codes, and its death at the wrong moment.

mod accounts;
mod audit;
mod commands;
mod flood;
mod instances;
mod keys;
mod power_cut;
mod program;
