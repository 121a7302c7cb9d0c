//! The pages for people, server-rendered, in French and English.
//!
//! A `session::Visitor` is whoever the cookies say; a `session::SignedIn` has logged in, or is sent to do so. Every
//! form comes through `csrf::form`, which lets only our own pages post. A handler asks the use cases that the API
//! asks too, fills a view of [`views`] and shows it in the visitor's `frame`.

mod account;
pub mod assets;
mod cookies;
mod csrf;
mod dashboard;
mod frame;
mod language;
mod login;
mod payment_steps;
mod payments;
mod redirect;
mod sale;
mod session;
mod telegram;
pub mod views;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, get};

use self::csrf::form;
pub(crate) use self::frame::{Glance, problem_page};
use crate::middleware::MAX_AUTH_BODY_BYTES;
use crate::state::WebState;

/// Every page.
pub fn router() -> Router<WebState> {
    let reading = Router::new()
        .route("/", get(sale::home))
        .route("/signup", get(account::sign_up_page))
        .route("/verify", get(account::verify_page))
        .route("/verify/resend", get(account::resend_page))
        .route("/login", get(login::page))
        .route("/language/{locale}", get(language::choose))
        .route("/dashboard", get(dashboard::page))
        .route("/dashboard/progress", get(dashboard::watch))
        .route("/payments/{id}", get(payments::detail))
        .route("/payments/{id}/checkout", get(payments::checkout))
        .route("/payments/{id}/return", get(payments::back))
        .route("/payments/{id}/progress", get(payments::watch))
        .route(assets::ROUTE, get(assets::serve));
    forms().into_iter().fold(reading, |router, (path, form)| router.route(path, form))
}

/// Every form that posts.
fn forms() -> [(&'static str, MethodRouter<WebState>); 8] {
    let about_accounts =
        |form: MethodRouter<WebState>| form.layer(DefaultBodyLimit::max(MAX_AUTH_BODY_BYTES));
    [
        ("/signup", about_accounts(form(account::sign_up))),
        ("/verify", about_accounts(form(account::verify))),
        ("/verify/resend", about_accounts(form(account::resend))),
        ("/login", about_accounts(form(login::log_in))),
        ("/logout", form(login::log_out)),
        ("/dashboard/payments", form(payments::open)),
        ("/telegram/link", form(telegram::link)),
        ("/telegram/unlink", form(telegram::unlink)),
    ]
}

/// The address of every form that posts, for whoever tries to forge one.
pub fn form_paths() -> Vec<&'static str> {
    forms().into_iter().map(|(path, _)| path).collect()
}
