//! The story, one act a file. A scene is a series of steps that build upon each other; one that breaks off does not keep
//! the next ones from being played.

pub(super) mod attack;
pub(super) mod audit;
pub(super) mod keys;
pub(super) mod money;
pub(super) mod money_back;
pub(super) mod month;
pub(super) mod operators_day;
pub(super) mod peers;
pub(super) mod power_cut;
pub(super) mod providers;
