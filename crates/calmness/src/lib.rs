//! The binary's rooms: its configuration and its private PostgreSQL.

pub mod config;
pub mod postgres;
