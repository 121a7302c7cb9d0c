//! `/api/admin`: what the operator's people do.

mod alerts;
mod exports;
mod approvals;
mod freeze;
mod lists;
mod plans;
mod refunds;
mod review;
mod rules;
mod subscriptions;
mod trace;
mod settings;
