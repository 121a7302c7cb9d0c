//! `/api/admin/incident`: the bad day.

mod drill;
pub(crate) mod evidence;
mod purchases;
mod replay;
mod sessions;
