//! `/api/admin`: what the operator's people do.

mod approvals;
mod freeze;
mod refunds;
mod review;
mod rules;
