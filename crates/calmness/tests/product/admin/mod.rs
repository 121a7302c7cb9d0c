//! `/api/admin`: what the operator's people do.

mod freeze;
mod refunds;
mod review;
mod rules;
