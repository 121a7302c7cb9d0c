//! What the product does, one folder per capability.
//!
//! A use case is a method of [`App`]. It runs in a named [`Tx`]: a database transaction that knows the two clocks,
//! who acts and on which request, and is repeated whole when PostgreSQL asks for it. It locks and loads, asks the
//! domain what follows, and writes the decision, the audit entry and the work it owes, in one commit. What is owed
//! outside (a provider to ask, a membership to mend, a message to send) is done by [`work`] after the commit.
//!
//! All SQL is here, each capability's in its own `store.rs`. A capability reaches another only through the functions
//! that its `mod.rs` offers, never through its tables; the two hot paths of billing say so at their top.

pub mod access;
pub mod actor;
pub mod alerts;
pub mod app;
pub mod approvals;
pub mod audit;
pub mod billing;
pub mod clock;
pub mod database;
pub mod identity;
pub mod incident;
pub mod invariants;
pub mod keys;
pub mod notifications;
pub mod settings;
pub mod subscriptions;
pub mod text;
pub mod tx;
pub mod work;

pub use actor::{Actor, Context, Role};
pub use app::App;
pub use tx::{StoreError, Tx, TxError};
