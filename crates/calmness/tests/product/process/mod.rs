//! The program itself: its commands, its exit codes, and its death at the wrong moment.

mod commands;
mod power_cut;
mod program;
