//! Every address of the sandbox, in one list.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};

use crate::{clock, faults, guard, log, mail, pages, problem::Problem, psp, sms, telegram, world::World};

pub(crate) fn router(world: Arc<World>) -> Router {
    Router::new()
        .merge(payments())
        .merge(telegram_people())
        .merge(twilio())
        .merge(pages::routes())
        .route("/mailbox", get(pages::mailbox::list).delete(mail::drive::empty))
        .route("/sms", get(pages::sms::list).delete(sms::drive::empty))
        .route("/clock", get(pages::controls::clock).post(clock::advance))
        .route("/faults", get(pages::controls::faults).post(faults::add).delete(faults::clear_all))
        .route("/faults/{id}", delete(faults::clear_one))
        .route("/log", get(log::list))
        .fallback(elsewhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(guard::BODY_LIMIT))
        .layer(middleware::from_fn_with_state(world.clone(), guard::check))
        .with_state(world)
}

fn payments() -> Router<Arc<World>> {
    Router::new()
        .merge(psp::providers::routes())
        .route("/psp/checkout/{payment_id}", get(psp::checkout::page).post(psp::checkout::press))
        .route("/psp/checkouts/{payment_id}", post(psp::drive::checkout))
        .route("/psp/ledger", get(pages::ledger::list))
        .route("/psp/events", get(psp::drive::events))
        .route("/psp/events/{event_id}/resend", post(psp::drive::resend))
}

fn twilio() -> Router<Arc<World>> {
    Router::new()
        .route("/twilio/2010-04-01/Accounts/{account}/Messages.json", post(sms::messages::create))
        .route("/twilio/v2/Services/{service}/Verifications", post(sms::verify::start))
        .route("/twilio/v2/Services/{service}/Verifications/{sid}", post(sms::verify::update))
        .route("/twilio/v2/Services/{service}/VerificationCheck", post(sms::verify::check))
}

fn telegram_people() -> Router<Arc<World>> {
    use telegram::drive;
    Router::new()
        .route("/telegram/users", get(drive::users).post(drive::make))
        .route("/telegram/users/{id}/start", post(drive::start))
        .route("/telegram/users/{id}/join", post(drive::join))
        .route("/telegram/users/{id}/leave", post(drive::leave))
        .route("/telegram/users/{id}/block", post(drive::block))
        .route("/telegram/users/{id}/deactivate", post(drive::deactivate))
        .route("/telegram/users/{id}/messages", get(drive::messages).post(drive::write))
        .route("/telegram/chats", get(drive::chats))
        .route("/telegram/chats/{id}/members", get(drive::members))
        .route("/telegram/chats/{id}/rights", post(drive::rights))
        .route("/telegram/calls", get(drive::calls))
}

/// The Bot API's addresses carry the token in their first segment, which no route can name; the rest doesn't exist.
async fn elsewhere(State(world): State<Arc<World>>, request: Request) -> Response {
    match telegram::server::split_path(request.uri().path()) {
        Some((token, method)) => telegram::server::serve(world, &token, &method, request).await,
        None if pages::prefers_html(request.headers(), request.uri().query()) => pages::missing(),
        None => Problem::not_found("nothing is here").into_response(),
    }
}

async fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this address doesn't take this method",
    )
}
