//! `/api/admin`: what the operator's people do.

mod alerts;
mod approvals;
mod exports;
mod freeze;
mod lists;
mod plans;
mod refunds;
mod review;
mod rules;
mod settings;
mod subscriptions;
mod trace;
