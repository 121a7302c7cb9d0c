//! `/security`: what guards an account, for its owner.
//!
//! One page tells how things stand; each thing has a page of its own, whose form asks for a fresh proof where the
//! change needs one. What is shown once (a secret, recovery codes, a key) is the answer to the form that made it, and
//! is kept nowhere.

mod app;
mod data;
mod devices;
mod keys;
mod overview;
mod password;
mod phone;
mod recovery_codes;

use axum::Router;
use axum::routing::{MethodRouter, get};

use super::csrf::form;
use super::proof;
use crate::state::WebState;

/// The pages that are read.
pub(super) fn reading() -> Router<WebState> {
    Router::new()
        .route("/security", get(overview::page))
        .route(password::PATH, get(password::page))
        .route(app::PATH, get(app::page))
        .route(app::CONFIRM, get(app::confirm_page))
        .route(app::REMOVE, get(app::remove_page))
        .route(recovery_codes::PATH, get(recovery_codes::page))
        .route(phone::PATH, get(phone::page))
        .route(phone::CONFIRM, get(phone::confirm_page))
        .route(phone::REMOVE, get(phone::remove_page))
        .route(devices::PATH, get(devices::page))
        .route(keys::PATH, get(keys::page))
        .route(keys::NEW, get(keys::new_page))
        .route(data::PATH, get(data::page))
        .route("/security/data/export", get(data::export))
        .route(data::ERASE, get(data::erase_page))
}

/// The forms that post.
pub(super) fn forms() -> [(&'static str, MethodRouter<WebState>); 16] {
    [
        (proof::SEND, form(proof::send)),
        (password::PATH, form(password::change)),
        (app::PATH, form(app::enrol)),
        (app::CONFIRM, form(app::confirm)),
        (app::REMOVE, form(app::remove)),
        (recovery_codes::PATH, form(recovery_codes::replace)),
        (phone::PATH, form(phone::enrol)),
        (phone::CONFIRM, form(phone::confirm)),
        (phone::REMOVE, form(phone::remove)),
        ("/security/devices/end", form(devices::end)),
        ("/security/devices/end-others", form(devices::end_others)),
        ("/security/devices/end-all", form(devices::end_all)),
        (keys::NEW, form(keys::create)),
        ("/security/keys/end", form(keys::end)),
        (data::ERASE, form(data::erase)),
        ("/security/data/keep", form(data::keep)),
    ]
}
