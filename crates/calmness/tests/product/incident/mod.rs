//! `/api/admin/incident`: the bad day.

mod drill;
mod evidence;
mod purchases;
mod replay;
mod sessions;
