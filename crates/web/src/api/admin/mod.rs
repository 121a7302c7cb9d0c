//! `/api/admin`: what the operator's people do.

pub(super) mod users;
