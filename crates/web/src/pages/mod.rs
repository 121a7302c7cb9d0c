//! The pages for people, server-rendered, in French and English.
//!
//! A `session::Visitor` is whoever the cookies say; a `session::SignedIn` has logged in, or is sent to do so. Every
//! form comes through `csrf::form`, which lets only our own pages post. A try of a password or a code goes through
//! `tries`; what changes an account asks for a fresh `proof`. A handler asks the use cases that the API
//! asks too, fills a view of [`views`] and shows it in the visitor's `frame`.

mod account;
pub mod assets;
mod cookies;
mod csrf;
mod dashboard;
mod frame;
mod language;
mod login;
mod login_code;
mod password_reset;
mod payment_steps;
mod payments;
mod proof;
mod redirect;
mod sale;
mod security;
mod session;
mod telegram;
mod tries;
mod user_agent;
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
        .route("/login/code", get(login_code::page))
        .route("/password/forgot", get(password_reset::forgot_page))
        .route("/password/reset", get(password_reset::reset_page))
        .route("/language/{locale}", get(language::choose))
        .route("/dashboard", get(dashboard::page))
        .route("/dashboard/progress", get(dashboard::watch))
        .route("/payments/{id}", get(payments::detail))
        .route("/payments/{id}/checkout", get(payments::checkout))
        .route("/payments/{id}/receipt", get(payments::receipt))
        .route("/payments/{id}/return", get(payments::back))
        .route("/payments/{id}/progress", get(payments::watch))
        .route(assets::ROUTE, get(assets::serve))
        .merge(security::reading());
    forms().into_iter().fold(reading, |router, (path, form)| router.route(path, form))
}

/// Every form that posts.
fn forms() -> Vec<(&'static str, MethodRouter<WebState>)> {
    let mut forms = vec![
        ("/logout", form(login::log_out)),
        ("/dashboard/payments", form(payments::open)),
        ("/telegram/link", form(telegram::link)),
        ("/telegram/unlink", form(telegram::unlink)),
    ];
    let limited = |(path, form): (&'static str, MethodRouter<WebState>)| {
        (path, form.layer(DefaultBodyLimit::max(MAX_AUTH_BODY_BYTES)))
    };
    forms.extend(about_accounts().into_iter().chain(security::forms()).map(limited));
    forms
}

/// The forms about becoming a user and coming back.
fn about_accounts() -> [(&'static str, MethodRouter<WebState>); 8] {
    [
        ("/signup", form(account::sign_up)),
        ("/verify", form(account::verify)),
        ("/verify/resend", form(account::resend)),
        ("/login", form(login::log_in)),
        ("/login/code", form(login_code::answer)),
        ("/login/code/send", form(login_code::send)),
        ("/password/forgot", form(password_reset::forgot)),
        ("/password/reset", form(password_reset::reset)),
    ]
}

/// The address of every form that posts, for whoever tries to forge one.
pub fn form_paths() -> Vec<&'static str> {
    forms().into_iter().map(|(path, _)| path).collect()
}
