//! `/api/admin`: what the operator's people do.

mod freeze;
mod rules;
